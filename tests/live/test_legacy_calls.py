"""Legacy one-to-one calls (m.call.*) through a real Synapse, seen by `parley audit`."""

import time
import uuid

import pytest

from events import SDP

OFFER = {"type": "offer", "sdp": SDP}
ANSWER = {"type": "answer", "sdp": SDP}


class Phone:
    """One device of a user in one room: sends the events of a call as matrix-js-sdk and the Dart SDK do."""

    def __init__(self, client, room, call_id, party, version="1"):
        self.client, self.room, self.call_id, self.party, self.version = client, room, call_id, party, version

    def send(self, kind, **content):
        if self.version == "1":
            content["party_id"] = self.party
        return self.client.send(self.room, "m.call." + kind, dict(content, call_id=self.call_id, version=self.version))

    def invite(self, lifetime=60000, **more):
        return self.send("invite", offer=OFFER, lifetime=lifetime, **more)


@pytest.fixture
def pair(stack):
    """Two users in a direct room of their own, and a call id."""
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    return alice, bob, room, f"call-{uuid.uuid4().hex[:12]}"


def types(stack, call):
    return [row["type"] for row in stack.parley.audit("events", "--call", call["session_id"])]


def test_answered_and_hung_up(stack, pair):
    alice, bob, room, call_id = pair
    caller, callee = Phone(alice, room, call_id, "A"), Phone(bob, room, call_id, "B")
    caller.invite()
    ringing = stack.wait_call(room, status="ringing")
    assert (ringing["caller"], ringing["callee"]) == (alice.user_id, bob.user_id)
    callee.send("answer", answer=ANSWER)
    stack.wait_call(room, status="active")
    caller.send("select_answer", selected_party_id="B")
    time.sleep(1.2)
    callee.send("hangup", reason="user_hangup")
    call = stack.wait_call(room, status="ended")
    assert 1000 <= call["duration_ms"] < 60000
    assert types(stack, call) == ["call_invited", "call_answered", "answer_selected", "call_ended"]
    mine = stack.parley.audit("user", bob.user_id, "--room", room)
    assert [row["role"] for row in mine] == ["callee"]


def test_rejected(stack, pair):
    alice, bob, room, call_id = pair
    Phone(alice, room, call_id, "A").invite()
    Phone(bob, room, call_id, "B").send("reject")
    call = stack.wait_call(room, status="rejected")
    assert types(stack, call) == ["call_invited", "call_rejected"]


def test_version_0_refused_by_hangup(stack, pair):
    alice, bob, room, call_id = pair
    Phone(alice, room, call_id, "", version=0).invite()
    Phone(bob, room, call_id, "", version=0).send("hangup")
    assert stack.wait_call(room, status="rejected")["ended_by"] == bob.user_id


def test_version_0_is_active_with_the_answer(stack, pair):
    alice, bob, room, call_id = pair
    Phone(alice, room, call_id, "", version=0).invite()
    Phone(bob, room, call_id, "", version=0).send("answer", answer=ANSWER)
    stack.wait_call(room, status="active")
    Phone(alice, room, call_id, "", version=0).send("hangup")
    stack.wait_call(room, status="ended")


def test_missed_by_timer(stack, pair):
    alice, bob, room, call_id = pair
    Phone(alice, room, call_id, "A").invite(lifetime=3000)
    call = stack.wait_call(room, status="missed")
    assert types(stack, call) == ["call_invited", "call_missed"]
    assert [row["call_id"] for row in stack.parley.audit("calls", "--room", room, "--status", "missed")] == [call_id]


def test_cancelled_by_the_caller(stack, pair):
    alice, _, room, call_id = pair
    phone = Phone(alice, room, call_id, "A")
    phone.invite()
    phone.send("hangup", reason="user_hangup")
    stack.wait_call(room, status="cancelled")


def test_failed_before_the_answer(stack, pair):
    alice, _, room, call_id = pair
    phone = Phone(alice, room, call_id, "A")
    phone.invite()
    phone.send("hangup", reason="user_media_failed")
    stack.wait_call(room, status="failed")


def test_glare(stack, pair):
    alice, bob, room, _ = pair
    smaller, larger = "call-1" + uuid.uuid4().hex, "call-2" + uuid.uuid4().hex
    Phone(alice, room, larger, "A").invite()
    Phone(bob, room, smaller, "B").invite()
    Phone(alice, room, smaller, "A").send("answer", answer=ANSWER)
    Phone(bob, room, smaller, "B").send("select_answer", selected_party_id="A")
    won = stack.wait_call(room, call_id=smaller, status="active")
    lost = stack.wait_call(room, call_id=larger, status="cancelled")
    assert "glare_lost" in types(stack, lost)
    Phone(bob, room, smaller, "B").send("hangup")
    stack.wait_call(room, call_id=smaller, status="ended")
    assert won["session_id"] != lost["session_id"]


def test_several_devices(stack, pair):
    alice, bob, room, call_id = pair
    caller = Phone(alice, room, call_id, "A")
    desk, mobile = Phone(bob, room, call_id, "DESK"), Phone(bob, room, call_id, "MOBILE")
    caller.invite()
    desk.send("answer", answer=ANSWER)
    mobile.send("answer", answer=ANSWER)
    caller.send("select_answer", selected_party_id="MOBILE")
    stack.wait_call(room, status="active")
    desk.send("hangup", reason="answered_elsewhere")
    mobile.send("hangup")
    call = stack.wait_call(room, status="ended")
    seen = types(stack, call)
    assert seen.count("call_answered") == 2 and "answered_elsewhere" in seen


def test_the_caller_leaves_the_room(stack, pair):
    alice, _, room, call_id = pair
    Phone(alice, room, call_id, "A").invite()
    stack.wait_call(room, status="ringing")
    alice.leave(room)
    assert stack.wait_call(room, status="cancelled")["end_reason"] == "left_room"


def test_survives_a_restart_while_ringing(stack, pair):
    alice, bob, room, call_id = pair
    Phone(alice, room, call_id, "A").invite(lifetime=8000)
    stack.wait_call(room, status="ringing")
    stack.parley.kill()
    time.sleep(1)
    stack.parley.start()
    call = stack.wait_call(room, status="missed")
    assert types(stack, call) == ["call_invited", "call_missed"]


def test_what_happened_while_parley_was_away_is_delivered(stack, pair):
    alice, bob, room, call_id = pair
    stack.parley.stop()
    caller, callee = Phone(alice, room, call_id, "A"), Phone(bob, room, call_id, "B")
    caller.invite()
    callee.send("answer", answer=ANSWER)
    caller.send("select_answer", selected_party_id="B")
    callee.send("hangup")
    stack.parley.start()
    call = stack.wait_call(room, status="ended")
    assert types(stack, call) == ["call_invited", "call_answered", "answer_selected", "call_ended"]


def test_encrypted_events_are_not_calls(stack, pair):
    alice, _, room, _ = pair
    alice.send(room, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s",
                                          "device_id": "D", "sender_key": "k"})
    Phone(alice, room, "after", "A").invite(lifetime=2000)
    stack.wait_call(room, status="missed")
    assert len(stack.parley.audit("calls", "--room", room)) == 1
