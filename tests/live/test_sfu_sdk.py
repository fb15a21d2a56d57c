"""RoomService and webhooks of the embedded SFU as LiveKit's own server SDK meets them, unmodified: livekit-protocol 7.1 and 7.2.

The people are a process on rtc-node and a page of Chromium. PARLEY_TEST_SFU=livekit runs the same against livekit-server.
"""
import re
import time
import urllib.parse

import pytest

import sfu_clients
from livekit import PROGRAM
from receiver import Receiver
from sfu_clients import HERE, Browser, Driver, node, node_participant
from sfu_server import STOP_SECONDS, LiveKit, under_test
from test_sfu_twirp import ask

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients")

MICROPHONE = 2  # enum TrackSource
RIGHTS = {"canSubscribe": True, "canPublish": True, "canPublishData": True}
OFTEN_S, PATIENCE_S = 0.1, 40


class Sdk:
    """livekit-server-sdk, with this server's URL, as one has it in --dev, and its key."""

    def __init__(self, server, folder):
        self.server = server
        self.driver = Driver([node(), str(HERE / "admin.js")], folder / "admin.log")

    def ask(self, method, *args, secret=None):
        return self.driver.do("ask", url=self.server.url.replace("ws", "http", 1), key=self.server.key, secret=secret or self.server.secret,
                              method=method, args=args)

    def receive(self, came):
        return self.driver.do("receive", key=self.server.key, secret=self.server.secret, body=came.raw.decode(),
                              authorization=came.headers["Authorization"])

    def token(self, identity, room):
        return self.driver.do("token", key=self.server.key, secret=self.server.secret, identity=identity,
                              grants={"room": room, "roomJoin": True})["token"]


@pytest.fixture(name="receiver", scope="module")
def fixture_receiver():
    running = Receiver().start()
    yield running
    running.stop()


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory, receiver):
    if under_test() is LiveKit and not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    running = under_test()(tmp_path_factory.mktemp("sfu"), rtc_webhooks=f"{receiver.url}/hook").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(name="sdk", scope="module")
def fixture_sdk(server, tmp_path_factory):
    running = Sdk(server, tmp_path_factory.mktemp("sdk"))
    yield running
    running.driver.stop()


@pytest.fixture(name="people", scope="module")
def fixture_people(tmp_path_factory):
    """Alice is a process, bob a page."""
    folder = tmp_path_factory.mktemp("people")
    alice, browser = node_participant("alice", folder), Browser("chromium", folder)
    try:
        yield alice, browser.participant("bob")
    finally:
        alice.driver.stop()
        browser.stop()


