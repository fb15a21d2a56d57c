"""LiveKit's own clients meet in the embedded SFU, with one peer connection and with two: pictures are decoded and sound has energy in
every direction, in whatever order they come, publish, mute and go.

PARLEY_TEST_SFU=livekit runs the same against livekit-server.
"""
import pytest

import sfu_clients
from sfu_clients import Browser, node_participant

MODES = pytest.mark.parametrize("single", [True, False], ids=["one connection", "two connections"])
GONE_SECONDS = 60  # silence of 20 s, and the machine's own slowness

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium", "firefox") is not None, reason="tools/setup all installs the clients")


@pytest.fixture(name="browsers", scope="module")
def fixture_browsers(tmp_path_factory, network):
    """Alice is a page of Chromium, bob of Firefox: the same two in all tests."""
    folder = tmp_path_factory.mktemp("browsers")
    both = []
    try:
        for kind in ("chromium", "firefox"):
            both.append(Browser(kind, folder / kind))
        yield both[0].participant("alice"), both[1].participant("bob")
    finally:
        for browser in both:
            browser.stop()


@pytest.fixture(name="people")
def fixture_people(browsers):
    """They are in no room before and after."""
    yield browsers
    for one in browsers:
        one.leave()


@pytest.fixture(name="carl")
def fixture_carl(tmp_path):
    one = node_participant("carl", tmp_path)
    yield one
    one.driver.stop()


def room_of(request):
    return request.node.name


@MODES
def test_all_meet(request, server, people, carl, single):
    everybody = [*people, carl]
    for one in everybody:
        one.join(server, room_of(request), single)
        one.publish("camera", "microphone")
    for one in everybody:
        for other in everybody:
            if one is not other:
                one.wait_media(other.name, "camera", "microphone")


@MODES
def test_who_speaks_and_how_well_all_are_connected_is_told(request, server, people, carl, single):
    alice, bob = people
    everybody = [*people, carl]
    for one in everybody:
        one.join(server, room_of(request), single)
    bob.publish("microphone")  # Firefox's and carl's are tones that do not end; Chromium's beeps are too short to be speech
    carl.publish("microphone")
    for one in everybody:
        one.wait("those who speak", lambda seen: {"bob", "carl"} <= set(seen["spoke"]))
        one.wait("good connections", lambda seen, one=one: all(
            seen["quality"].get(who) in ("excellent", "good") for who in ("bob", "carl", one.name)))
    assert "alice" not in alice.look()["spoke"]
    bob.mute("microphone")
    for one in everybody:
        one.wait("bob's silence", lambda seen: "bob" not in seen["speaking"])


def test_one_connection_meets_two(request, server, people):
    alice, bob = people
    alice.join(server, room_of(request), single=True).publish("camera", "microphone")
    bob.join(server, room_of(request), single=False).publish("camera", "microphone")
    alice.wait_media("bob", "camera", "microphone")
    bob.wait_media("alice", "camera", "microphone")


@MODES
def test_in_every_order(request, server, people, single):
    alice, bob = people
    alice.join(server, room_of(request), single).publish("camera")
    bob.join(server, room_of(request), single)
    bob.wait_media("alice", "camera")            # published before he came
    alice.publish("microphone")
    bob.wait_media("alice", "microphone")        # and after
    bob.publish("camera", "microphone")
    alice.wait_media("bob", "camera", "microphone")

    alice.mute("camera")
    bob.wait("the camera muted", lambda seen: bob.track("alice", "camera", seen).get("muted") is True)
    bob.wait_silence("alice", "camera")
    bob.wait_media("alice", "microphone")
    alice.mute("camera", on=False)
    bob.wait_media("alice", "camera")
    assert bob.track("alice", "camera")["muted"] is False

    alice.unpublish("camera")
    bob.wait_sources("alice", "microphone")
    alice.publish("camera")
    bob.wait_media("alice", "camera", "microphone")

    bob.leave()
    alice.wait_gone("bob")
    bob.join(server, room_of(request), single)
    bob.wait_media("alice", "camera", "microphone")
    alice.wait("bob come back", lambda seen: seen["told"].count("came bob") == 2)
    bob.publish("camera")
    alice.wait_media("bob", "camera")
    assert alice.look()["told"] == ["came bob", "went bob", "came bob"], "nobody had to connect again"


@MODES
def test_a_screen_beside_a_camera(request, server, people, single):
    alice, bob = people
    alice.join(server, room_of(request), single).publish("camera", "screen_share")
    bob.join(server, room_of(request), single).publish("screen_share")
    bob.wait_media("alice", "camera", "screen_share")
    alice.wait_media("bob", "screen_share")
    alice.unpublish("screen_share")
    bob.wait_sources("alice", "camera")
    bob.wait_media("alice", "camera")


@MODES
def test_what_is_encrypted_arrives_as_it_was_sent(request, server, people, single):
    alice, bob = people
    for one in (alice, bob):
        one.join(server, room_of(request), single, key="known to both")
        one.publish("camera", "microphone")
    alice.wait_media("bob", "camera", "microphone")
    bob.wait_media("alice", "camera", "microphone")


def test_who_has_another_key_sees_nothing(request, server, people):
    alice, bob = people
    alice.join(server, room_of(request), key="known to alice").publish("camera")
    bob.join(server, room_of(request), key="known to bob")
    bob.wait("packets", lambda seen: bob.track("alice", "camera", seen).get("packets", 0) > 20)
    assert bob.track("alice", "camera")["frames"] == 0


def test_who_is_killed_is_gone_in_time(request, server, people, carl):
    alice = people[0]
    alice.join(server, room_of(request))
    carl.join(server, room_of(request)).publish("camera")
    alice.wait_media("carl", "camera")
    carl.driver.kill()
    alice.wait_gone("carl", GONE_SECONDS)
    assert alice.look()["state"] == "connected"


def test_an_identity_is_there_once(request, server, people, carl):
    alice, bob = people
    alice.join(server, room_of(request))
    bob.join(server, room_of(request), sub="carl")
    alice.wait("the first", lambda seen: "carl" in seen["people"])
    carl.join(server, room_of(request)).publish("camera")
    alice.wait_media("carl", "camera")
    assert bob.wait("the end", lambda seen: seen["state"] == "disconnected")["told"][-1].startswith("over")


def test_rights_are_kept(request, server, people):
    alice, bob = people
    video = {"room": room_of(request), "roomJoin": True}
    alice.join(server, room_of(request), video={**video, "canPublish": False})
    bob.join(server, room_of(request), video={**video, "canSubscribe": False}).publish("camera")
    with pytest.raises(RuntimeError):
        alice.publish("camera")
    alice.wait_media("bob", "camera")
    assert alice.name in bob.look()["people"] and bob.look()["people"][alice.name] == {}
