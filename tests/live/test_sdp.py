"""A real Chromium takes our answers and offers, in both modes, however its sections come and go."""
import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", HERE.parents[1] / "build"))
PROBE = BUILD / "tests" / "live" / "sdp_probe"
CHROMIUM = "/usr/bin/chromium"
PATIENCE_S = 120  # it takes three seconds


class Door(http.server.ThreadingHTTPServer):
    """Serves the page, runs the probe for it, and keeps what the page tells at the end."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Requests)
        self.told = None
        self.heard = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Requests(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def say(self, status, body, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.say(200, (HERE / "sdp_page.html").read_bytes(), "text/html")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/told":
            self.server.told = json.loads(body)
            self.say(200, b"")
            self.server.heard.set()
            return
        done = subprocess.run([PROBE] + self.path[1:].split("/"), input=body, capture_output=True, check=False)
        self.say(200 if done.returncode == 0 else 500, done.stdout if done.returncode == 0 else done.stderr)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    if not pathlib.Path(CHROMIUM).exists():
        pytest.skip(f"needs {CHROMIUM}: tools/setup all")
    door = Door()
    folder = tmp_path_factory.mktemp("chromium")
    browser = subprocess.Popen(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--user-data-dir={folder}",
         f"http://127.0.0.1:{door.server_port}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert door.heard.wait(PATIENCE_S), "the page has told nothing"
        yield door.told
    finally:
        browser.terminate()
        browser.wait(30)
        door.shutdown()
        door.server_close()


def test_nothing_went_wrong(told):
    assert "error" not in told


def test_one_connection_for_both_directions(told):
    idle = " ".join(f"{mid}:inactive" for mid in range(6))
    assert told["nothing"] == idle
    assert told["twoSounds"] == "0:recvonly 1:recvonly 2:inactive 3:inactive 4:inactive 5:inactive"
    assert told["microphone"] == "0:recvonly 1:recvonly 2:recvonly 3:recvonly 4:inactive 5:inactive 7:sendonly"
    assert told["microphoneCodec"] == "audio/red"
    assert told["camera"] == "0:recvonly 1:recvonly 2:recvonly 3:inactive 4:inactive 5:inactive 7:sendonly 8:sendonly"
    assert told["cameraCodec"] == "video/VP9 qhf"
    assert told["sixTracks"].startswith(" ".join(f"{mid}:recvonly" for mid in range(6)))
    assert told["cameraCodecLater"] == "video/H264"
    assert told["unpublished"] == "0:recvonly 1:inactive 2:inactive 3:inactive 4:inactive 5:inactive 7:sendonly 8:inactive"
    assert told["streams"] == " ".join(f"PA_a|TR_{n}" for n in range(6))


def test_a_connection_that_publishes(told):
    assert told["dataOnly"] == ""
    assert told["published"] == "1:sendonly 2:sendonly"
    assert told["publishedCodec"] == "video/VP8 qhf"


def test_a_connection_that_subscribes(told):
    assert told["checked"] == ["", "1 opus 111 1000 0\n",
                               "1 opus 111 1000 0\n2 VP8 96 0 0\n3 VP8 96 1004 1005\n4 VP8 96 1006 1007\n"]
    assert told["subscribed"] == "1:recvonly 2:inactive 3:recvonly 4:recvonly"
    assert told["subscribedStreams"] == "PA_a|TR_0 PA_a|TR_2 PA_a|TR_3"
