"""Admins look at calls, end them, and kick members: over the admin API, in a real Synapse."""

import contextlib
import json
import os
import signal
import subprocess
import uuid

import pytest

from events import legacy_call, member_content
from synapse import free_port

MEMBER = "org.matrix.msc3401.call.member"
STICKY = "org.matrix.msc4143.rtc.member"
CALLS = "/_parley/admin/v1/calls"
DEVICE = "DEV"


def state_key(client, device=DEVICE):
    return f"_{client.user_id}_{device}_m.call"


@pytest.fixture(name="token", scope="module")
def fixture_token(stack):
    parley = stack.parley
    file = parley.folder / "admin.token"
    if not file.exists():
        parley.run("admin-token")
    token = file.read_text().strip()
    os.kill(parley.process.pid, signal.SIGHUP)
    stack.wait(lambda: parley.request("GET", CALLS, token=token), lambda answer: answer[0] == 200, "admin API")
    return token


def join(stack, room, *people, device=DEVICE):
    for client in people:
        client.put_state(room, MEMBER, state_key(client, device), member_content(device))
    return stack.wait_call(room, status="active")["session_id"]


def live(stack, token, room):
    status, body = stack.parley.request("GET", f"{CALLS}?room_id={room}", token=token)
    assert status == 200, body
    return body["calls"]


def wait_members(stack, token, room, n):
    return stack.wait(lambda: live(stack, token, room), lambda calls: sum(len(c["participants"]) for c in calls) == n,
                      f"call of {n}")


def order(stack, token, session_id, what, **body):
    return stack.parley.request("POST", f"{CALLS}/{session_id}/{what}", body, token=token)


def events(stack, session_id, kind):
    return [row for row in stack.parley.audit("events", "--call", session_id) if row["type"] == kind]


@contextlib.contextmanager
def without_masquerade(stack):
    """Parley speaks for nobody meanwhile, and its own user is in no room."""
    def restart(word):
        stack.parley.stop()
        stack.parley.set("appservice", masquerade=word)
        stack.parley.start()

    restart("no")
    try:
        yield
    finally:
        restart("yes")


def test_three_members_one_kicked_then_all_ended(stack, token):
    alice, bob, carol = (stack.user(name) for name in ("alice", "bob", "carol"))
    room = stack.room(alice, bob, carol)
    session = join(stack, room, alice, bob, carol)
    bob.put_state(room, MEMBER, state_key(bob, "TWO"), member_content("TWO"))
    call, = wait_members(stack, token, room, 4)
    assert (call["session_id"], call["kind"], call["status"], call["type"]) == (session, "rtc", "active", "video")
    assert {(p["user_id"], p["device_id"]) for p in call["participants"]} == {
        (alice.user_id, DEVICE), (bob.user_id, DEVICE), (bob.user_id, "TWO"), (carol.user_id, DEVICE)}

    status, body = order(stack, token, session, "kick", user_id=bob.user_id, device_id="TWO", reason="noise")
    assert (status, body["not_ended"]) == (200, [])
    assert body["ended"] == [{"user_id": bob.user_id, "device_id": "TWO", "by": "user"}]
    wait_members(stack, token, room, 3)
    assert alice.state_event(room, MEMBER, state_key(bob, "TWO")) == {}
    assert alice.state_event(room, MEMBER, state_key(bob)) != {}, "the other device stays"
    row, = events(stack, session, "participant_kicked_by_admin")
    assert row["subject"] == f"{bob.user_id}/TWO" and row["user_id"] is None
    assert {"actor": "admin token", "reason": "noise"}.items() <= row["payload"].items()
    assert order(stack, token, session, "kick", user_id=bob.user_id, device_id="TWO")[0] == 404, "not there any more"

    status, body = order(stack, token, session, "end", reason="fire drill")
    assert (status, body["not_ended"], len(body["ended"])) == (200, [], 3)
    ended = stack.wait_call(room, status="ended")
    assert ended["session_id"] == session
    for client in (alice, bob, carol):
        assert alice.state_event(room, MEMBER, state_key(client)) == {}
    row, = events(stack, session, "call_ended_by_admin")
    assert row["payload"]["reason"] == "fire drill"
    assert live(stack, token, room) == []
    assert order(stack, token, session, "end")[0] == 404, "it is over"


