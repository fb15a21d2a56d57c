"""An SFU for LiveKit clients, on loopback: `parley serve --dev`, or the real livekit-server to compare with.

    server = Dev(folder).start()
    server.url, server.key, server.secret
    server.stop()        -> its exit code

With PARLEY_TEST_SFU=livekit the tests of clients run against livekit-server: what fails there is the test's fault.
"""

import os
import pathlib
import re
import signal
import subprocess
import time

import livekit
from livekit import http_get
from parley import build_dir, free_port

START_SECONDS = 60
# Parley's own SFU beside a homeserver: the section rtc of its settings, without its public_url.
EMBEDDED_SETTINGS = {"sfu": "embedded", "announced_ips": "[127.0.0.1]", "udp_port": 0, "tcp_port": 0, "workers": 1}
STOP_SECONDS = 30


class Dev:
    """Ports of our own choice, so that several may run; all else is as `--dev` has it."""

    key, secret, door = "devkey", "secret", "livekit"

    def __init__(self, folder, host="127.0.0.1", **variables):
        """`host`: the address to listen on; `variables`: settings beside, as in rtc_workers="1"."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "parley.log"
        self.host, self.port = host, free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_") and name != "HOME"}
        ours = {"http_public": f"{host}:{self.port}", "rtc_udp_port": "0", "rtc_tcp_port": str(free_port()), "rtc_workers": "1",
                "log_level": "debug", **variables}
        self.environment = {**clean, **{f"PARLEY_{name.upper()}": value for name, value in ours.items()}}
        self.process = None

    @property
    def url(self):
        return f"ws://{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    how = ["--dev"]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(build_dir() / "parley"), "serve", *self.how], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, cwd=self.folder)
        end = time.monotonic() + START_SECONDS
        while self.get("/readyz")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"parley serve does not answer: {self.printed()[-2000:]}")
            time.sleep(0.02)
        return self

    def get(self, path, **headers):
        return http_get(f"http://{self.host}:{self.port}{path}", **headers)

    def printed(self):
        return self.log.read_text(errors="replace")

    def banner_token(self):
        return re.search(r"^eyJ\S+$", self.printed(), re.M).group()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """SIGTERM; gives the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        return code


class Alone(Dev):
    """The embedded SFU as an admin runs it, without a homeserver."""

    def __init__(self, folder, **variables):
        super().__init__(folder, rtc_sfu="embedded", livekit_key=self.key, livekit_secret=self.secret, rtc_announced_ips="127.0.0.1", **variables)
        config = self.folder / "parley.yaml"
        config.write_text("# all of it is in the environment\n")
        self.how = ["--config", str(config)]


class LiveKit:
    """livekit-server, with the same face."""

    key, secret, url, door = livekit.KEY, livekit.SECRET, livekit.URL, "livekit"

    def __init__(self, folder, rtc_webhooks=None, **_):
        self.server = livekit.LiveKit(folder, webhook=rtc_webhooks)
        self.get = self.server.get

    @property
    def pid(self):
        return self.server.process.pid

    def start(self):
        self.server.start()
        return self

    def stop(self):
        self.server.stop()
        return 0


def under_test():
    """The kind of server that the tests of clients are for."""
    return LiveKit if os.environ.get("PARLEY_TEST_SFU") == "livekit" else Dev
