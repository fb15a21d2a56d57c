/* A participant in a page, on livekit-client. tests/live/sfu_clients/browser.js calls the acts below. */
"use strict";

const { Room, RoomEvent, Track, ExternalE2EEKeyProvider, setLogLevel } = LivekitClient;
const SIZE = { width: 320, height: 180 };
const SECOND_MS = 1000;
const PICTURE_MS = 5 * SECOND_MS; /* a camera takes a tenth of a second */

setLogLevel("debug");

let room = null;
let worker = null;
const told = []; /* who came and went, in order */
const data = []; /* what messages came: { kind, from, topic, text or n and sum } */
const published = new Map(); /* by source: the publication */
const dataTracks = new Map(); /* our own, by name */
const hearing = new Map();
const spoke = new Set(); /* identities that the server said speak */

/** Gives pictures? Chromium's camera may give none, ever, where one page opens it while another closes it. */
async function runs(camera) {
    if (!globalThis.MediaStreamTrackProcessor) {
        return true;
    }
    const reader = new MediaStreamTrackProcessor({ track: camera }).readable.getReader();
    const late = new Promise((resolve) => { setTimeout(resolve, PICTURE_MS, {}); });
    const { value } = await Promise.race([reader.read(), late]);
    value?.close();
    await reader.cancel();
    return value !== undefined;
}

const SMALL_FPS = 20, SMALL_BPS = 300000; /* more livekit-client does not send of a small picture by itself */

/** The fake camera and microphone of the browser. */
async function device(source, size, fps) {
    const wanted = source === "camera" ? { video: { ...(size ?? SIZE), frameRate: fps ?? 15 } } : { audio: true };
    for (;;) { /* until sfu_clients.py is out of patience */
        const [track] = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();
        if (source !== "camera" || await runs(track)) {
            return track;
        }
        track.stop();
    }
}

/** A screen is drawn: nobody is there to choose a window. It changes all the time. */
function screen() {
    const canvas = Object.assign(document.createElement("canvas"), SIZE);
    const context = canvas.getContext("2d");
    let n = 0;
    const draw = () => {
        n += 1;
        context.fillStyle = `hsl(${(7 * n) % 360} 80% 50%)`;
        context.fillRect(0, 0, SIZE.width, SIZE.height);
    };
    draw();
    setInterval(draw, SECOND_MS / 10);
    return canvas.captureStream(10).getVideoTracks()[0];
}

/** A camera on what no encoder makes small: in each picture some squares are others. */
function busy({ width, height }, fps) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const draw = () => {
        for (let n = 0; n < 6; n++) {
            context.fillStyle = `hsl(${360 * Math.random()} 80% ${100 * Math.random()}%)`;
            context.fillRect(width * Math.random(), height * Math.random(), width / 20, width / 20);
        }
    };
    draw();
    setInterval(draw, SECOND_MS / fps / 2); /* a late one costs no picture */
    return canvas.captureStream(fps).getVideoTracks()[0];
}

/** What has arrived of one track. */
async function arrived(publication) {
    const said = { sid: publication.trackSid, muted: publication.isMuted, subscribed: publication.isSubscribed, frames: 0, energy: 0, packets: 0, mime: publication.mimeType,
        flow: publication.track?.streamState }; /* "active", or "paused" by the server */
    const receiver = publication.track?.receiver;
    const report = receiver ? await receiver.getStats() : new Map();
    for (const row of report.values()) {
        if (row.type === "inbound-rtp") {
            said.bytes = row.bytesReceived; /* of payloads */
            said.frames += row.framesDecoded ?? 0;
            said.whole = row.framesReceived; /* with all their packets; decoded or not */
            said.energy += row.totalAudioEnergy ?? 0;
            said.packets += row.packetsReceived ?? 0;
            said.width = row.frameWidth ?? 0;
            said.samples = row.totalSamplesReceived;
            said.concealed = row.concealedSamples; /* of these, with what is like the sound before … */
            said.silent = row.silentConcealedSamples; /* … until that is too old, and then with nothing */
        }
    }
    return said;
}