def test_sticky_members_are_ended(stack, token):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    for client in (alice, bob):
        key = uuid.uuid4().hex
        client.send_sticky(room, STICKY, {
            "slot_id": "m.call#ROOM", "member": {"id": key, "user_id": client.user_id, "device_id": DEVICE},
            "application": {"type": "m.call", "m.call.intent": "video"},
            "transports": {"published": [{"type": "livekit", "livekit_service_url": "https://calls.example.com"}],
                           "can_subscribe": ["livekit"]}, "versions": [], "msc4354_sticky_key": key}, 3600000)
    call, = wait_members(stack, token, room, 2)
    assert order(stack, token, call["session_id"], "kick", user_id=bob.user_id)[0] == 200
    wait_members(stack, token, room, 1)
    assert order(stack, token, call["session_id"], "end")[0] == 200
    assert stack.wait_call(room, status="ended")["session_id"] == call["session_id"]


def test_who_cannot_be_ended_is_named(stack, token):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    session = join(stack, room, alice, bob)
    wait_members(stack, token, room, 2)
    with without_masquerade(stack):
        status, body = order(stack, token, session, "end")
        assert (status, body["ended"]) == (200, [])
        assert {(m["user_id"], m["device_id"]) for m in body["not_ended"]} == {(alice.user_id, DEVICE), (bob.user_id, DEVICE)}
        assert all("our own user may not do it" in m["problem"] and "M_FORBIDDEN" in m["problem"] for m in body["not_ended"])
        assert len(live(stack, token, room)[0]["participants"]) == 2, "they are still in"
        assert len(events(stack, session, "call_ended_by_admin")) == 1, "what was wanted is written down all the same"
    assert order(stack, token, session, "end")[0] == 200
    stack.wait_call(room, status="ended")


def test_a_legacy_call_is_marked_as_ended(stack, token):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    for event in legacy_call(room, alice.user_id, bob.user_id, "admin1")[:1]:
        alice.send(room, event["type"], event["content"])
    session = stack.wait_call(room, status="ringing")["session_id"]
    assert order(stack, token, session, "kick", user_id=bob.user_id)[0] == 409
    status, body = order(stack, token, session, "end", reason="abuse")
    assert (status, body["clients_told"]) == (200, False)
    call = stack.wait_call(room, status="cancelled")
    assert call["end_reason"] == "ended_by_admin"
    assert len(events(stack, session, "call_ended_by_admin")) == 1


def test_what_is_refused(stack, token):
    nobody = str(uuid.uuid4())
    rows = [
        ("GET", "", None, None, 401),
        ("GET", "", None, "x" * 64, 403),
        ("GET", "?limit=0", None, token, 400),
        ("GET", "?limit=501", None, token, 400),
        ("GET", "?limit=-1", None, token, 400),
        ("GET", "?room_id=x", None, token, 400),
        ("GET", "?user_id=x", None, token, 400),
        ("GET", "?kind=x", None, token, 400),
        ("GET", "?session_id=x", None, token, 400),
        ("GET", f"?session_id={nobody}", None, token, 200),
        ("POST", f"/{nobody}/end", {}, None, 401),
        ("POST", f"/{nobody}/end", {}, token, 404),
        ("POST", "/x/end", {}, token, 404),
        ("POST", f"/{nobody}/end", [], token, 400),
        ("POST", f"/{nobody}/end", b"{", token, 400),
        ("POST", f"/{nobody}/end", {"reason": 1}, token, 400),
        ("POST", f"/{nobody}/end", {"reason": "x" * 501}, token, 400),
        ("POST", f"/{nobody}/end", {"reason": "x" * 5000}, token, 413),
        ("POST", f"/{nobody}/end", {"unknown": 1, "reason": None}, token, 404),
        ("POST", f"/{nobody}/kick", {}, token, 400),
        ("POST", f"/{nobody}/kick", {"user_id": "bob"}, token, 400),
        ("POST", f"/{nobody}/kick", {"user_id": "@bob:x", "device_id": 1}, token, 400),
        ("POST", f"/{nobody}/kick", {"user_id": "@bob:x"}, token, 404),
        ("GET", f"/{nobody}/end", None, token, 405),
    ]
    for method, path, body, who, want in rows:
        status, answer = stack.parley.request(method, CALLS + path, body, token=who)
        assert status == want, (method, path, body, answer)
    assert stack.parley.request("GET", CALLS, token=token, base=stack.parley.public_url)[0] == 404


