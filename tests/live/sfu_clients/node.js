/* A participant in Node.js, on @livekit/rtc-node (Rust, libwebrtc). Driven as browser.js is, with the acts of page.js:
 *
 *   node node.js         one participant a process, so that it can be killed
 */
import { createInterface } from "node:readline";
import {
    AudioFrame, AudioSource, AudioStream, ConnectionQuality, LocalAudioTrack, LocalVideoTrack, Room, RoomEvent, TrackKind, TrackPublishOptions,
    TrackSource, VideoBufferType, VideoFrame, VideoSource, VideoStream, dispose,
} from "@livekit/rtc-node";

const SIZE = { width: 320, height: 180 };
const FRAME_MS = 100;
const RATE = 48_000, SAMPLES = RATE / 100; /* 10 ms */
const SOURCES = { camera: TrackSource.SOURCE_CAMERA, microphone: TrackSource.SOURCE_MICROPHONE, screen_share: TrackSource.SOURCE_SCREENSHARE };
const NAMES = Object.fromEntries(Object.entries(SOURCES).map(([name, source]) => [source, name]));

let room = null;
const told = [];
const data = []; /* as in page.js */
const spoke = new Set(); /* identities that the server said speak */
let speaking = []; /* … do now */
const quality = {}; /* by identity, in the words of page.js */
const QUALITIES = { [ConnectionQuality.QUALITY_POOR]: "poor", [ConnectionQuality.QUALITY_GOOD]: "good",
    [ConnectionQuality.QUALITY_EXCELLENT]: "excellent", [ConnectionQuality.QUALITY_LOST]: "lost" };
const published = new Map(); /* by source: { publication, stop } */
const arrived = new Map(); /* by sid of a track: what has come of it */

/** A grey picture that gets lighter. */
function camera() {
    const source = new VideoSource(SIZE.width, SIZE.height);
    let n = 0;
    const draw = () => {
        const bytes = new Uint8Array((SIZE.width * SIZE.height * 3) / 2).fill(128);
        bytes.fill(40 + ((8 * n++) % 160), 0, SIZE.width * SIZE.height);
        source.captureFrame(new VideoFrame(bytes, SIZE.width, SIZE.height, VideoBufferType.I420));
    };
    const timer = setInterval(draw, FRAME_MS);
    return { track: LocalVideoTrack.createVideoTrack("camera", source), stop: () => clearInterval(timer) };
}

/** 440 Hz. */
function microphone() {
    const source = new AudioSource(RATE, 1);
    let n = 0, over = false;
    const play = async () => {
        while (!over) {
            const samples = Int16Array.from({ length: SAMPLES }, () => 8000 * Math.sin((2 * Math.PI * 440 * n++) / RATE));
            await source.captureFrame(new AudioFrame(samples, RATE, 1, SAMPLES));
        }
    };
    play().catch(() => {}); /* the source ends with the room */
    return { track: LocalAudioTrack.createAudioTrack("microphone", source), stop: () => { over = true; } };
}

async function watch(track, sid) {
    const said = { frames: 0, energy: 0, packets: 0, width: 0 };
    arrived.set(sid, said);
    if (track.kind === TrackKind.KIND_VIDEO) {
        for await (const { frame } of new VideoStream(track)) {
            said.frames += 1;
            said.width = frame.width;
        }
        return;
    }
    for await (const frame of new AudioStream(track, RATE, 1)) {
        said.energy += frame.data.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / RATE;
    }
}

/** Of bytes in their order, as in page.js. */
const sum = (chunks) => chunks.flatMap((chunk) => [...chunk]).reduce((total, byte) => (31 * total + byte) >>> 0, 7);
const pattern = (n) => Uint8Array.from({ length: n }, (_, i) => (i * i) >> 3);

function listen() {
    data.length = 0;
    room.on(RoomEvent.DataReceived, (payload, from, _, topic) => data.push({
        kind: "packet", from: from?.identity ?? "", topic: topic ?? "", text: new TextDecoder().decode(payload) }));
    room.on(RoomEvent.ChatMessage, (message, from) => data.push({ kind: "chat", from: from?.identity ?? "", text: message.message }));
    room.registerTextStreamHandler("notes", async (reader, from) => {
        data.push({ kind: "text", from: from.identity, topic: "notes", text: await reader.readAll() });
    });
    room.registerByteStreamHandler("files", async (reader, from) => {
        const chunks = await reader.readAll();
        data.push({ kind: "bytes", from: from.identity, topic: "files", n: chunks.reduce((n, chunk) => n + chunk.length, 0), sum: sum(chunks) });
    });
    room.on(RoomEvent.RoomMetadataChanged, (metadata) => told.push(`room ${metadata}`));
}

