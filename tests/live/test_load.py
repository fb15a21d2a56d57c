"""tools/load against a real livekit-server and `parley serve --dev`, and against Janus where that is installed: what it counts is what
was sent, the servers bring it, and it says when something is amiss."""
import contextlib
import json
import os
import subprocess

import pytest

import janus
from parley import build_dir
from sfu_server import Dev, LiveKit

SECONDS = 60


@pytest.fixture(scope="module", name="server", params=[LiveKit, Dev, janus.Janus], ids=["livekit", "parley", "janus"])
def fixture_server(request, tmp_path_factory):
    apart = request.param is janus.Janus
    if apart and janus.why_not():
        pytest.skip(janus.why_not())
    with janus.network() if apart else contextlib.nullcontext():
        server = request.param(tmp_path_factory.mktemp("server")).start()
        yield server
        server.stop()


def load(server, *arguments, secret=None, url=None):
    """(status, result or None, what it complained of)."""
    door = ["--door", server.door, "--room", getattr(server, "room", "load")]
    done = subprocess.run([str(build_dir() / "tools" / "load" / "load"), *door, "--url", url or server.url, "--key", server.key,
                           "--wait", "20", *arguments], capture_output=True, text=True, timeout=SECONDS, check=False,
                          env=dict(os.environ, LOAD_SECRET=secret or server.secret))
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.parametrize("arguments", [["--members", "3", "--audio", "--video"],
                                       ["--publishers", "1", "--subscribers", "5", "--video", "--sample", "1", "--gro"]],
                         ids=["meeting", "audience"])
def test_everybody_hears_everybody(server, arguments):
    status, result, complaint = load(server, "--seconds", "2", "--join-every-ms", "600", "--pid", str(server.pid), *arguments)
    assert (status, complaint) == (0, "")
    early = result["not_key"] if server.door == "janus" else 0  # it begins wherever the picture is
    assert result["received"] > 0 and result["missing"] == result["faults"] - early == result["forged"] == 0 and result["clean"], result
    assert result["server_ns"] > 0 and result["own_ns"] > 0 and result["kib_end"] > result["kib_before"] / 2 > 0
    assert result["late_us"]["n"] > 0 and result["join_us"]["n"] > 0 and result["sender_reports"] > 0


def test_what_is_lost_is_sent_again_and_counted(server):
    if server.door == "janus":
        pytest.skip("Janus 1.1.2 is asked and does not send again")
    status, result, complaint = load(server, "--seconds", "2", "--members", "2", "--audio", "--video", "--lose", "30", "--drain-ms", "3000")
    assert (status, complaint) == (0, "")
    assert result["recovered"] > 0 and result["resent"] > 0, result  # both ways
    assert result["faults"] == 0 and result["missing"] < result["recovered"]


@pytest.mark.parametrize("secret, url, says", [("another secret of some 32 characters", None, "unauthorized"),
                                               (None, "ws://127.0.0.1:1", "connect"),
                                               (None, "127.0.0.1", "is no URL")], ids=["secret", "nobody", "url"])
def test_it_says_why_it_does_not_join(server, secret, url, says):
    if secret is not None and server.door == "janus":
        pytest.skip("Janus' door has no secret")
    status, result, complaint = load(server, "--members", "2", "--audio", secret=secret, url=url)
    assert status == 1 and result is None and says in complaint
