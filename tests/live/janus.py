"""A private Janus with its plugin videoroom, to compare with: Debian's package, in a network namespace (see `network`).

    with network():
        janus = Janus(folder).start()
        janus.url, janus.room
        janus.stop()

Its settings favour it where they can: only the plugin and the transport that are used, no records, no events, no cap on bitrates, and
no picture requests of its own accord. `event_loops` is Debian's default, 0: a thread for each handle.
"""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import time

import namespace
from synapse import free_port

LIBRARIES = next(pathlib.Path("/usr/lib").glob("*/janus"), None)
START_SECONDS = 30
STOP_SECONDS = 10
ROOM = "1234"
LOAD = "127.64.0.0/10"  # where tools/load is: see its net.h
USED = {"plugins": "libjanus_videoroom.so", "transports": "libjanus_websockets.so", "loggers": None, "events": None}


def why_not():
    """Why there can be none here; None = there can."""
    if shutil.which("janus") is None or LIBRARIES is None:
        return "janus is not installed: run tools/setup bench"
    return namespace.why_not()


@contextlib.contextmanager
def network():
    """A namespace in which Janus, tools/load and the other servers reach each other. Janus takes no address of loopback, and sends
    by the interface whose address it took: so that one leads to tools/load's addresses too."""
    with namespace.host_namespace():
        subprocess.run(["ip", "route", "add", "local", LOAD, "dev", "host0"], check=True)
        yield


def unused(kind):
    return ",".join(sorted(file.name for file in (LIBRARIES / kind).glob("*.so") if file.name != USED[kind]))


class Janus:
    key, secret, room, door = "none", "", ROOM, "janus"

    def __init__(self, folder, event_loops=0):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "janus.log"
        self.event_loops = event_loops
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def configure(self):
        folders = "\n".join(f'  {kind}_folder = "{LIBRARIES / kind}"' for kind in USED)
        disabled = "\n".join(f'{kind}: {{ disable = "{unused(kind)}" }}' for kind in USED if kind != "events")
        loops = f"  event_loops = {self.event_loops}\n" if self.event_loops else ""
        files = {
            "janus.jcfg": f'general: {{\n  configs_folder = "{self.folder}"\n{folders}\n{loops}  debug_level = 3\n}}\n'
                          f"{disabled}\nevents: {{ broadcast = false }}\n",
            "janus.plugin.videoroom.jcfg":
                f'general: {{ events = false }}\nroom-{ROOM}: {{\n  publishers = 1000\n  bitrate = 0\n  fir_freq = 0\n'
                '  audiocodec = "opus"\n  videocodec = "vp8"\n  record = false\n}\n',
            "janus.transport.websockets.jcfg":
                f'general: {{\n  json = "compact"\n  ws = true\n  ws_port = {self.port}\n  ws_ip = "127.0.0.1"\n}}\n'
                "admin: { admin_ws = false }\n"}
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def start(self):
        self.configure()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["janus", "-F", str(self.folder), "-o"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"janus does not answer: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
