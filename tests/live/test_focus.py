"""The token service as clients meet it: OpenID tokens and rooms of a real Synapse, and what a real LiveKit server says
to the tokens. Requests are those of FluffyChat, Element Call 0.26 and js-sdk 43."""
import base64
import hashlib
import http.client
import json
import os
import subprocess
import time

import pytest

from livekit import KEY, PROGRAM, SECRET, URL, LiveKit
from parley import build_dir, free_port
from synapse import request

PATIENCE_S = 60
SLOT = "m.call#ROOM"
UNAUTHORISED = {"errcode": "M_UNAUTHORIZED", "error": "The request could not be authorised."}
NOT_A_MEMBER = {"errcode": "M_FORBIDDEN", "error": "The requesting user is not a member of the room"}


def hashed(*words):
    """matrix-calls 4.3: base64 without padding of SHA-256 over canonical JSON."""
    text = json.dumps(words, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def claims(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(name="livekit", scope="module")
def fixture_livekit(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    server = LiveKit(tmp_path_factory.mktemp("livekit")).start()
    yield server
    server.stop()


@pytest.fixture(name="people", scope="module")
def fixture_people(stack, livekit):
    """alice and bob in a room, carol outside; tokens need the SFU, which has their room made."""
    alice, bob, carol = (stack.user(name) for name in ("focus-alice", "focus-bob", "focus-carol"))
    return alice, bob, carol, stack.room(alice, bob)


def fluffychat(user, room, **changes):
    return {"room": room, "openid_token": user.openid_token(), "device_id": user.device_id, **changes}


def element_call(user, room, **changes):
    """In matrix_2_0 mode."""
    return {"room_id": room, "slot_id": SLOT, "openid_token": user.openid_token(),
            "member": {"id": "b9c1d4", "claimed_user_id": user.user_id, "claimed_device_id": user.device_id}, **changes}


def call_member(user, parley, room):
    """The state event of who is in a call, as FluffyChat writes it."""
    return ("org.matrix.msc3401.call.member", f"_{user.user_id}_{user.device_id}_m.call", {
        "application": "m.call", "call_id": "", "scope": "m.room", "device_id": user.device_id, "expires": 3600000,
        "created_at": int(time.time() * 1000), "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"},
        "foci_preferred": [{"type": "livekit", "livekit_service_url": parley.public_url, "livekit_alias": room}]})


def ask(stack, path, body):
    return stack.parley.request("POST", path, body, base=stack.parley.public_url)


def rows(stack, room, kind, n=1):
    """Audit rows of the room, once there are so many."""
    return stack.wait(lambda: stack.parley.audit("events", "--room", room, "--type", kind), lambda got: len(got) >= n, kind)


def test_fluffychat_gets_a_token_that_livekit_takes(stack, livekit, people):
    alice, bob, _, _ = people
    room = stack.room(alice, bob)
    alice.put_state(room, *call_member(alice, stack.parley, room))
    stack.wait_call(room, status="active")
    status, answer = ask(stack, "/sfu/get", fluffychat(alice, room))
    assert status == 200 and set(answer) == {"url", "jwt"} and answer["url"] == URL
    assert livekit.validate(answer["jwt"]) == (200, "success")
    said = claims(answer["jwt"])
    now = time.time()
    assert now - 60 < said.pop("nbf") <= now + 1 and said.pop("exp") - now == pytest.approx(3600, abs=60)
    assert said == {"iss": KEY, "sub": f"{alice.user_id}:{alice.device_id}",
                    "video": {"room": hashed(room, SLOT), "roomJoin": True, "roomCreate": False, "canPublish": True,
                              "canSubscribe": True, "canUpdateOwnMetadata": False, "hidden": False}}
    row = rows(stack, room, "token_issued")[0]
    assert row["call_id"] == SLOT and row["user_id"] == alice.user_id and row["subject"] == alice.device_id
    payload = row["payload"] if isinstance(row["payload"], dict) else json.loads(row["payload"])
    assert payload["identity"] == said["sub"] and payload["dialect"] == "old" and payload["membership"] == "joined"
    assert answer["jwt"] not in json.dumps(row) and answer["jwt"] not in stack.parley.log.read_text()


def test_element_call_gets_a_token_in_both_modes(stack, livekit, people):
    _, bob, _, room = people
    status, answer = ask(stack, "/get_token", element_call(bob, room))
    assert status == 200 and livekit.validate(answer["jwt"]) == (200, "success")
    assert claims(answer["jwt"])["sub"] == hashed(bob.user_id, bob.device_id, "b9c1d4")
    assert claims(answer["jwt"])["video"]["room"] == hashed(room, SLOT)
    # Default mode: with its delayed leave, and without when that is refused in these words.
    delay = {"delay_id": "syd_abc", "delay_timeout": 3600000, "delay_cs_api_url": stack.synapse.url}
    status, answer = ask(stack, "/sfu/get", fluffychat(bob, room, **delay))
    assert status == 200 or (status, answer["errcode"]) == (400, "M_BAD_JSON")
    status, answer = ask(stack, "/sfu/get", fluffychat(bob, room))
    assert status == 200 and livekit.validate(answer["jwt"]) == (200, "success")


def test_livekit_refuses_what_we_did_not_sign(stack, livekit, people):
    alice, _, _, room = people
    _, answer = ask(stack, "/sfu/get", fluffychat(alice, room))
    head, body, signature = answer["jwt"].split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims(answer["jwt"]), "sub": "@mallory:x"}).encode()).decode().rstrip("=")
    assert livekit.validate(f"{head}.{other}.{signature}")[0] == 401
    assert livekit.validate(f"{head}.{body}.{signature}")[0] == 200


