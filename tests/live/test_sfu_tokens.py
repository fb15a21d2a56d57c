"""Who is refused at the door of the embedded SFU, with which status and which words: livekit-protocol 1.4.

PARLEY_TEST_SFU=livekit runs the same against livekit-server.
"""
import base64
import http.client
import json
import urllib.parse

import pytest

from livekit import PROGRAM
from sfu_clients import token
from sfu_server import LiveKit, under_test

PATHS = ["/rtc", "/rtc/v1"]
JOIN = "join_request"


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    if under_test() is LiveKit and not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    running = under_test()(tmp_path_factory.mktemp("sfu")).start()
    yield running
    assert running.stop() == 0


def ask(server, path, query, headers=None, upgrade=False):
    """(status, body, headers) of one request."""
    headers = dict(headers or {})
    if upgrade:
        headers.update({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                        "Sec-WebSocket-Key": base64.b64encode(b"sixteen letters.").decode()})
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request("GET", path + "?" + urllib.parse.urlencode(query), headers=headers)
        answer = connection.getresponse()
        return answer.status, "" if answer.status == 101 else answer.read().decode(), answer.headers
    finally:
        connection.close()


def query_of(path, jwt=None):
    """What a client of that path sends at least. An empty protobuf is a join request."""
    query = {"access_token": jwt} if jwt else {}
    return {**query, JOIN: base64.b64encode(b"\x12\x00").decode()} if path == "/rtc/v1" else {**query, "protocol": 16, "sdk": "js"}


def good(server, **claims):
    return token(server.key, server.secret, "door", "alice", **claims)


def other_algorithm(server):
    head, body, signature = good(server).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


# token or None, status, words of the body
REFUSED = {
    "no token": (lambda server: None, 401, "permission"),
    "no token at all, but letters": (lambda server: "nonsense", 401, "invalid authorization token"),
    "an unknown key": (lambda server: token("stranger", server.secret, "door", "alice"), 401, "invalid API key"),
    "another secret": (lambda server: token(server.key, "another secret of 32 characters!", "door", "alice"), 401, ""),
    "another algorithm": (other_algorithm, 401, ""),
    "expired": (lambda server: good(server, exp=1000), 401, "expired"),
    "never to expire": (lambda server: good(server, exp=None), 401, ""),
    "not good yet": (lambda server: good(server, nbf=4000000000), 401, ""),
    "no grant for video": (lambda server: good(server, video=None), 401, "permission"),
    "no right to join": (lambda server: good(server, video={"room": "door"}), 401, "permission"),
    "no room": (lambda server: good(server, video={"roomJoin": True}), 400, "no room name"),
    "no identity": (lambda server: good(server, sub=None), 400, "identity cannot be empty"),
    "an identity that is too long": (lambda server: good(server, sub="x" * 257), 400, "max length 256"),
    "a room that is too long": (lambda server: good(server, video={"roomJoin": True, "room": "x" * 257}), 400, "max length 256"),
}


STRICTER = {"never to expire"}  # than livekit-server


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_before_the_upgrade_and_told_why(server, name, path):
    make, status, words = REFUSED[name]
    if name in STRICTER and under_test() is LiveKit:
        pytest.skip("livekit-server lets them in")
    jwt = make(server)
    asked = ask(server, path, query_of(path, jwt), upgrade=True)
    assert asked[0] == status and words in asked[1]
    seen, body, headers = ask(server, path + "/validate", query_of(path, jwt))
    assert (seen, words in body) == (status, True), "a browser must be able to read why"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers.get_content_type() == "text/plain"


@pytest.mark.parametrize("path", PATHS)
def test_a_good_token_is_let_in(server, path):
    assert ask(server, path, query_of(path, good(server)), upgrade=True)[0] == 101
    assert ask(server, path, query_of(path), {"Authorization": f"Bearer {good(server)}"}, upgrade=True)[0] == 101
    assert ask(server, path + "/validate", query_of(path, good(server)))[:2] == (200, "success")


def test_a_header_wins_and_must_be_a_bearer(server):
    path = PATHS[0]
    status, body, _ = ask(server, path + "/validate", query_of(path, good(server)), {"Authorization": f"Basic {good(server)}"})
    assert status == 401 and body.strip() == "invalid authorization header. Must start with Bearer"
    status, body, _ = ask(server, path + "/validate", query_of(path, good(server)), {"Authorization": "Bearer nonsense"})
    assert status == 401 and "invalid authorization token" in body


@pytest.mark.parametrize("join, words", [(None, "join_request is required"), ("%%%", ""), (base64.b64encode(b"\xff" * 20).decode(), "")])
def test_a_join_request_must_be_there_and_make_sense(server, join, words):
    query = {"access_token": good(server), **({JOIN: join} if join else {})}
    status, body, _ = ask(server, "/rtc/v1", query, upgrade=True)
    assert status == 400 and words in body and body != ""


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_websocket_is_not_found(server, path):
    assert ask(server, path, query_of(path, good(server)))[0] == 404


def test_a_warm_up_is_answered(server):
    assert ask(server, "/", {})[:2] == (200, "OK")
