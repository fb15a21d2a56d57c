"""LiveKit's Go SDK (pion) in the embedded SFU: it receives what a page publishes, records it, and publishes the recording, which the page
decodes; it sends and receives data; it asks RoomService, in protobuf.

PARLEY_TEST_SFU=livekit runs the same against livekit-server.
"""
import time

import pytest

import sfu_clients
from sfu_clients import GO_CLIENT, Browser, go_participant

RECORD_SECONDS = 3  # what is published repeats itself so often, whole pictures too

pytestmark = [pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients"),
              pytest.mark.skipif(not GO_CLIENT.exists(), reason="tools/setup all builds the client in Go")]


@pytest.fixture(name="alice", scope="module")
def fixture_alice(tmp_path_factory, network):
    browser = Browser("chromium", tmp_path_factory.mktemp("browser"))
    yield browser.participant("alice")
    browser.stop()


@pytest.fixture(name="gopher")
def fixture_gopher(tmp_path, network):
    one = go_participant("gopher", tmp_path)
    yield one
    one.driver.stop()


@pytest.mark.parametrize("single", [True, False], ids=["one connection", "two connections"])
def test_it_receives_and_publishes(request, server, alice, gopher, tmp_path, single):
    alice.join(server, request.node.name, single)
    gopher.join(server, request.node.name, single)
    files = {"camera": tmp_path / "camera.ivf", "microphone": tmp_path / "microphone.ogg"}
    for source, file in files.items():
        gopher.do("record", of="alice", source=source, file=str(file))
    alice.publish(*files)
    gopher.wait("tracks", lambda seen: all(gopher.track("alice", source, seen).get("packets", 0) > 20 for source in files))
    time.sleep(RECORD_SECONDS)
    for source, file in files.items():
        assert gopher.do("publish", source=source, file=str(file))["frames"] > 10
    alice.wait_media("gopher", "camera", "microphone")

    gopher.do("send", text="from Go", topic="t", reliable=True)
    alice.wait("its message", lambda seen: {"kind": "packet", "from": "gopher", "topic": "t", "text": "from Go"} in seen["data"])
    alice.do("send", text="to Go", topic="t", reliable=True, to=["gopher"])
    gopher.wait("her message", lambda seen: {"from": "alice", "topic": "t", "text": "to Go"} in seen["data"])

    gopher.mute("camera")
    alice.wait("the camera muted", lambda seen: alice.track("gopher", "camera", seen).get("muted") is True)
    gopher.unpublish("camera")
    alice.wait_sources("gopher", "microphone")
    gopher.leave()
    alice.wait_gone("gopher")
    assert not any(said.startswith("reconnecting") for said in alice.look()["told"])


def test_it_asks_in_protobuf(server, gopher):
    asked = gopher.do("rooms", url=server.url.replace("ws", "http", 1), key=server.key, secret=server.secret, text="made by Go")
    assert asked == {"metadata": "by Go"}
