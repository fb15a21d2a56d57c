"""A private livekit-server on loopback, ended by its pid; and what Parley must know of it.

    livekit = LiveKit(folder)
    livekit.start()
    livekit.validate(jwt)     -> (200, "success"), or why not
    livekit.stop()
"""

import json
import pathlib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from synapse import free_port

REPO = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = REPO / ".parley" / "bin" / "livekit-server-1.13.5"  # tools/setup builds it
START_SECONDS = 60
KEY, SECRET = "devkey", "a secret of at least 32 characters"
PORT = free_port()
URL = f"ws://127.0.0.1:{PORT}"
LIVEKIT_SETTINGS = {"url": f'"{URL}"', "key": KEY, "secret": f'"{SECRET}"'}


def http_get(url, **headers):
    """(status, text); (0, reason) without an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class LiveKit:
    """At URL, with KEY and SECRET: one at a time."""

    def __init__(self, folder, webhook=None, webhook_key=KEY):
        """`webhook`: whom it tells who comes and goes, signed with that key."""
        self.webhook, self.webhook_key = webhook, webhook_key
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "livekit.log"
        self.process = None

    def start(self):
        config = self.folder / "livekit.yaml"
        webhook = {"webhook": {"api_key": self.webhook_key, "urls": [self.webhook]}} if self.webhook else {}
        config.write_text(json.dumps({
            **webhook,
            "port": PORT, "bind_addresses": ["127.0.0.1"], "keys": {self.webhook_key: SECRET[::-1], KEY: SECRET},
            "rtc": {"tcp_port": free_port(), "udp_port": free_port(), "use_external_ip": False, "node_ip": "127.0.0.1",
                    "interfaces": {"includes": ["lo"]}, "enable_loopback_candidate": True},
            "logging": {"level": "info"}}))
        config.chmod(0o600)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(PROGRAM), "--config", str(config)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while self.get("/")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"livekit-server does not answer: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        return self

    def stop(self):
        if self.process is not None:
            self.process.kill()  # asked politely it waits for its rooms to be over: 20 s, and there is nothing to save
            self.process.wait()
            self.process = None

    @staticmethod
    def get(path, **headers):
        return http_get(f"http://127.0.0.1:{PORT}{path}", **headers)

    def validate(self, jwt):
        """What the server says to a client that would connect with this token."""
        return self.get("/rtc/validate?" + urllib.parse.urlencode({"access_token": jwt, "protocol": 16}))
