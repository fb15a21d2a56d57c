/* What a Matrix client does around Element Call: it logs in, keeps the keys, and lets the widget speak through it.
 * The user says yes to everything. All of it starts with host.open(); pages.js calls it, and
 * tools/demo_page, which logs in before. */
import { ClientEvent, createClient, Direction, RoomStateEvent } from "matrix-js-sdk";
import { ClientWidgetApi, OpenIDRequestState, Widget, WidgetDriver } from "matrix-widget-api";

const WIDGET_ID = "element-call";

/** Of an event, what a widget may see: the clear one. */
function clear(event) {
    return { ...event.getEffectiveEvent(), room_id: event.getRoomId() };
}

class Driver extends WidgetDriver {
    constructor(client, roomId) {
        super();
        this.client = client;
        this.roomId = roomId;
    }

    async validateCapabilities(requested) {
        return requested;
    }

    askOpenID(observer) {
        this.client.getOpenIdToken().then(
            (token) => observer.update({ state: OpenIDRequestState.Allowed, token }),
            (error) => {
                console.error("host: no OpenID token", error);
                observer.update({ state: OpenIDRequestState.Blocked });
            },
        );
    }

    async *getTurnServers() {
        const { uris = [], username = "", password = "" } = await this.client.turnServer();
        yield { uris, username, password };
    }

    getKnownRooms() {
        return [this.roomId];
    }

    async getRtcTransports() {
        return { rtc_transports: await this.client._unstable_getRTCTransports() };
    }

    async getRtcLivekitToken(data) {
        return this.client._unstable_getLivekitToken(data);
    }

    processError(error) {
        return typeof error?.asWidgetApiErrorData === "function" ? { matrix_api_error: error.asWidgetApiErrorData() } : undefined;
    }

    /* Sending */

    async sendEvent(type, content, stateKey = null, roomId = null) {
        const room = roomId || this.roomId;
        const sent = stateKey === null
            ? await this.client.sendEvent(room, type, content)
            : await this.client.sendStateEvent(room, type, content, stateKey);
        return { roomId: room, eventId: sent.event_id };
    }

    async sendStickyEvent(duration, type, content, roomId = null) {
        const room = roomId || this.roomId;
        const sent = await this.client._unstable_sendStickyEvent(room, duration, null, type, content);
        return { roomId: room, eventId: sent.event_id };
    }

    async sendDelayedEvent(delay, type, content, stateKey = null, roomId = null) {
        const room = roomId || this.roomId;
        const sent = stateKey === null
            ? await this.client._unstable_sendDelayedEvent(room, { delay }, null, type, content)
            : await this.client._unstable_sendDelayedStateEvent(room, { delay }, type, content, stateKey);
        return { roomId: room, delayId: sent.delay_id };
    }

    async sendDelayedStickyEvent(delay, duration, type, content, roomId = null) {
        const room = roomId || this.roomId;
        const sent = await this.client._unstable_sendStickyDelayedEvent(room, duration, { delay }, null, type, content);
        return { roomId: room, delayId: sent.delay_id };
    }

    async cancelScheduledDelayedEvent(delayId) {
        await this.client._unstable_cancelScheduledDelayedEvent(delayId);
    }

    async restartScheduledDelayedEvent(delayId) {
        await this.client._unstable_restartScheduledDelayedEvent(delayId);
    }

    async sendScheduledDelayedEvent(delayId) {
        await this.client._unstable_sendScheduledDelayedEvent(delayId);
    }

    async sendToDevice(type, encrypted, contentMap) {
        const messages = Object.entries(contentMap).flatMap(([userId, devices]) =>
            Object.entries(devices).map(([deviceId, content]) => ({ userId, deviceId, content })));
        if (!encrypted) {
            await this.client.queueToDevice({ eventType: type,
                batch: messages.map(({ userId, deviceId, content }) => ({ userId, deviceId, payload: content })) });
            return;
        }
        for (const { userId, deviceId, content } of messages) {
            await this.client.getCrypto().getUserDeviceInfo([userId], true);
            await this.client.encryptAndSendToDevice(type, [{ userId, deviceId }], content);
        }
    }

    /* Reading */

    async readRoomTimeline(roomId, type, msgtype, stateKey, limit, since) {
        const found = [];
        for (const event of this.client.getRoom(roomId)?.getLiveTimeline().getEvents().toReversed() ?? []) {
            if (event.getId() === since || (limit > 0 && found.length >= limit)) {
                break;
            }
            if (event.getType() === type && (msgtype === undefined || event.getContent().msgtype === msgtype) &&
                (stateKey === undefined || event.getStateKey() === stateKey)) {
                found.push(clear(event));
            }
        }
        return found;
    }

