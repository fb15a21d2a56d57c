"""What Parley does about events that a homeserver lost: a stack of its own, since its homeserver is killed."""

import re

import pytest

from events import member_content
from stack import Stack

MEMBER = "org.matrix.msc3401.call.member"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    made = Stack(tmp_path_factory.mktemp("reconcile"))
    yield made
    made.stop()


def key(client):
    return f"_{client.user_id}_DEV_m.call"


def enter(client, room):
    client.put_state(room, MEMBER, key(client), member_content("DEV", room=room))


def metric(stack, name):
    """The value of a metric, 0 when it is not there yet."""
    status, text = stack.parley.get("/metrics")
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", text if status == 200 else "")
    return float(found.group(1)) if found else 0


def wait_events(stack, room, kind, count=1):
    return stack.wait(lambda: [row for row in stack.parley.audit("events", "--room", room) if row["type"] == kind],
                      lambda rows: len(rows) >= count, f"{count} rows {kind} in {room}")


def wait_ready(stack, status):
    """The homeserver is asked every 30 s, and at most every 15 s while it is away."""
    stack.wait(lambda: stack.parley.get("/readyz")[0], lambda got: got == status, f"/readyz of {status}", seconds=300)


def test_a_lost_leave_of_the_room(own):
    """Bob's entry is still in the state, but he is not in the room any more; Carol's join was lost too."""
    alice, bob, carol = (own.user(name) for name in ("alice", "bob", "carol"))
    room = own.room(alice, bob, carol)
    enter(alice, room)
    enter(bob, room)
    wait_events(own, room, "participant_joined", 2)
    own.parley.stop()

    def lost():
        bob.leave(room)
        enter(carol, room)
    own.swallow(lost)
    own.parley.start()
    joined = wait_events(own, room, "participant_joined", 3)
    left = own.wait(lambda: [row for row in own.parley.audit("events", "--room", room) if row["type"] == "participant_left"],
                    lambda rows: rows, "participant_left", seconds=120)
    assert len(joined) == 3 and len(left) == 1
    assert bob.user_id in str(left[0]) and "reconciled" in str(left[0])
    for client in (alice, carol):
        client.put_state(room, MEMBER, key(client), {})
    own.wait_call(room, status="ended")


def test_a_room_joined_while_a_call_is_on(own):
    """Before a local user joins there is nothing to be told; here the join makes Parley look, and what it finds it knows already."""
    alice, bob = own.user("alice"), own.user("bob")
    room = own.room(alice)
    alice.invite(room, bob.user_id)
    enter(alice, room)
    own.wait_call(room, status="active")
    before = metric(own, 'parley_reconcile_rooms_total{outcome="read"}')
    bob.join(room)
    own.wait(lambda: metric(own, 'parley_reconcile_rooms_total{outcome="read"}'), lambda n: n > before, "look at the room")
    assert len(wait_events(own, room, "participant_joined")) == 1
    alice.put_state(room, MEMBER, key(alice), {})
    own.wait_call(room, status="ended")


def test_the_homeserver_goes_and_returns(own):
    alice = own.user("alice")
    room = own.room(alice)
    enter(alice, room)
    own.wait_call(room, status="active")
    runs = metric(own, "parley_reconcile_runs_total")
    assert metric(own, "parley_homeserver_up") == 1
    own.synapse.kill()
    wait_ready(own, 503)
    assert metric(own, "parley_homeserver_up") == 0
    own.synapse.start()
    wait_ready(own, 200)
    own.wait(lambda: metric(own, "parley_reconcile_runs_total"), lambda n: n > runs, "run after the return")
    alice.put_state(room, MEMBER, key(alice), {})
    own.wait_call(room, status="ended")
