"""Data tracks through the embedded SFU, between two pages of Chromium: frames whole and as they were sent, by one connection and by two.

PARLEY_TEST_SFU=livekit runs the same against livekit-server. rtc-node 1.1 has no data tracks.
"""
import pytest

import sfu_clients
from sfu_clients import Browser

MODES = pytest.mark.parametrize("single", [True, False], ids=["one connection", "two connections"])
SMALL, LARGE = 100, 40_000  # bytes of a frame: one packet, and three
BURST = 20                  # frames

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients")


@pytest.fixture(name="everybody", scope="module")
def fixture_everybody(tmp_path_factory, network):
    browser = Browser("chromium", tmp_path_factory.mktemp("clients"))
    try:
        yield [browser.participant(name) for name in ("alice", "bob")]
    finally:
        browser.stop()


@pytest.fixture(name="people")
def fixture_people(everybody):
    yield everybody
    for one in everybody:
        one.leave()


def frames(seen, name):
    return [said for said in seen["data"] if said["kind"] == "frame" and said["topic"] == name]


def publishes(who, *names):
    return lambda seen: sorted(seen["dataTracks"].get(who.name, ["nobody"])) == sorted(names)


def push_until_heard(publisher, listener, name, size, first=0):
    """Any frame may be lost, and all are until the subscription stands. Gives the number behind the last that was sent."""
    number = first

    def heard(seen):
        nonlocal number
        if any(one["number"] >= first and one["n"] == size for one in frames(seen, name)):
            return True
        publisher.do("push", name=name, sizes=[size], first=number)
        number += 1
        return False

    listener.wait(f"a frame of {size} bytes", heard)
    return number


def check_order(seen, name):
    """What has come has come once, whole, and in its order."""
    numbers = [one["number"] for one in frames(seen, name)]
    assert numbers == sorted(set(numbers)), numbers
    assert all(one["whole"] and one["time"] == 1000 + one["number"] for one in frames(seen, name)), frames(seen, name)


@pytest.mark.parametrize("single, key", [(True, None), (False, None), (True, "known to both")],
                         ids=["one connection", "two connections", "encrypted"])
def test_frames_arrive_as_they_were_sent(request, server, people, single, key):
    alice, bob = people
    for one in people:
        one.join(server, request.node.name, single, key)
    assert alice.do("publish_data", name="pose")["sid"].startswith("DTR_")
    bob.wait("the track", publishes(alice, "pose"))
    alice.do("publish_data", name="lidar")
    bob.wait("both tracks", publishes(alice, "pose", "lidar"))
    bob.do("publish_data", name="pose")  # a name is its publisher's own
    alice.wait("his track", publishes(bob, "pose"))
    bob.do("hear_data", of="alice", name="pose")
    bob.do("hear_data", of="alice", name="lidar")
    alice.do("hear_data", of="bob", name="pose")
    number = push_until_heard(alice, bob, "pose", SMALL)
    alice.do("push", name="pose", sizes=[SMALL] * BURST, first=number)
    push_until_heard(alice, bob, "pose", SMALL, number + BURST)
    push_until_heard(alice, bob, "lidar", LARGE)
    push_until_heard(bob, alice, "pose", SMALL)
    for one, name in ((bob, "pose"), (bob, "lidar"), (alice, "pose")):
        check_order(one.look(), name)
    assert all(one["n"] == LARGE for one in frames(bob.look(), "lidar")), "a frame of the other track"


@MODES
def test_tracks_come_and_go(request, server, people, single):
    alice, bob = people
    alice.join(server, request.node.name, single)
    first = alice.do("publish_data", name="pose")["sid"]
    bob.join(server, request.node.name, single)
    bob.wait("the track that was there before", publishes(alice, "pose"))
    bob.do("hear_data", of="alice", name="pose")
    number = push_until_heard(alice, bob, "pose", SMALL)
    bob.do("ignore_data", of="alice", name="pose")
    bob.do("hear_data", of="alice", name="pose")
    number = push_until_heard(alice, bob, "pose", SMALL, number)
    alice.do("unpublish_data", name="pose")
    bob.wait("nothing", publishes(alice))
    bob.wait("the end", lambda seen: seen["data"] and seen["data"][-1]["kind"] == "end")
    assert alice.do("publish_data", name="pose")["sid"] != first
    bob.wait("another track", publishes(alice, "pose"))
    bob.do("hear_data", of="alice", name="pose")
    push_until_heard(alice, bob, "pose", SMALL, number)


@MODES
def test_tracks_outlive_the_signalling(request, server, people, single):
    alice, bob = people
    for one in people:
        one.join(server, request.node.name, single)
    alice.do("publish_data", name="pose")
    bob.wait("the track", publishes(alice, "pose"))
    bob.do("hear_data", of="alice", name="pose")
    number = push_until_heard(alice, bob, "pose", SMALL)
    for one in people:
        one.do("simulate", what="signal-reconnect")
        one.wait("its room again", lambda seen: seen["told"].count("reconnected") == 1)
        number = push_until_heard(alice, bob, "pose", SMALL, number)
    alice.do("simulate", what="full-reconnect")  # and those that begin anew publish anew
    alice.wait("its room again", lambda seen: seen["told"].count("reconnected") == 2)
    bob.wait("the track", publishes(alice, "pose"))


def test_who_may_not_is_told_why(request, server, people):
    alice, bob = people
    alice.join(server, request.node.name, video={"room": request.node.name, "roomJoin": True, "canPublishData": False})
    assert alice.do("publish_data", name="pose") == {
        "refused": "NotAllowed", "message": "does not have permission to publish data"}
    bob.join(server, request.node.name)
    assert "sid" in bob.do("publish_data", name="pose")
    assert bob.do("publish_data", name="pose")["refused"] == "DuplicateName"
    assert bob.do("publish_data", name="")["refused"] == "InvalidName"
    assert bob.do("publish_data", name="x" * 257)["refused"] == "InvalidName"
    assert "sid" in bob.do("publish_data", name="x" * 256)