def test_only_members_get_tokens(stack, people):
    alice, _, carol, _ = people
    room = stack.room(alice)
    assert ask(stack, "/sfu/get", fluffychat(alice, room))[0] == 200
    assert ask(stack, "/sfu/get", fluffychat(carol, room)) == (403, NOT_A_MEMBER)
    alice.invite(room, carol.user_id)
    assert ask(stack, "/sfu/get", fluffychat(carol, room)) == (403, NOT_A_MEMBER)
    carol.join(room)
    assert ask(stack, "/get_token", element_call(carol, room))[0] == 200, "at once, whatever was kept"
    alice.kick(room, carol.user_id)
    stack.wait(lambda: ask(stack, "/sfu/get", fluffychat(carol, room)), lambda got: got == (403, NOT_A_MEMBER), "refusal")
    for nowhere in ("!nowhere:parley.test", "!0g1m9sMYYZ-PzRYPTUuTPPJ8pFTUYjTLbxsKLdfpDkA"):
        assert ask(stack, "/sfu/get", fluffychat(alice, nowhere)) == (403, NOT_A_MEMBER)
    refused = rows(stack, room, "token_refused", 3)
    assert {row["user_id"] for row in refused} == {carol.user_id}
    assert all("not_joined" in json.dumps(row["payload"]) for row in refused)


@pytest.mark.parametrize("change, reason", [
    ({"access_token": "forged"}, "openid_refused"),
    ({"access_token": "x" * 4096}, "openid_"),
    ({"matrix_server_name": "127.0.0.1"}, "openid_inner_address"),
    ({"matrix_server_name": "[::1]:8448"}, "openid_inner_address"),
    ({"matrix_server_name": "169.254.169.254:80"}, "openid_inner_address"),
    ({"matrix_server_name": "localhost"}, "openid_"),
    ({"matrix_server_name": "a b"}, "openid_bad_name"),
    ({"matrix_server_name": "parley.test/../x"}, "openid_bad_name"),
], ids=lambda value: str(value)[:40])
def test_who_lies_is_refused_and_written_down(stack, people, change, reason):
    alice = people[0]
    room = stack.room(alice)
    body = fluffychat(alice, room)
    body["openid_token"].update(change)
    assert ask(stack, "/sfu/get", body) == (401, UNAUTHORISED)
    row = rows(stack, room, "token_refused")[0]
    assert reason in json.dumps(row["payload"]) and row["user_id"] in (None, "")
    assert body["openid_token"]["access_token"] not in json.dumps(row)


