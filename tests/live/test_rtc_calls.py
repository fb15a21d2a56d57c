"""MatrixRTC sessions through a real Synapse, with the contents that FluffyChat and Element Call write, seen by `parley audit`."""

import uuid

import pytest

from events import member_content, now_ms

MEMBER = "org.matrix.msc3401.call.member"
STICKY = "org.matrix.msc4143.rtc.member"
RING = "org.matrix.msc4075.rtc.notification"
DECLINE = "org.matrix.msc4310.rtc.decline"
FOCUS = "https://calls.example.com"


def state_key(client, device="DEV"):
    return f"_{client.user_id}_{device}_m.call"


def element_call(device="DEV", **more):
    """Element Call, default mode, first event of a join."""
    return dict(member_content(device, url=FOCUS), **more)


def fluffychat(client, device="DEV", expires=3600000):
    """FluffyChat: created_at instead of created_ts, refreshed with a new one every hour."""
    return {
        "application": "m.call", "call_id": "", "scope": "m.room", "device_id": device,
        "membershipID": f"{client.user_id}:{device}", "expires": expires, "created_at": now_ms(),
        "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"},
        "foci_preferred": [{"type": "livekit", "livekit_service_url": FOCUS, "livekit_alias": "!r:x"}],
        "m.call.intent": "audio",
    }


@pytest.fixture
def trio(stack):
    people = [stack.user(name) for name in ("alice", "bob", "carol")]
    return (*people, stack.room(*people))


def types(stack, call):
    return [row["type"] for row in stack.parley.audit("events", "--call", call["session_id"])]


def wait_event(stack, room, kind, count=1):
    return stack.wait(lambda: [row for row in stack.parley.audit("events", "--room", room) if row["type"] == kind],
                      lambda rows: len(rows) >= count, f"{count} rows {kind} in {room}")


def test_three_users_of_both_clients(stack, trio):
    alice, bob, carol, room = trio
    alice.put_state(room, MEMBER, state_key(alice), fluffychat(alice))
    first = stack.wait_call(room, status="active")
    bob.put_state(room, MEMBER, state_key(bob), element_call())
    carol.put_state(room, MEMBER, state_key(carol), element_call(**{"m.call.intent": "video"}))
    wait_event(stack, room, "participant_joined", 3)
    bob.put_state(room, MEMBER, state_key(bob), element_call(created_ts=now_ms() - 1000, expires=2 * 14400000))
    alice.put_state(room, MEMBER, state_key(alice), fluffychat(alice))
    for client in (alice, bob, carol):
        client.put_state(room, MEMBER, state_key(client), {})
    call = stack.wait_call(room, status="ended")
    assert call["session_id"] == first["session_id"]
    assert call["peak_users"] == 3
    assert types(stack, call).count("participant_joined") == 3, "a refresh is not a join"
    assert types(stack, call).count("participant_left") == 3
    assert types(stack, call)[0] == "session_started" and types(stack, call)[-1] == "session_ended"


def test_ring_answered(stack):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    member = alice.put_state(room, MEMBER, state_key(alice), element_call())
    alice.send(room, RING, {"notification_type": "ring", "m.mentions": {"user_ids": [bob.user_id]}, "sender_ts": now_ms(),
                            "lifetime": 30000, "m.relates_to": {"rel_type": "m.reference", "event_id": member}})
    stack.wait_call(room, status="ringing")
    bob.put_state(room, MEMBER, state_key(bob), element_call())
    stack.wait_call(room, status="active")
    for client in (alice, bob):
        client.put_state(room, MEMBER, state_key(client), {})
    call = stack.wait_call(room, status="ended")
    seen = types(stack, call)
    assert "call_ringing" in seen and "call_answered" in seen


def test_ring_declined(stack):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    alice.put_state(room, MEMBER, state_key(alice), fluffychat(alice))
    # FluffyChat's ring has no relation to the member event
    ring = alice.send(room, RING, {"notification_type": "ring", "m.mentions": {"user_ids": [bob.user_id]},
                                   "sender_ts": now_ms(), "lifetime": 30000})
    stack.wait_call(room, status="ringing")
    bob.send(room, DECLINE, {"m.relates_to": {"rel_type": "m.reference", "event_id": ring}})
    wait_event(stack, room, "call_declined")
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="rejected")


def test_hidden_ring_in_an_encrypted_room_of_two(stack):
    """The ring cannot be read there; that something encrypted refers to a fresh member event of its sender can."""
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    alice.put_state(room, "m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"})

    def send_hidden(client, target):
        return client.send(room, "m.room.encrypted", {
            "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s",
            "m.relates_to": {"rel_type": "m.reference", "event_id": target}})
    member = alice.put_state(room, MEMBER, state_key(alice), element_call())
    ring = send_hidden(alice, member)
    call = stack.wait_call(room, status="ringing")
    assert call["callee"] == bob.user_id
    send_hidden(bob, ring)
    row = wait_event(stack, room, "call_declined")[0]
    assert row["inferred"] and row["user_id"] == bob.user_id


def test_ring_missed(stack):
    alice, bob = stack.user("alice"), stack.user("bob")
    room = stack.room(alice, bob)
    member = alice.put_state(room, MEMBER, state_key(alice), element_call())
    alice.send(room, RING, {"notification_type": "ring", "m.mentions": {"user_ids": [bob.user_id]}, "sender_ts": now_ms(),
                            "lifetime": 3000, "m.relates_to": {"rel_type": "m.reference", "event_id": member}})
    wait_event(stack, room, "call_missed")
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="missed")