    async readRoomState(roomId, type, stateKey) {
        const state = this.client.getRoom(roomId)?.getLiveTimeline().getState(Direction.Forward);
        if (!state) {
            return [];
        }
        if (stateKey === undefined) {
            return state.getStateEvents(type).map(clear);
        }
        const event = state.getStateEvents(type, stateKey);
        return event ? [clear(event)] : [];
    }

    async readStickyEvents(roomId) {
        return [...(this.client.getRoom(roomId)?._unstable_getStickyEvents() ?? [])].map(clear);
    }

    async readRoomAccountData() {
        return [];
    }

    async readEventRelations(eventId, roomId, relationType, eventType, from, to, limit, dir) {
        const { events, nextBatch, prevBatch } = await this.client.relations(
            roomId || this.roomId, eventId, relationType ?? null, eventType ?? null, { from, to, limit, dir });
        return { chunk: events.map(clear), nextBatch, prevBatch };
    }
}

/** What the client hears, the widget hears. */
function feed(client, api, roomId) {
    const failed = (error) => console.error("host: the widget does not take an event", error);
    client.on(ClientEvent.Event, async (event) => {
        if (event.getRoomId() === roomId) {
            await client.decryptEventIfNeeded(event);
            api.feedEvent(clear(event)).catch(failed);
        }
    });
    client.on(RoomStateEvent.Events, (event) => {
        if (event.getRoomId() === roomId) {
            api.feedStateUpdate(clear(event)).catch(failed);
        }
    });
    client.on(ClientEvent.ReceivedToDeviceMessage, ({ message, encryptionInfo }) => {
        if (encryptionInfo !== null) {
            host.encryptedToDevice[message.type] = (host.encryptedToDevice[message.type] ?? 0) + 1;
        }
        api.feedToDevice(message, encryptionInfo !== null).catch(failed);
    });
}

function widgetUrl(client, roomId, encrypted) {
    const said = new URLSearchParams({
        widgetId: WIDGET_ID, parentUrl: location.origin + location.pathname, userId: client.getUserId(),
        deviceId: client.getDeviceId(), baseUrl: client.getHomeserverUrl(), roomId, lang: "en", theme: "dark",
        intent: "start_call", confineToRoom: "true", perParticipantE2EE: String(encrypted), header: "none", skipLobby: "false",
    });
    return `${location.origin}/element-call/index.html#?${said}`;
}

async function firstSync(client) {
    await new Promise((resolve) => {
        client.on(ClientEvent.Sync, (state) => state === "PREPARED" && resolve());
        client.startClient({ initialSyncLimit: 50 });
    });
}

/** Puts Element Call on the page, for this device in this room; done when the widget may speak. `mode` as its developers'
 * settings name them, "compatibility" or "matrix_2_0"; `encrypted`: its media, as clients ask for it in rooms that are. */
async function open({ baseUrl, userId, deviceId, accessToken, roomId, mode, encrypted }) {
    localStorage.setItem("matrix-setting-matrix-rtc-mode", JSON.stringify(mode));
    const client = createClient({ baseUrl, userId, deviceId, accessToken });
    await client.initRustCrypto({ useIndexedDB: false });
    await firstSync(client);
    await client.getCrypto().getUserDeviceInfo(client.getRoom(roomId).getJoinedMembers().map((m) => m.userId), true);

    const iframe = document.createElement("iframe");
    iframe.allow = "camera; microphone; display-capture; autoplay";
    const url = widgetUrl(client, roomId, encrypted);
    const widget = new Widget({ id: WIDGET_ID, creatorUserId: userId, type: "m.call", url, roomId, waitForIframeLoad: false });
    document.body.append(iframe); /* before the interface: it needs the iframe's window */
    const api = new ClientWidgetApi(widget, iframe, new Driver(client, roomId));
    api.setViewedRoomId(roomId);
    for (const action of ["io.element.join", "io.element.close", "im.vector.hangup", "io.element.device_mute", "set_always_on_screen"]) {
        api.on(`action:${action}`, (event) => {
            event.preventDefault();
            host.actions.push(action);
            api.transport.reply(event.detail, action === "set_always_on_screen" ? { success: true } : {});
        });
    }
    const ready = new Promise((resolve) => api.once("ready", resolve));
    iframe.src = url;
    await ready;
    feed(client, api, roomId);
}

/** A new device of this user. */
async function login({ baseUrl, user, password }) {
    const said = await createClient({ baseUrl }).loginRequest({ type: "m.login.password", password,
        identifier: { type: "m.id.user", user }, initial_device_display_name: "Parley's demo" });
    return { baseUrl, userId: said.user_id, deviceId: said.device_id, accessToken: said.access_token };
}

/* For pages.js: what was said so far by the widget, and how many to-device messages came encrypted, by type. */
const host = { login, open, actions: [], encryptedToDevice: {} };
globalThis.host = host;