def test_nobody_speaks_for_somebody_else(stack, people):
    alice, bob, _, room = people
    body = element_call(alice, room)
    body["member"]["claimed_user_id"] = bob.user_id
    assert ask(stack, "/get_token", body) == (401, UNAUTHORISED)


@pytest.mark.parametrize("path, body, errcode, text", [
    ("/sfu/get", b"{", "M_NOT_JSON", "Error reading request"),
    ("/sfu/get", b"{}", "M_BAD_JSON", "Missing room parameter"),
    ("/sfu/get", b'{"room":"!r:parley.test"}', "M_BAD_JSON", "Missing OpenID token parameters"),
    ("/get_token", b"{}", "M_BAD_JSON", "The request body is missing `room_id` or `slot_id`"),
    ("/get_token", b'{"room_id":"!r:parley.test","slot_id":7}', "M_NOT_JSON", "Error reading request"),
])
def test_broken_bodies_get_the_words_that_clients_know(stack, path, body, errcode, text):
    assert ask(stack, path, body) == (400, {"errcode": errcode, "error": text})


def test_every_answer_lets_browsers_read_it_once(stack):
    for method, path, body, want in [("OPTIONS", "/sfu/get", None, 200), ("OPTIONS", "/get_token", None, 200),
                                     ("POST", "/sfu/get", b"{}", 400), ("GET", "/sfu/get", None, 405),
                                     ("POST", "/get_token", b"x" * (64 * 1024 + 1), 413), ("PUT", "/healthz", None, 405)]:
        connection = http.client.HTTPConnection("127.0.0.1", stack.parley.public_port, timeout=PATIENCE_S)
        connection.request(method, path, body, {"Origin": "https://call.example.com"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == want, (method, path, text)
        assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert {"Accept", "Content-Type", "Authorization"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
        assert answer.headers["Content-Type"] == "application/json"
        assert method != "OPTIONS" or text == b""
        connection.close()


PROXIED = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token"


def proxied(room, **changes):
    return {"url": URL, "room_id": room, "slot_id": SLOT, "member_id": "b9c1d4", **changes}


def test_the_homeserver_asks_for_its_users(stack, livekit, people):
    alice, _, carol, room = people
    status, answer = request("POST", stack.synapse.url + PROXIED, proxied(room), alice.token)
    assert status == 200 and set(answer) == {"jwt"}, answer
    assert livekit.validate(answer["jwt"]) == (200, "success")
    assert claims(answer["jwt"])["sub"] == hashed(alice.user_id, "b9c1d4")
    # js-sdk 43
    body = proxied(room, member={"id": "b9c1d4", "claimed_device_id": alice.device_id})
    del body["member_id"]
    status, answer = request("POST", stack.synapse.url + PROXIED, body, alice.token)
    assert claims(answer["jwt"])["sub"] == hashed(alice.user_id, alice.device_id, "b9c1d4")
    assert request("POST", stack.synapse.url + PROXIED, proxied(room), carol.token) == (403, NOT_A_MEMBER)
    status, answer = request("POST", stack.synapse.url + PROXIED, proxied(room, url=URL + "/"), alice.token)
    assert status == 400 and answer["errcode"] == "M_INVALID_PARAM"


def test_headers_of_the_homeserver_are_believed_from_it_alone(stack, people):
    alice, _, _, room = people
    parley = stack.parley
    for base, headers, want in [
            (parley.public_url, {"Authorization": f"Bearer {parley.token('hs_token')}"}, (404, "M_UNRECOGNIZED")),
            (parley.private_url, {}, (401, "M_MISSING_TOKEN")),
            (parley.private_url, {"Authorization": "Bearer x"}, (401, "M_UNKNOWN_TOKEN")),
            (parley.private_url, {"Authorization": f"Bearer {parley.token('as_token')}"}, (401, "M_UNKNOWN_TOKEN"))]:
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=PATIENCE_S)
        connection.request("POST", PROXIED, json.dumps(proxied(room)), {"X-Matrix-User-Identifier": alice.user_id, **headers})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["errcode"]) == want
        connection.close()


def test_restricted_users_join_calls_and_open_none(stack, people):
    """A second node that takes nobody here for one of its own."""
    alice, bob, carol, _ = people
    room = stack.room(alice, bob)
    port = free_port()
    environment = {**stack.parley.environment, "PARLEY_HTTP_PUBLIC": f"127.0.0.1:{port}",
                   "PARLEY_HTTP_PRIVATE": f"127.0.0.1:{free_port()}", "PARLEY_RTC_FULL_ACCESS": "elsewhere.example"}
    node = subprocess.Popen([str(build_dir() / "parley"), "serve", "--config", str(stack.parley.config)], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"

    def ask_node(user):
        return stack.parley.request("POST", "/sfu/get", fluffychat(user, room), base=base)

    try:
        stack.wait(lambda: stack.parley.request("GET", "/readyz", base=base, seconds=5), lambda got: got[0] == 200, "node")
        assert ask_node(bob) == (403, {"errcode": "M_FORBIDDEN",
                                       "error": "There is no call in the room that could be joined"})
        alice.put_state(room, *call_member(alice, stack.parley, room))
        assert ask_node(bob)[0] == 200, "also before the event has come to us"
        assert ask_node(carol) == (403, NOT_A_MEMBER)
        delay = {"delay_id": "syd_abc", "delay_timeout": 3600000}
        assert stack.parley.request("POST", "/sfu/get", fluffychat(bob, room, **delay), base=base) == (
            400, {"errcode": "M_BAD_JSON", "error": "Delegation of delayed events is only supported for full access users"})
        node.terminate()
        assert node.wait(PATIENCE_S) == 0
    finally:
        if node.poll() is None:
            node.kill()
            node.wait()


def test_stands_in_for_the_earlier_service(stack, livekit, people, tmp_path):
    """Its variables alone: no settings file, no registration, no database; and nobody's membership is known."""
    _, _, carol, room = people
    port = free_port()
    (tmp_path / "keys").write_text(f"{KEY}: {SECRET}\n")
    (tmp_path / "keys").chmod(0o600)
    environment = {"PATH": os.environ["PATH"], "LIVEKIT_URL": URL, "LIVEKIT_KEY_FILE": str(tmp_path / "keys"),
                   "LIVEKIT_FULL_ACCESS_HOMESERVERS": "parley.test", "LIVEKIT_JWT_BIND": f"127.0.0.1:{port}",
                   "LIVEKIT_LOG_LEVEL": "debug",
                   # Of this machine only: where the homeserver is, and a private port that is free.
                   "PARLEY_FEDERATION_SERVERS": f"parley.test={stack.synapse.url}",
                   "PARLEY_HTTP_PRIVATE": f"127.0.0.1:{free_port()}"}
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([str(build_dir() / "parley"), "serve"], env=environment, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        stack.wait(lambda: stack.parley.request("GET", "/healthz", base=base, seconds=5), lambda got: got[0] == 200, "health")
        status, answer = stack.parley.request("POST", "/sfu/get", fluffychat(carol, room), base=base)
        assert status == 200 and livekit.validate(answer["jwt"]) == (200, "success")
        forged = fluffychat(carol, room)
        forged["openid_token"]["access_token"] = "forged"
        assert stack.parley.request("POST", "/sfu/get", forged, base=base) == (401, UNAUTHORISED)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    said = (tmp_path / "log").read_text()
    assert "event=token_service_alone" in said and "ERROR: " not in said and SECRET not in said