def test_expiry_without_any_leave(stack, trio):
    alice, _, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), fluffychat(alice, expires=3000))
    call = stack.wait_call(room, status="ended")
    assert "participant_expired" in types(stack, call)


def test_delayed_leave_of_the_homeserver(stack, trio):
    alice, _, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), {}, delay_ms=3000)
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    stack.wait_call(room, status="active")
    call = stack.wait_call(room, status="ended")
    assert "participant_left" in types(stack, call)


def test_kick_ends_the_membership(stack, trio):
    alice, bob, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    bob.put_state(room, MEMBER, state_key(bob), element_call())
    wait_event(stack, room, "participant_joined", 2)
    alice.kick(room, bob.user_id)
    (left,) = wait_event(stack, room, "participant_left")
    assert left["subject"].startswith(bob.user_id) or left["user_id"] == bob.user_id
    assert alice.user_id in str(left)
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="ended")


def test_somebody_else_clears_an_entry(stack, trio):
    alice, bob, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    bob.put_state(room, MEMBER, state_key(bob), element_call())
    wait_event(stack, room, "participant_joined", 2)
    alice.put_state(room, MEMBER, state_key(bob), {})
    wait_event(stack, room, "member_removed_by")
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="ended")


def test_rejoin_within_seconds_is_the_same_session(stack, trio):
    alice, _, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    first = stack.wait_call(room, status="active")
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="ended")
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    again = stack.wait_call(room, status="active")
    assert again["session_id"] == first["session_id"]
    assert "session_resumed" in types(stack, again)
    alice.put_state(room, MEMBER, state_key(alice), {})


def test_redacted_member_event(stack, trio):
    alice, _, _, room = trio
    member = alice.put_state(room, MEMBER, state_key(alice), element_call())
    stack.wait_call(room, status="active")
    alice.redact(room, member)
    stack.wait_call(room, status="ended")


def test_legacy_array_form(stack, trio):
    alice, _, _, room = trio
    entry = {"application": "m.call", "call_id": "", "scope": "m.room", "device_id": "OLD", "expires": 3600000,
             "membershipID": uuid.uuid4().hex, "foci_active": [{"type": "livekit", "livekit_service_url": FOCUS}]}
    alice.put_state(room, MEMBER, alice.user_id, {"memberships": [entry]})
    stack.wait_call(room, status="active")
    alice.put_state(room, MEMBER, alice.user_id, {"memberships": []})
    stack.wait_call(room, status="ended")


def test_sticky_generation(stack, trio):
    alice, bob, _, room = trio
    clients = {}
    for client in (alice, bob):
        key = clients[client.user_id] = uuid.uuid4().hex
        client.send_sticky(room, STICKY, {
            "slot_id": "m.call#ROOM", "member": {"id": key, "user_id": client.user_id, "device_id": "DEV"},
            "application": {"type": "m.call", "m.call.intent": "video"},
            "transports": {"published": [{"type": "livekit", "livekit_service_url": FOCUS}], "can_subscribe": ["livekit"]},
            "versions": [], "msc4354_sticky_key": key}, 3600000)
    wait_event(stack, room, "participant_joined", 2)
    for client in (alice, bob):
        client.send_sticky(room, STICKY, {"msc4354_sticky_key": clients[client.user_id], "slot_id": "m.call#ROOM"}, 3600000)
    assert stack.wait_call(room, status="ended")["peak_users"] == 2


def test_members_lost_while_parley_was_away_are_reconciled(stack, trio):
    """The homeserver lost the leave (here: its transaction is made to look delivered while Parley is away)."""
    alice, bob, _, room = trio
    alice.put_state(room, MEMBER, state_key(alice), element_call())
    bob.put_state(room, MEMBER, state_key(bob), element_call())
    wait_event(stack, room, "participant_joined", 2)
    stack.parley.kill()
    stack.swallow(lambda: bob.put_state(room, MEMBER, state_key(bob), {}))
    stack.parley.start()
    wait_event(stack, room, "participant_left")
    alice.put_state(room, MEMBER, state_key(alice), {})
    stack.wait_call(room, status="ended")


def test_pushed_back_history_rings_nobody(stack, trio):
    """A homeserver's history replayed at the first registration: rows, no rings, nothing left open."""
    alice, _, _, room = trio
    old = now_ms() - 40 * 24 * 3600 * 1000
    events = [
        {"type": MEMBER, "room_id": room, "sender": alice.user_id, "state_key": state_key(alice, "HISTORY"),
         "event_id": "$history" + uuid.uuid4().hex, "origin_server_ts": old, "unsigned": {"age": now_ms() - old},
         "content": element_call("HISTORY")},
        {"type": "m.call.invite", "room_id": room, "sender": alice.user_id, "event_id": "$history" + uuid.uuid4().hex,
         "origin_server_ts": old, "unsigned": {"age": now_ms() - old},
         "content": {"call_id": "old", "version": "1", "party_id": "A", "lifetime": 60000,
                     "offer": {"type": "offer", "sdp": "v=0"}}},
    ]
    assert stack.parley.transaction(uuid.uuid4().hex, events) == (200, {})
    calls = stack.wait(lambda: stack.parley.audit("calls", "--room", room), lambda calls: len(calls) == 2, "both calls closed")
    assert not {call["status"] for call in calls} & {"ringing", "active"}
    assert all(call["historic"] for call in calls)
