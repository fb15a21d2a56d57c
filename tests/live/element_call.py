"""Element Call in pages of a headless Chromium, each hosted as a widget for one device of a user.

    pages = Pages(folder)                 node and the packages of element_call/ must be there: tools/setup all
    pages.open("alice", alice, room)      until its lobby
    pages.join("alice")                   presses the button
    pages.do("media", "alice")            what has arrived, what the widget said
    pages.do("crash", "alice")            the page is gone, without a word to anybody
    pages.clear()                         the next test may have the browser
    pages.stop()
"""

import contextlib
import json
import pathlib
import queue
import shutil
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent / "element_call"
OUR_NODE = HERE.parents[2] / ".parley" / "bin" / "node"  # tools/setup makes it
CHROMIUM = "/usr/bin/chromium"
PATIENCE_S = 120  # more than pages.js waits for anything
ARRIVAL_S = 90
SOME_FRAMES = 20  # two seconds of our camera
STOP_SECONDS = 30


def node():
    """The Node.js to use, or None."""
    return str(OUR_NODE) if OUR_NODE.exists() else shutil.which("node")


def missing():
    """What is not on this machine, or None."""
    if node() is None:
        return "node"
    if not pathlib.Path(CHROMIUM).exists():
        return CHROMIUM
    return None if (HERE / "node_modules" / "puppeteer-core").exists() else f"{HERE}/node_modules"


def wait(ask, enough, what, seconds=ARRIVAL_S):
    """Asks until the answer is enough; gives it."""
    end = time.monotonic() + seconds
    while not enough(answer := ask()):
        assert time.monotonic() < end, f"no {what} in {seconds} s, but {answer}"
        time.sleep(0.25)
    return answer


def grown(first, got, by):
    """Of how many has come more than so much since?"""
    return sum(amount > first.get(ssrc, 0) + by for ssrc, amount in got.items())


class Pages:
    """One browser and its driver; console logs, screenshots and the driver's own log are in `folder`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "driver.log"
        self._start()

    def _start(self):
        self.opened = []
        self.lost = False
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([node(), str(HERE / "pages.js"), str(self.folder)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        self.answers = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.browser = self._answer("start")
        except (RuntimeError, TimeoutError):
            self.stop()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(line)

    def _answer(self, what):
        try:
            answer = json.loads(self.answers.get(timeout=PATIENCE_S))
        except queue.Empty:
            self.lost = True  # what it says from now on may be the answer to this
            raise TimeoutError(f"pages.js: no answer to {what} in {PATIENCE_S} s: {self.log.read_text()[-2000:]}") from None
        if "error" in answer:
            raise RuntimeError(f"pages.js: {what}: {answer['error']}")
        return answer["ok"]

    def do(self, act, page, **more):
        """One act of pages.js; gives its answer."""
        self.process.stdin.write(json.dumps({"do": act, "page": page, **more}) + "\n")
        self.process.stdin.flush()
        return self._answer(f"{act} {page}")

    def open(self, page, user, room, mode="compatibility", encrypted=True):
        """Opens Element Call in the room, for a device that was in no page before: its keys end with the page.
        `mode`: or "matrix_2_0"; `encrypted`: is the room."""
        self.opened.append(page)
        self.do("open", page, baseUrl=user.url, userId=user.user_id, deviceId=user.device_id, accessToken=user.token,
                roomId=room, mode=mode, encrypted=encrypted)

    def visit(self, page, url):
        """Opens a page of somebody else's that has Element Call in it; until its lobby."""
        self.opened.append(page)
        self.do("visit", page, url=url)

    def join(self, page):
        """Until it has media: who comes next does not slow it down, for its client gives up after 15 s."""
        self.do("join", page)
        wait(lambda: self.do("media", page)["connected"], lambda connected: connected >= 1, f"connection of {page}")

    def goes_on(self, page, others=1):
        """More picture and sound of all others for this page, from now on."""
        first = self.do("media", page)
        wait(lambda: self.do("media", page),
             lambda got: grown(first["videoFrames"], got["videoFrames"], SOME_FRAMES) >= others
             and grown(first["audioEnergy"], got["audioEnergy"], 0) >= others and got["shownFrames"] > first["shownFrames"],
             f"more picture and sound of {others} for {page}")

    def see_and_hear_each_other(self, pages):
        others = len(pages) - 1
        for page in pages:
            wait(lambda: self.do("media", page)["othersShown"], lambda shown: shown == others, f"picture of {others} for {page}")
            self.goes_on(page, others)

    def clear(self):
        """No page is open any more; the browser stays, or is another one where it does not answer."""
        try:
            if not self.lost:
                self.opened.clear()
                self.do("clear", "all")
        except (RuntimeError, TimeoutError, OSError):
            self.lost = True
        if self.lost:
            self.stop()
            self._start()

    def explain(self):
        """After a failure: takes pictures; gives where they are and what the pages said last."""
        said = [f"pictures and logs: {self.folder}"]
        for page in self.opened:
            try:
                self.do("picture", page)
                said.append(f"{page}: {self.do('media', page)}")
            except (RuntimeError, TimeoutError, OSError) as error:
                said.append(f"{page}: {error}")
            log = self.folder / f"{page}.log"
            if log.exists():
                said.append("\n".join(line[:300] for line in log.read_text(errors="replace").splitlines()[-40:]))
        return "\n".join(said)

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.terminate()  # puppeteer ends the browser with it
            self.process.wait(STOP_SECONDS)
        self.reader.join()
        self.process.stdout.close()
