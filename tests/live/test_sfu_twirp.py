"""RoomService of the embedded SFU over HTTP, on the private listener: livekit-protocol 7.1.

PARLEY_TEST_SFU=livekit runs the same against livekit-server, which has one listener for all.
"""
import http.client
import json
import time
import urllib.parse

import pytest

from livekit import PROGRAM
from parley import free_port
from receiver import Receiver
from sfu_clients import token
from sfu_server import Alone, Dev, LiveKit, under_test

SERVICE = "/twirp/livekit.RoomService/"


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    if under_test() is LiveKit and not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    private = f"127.0.0.1:{free_port()}"
    running = under_test()(tmp_path_factory.mktemp("sfu"), http_private=private).start()
    running.private = urllib.parse.urlsplit(running.url).netloc if under_test() is LiveKit else private
    yield running
    assert running.stop() == 0


def ask(server, method, body, at=None, **video):
    """(status, answer) of one question; `video`: what the token allows, none = no token."""
    headers = {"Content-Type": "application/json"}
    if video:
        headers["Authorization"] = "Bearer " + token(server.key, server.secret, "", "", video=video)
    connection = http.client.HTTPConnection(at or server.private, timeout=30)
    try:
        connection.request("POST", SERVICE + method, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_rooms_are_made_listed_changed_and_ended(server):
    status, room = ask(server, "CreateRoom", {"name": "a", "empty_timeout": 60, "departureTimeout": 5}, roomCreate=True)
    assert (status, room["name"], room["empty_timeout"], room["departure_timeout"]) == (200, "a", 60, 5)
    assert room["sid"].startswith("RM_") and room["num_participants"] == 0
    assert ask(server, "CreateRoom", {"name": "a"}, roomCreate=True)[1]["sid"] == room["sid"]
    status, rooms = ask(server, "ListRooms", {"names": ["a", "b"]}, roomList=True)
    assert (status, [found["sid"] for found in rooms["rooms"]]) == (200, [room["sid"]])
    status, changed = ask(server, "UpdateRoomMetadata", {"room": "a", "metadata": "md"}, roomAdmin=True, room="a")
    assert (status, changed["metadata"]) == (200, "md")
    assert ask(server, "ListParticipants", {"room": "a"}, roomAdmin=True, room="a") == (200, {"participants": []})
    assert ask(server, "DeleteRoom", {"room": "a"}, roomCreate=True) == (200, {})
    assert ask(server, "ListRooms", {"names": ["a"]}, roomList=True) == (200, {"rooms": []})


def knock(server, jwt):
    """(status, text) of what a client asks before it joins with this token."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request("GET", "/rtc/validate?" + urllib.parse.urlencode({"access_token": jwt, "protocol": 16}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.skipif(under_test() is LiveKit, reason="not asked of livekit-server: nobody is in the room")
def test_tokens_of_before_are_taken_back(server):
    now = int(time.time())
    old = token(server.key, server.secret, "taken", "alice", nbf=now - 5)
    assert knock(server, old) == (200, "success")
    asked = {"room": "taken", "identity": "alice", "revoke_token_ts": now}
    assert ask(server, "RemoveParticipant", asked, roomAdmin=True, room="taken")[0] == 404, "nobody is in; it holds all the same"
    assert knock(server, old) == (401, "invalid token: token is revoked")
    assert knock(server, token(server.key, server.secret, "taken", "alice", nbf=now)) == (200, "success")
    assert knock(server, token(server.key, server.secret, "taken", "bob", nbf=now - 5)) == (200, "success")


@pytest.mark.parametrize("method,body,video,status,code", [
    ("ListRooms", {}, {}, 401, "unauthenticated"),
    ("ListRooms", {}, {"roomCreate": True}, 401, "unauthenticated"),
    ("ListParticipants", {"room": "a"}, {"roomAdmin": True, "room": "b"}, 401, "unauthenticated"),
    ("GetParticipant", {"room": "a", "identity": "x"}, {"roomAdmin": True, "room": "a"}, 404, "not_found"),
    ("DeleteRoom", {"room": "nowhere"}, {"roomCreate": True}, 404, "not_found"),
    ("Dance", {}, {"roomList": True}, 404, "bad_route"),
    ("ListRooms", [], {"roomList": True}, 400, "malformed"),
])
def test_refusals_have_twirps_words(server, method, body, video, status, code):
    got, answer = ask(server, method, body, **video)
    assert (got, answer["code"]) == (status, code)


@pytest.mark.skipif(under_test() is LiveKit, reason="livekit-server has one listener")
@pytest.mark.parametrize("kind, public, private", [(Dev, 200, 200), (Alone, 404, 200)], ids=["--dev", "in earnest"])
def test_only_developers_have_it_where_clients_are(tmp_path, kind, public, private):
    door = f"127.0.0.1:{free_port()}"
    running = kind(tmp_path, http_private=door).start()
    try:
        assert ask(running, "ListRooms", {}, at=urllib.parse.urlsplit(running.url).netloc, roomList=True)[0] == public
        assert ask(running, "ListRooms", {}, at=door, roomList=True)[0] == private
    finally:
        assert running.stop() == 0


def test_who_hears_nothing_does_not_keep_it_from_stopping(tmp_path):
    receiver = Receiver().start()
    receiver.answers = "hang"
    door = f"127.0.0.1:{free_port()}"
    running = Alone(tmp_path, http_private=door, rtc_webhooks=f"{receiver.url}/hook").start()
    try:
        assert ask(running, "CreateRoom", {"name": "a"}, at=door, roomCreate=True)[0] == 200
        assert running.stop() == 0
        assert "room_webhooks_lost n=2" in running.printed()  # its beginning, which hangs, and its end
    finally:
        running.stop()
        receiver.stop()