async function leave() {
    published.forEach(({ stop }) => stop());
    published.clear();
    arrived.clear();
    await room?.disconnect();
    room = null;
}

const ACTS = {
    async join({ url, token, single, key }) {
        await leave();
        room = new Room();
        told.length = 0;
        spoke.clear();
        speaking = [];
        Object.keys(quality).forEach((who) => delete quality[who]);
        room.on(RoomEvent.ActiveSpeakersChanged, (who) => {
            speaking = who.map(({ identity }) => identity);
            speaking.forEach((identity) => spoke.add(identity));
        });
        room.on(RoomEvent.ConnectionQualityChanged, (now, who) => { quality[who.identity] = QUALITIES[now]; });
        room.on(RoomEvent.ParticipantConnected, (who) => told.push(`came ${who.identity}`));
        room.on(RoomEvent.ParticipantDisconnected, (who) => told.push(`went ${who.identity}`));
        room.on(RoomEvent.Disconnected, (reason) => told.push(`over ${reason}`));
        room.on(RoomEvent.Reconnecting, () => told.push("resuming")); /* or joins anew: it does not say which */
        room.on(RoomEvent.Reconnected, () => told.push("reconnected"));
        room.on(RoomEvent.TrackSubscribed, (track, publication) => watch(track, publication.sid).catch(() => {}));
        listen();
        const options = { autoSubscribe: true, dynacast: true, singlePeerConnection: single };
        if (key) {
            options.encryption = { keyProviderOptions: { sharedKey: new TextEncoder().encode(key) } };
        }
        try {
            await room.connect(url, token, options);
        } catch (error) {
            return { refused: error.message };
        }
        room.localParticipant.registerRpcMethod("greet", async ({ callerIdentity, payload }) => `${payload} to ${callerIdentity}`);
        return { sid: room.localParticipant.sid };
    },
    async publish({ source }) {
        const { track, stop } = source === "microphone" ? microphone() : camera();
        const publication = await room.localParticipant.publishTrack(track, new TrackPublishOptions({
            source: SOURCES[source], simulcast: false }));
        published.set(source, { publication, stop });
        return { sid: publication.sid };
    },
    async unpublish({ source }) {
        published.get(source).stop();
        await room.localParticipant.unpublishTrack(published.get(source).publication.sid);
        published.delete(source);
    },
    async send({ text, topic, reliable, to }) {
        await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable, topic, destination_identities: to });
    },
    async chat({ text }) {
        await room.localParticipant.sendChatMessage(text);
    },
    async text({ text, to }) {
        await room.localParticipant.sendText(text, { topic: "notes", destinationIdentities: to });
    },
    async bytes({ n, to }) {
        const writer = await room.localParticipant.streamBytes({ name: "file", topic: "files", totalSize: n, destinationIdentities: to });
        await writer.write(pattern(n));
        await writer.close();
        return { sum: sum([pattern(n)]) };
    },
    async rpc({ to, method, payload }) {
        try {
            return { answer: await room.localParticipant.performRpc({ destinationIdentity: to, method, payload }) };
        } catch (error) {
            return { code: error.code, refused: error.message };
        }
    },
    async who() {
        const of = (one) => ({ name: one.name, metadata: one.metadata, attributes: one.attributes });
        return { me: of(room.localParticipant),
            ...Object.fromEntries([...room.remoteParticipants.values()].map((one) => [one.identity, of(one)])) };
    },
    async look() {
        const people = {};
        for (const who of room?.remoteParticipants.values() ?? []) {
            people[who.identity] = {};
            for (const publication of who.trackPublications.values()) {
                people[who.identity][NAMES[publication.source] ?? "unknown"] = {
                    sid: publication.sid, muted: publication.muted, subscribed: publication.subscribed, ...(arrived.get(publication.sid) ?? {}) };
            }
        }
        return { state: room?.isConnected ? "connected" : "disconnected", sid: room?.localParticipant?.sid, people, told, data,
            spoke: [...spoke], speaking, quality };
    },
    leave,
};

async function main() {
    const answer = (said) => process.stdout.write(JSON.stringify(said) + "\n");
    answer({ ok: "rtc-node" });
    for await (const line of createInterface({ input: process.stdin })) {
        const asked = JSON.parse(line);
        try {
            answer({ ok: (await ACTS[asked.do](asked)) ?? null });
        } catch (error) {
            answer({ error: String(error.stack ?? error) });
        }
    }
    await leave();
    await dispose();
}

main().then(() => process.exit(0), (error) => {
    process.stdout.write(JSON.stringify({ error: String(error.stack ?? error) }) + "\n");
    process.exit(1);
});
