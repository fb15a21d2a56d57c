/* Pages of a headless Chromium, each with Element Call for one user. Driven by tests/live/element_call.py: one JSON
 * object a line on standard input, one answer a line on standard output.
 *
 *   node pages.js FOLDER      console logs and screenshots go to FOLDER
 *   {"do": "open", "page": "alice", "baseUrl": …, "userId": …, "deviceId": …, "accessToken": …, "roomId": …, "mode": …, "encrypted": …}
 *   {"do": "visit", "page": "alice", "url": …}     a page of somebody else's, which opens it
 *   {"do": "join" | "media" | "hangup" | "close" | "crash" | "picture", "page": "alice"}
 *   {"do": "clear"}           no page is open any more
 *   -> {"ok": …} or {"error": "…"}
 *
 * The end of standard input ends the browser. */
import { createReadStream, existsSync, mkdirSync, mkdtempSync, writeFileSync, appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import puppeteer from "puppeteer-core";

const PATIENCE_MS = 90_000;
const HERE = fileURLToPath(new URL(".", import.meta.url));
const PACKAGES = join(HERE, "node_modules");
const folder = process.argv[2];
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json",
    ".wasm": "application/wasm", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const VIDEO = { width: 320, height: 180, rate: 10, frames: 20 };

/** Our page, its bundle, and Element Call as it is delivered. */
const ROUTES = [
    ["/element-call/", join(PACKAGES, "@element-hq/element-call-embedded/dist/")],
    ["/pkg/", join(PACKAGES, "@matrix-org/matrix-sdk-crypto-wasm/pkg/")],
    ["/host.bundle.js", join(folder, "host.bundle.js")],
    ["/host.html", join(HERE, "host.html")],
];

function serve() {
    const server = createServer((request, response) => {
        const path = normalize(new URL(request.url, "http://localhost").pathname);
        const route = ROUTES.find(([prefix]) => path.startsWith(prefix));
        const file = route && route[1] + path.slice(route[0].length);
        if (!file || !existsSync(file)) {
            response.writeHead(404).end();
            return;
        }
        response.writeHead(200, { "Content-Type": KINDS[extname(file)] ?? "application/octet-stream" });
        createReadStream(file).pipe(response);
    });
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

/** The camera: a small grey picture that gets lighter, so that two cores are enough. */
function writeVideo(path) {
    const { width, height, rate, frames } = VIDEO;
    const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${rate}:1 Ip A1:1 C420jpeg\n`)];
    for (let n = 0; n < frames; n++) {
        const luma = Buffer.alloc(width * height, 40 + 8 * n);
        parts.push(Buffer.from("FRAME\n"), luma, Buffer.alloc((width * height) / 2, 128));
    }
    writeFileSync(path, Buffer.concat(parts));
}

function launch(camera) {
    return puppeteer.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        headless: true,
        userDataDir: mkdtempSync(join(folder, "profile-")),
        protocolTimeout: PATIENCE_MS,
        timeout: PATIENCE_MS,
        defaultViewport: { width: 640, height: 480 },
        args: [
            "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            `--use-file-for-fake-video-capture=${camera}`, "--autoplay-policy=no-user-gesture-required",
            /* Nothing but this machine, over its loopback. */
            "--allow-loopback-in-peer-connection", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            /* Both pages are looked at. */
            "--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
        ],
    });
}

const pages = new Map();

/** Runs in every frame before its scripts: keeps the peer connections, to ask for their statistics. */
function keepConnections() {
    const kept = [];
    globalThis.peerConnections = kept;
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...args) {
            super(...args);
            kept.push(this);
        }
    };
}

/** Runs in Element Call's frame: what has arrived so far by its SSRC, and what is shown of it. */
async function readMedia() {
    const sum = { videoFrames: {}, audioEnergy: {}, sentFrames: 0 };
    for (const connection of globalThis.peerConnections) {
        for (const row of (await connection.getStats()).values()) {
            if (row.type === "inbound-rtp" && row.kind === "video") {
                sum.videoFrames[row.ssrc] = row.framesDecoded ?? 0;
            } else if (row.type === "inbound-rtp" && row.kind === "audio") {
                sum.audioEnergy[row.ssrc] = row.totalAudioEnergy ?? 0;
            } else if (row.type === "outbound-rtp" && row.kind === "video") {
                sum.sentFrames += row.framesEncoded ?? 0;
            }
        }
    }
    const theirs = new Set(globalThis.peerConnections.flatMap((one) => one.getReceivers().map((receiver) => receiver.track)));
    const videos = [...document.querySelectorAll("video")].filter((video) =>
        video.srcObject?.getVideoTracks().some((track) => theirs.has(track)));
    sum.othersShown = videos.length;
    sum.connected = globalThis.peerConnections.filter((one) => one.connectionState === "connected").length;
    sum.shownFrames = videos.reduce((frames, video) => frames + video.getVideoPlaybackQuality().totalVideoFrames, 0);
    return sum;
}

async function callFrame(page) {
    const iframe = await page.waitForSelector("iframe", { timeout: PATIENCE_MS });
    return iframe.contentFrame();
}

async function press(page, id) {
    const button = await (await callFrame(page)).waitForSelector(`[data-testid="${id}"]:not([disabled])`, { timeout: PATIENCE_MS });
    await button.evaluate((element) => element.click());
}

function logConsole(page, name) {
    const log = (line) => appendFileSync(join(folder, `${name}.log`), `${new Date().toISOString()} ${line}\n`);
    page.on("console", (message) => log(`${message.type()} ${message.text()}`));
    page.on("pageerror", (error) => log(`pageerror ${error.stack ?? error}`));
    page.on("requestfailed", (request) => log(`requestfailed ${request.url().split("?")[0]} ${request.failure()?.errorText}`));
    page.on("error", (error) => log(`crashed ${error.message}`));
}

async function load(name, url, browser) {
    const page = await (await browser.createBrowserContext()).newPage();
    pages.set(name, page);
    logConsole(page, name);
    await page.evaluateOnNewDocument(keepConnections);
    await page.goto(url, { timeout: PATIENCE_MS });
    await page.waitForFunction("globalThis.host", { timeout: PATIENCE_MS });
    return page;
}

async function lobby(page) {
    await (await callFrame(page)).waitForSelector('[data-testid="lobby_joinCall"]', { timeout: PATIENCE_MS });
}

const ACTS = {
    async open({ page: name, ...who }, browser, base) {
        const page = await load(name, `${base}/host.html`, browser);
        await page.evaluate((said) => globalThis.host.open(said), who);
        await lobby(page);
    },
    async visit({ page: name, url }, browser) {
        await lobby(await load(name, url, browser));
    },
    async join({ page }) {
        await press(pages.get(page), "lobby_joinCall");
    },
    async media({ page }) {
        const said = await pages.get(page).evaluate(() => ({ actions: host.actions, encryptedToDevice: host.encryptedToDevice }));
        return { ...said, ...(await (await callFrame(pages.get(page))).evaluate(readMedia)) };
    },
    async hangup({ page }) {
        await press(pages.get(page), "incall_leave");
    },
    async close({ page }) {
        await pages.get(page).close({ runBeforeUnload: true });
    },
    async crash({ page }) {
        const session = await pages.get(page).createCDPSession();
        session.send("Page.crash").catch(() => {}); /* nobody is left to answer */
    },
    async clear() {
        for (const page of pages.values()) {
            await page.browserContext().close();
        }
        pages.clear();
    },
    async picture({ page }) {
        await pages.get(page).screenshot({ path: join(folder, `${page}.png`) });
    },
};

async function main() {
    mkdirSync(folder, { recursive: true });
    await build({ entryPoints: [join(HERE, "host.js")], outfile: join(folder, "host.bundle.js"), bundle: true, format: "esm",
        define: { global: "globalThis" }, logLevel: "error" });
    const camera = join(folder, "camera.y4m");
    writeVideo(camera);
    const base = await serve();
    const browser = await launch(camera);
    const answer = (said) => process.stdout.write(JSON.stringify(said) + "\n");
    answer({ ok: await browser.version() });
    for await (const line of createInterface({ input: process.stdin })) {
        const asked = JSON.parse(line);
        try {
            answer({ ok: (await ACTS[asked.do](asked, browser, base)) ?? null });
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
