"""What browsers send in layers or twice: sound with spares (RED) is passed on, or taken out for who does not know it; of a
picture in layers (SVC) each is sent as many as it wants."""
import pytest

import sfu_clients
from sfu_clients import Browser

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium", "firefox") is not None, reason="tools/setup all installs the clients")


def browser(kind, tmp_path_factory, names):
    running = Browser(kind, tmp_path_factory.mktemp(kind))
    try:
        yield [running.participant(name) for name in names]
    finally:
        running.stop()


@pytest.fixture(name="chromium", scope="module")
def fixture_chromium(tmp_path_factory, network):
    yield from browser("chromium", tmp_path_factory, ("alice", "carol"))


@pytest.fixture(name="firefox", scope="module")
def fixture_firefox(tmp_path_factory, network):
    yield from browser("firefox", tmp_path_factory, ("bob",))


@pytest.fixture(name="pages")
def fixture_pages(chromium):
    """Alice and carol, of one Chromium."""
    yield chromium
    for one in chromium:
        one.leave()


@pytest.fixture(name="people")
def fixture_people(pages, firefox):
    """And bob, of Firefox."""
    yield [*pages, *firefox]
    firefox[0].leave()


def weight(one):
    """Bytes of each packet of alice's sound."""
    track = one.track("alice", "microphone")
    return track["bytes"] / track["packets"]


def test_sound_with_spares(request, server, people):
    alice, carol, bob = people
    for one in people:
        one.join(server, request.node.name, single=one is not carol)
    alice.publish("microphone")
    for one in (carol, bob):
        one.wait_media("alice", "microphone")
        assert one.track("alice", "microphone")["mime"] == "audio/red", one.kind
    assert weight(carol) > weight(bob) + 10, "Chromium is given it as it is, Firefox the Opus in it"


def test_no_spares_where_sound_is_encrypted(request, server, people):
    alice, carol, bob = people
    for one in people:
        one.join(server, request.node.name, key="known to all")
    alice.publish("microphone")
    for one in (carol, bob):
        one.wait_media("alice", "microphone")
        assert one.track("alice", "microphone")["mime"] == "audio/opus", one.kind


@pytest.mark.parametrize("codec", ["vp9", "av1"])
def test_a_picture_in_layers(request, server, pages, codec):
    alice, carol = pages
    for one in (alice, carol):
        one.join(server, request.node.name)
    alice.publish("camera", codec=codec, mode="L2T3_KEY", size={"width": 480, "height": 270})
    carol.wait_media("alice", "camera")
    assert carol.track("alice", "camera")["mime"].lower() == f"video/{codec}"

    def sees(width):
        carol.wait(f"{width} pixels", lambda seen: carol.track("alice", "camera", seen).get("width") == width)
        carol.wait_media("alice", "camera")

    sees(480)
    carol.do("prefer", of="alice", source="camera", quality=0)
    sees(240)
    carol.do("prefer", of="alice", source="camera", quality=2)
    sees(480)
