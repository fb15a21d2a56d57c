"""Calls of Matrix on the embedded SFU: from /sfu/get of a client with an OpenID token of a real Synapse to media, and out again in each way:
by itself, killed, kicked. The audit says so."""
import pytest

from participant import HOUR_MS, Participant
from stack import Stack

EMBEDDED = {"rtc": {"sfu": "embedded", "public_url": "PUBLIC_URL", "announced_ips": "[127.0.0.1]", "udp_port": 0, "tcp_port": 0,
                    "workers": 1},
            "livekit": {"key": "devkey", "secret": '"a secret of at least 32 characters"'}}
SILENT_S = 60  # decision 17: 15 s until media that went silent has ended; then the delayed leave is sent at once


@pytest.fixture(name="stack", scope="module")
def fixture_stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("embedded"), settings=EMBEDDED)
    try:
        yield stack
        stack.parley.run("audit", "verify")
    finally:
        stack.stop()


@pytest.fixture(name="people")
def fixture_people(stack):
    alice, bob = stack.user("emb-alice"), stack.user("emb-bob")
    room = stack.room(alice, bob)
    both = Participant(stack, alice, room), Participant(stack, bob, room)
    yield both
    for one in both:
        one.end(kill=True)


def test_who_leaves_and_who_is_killed_has_left_the_call(people):
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect()
    row = alice.rows("media_connected")[0]
    assert row["subject"] == alice.user.device_id and row["room_id"] == alice.room
    assert row["payload"]["identity"] == f"{alice.user.user_id}:{alice.user.device_id}"
    assert row["payload"]["connection"].startswith("PA_") and alice.jwt not in str(row)
    bob.end(kill=True)
    alice.end()
    alice.wait_gone(SILENT_S)
    assert alice.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CLIENT_INITIATED"
    bob.wait_gone(SILENT_S)
    assert bob.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CONNECTION_TIMEOUT"
    assert alice.leaves() == bob.leaves() == 1


def test_who_is_kicked_from_the_room_is_cut_from_the_media(people):
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect()
    alice.user.kick(bob.room, bob.user.user_id)
    assert "PARTICIPANT_REMOVED" in bob.said()
    removed = bob.wait_rows("media_removed")[0]["payload"]
    assert (removed["reason"], removed["actor"]) == ("kicked", alice.user.user_id)
    assert bob.wait_rows("media_disconnected")[0]["payload"]["reason"] == "PARTICIPANT_REMOVED"
    bob.connect(wait_row=False)  # with the token from before
    bob.process.wait(SILENT_S)
    bob.wait_rows("media_removed", 2)
    assert alice.process.poll() is None and alice.rows("media_removed") == []