/** Of bytes in their order, so that what is lost or turned round shows. */
const sum = (chunks) => chunks.flatMap((chunk) => [...chunk]).reduce((total, byte) => (31 * total + byte) >>> 0, 7);
const pattern = (n) => Uint8Array.from({ length: n }, (_, i) => (i * i) >> 3);

/** A frame of a data track. */
function numbered(n, number) {
    const payload = pattern(n);
    payload.set([number >> 8, number & 255], n - 2);
    return payload;
}

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
    room.registerRpcMethod("greet", async ({ callerIdentity, payload }) => `${payload} to ${callerIdentity}`);
}

/** The kinds of our own candidates that media goes through: "host", "relay" … */
async function paths() {
    const kinds = new Set();
    const manager = room?.engine.pcManager;
    for (const transport of [manager?.publisher, manager?.subscriber]) {
        const stats = (await transport?.getStats()) ?? new Map(); /* none is left of one that has ended */
        for (const row of stats.values()) {
            if (row.type === "transport" && row.selectedCandidatePairId) {
                kinds.add(stats.get(stats.get(row.selectedCandidatePairId).localCandidateId).candidateType);
            }
        }
    }
    return [...kinds];
}

async function leave() {
    await room?.disconnect();
    worker?.terminate();
    worker = room = null;
    published.clear();
    dataTracks.clear();
    hearing.clear();
}

let protocolSaid = null;
globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
        super(protocolSaid ? String(url).replace(/([?&]protocol=)\d+/, `$1${protocolSaid}`) : url, ...rest);
    }
};

