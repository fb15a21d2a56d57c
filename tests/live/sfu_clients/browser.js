/* Participants in pages of one headless browser, driven by tests/live/sfu_clients.py: one JSON object a line on standard
 * input, one answer a line on standard output.
 *
 *   node browser.js chromium|firefox FOLDER      console logs go to FOLDER
 *   {"do": "open", "page": "alice"}
 *   {"do": "join" | "publish" | "unpublish" | "mute" | "look" | "leave", "page": "alice", …}     see page.js
 *   -> {"ok": …} or {"error": "…"}
 *
 * The end of standard input ends the browser. */
import { appendFileSync, createReadStream, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const PATIENCE_MS = 60_000;
const HERE = fileURLToPath(new URL(".", import.meta.url));
const CLIENT = join(HERE, "node_modules/livekit-client/dist");
const [, , kind, folder] = process.argv;

const FILES = {
    "/": ["text/html", join(HERE, "page.html")],
    "/page.js": ["text/javascript", join(HERE, "page.js")],
    "/livekit-client.umd.js": ["text/javascript", join(CLIENT, "livekit-client.umd.js")],
    "/e2ee.worker.js": ["text/javascript", join(CLIENT, "livekit-client.e2ee.worker.js")],
};

function serve() {
    const server = createServer((request, response) => {
        const file = FILES[request.url];
        response.writeHead(file ? 200 : 404, { "Content-Type": file?.[0] ?? "text/plain" });
        return file ? createReadStream(file[1]).pipe(response) : response.end();
    });
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

const CHROMIUM = {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
        "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio", "--no-first-run",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
        /* Nothing but this machine, over its loopback, and the hosts of tests/live/namespace.py. */
        "--allow-loopback-in-peer-connection", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 10.83.*",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        /* All pages are looked at. */
        "--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    ],
};

const FIREFOX = {
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    extraPrefsFirefox: {
        "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true, "media.autoplay.default": 0,
        "media.autoplay.blocking_policy": 0, "media.peerconnection.ice.obfuscate_host_addresses": false, "media.gmp-manager.updateEnabled": false,
        "media.volume_scale": "0.01", "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
        "dom.min_background_timeout_value": 4, "dom.timeout.enable_budget_timer_throttling": false,
    },
};

const pages = new Map();

async function open({ page: name }, browser, base) {
    const page = await (await browser.createBrowserContext()).newPage();
    const log = (line) => appendFileSync(join(folder, `${name}.log`), `${new Date().toISOString()} ${line}\n`);
    pages.set(name, page);
    page.on("console", (message) => log(message.text()));
    page.on("pageerror", (error) => log(`pageerror ${error.stack ?? error}`));
    await page.goto(base, { timeout: PATIENCE_MS });
}

async function main() {
    mkdirSync(folder, { recursive: true });
    const base = await serve();
    const browser = await puppeteer.launch({ headless: true, userDataDir: join(folder, "profile"), protocolTimeout: PATIENCE_MS,
        timeout: PATIENCE_MS, ...(kind === "firefox" ? FIREFOX : CHROMIUM) });
    const answer = (said) => process.stdout.write(JSON.stringify(said) + "\n");
    answer({ ok: await browser.version() });
    for await (const line of createInterface({ input: process.stdin })) {
        const asked = JSON.parse(line);
        try {
            const page = pages.get(asked.page);
            const ok = asked.do === "open" ? await open(asked, browser, base)
                : await page.evaluate((said) => globalThis.acts[said.do](said), asked);
            answer({ ok: ok ?? null });
        } catch (error) {
            answer({ error: String(error.stack ?? error) });
        }
    }
    await browser.close();
}

main().then(() => process.exit(0), (error) => {
    process.stdout.write(JSON.stringify({ error: String(error.stack ?? error) }) + "\n");
    process.exit(1);
});
