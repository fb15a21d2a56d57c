"""LiveKit's clients as participants of a room: pages of Chromium and Firefox, and processes of Node.js and Go.

    chromium = Browser("chromium", folder)       what is missing here: missing("chromium")
    alice = chromium.participant("alice")
    alice.join(server, "room", single=True)
    alice.publish("camera", "microphone")
    alice.wait_media("bob", "camera")            frames of his are decoded, now
    alice.leave()
    chromium.stop()
"""

import base64
import hmac
import json
import pathlib
import queue
import shutil
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent / "sfu_clients"
OUR_NODE = HERE.parents[2] / ".parley" / "bin" / "node"  # tools/setup makes it
PROGRAMS = {"chromium": "/usr/bin/chromium", "firefox": "/usr/bin/firefox-esr"}
PATIENCE_S = 60  # what takes a second or two on a machine with nothing else to do
STOP_SECONDS = 20
TOKEN_S = 3600


def node():
    """The Node.js to use, or None."""
    return str(OUR_NODE) if OUR_NODE.exists() else shutil.which("node")


def missing(*kinds):
    """What is not on this machine of what these need, or None."""
    needed = [node(), str(HERE / "node_modules" / "livekit-client"), *(PROGRAMS[kind] for kind in kinds if kind in PROGRAMS)]
    return next((what or "node" for what in needed if what is None or not pathlib.Path(what).exists()), None)


def token(key, secret, room, identity, seconds=TOKEN_S, **claims):
    """An access token; `claims` replace or add to the usual ones, None takes one out."""
    now = int(time.time())
    said = {"iss": key, "sub": identity, "nbf": now - 5, "exp": now + seconds, "video": {"room": room, "roomJoin": True}, **claims}
    parts = [{"alg": "HS256", "typ": "JWT"}, {name: value for name, value in said.items() if value is not None}]
    signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_base64(hmac.new(secret.encode(), signed.encode(), 'sha256').digest())}"


def _base64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Driver:
    """A program that takes acts as lines of JSON and answers each."""

    def __init__(self, command, log):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True,
                                            start_new_session=True)
        self.answers = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.lock = threading.Lock()
        try:
            self.version = self._answer("start")
        except (RuntimeError, TimeoutError):
            self.stop()
            raise

    def _read(self):
        for line in self.process.stdout:
            if line.startswith(('{"ok":', '{"error":')):  # libraries print, too
                self.answers.put(line)

    def _answer(self, what):
        try:
            answer = json.loads(self.answers.get(timeout=PATIENCE_S))
        except queue.Empty:
            raise TimeoutError(f"no answer to {what} in {PATIENCE_S} s: {self.log.read_text(errors='replace')[-2000:]}") from None
        if "error" in answer:
            raise RuntimeError(f"{what}: {answer['error']}")
        return answer["ok"]

    def do(self, act, **more):
        with self.lock:
            self.process.stdin.write(json.dumps({"do": act, **more}) + "\n")
            self.process.stdin.flush()
            return self._answer(f"{act} {more.get('page', '')}")

    def kill(self):
        """Without a word to anybody."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.reader.join(STOP_SECONDS)
        self.process.stdout.close()


class Participant:
    """One of them, wherever it runs."""

    def __init__(self, name, driver, kind, **page):
        self.name, self.driver, self.kind, self.page = name, driver, kind, page

    def do(self, act, **more):
        return self.driver.do(act, **self.page, **more)

    def join(self, server, room, single=True, key=None, relay=False, pause=False, **claims):
        """Fails where it is refused; `relay`: media goes through TURN alone; `pause`: rather no picture than too much, in browsers;
        `claims` go into the token."""
        said = self.try_join(server, token(server.key, server.secret, room, self.name, **claims), single, key, relay, pause=pause)
        assert "refused" not in said, f"{self.name}: {said}"
        return self

    def try_join(self, server, jwt, single=True, key=None, relay=False, protocol=None, pause=False):
        """`protocol`: a page says that it speaks this version of the protocol, not its newest."""
        return self.do("join", url=server.url, token=jwt, single=single, key=key, relay=relay, protocol=protocol, pause=pause)

    def publish(self, *sources, **how):
        """`how`, in browsers: codec ("vp9"), mode ("L3T3_KEY"), size and fps of a camera, restless (a picture that is hard to compress)."""
        return [self.do("publish", source=source, **how) for source in sources]

    def unpublish(self, source):
        self.do("unpublish", source=source)

    def mute(self, source, on=True):
        self.do("mute", source=source, on=on)

    def leave(self):
        self.do("leave")

    def look(self):
        return self.do("look")

    def wait(self, what, wanted, seconds=PATIENCE_S):
        """Looks until wanted(what was seen); gives it."""
        end = time.monotonic() + seconds
        seen = self.look()
        while not wanted(seen):
            assert time.monotonic() < end, f"{self.name} ({self.kind}) sees no {what} in {seconds} s: {json.dumps(seen)}"
            time.sleep(0.1)
            seen = self.look()
        return seen

    def track(self, of, source, seen=None):
        return (seen or self.look())["people"].get(of, {}).get(source, {})

    def wait_media(self, of, *sources):
        """Of each source something comes in now: frames are decoded, sound has energy."""
        before = self.look()

        def more(seen, source):
            what, least = AMOUNTS[source]
            return self.track(of, source, seen).get(what, 0) > self.track(of, source, before).get(what, 0) + least

        return self.wait(f"media of {of}: {', '.join(sources)}", lambda seen: all(more(seen, source) for source in sources))

    def wait_silence(self, of, source, seconds=2):
        """Nothing comes of it any more; what was under way may."""
        def amount():
            return self.track(of, source).get("frames", 0)

        end = time.monotonic() + PATIENCE_S
        last, since = amount(), time.monotonic()
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, f"{self.name} still sees {of}'s {source}"
            time.sleep(0.2)
            now = amount()
            if now != last:
                last, since = now, time.monotonic()

    def wait_sources(self, of, *sources):
        """These tracks of theirs are there, and no others."""
        return self.wait(f"{of} with {sources}", lambda seen: sorted(seen["people"].get(of, {"": 0})) == sorted(sources))

    def wait_gone(self, of, seconds=PATIENCE_S):
        return self.wait(f"end of {of}", lambda seen: of not in seen["people"], seconds)


# What has to grow by how much, of each source.
AMOUNTS = {"camera": ("frames", 3), "screen_share": ("frames", 3), "microphone": ("energy", 1e-5)}


class Browser:
    """A headless browser; its participants are its pages."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.driver = Driver([node(), str(HERE / "browser.js"), kind, str(self.folder)], self.folder / "driver.log")

    def participant(self, name):
        self.driver.do("open", page=name)
        return Participant(name, self.driver, self.kind, page=name)

    def stop(self):
        self.driver.stop()


GO_CLIENT = HERE.parents[2] / ".parley" / "bin" / "go-client"  # tools/setup all builds it


def go_participant(name, folder):
    """One on LiveKit's Go SDK; what it publishes it has recorded before."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    return Participant(name, Driver([str(GO_CLIENT)], pathlib.Path(folder) / f"{name}.log"), "go")


def node_participant(name, folder):
    """One in a process of its own: `.driver.kill()` kills it, `.driver.stop()` ends it."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    return Participant(name, Driver([node(), str(HERE / "node.js")], pathlib.Path(folder) / f"{name}.log"), "node")