globalThis.acts = {
    async join({ url, token, single, key, relay, protocol, pause }) {
        await leave();
        const options = { singlePeerConnection: single, dynacast: true, adaptiveStream: false };
        if (key) {
            const keys = new ExternalE2EEKeyProvider();
            await keys.setKey(key);
            worker = new Worker("/e2ee.worker.js");
            options.encryption = { keyProvider: keys, worker };
        }
        room = new Room(options);
        told.length = 0;
        spoke.clear();
        protocolSaid = protocol;
        room.on(RoomEvent.ParticipantConnected, (who) => told.push(`came ${who.identity}`));
        room.on(RoomEvent.ParticipantDisconnected, (who) => told.push(`went ${who.identity}`));
        room.on(RoomEvent.Disconnected, (reason) => told.push(`over ${reason}`));
        room.on(RoomEvent.Reconnecting, () => told.push("reconnecting"));
        room.on(RoomEvent.SignalReconnecting, () => told.push("resuming"));
        room.on(RoomEvent.Reconnected, () => told.push("reconnected"));
        room.on(RoomEvent.ActiveSpeakersChanged, (who) => who.forEach(({ identity }) => spoke.add(identity)));
        room.on(RoomEvent.TrackSubscribed, (track) => document.body.append(track.attach()));
        room.on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()));
        room.on(RoomEvent.RoomMetadataChanged, (metadata) => told.push(`room ${metadata}`));
        listen();
        if (key) {
            await room.setE2EEEnabled(true);
        }
        try {
            await room.connect(url, token, { maxRetries: 0, subscriberAllowPause: pause, ...(relay && { rtcConfig: { iceTransportPolicy: "relay" } }) });
        } catch (error) {
            return { refused: error.message, status: error.status ?? 0 };
        }
        return { sid: room.localParticipant.sid };
    },
    async publish({ source, codec, mode, size, fps, restless }) {
        const track = restless ? busy(size, fps) : source === "screen_share" ? screen() : await device(source, size, fps);
        /* A small camera is no reason for one layer: what is switched between must be there. */
        published.set(source, await room.localParticipant.publishTrack(track, {
            source, simulcast: source === "camera", videoCodec: codec, scalabilityMode: mode, backupCodec: false,
            ...(fps > SMALL_FPS && { videoEncoding: { maxBitrate: SMALL_BPS, maxFramerate: fps } }) }));
        return { sid: published.get(source).trackSid };
    },
    async unpublish({ source }) {
        await room.localParticipant.unpublishTrack(published.get(source).track, true);
        published.delete(source);
    },
    async mute({ source, on }) {
        const publication = published.get(source);
        await (on ? publication.mute() : publication.unmute());
    },
    /** How good it shall be: 0 low, 1 medium, 2 high. */
    async prefer({ of, source, quality }) {
        room.remoteParticipants.get(of).getTrackPublication(source).setVideoQuality(quality);
    },
    async send({ text, topic, reliable, to }) {
        await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable, topic, destinationIdentities: to });
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
    async publish_data({ name }) {
        try {
            dataTracks.set(name, await room.localParticipant.publishDataTrack({ name }));
        } catch (error) {
            return { refused: error.reasonName, message: error.rawMessage };
        }
        return { sid: dataTracks.get(name).info.sid };
    },
    async unpublish_data({ name }) {
        await dataTracks.get(name).unpublish();
        dataTracks.delete(name);
    },
    /** Frames of these sizes, one after the other; the last two bytes are the frame's number, from `first` on. */
    async push({ name, sizes, first }) {
        const track = dataTracks.get(name);
        for (const [i, n] of sizes.entries()) {
            const payload = numbered(n, first + i);
            await track.tryPush({ payload, userTimestamp: BigInt(1000 + first + i) });
            await track.flush();
        }
    },
    /** Until the track ends; what comes of it is data of the kind "frame". */
    async hear_data({ of, name }) {
        const reader = room.remoteParticipants.get(of).dataTracks.get(name).subscribe({ bufferSize: 1000 }).getReader();
        hearing.set(`${of} ${name}`, reader);
        const hear = async () => {
            for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
                const n = value.payload.length;
                const number = (value.payload[n - 2] << 8) | value.payload[n - 1];
                data.push({ kind: "frame", from: of, topic: name, n, number, time: Number(value.userTimestamp),
                    whole: sum([value.payload]) === sum([numbered(n, number)]) });
            }
            data.push({ kind: "end", from: of, topic: name });
        };
        hear().catch((error) => data.push({ kind: "end", from: of, topic: name, text: error.message }));
    },
    async ignore_data({ of, name }) {
        await hearing.get(`${of} ${name}`).cancel();
    },
    async rpc({ to, method, payload }) {
        try {
            return { answer: await room.localParticipant.performRpc({ destinationIdentity: to, method, payload }) };
        } catch (error) {
            return { code: error.code, refused: error.message };
        }
    },
    async permit({ all, to }) {
        room.localParticipant.setTrackSubscriptionPermissions(all, (to ?? []).map((one) => ({ participantIdentity: one, allowAll: true })));
    },
    async set({ name, metadata, attributes }) {
        const me = room.localParticipant;
        await (name !== undefined ? me.setName(name) : metadata !== undefined ? me.setMetadata(metadata) : me.setAttributes(attributes));
    },
    async who() {
        const of = (one) => ({ name: one.name, metadata: one.metadata, attributes: one.attributes, permissions: one.permissions });
        return { me: of(room.localParticipant),
            ...Object.fromEntries([...room.remoteParticipants.values()].map((one) => [one.identity, of(one)])) };
    },
    async look() {
        const people = {};
        for (const who of room?.remoteParticipants.values() ?? []) {
            people[who.identity] = {};
            for (const publication of who.trackPublications.values()) {
                people[who.identity][publication.source] = await arrived(publication);
            }
        }
        /* For two seconds behind a full reconnect livekit-client keeps what happens to itself, for good. */
        const state = room?.engine?.pendingReconnect ? "reconnecting" : room?.state ?? "disconnected";
        const all = room ? [room.localParticipant, ...room.remoteParticipants.values()] : [];
        const dataOf = (who) => [who.identity, [...who.dataTracks.keys()]];
        const dataTracksOf = Object.fromEntries([...room?.remoteParticipants.values() ?? []].map(dataOf));
        return { state, sid: room?.localParticipant.sid, people, told, data, dataTracks: dataTracksOf, paths: await paths(),
            spoke: [...spoke], speaking: (room?.activeSpeakers ?? []).map((who) => who.identity),
            quality: Object.fromEntries(all.map((who) => [who.identity, who.connectionQuality])) };
    },
    /** As livekit-client names them: signal-reconnect, full-reconnect … */
    async simulate({ what }) {
        await room.simulateScenario(what);
    },
    leave,
};
