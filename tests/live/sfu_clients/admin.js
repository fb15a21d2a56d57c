/* LiveKit's server SDK, livekit-server-sdk, driven as node.js is:
 *
 *   {"do": "ask", "url", "key", "secret", "method": "listRooms", "args": […]}      -> the answer, or {"status", "code", "message"}
 *   {"do": "receive", "key", "secret", "body", "authorization"}                    -> the event of a webhook, verified
 *   {"do": "token", "key", "secret", "identity", "grants"}                         -> a token
 *
 * An argument {"bytes": "text"} is bytes; 64-bit numbers come as texts. */
import { createInterface } from "node:readline";
import { AccessToken, RoomServiceClient, WebhookReceiver } from "livekit-server-sdk";

const plain = (said) => (Array.isArray(said) ? said.map(plain) : said?.toJson?.({ emitDefaultValues: true }) ?? null);
const argument = (said) => (typeof said?.bytes === "string" ? new TextEncoder().encode(said.bytes) : said);

const ACTS = {
    async ask({ url, key, secret, method, args }) {
        try {
            return plain(await new RoomServiceClient(url, key, secret)[method](...args.map(argument)));
        } catch (error) {
            return { status: error.status ?? 0, code: error.code ?? "", message: error.message };
        }
    },
    async receive({ key, secret, body, authorization }) {
        try {
            return plain(await new WebhookReceiver(key, secret).receive(body, authorization));
        } catch (error) {
            return { refused: error.message };
        }
    },
    async token({ key, secret, identity, grants }) {
        const token = new AccessToken(key, secret, { identity });
        token.addGrant(grants);
        return { token: await token.toJwt() };
    },
};

const answer = (said) => process.stdout.write(JSON.stringify(said) + "\n");
answer({ ok: "livekit-server-sdk" });
for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    try {
        answer({ ok: await ACTS[asked.do](asked) });
    } catch (error) {
        answer({ error: String(error.stack ?? error) });
    }
}