def cli(parley, *arguments):
    return subprocess.run([str(parley.binary), "calls", *arguments, "--config", str(parley.config)], capture_output=True,
                          text=True, check=False, timeout=60, env=parley.environment)


def test_the_command_line(stack, token):
    alice, bob, carol = (stack.user(name) for name in ("alice", "bob", "carol"))
    room = stack.room(alice, bob, carol)
    session = join(stack, room, alice, bob, carol)
    wait_members(stack, token, room, 3)
    parley = stack.parley
    rows = [json.loads(line) for line in cli(parley, "list", "--room", room, "--format", "jsonl").stdout.splitlines()]
    assert {(row["session_id"], row["user_id"], row["status"]) for row in rows} == {
        (session, client.user_id, "active") for client in (alice, bob, carol)}
    shown = cli(parley, "list", "--call", session)
    assert shown.returncode == 0 and len(shown.stdout.splitlines()) == 4 and "session_id" in shown.stdout
    limited = cli(parley, "list", "--limit", "1", "--user", alice.user_id)
    assert limited.returncode == 0 and alice.user_id in limited.stdout

    assert cli(parley, "kick", session).returncode == 1
    assert cli(parley, "kick", "nonsense", "--user", bob.user_id).returncode == 2
    kicked = cli(parley, "kick", session, "--user", bob.user_id, "--reason", "noise")
    assert (kicked.returncode, kicked.stdout) == (0, f"{bob.user_id} {DEVICE}: left\n")
    wait_members(stack, token, room, 2)
    again = cli(parley, "kick", session, "--user", bob.user_id)
    assert again.returncode == 1 and "not in this call" in again.stderr
    ended = cli(parley, "end", session)
    assert ended.returncode == 0 and len(ended.stdout.splitlines()) == 2
    stack.wait_call(room, status="ended")
    gone = cli(parley, "end", session)
    assert gone.returncode == 1 and "No call that goes on" in gone.stderr
    assert events(stack, session, "participant_kicked_by_admin")[0]["payload"]["reason"] == "noise"
    empty = cli(parley, "list", "--room", room)
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "no calls\n")


def test_the_command_line_says_who_is_still_in(stack, token):
    alice = stack.user("alice")
    room = stack.room(alice)
    session = join(stack, room, alice)
    rude = "X\x1b[2J"
    alice.put_state(room, MEMBER, state_key(alice, "RUDE"), member_content(rude))
    wait_members(stack, token, room, 2)
    with without_masquerade(stack):
        refused = cli(stack.parley, "end", session)
        assert refused.returncode == 1 and "could not be ended" in refused.stderr
        assert f"{alice.user_id} {DEVICE}: still in: our own user may not do it" in refused.stdout
        assert "\x1b" not in refused.stdout and "X\\x1b[2J: still in" in refused.stdout, "ids of strangers are made harmless"
    assert cli(stack.parley, "end", session).returncode == 0


def test_the_command_line_without_a_parley(tmp_path, stack, token):
    config = tmp_path / "parley.yaml"

    def refusal(private, file):
        config.write_text(f"http: {{private: ['{private}']}}\nadmin: {{token_file: {file}}}\nhomeserver: {{name: x}}\n")
        config.chmod(0o600)
        done = subprocess.run([str(stack.parley.binary), "calls", "list", "--config", str(config)], capture_output=True,
                              text=True, check=False, timeout=60, env=stack.parley.environment)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    here = f"127.0.0.1:{stack.parley.private_port}"
    assert "parley admin-token" in refusal(here, tmp_path / "none")
    wrong = tmp_path / "wrong"
    wrong.write_text("x" * 64 + "\n")
    wrong.chmod(0o600)
    assert "does not know the token" in refusal(here, wrong)
    assert "does it run?" in refusal(f"127.0.0.1:{free_port()}", wrong)
    assert "does it run?" in refusal(f"unix:{tmp_path}/none.sock", wrong)
    assert "no Parley of this version" in refusal(f"127.0.0.1:{stack.parley.public_port}", stack.parley.folder / "admin.token")