def until(look, what):
    """What look() gives, once it is true."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, what
        time.sleep(OFTEN_S)
    return found


def known(viewer, of):
    return {key: value for key, value in viewer.do("who").get(of, {}).items() if key != "permissions"}


def test_rooms(sdk):
    room = sdk.ask("createRoom", {"name": "a", "emptyTimeout": 60, "departureTimeout": 5, "maxParticipants": 3, "metadata": "md"})
    assert (room["name"], room["emptyTimeout"], room["departureTimeout"], room["maxParticipants"], room["metadata"]) == ("a", 60, 5, 3, "md")
    assert [found["sid"] for found in sdk.ask("listRooms", ["a", "b"])] == [room["sid"]]
    assert sdk.ask("updateRoomMetadata", "a", "new")["metadata"] == "new"
    assert sdk.ask("listParticipants", "a") == []
    assert sdk.ask("deleteRoom", "a") is None
    assert sdk.ask("listRooms", ["a"]) == []


@pytest.mark.parametrize("method, args, status, code", [
    ("deleteRoom", ["nowhere"], 404, "not_found"),
    ("updateRoomMetadata", ["nowhere", "x"], 404, "not_found"),
    ("getParticipant", ["nowhere", "nobody"], 404, "not_found"),
    ("removeParticipant", ["nowhere", "nobody"], 404, "not_found"),
])
def test_what_is_not_there_is_an_error_of_the_sdk(sdk, method, args, status, code):
    refused = sdk.ask(method, *args)
    assert (refused["status"], refused["code"]) == (status, code)


def test_another_secret_is_refused(sdk):
    assert sdk.ask("listRooms", secret="a secret of somebody else, long enough for SDKs")["status"] == 401


def test_people_are_looked_at_and_changed(sdk, server, people):
    alice, bob = people
    sdk.ask("createRoom", {"name": "b", "departureTimeout": 1})
    for one in people:
        assert "refused" not in one.try_join(server, sdk.token(one.name, "b"))
    alice.publish("microphone", "camera")
    seen_of_bob = bob.publish("camera")[0]["sid"]
    bob.wait_media("alice", "microphone", "camera")

    assert sorted(who["identity"] for who in sdk.ask("listParticipants", "b")) == ["alice", "bob"]
    seen = sdk.ask("getParticipant", "b", "alice")
    assert (seen["state"], sorted(track["source"] for track in seen["tracks"])) == ("ACTIVE", ["CAMERA", "MICROPHONE"])
    sid = {track["source"]: track["sid"] for track in seen["tracks"]}

    assert sdk.ask("mutePublishedTrack", "b", "alice", sid["MICROPHONE"], True)["muted"] is True
    bob.wait("the sound muted", lambda seen: bob.track("alice", "microphone", seen)["muted"])
    assert sdk.ask("mutePublishedTrack", "b", "alice", sid["MICROPHONE"], False)["code"] == "failed_precondition"

    for viewer, of, track in ((bob, "alice", sid["CAMERA"]), (alice, "bob", seen_of_bob)):
        viewer.wait_media(of, "camera")
        sdk.ask("updateSubscriptions", "b", viewer.name, [track], False)
        viewer.wait_silence(of, "camera", seconds=1)
        sdk.ask("updateSubscriptions", "b", viewer.name, [track], True)
        viewer.wait_media(of, "camera")

    changed = sdk.ask("updateParticipant", "b", "alice", {"name": "Alice", "metadata": "md", "attributes": {"k": "v", "gone": ""}})
    assert (changed["name"], changed["metadata"], changed["attributes"]) == ("Alice", "md", {"k": "v"})
    wanted = {"name": "Alice", "metadata": "md", "attributes": {"k": "v"}}
    until(lambda: known(bob, "alice") == wanted, "bob sees what alice is called now")
    until(lambda: known(alice, "me") == wanted, "alice sees it, too")

    sdk.ask("updateRoomMetadata", "b", "for all")
    bob.wait("metadata of the room", lambda seen: "room for all" in seen["told"])

    sdk.ask("sendData", "b", {"bytes": "to bob"}, 0, {"destinationIdentities": ["bob"], "topic": "t"})
    sdk.ask("sendData", "b", {"bytes": "to all"}, 1, {})
    said = bob.wait("data", lambda seen: len(seen["data"]) == 2)["data"]
    assert sorted((packet["from"], packet["topic"], packet["text"]) for packet in said) == [("", "", "to all"), ("", "t", "to bob")]
    assert [packet["text"] for packet in alice.wait("data", lambda seen: seen["data"])["data"]] == ["to all"]


def test_rights_end_and_begin_at_run_time(sdk, server, people):
    alice, bob = people
    for one in people:
        one.join(server, "c")
    alice.publish("camera")
    bob.wait_media("alice", "camera")
    changed = sdk.ask("updateParticipant", "c", "alice", {"permission": {**RIGHTS, "canPublish": False}})
    assert (changed["permission"]["canPublish"], changed["tracks"]) == (False, [])
    bob.wait_sources("alice")
    with pytest.raises(RuntimeError):
        alice.publish("camera")
    sdk.ask("updateParticipant", "c", "alice", {"permission": {**RIGHTS, "canPublishSources": [MICROPHONE]}})
    alice.publish("microphone")
    bob.wait_media("alice", "microphone")
    sdk.ask("updateParticipant", "c", "alice", {"permission": RIGHTS})
    alice.publish("camera")
    bob.wait_media("alice", "camera")
    sdk.ask("updateParticipant", "c", "bob", {"permission": {**RIGHTS, "canSubscribe": False}})
    bob.wait_silence("alice", "camera", seconds=1)
    sdk.ask("updateParticipant", "c", "bob", {"permission": RIGHTS})
    bob.wait_media("alice", "camera")
    sdk.ask("updateParticipant", "c", "alice", {"permission": {**RIGHTS, "hidden": True}})
    alice.leave()
    bob.wait_gone("alice")  # nobody stays behind whom others have seen


def test_a_room_is_full(sdk, server, people):
    alice, bob = people
    sdk.ask("createRoom", {"name": "f", "maxParticipants": 1})
    alice.join(server, "f")
    assert "refused" in bob.try_join(server, sdk.token("bob", "f"))
    alice.leave()
    bob.join(server, "f")


def test_people_are_taken_out(sdk, server, people):
    alice, bob = people
    for one in people:
        one.join(server, "d")
    bob.wait("alice", lambda seen: "alice" in seen["people"])
    assert sdk.ask("removeParticipant", "d", "alice") is None
    alice.wait("the end", lambda seen: seen["state"] == "disconnected" and seen["told"][-1].startswith("over"))
    bob.wait_gone("alice")
    assert sdk.ask("deleteRoom", "d") is None
    bob.wait("the end", lambda seen: seen["state"] == "disconnected" and seen["told"][-1].startswith("over"))


def events_of(receiver, room):
    """(event, participant, name of a track) of what was taken, in order."""
    return [(body["event"], body.get("participant", {}).get("identity"), body.get("track", {}).get("source"))
            for body in receiver.taken() if body.get("room", {}).get("name") == room]


def test_webhooks_tell_a_room_in_order_and_tell_again(sdk, server, people, receiver):
    alice, bob = people
    refused = set()

    def answers(body):
        """Everything is refused once: what is told again is the same, and comes before what follows."""
        first = body["id"] not in refused and body.get("room", {}).get("name") == "e"
        refused.add(body["id"])
        return 500 if first else 200

    receiver.answers = answers
    sdk.ask("createRoom", {"name": "e", "departureTimeout": 1})
    for one in people:
        one.join(server, "e")
    alice.publish("microphone")
    alice.unpublish("microphone")
    alice.leave()
    bob.leave()
    receiver_patience = 60  # each is tried again after a second at least, and waits for the one before
    end = time.monotonic() + receiver_patience
    while ("room_finished", None, None) not in events_of(receiver, "e"):
        assert time.monotonic() < end, events_of(receiver, "e")
        time.sleep(OFTEN_S)
    receiver.answers = 200
    told = events_of(receiver, "e")
    assert told[0] == ("room_started", None, None) and told[-1] == ("room_finished", None, None)
    assert [event for event, who, _ in told if who == "alice"] == ["participant_joined", "track_published", "track_unpublished",
                                                                  "participant_left"]
    assert [event for event, who, _ in told if who == "bob"] == ["participant_joined", "participant_left"]
    assert len(told) == 8 and ("track_published", "alice", "MICROPHONE") in told


def test_webhooks_are_signed_as_the_sdk_wants_them(sdk, receiver):
    assert receiver.came
    for came in receiver.came[:20]:
        assert came.headers["Content-Type"] == "application/webhook+json"
        event = sdk.receive(came)
        assert event["event"] == came.body["event"] and event["id"].startswith("EV_"), event
    forged = receiver.came[0]._replace(raw=receiver.came[0].raw.replace(b"room_started", b"room_stopped"))
    assert "refused" in sdk.receive(forged)


def test_a_client_is_called(server, people):
    door = urllib.parse.urlsplit(server.url).netloc

    def call(identity, method):
        return ask(server, "PerformRpc", {"room": "h", "destination_identity": identity, "method": method, "payload": "hi"}, at=door,
                   roomAdmin=True, room="h")
    for one in people:
        one.join(server, "h")
    for one in people:
        status, answer = call(one.name, "greet")
        assert status == 200 and re.fullmatch(r"hi to \S+", answer["payload"]), answer
        status, answer = call(one.name, "dance")
        assert (status, answer["code"]) == (400, "invalid_argument") and "1400" in answer["msg"], answer
    assert call("nobody", "greet")[0] == 404


@pytest.mark.skipif(under_test() is LiveKit, reason="livekit-server does not wait")
def test_a_stop_is_told_to_the_end(server, people, receiver):
    """The last test: the server is gone after it."""
    alice, bob = people
    for one in people:
        one.join(server, "g")
    refused = set()

    def answers(body):
        """The first try of the end fails: it is told again, while the server waits."""
        first = body["event"] == "room_finished" and body["id"] not in refused
        refused.add(body["id"])
        return 500 if first else 200

    until(lambda: len(events_of(receiver, "g")) == 3, "both are there")
    receiver.answers = answers
    server.terminate()
    assert server.process.wait(STOP_SECONDS) == 0
    told = events_of(receiver, "g")[3:]
    assert sorted(told[:2]) == [("participant_left", "alice", None), ("participant_left", "bob", None)]
    assert told[2:] == [("room_finished", None, None)]
    assert "room_webhooks_lost" not in server.printed()
