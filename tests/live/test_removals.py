"""Who is taken out of a real livekit-server: by an admin's word; and although Parley dies between a leave and its removal."""
import contextlib
import os
import signal
import subprocess

import pytest

from cluster import find_program
from participant import HOUR_MS, PATIENCE_S
from participant import fixture_livekit, fixture_people  # noqa: F401 (fixtures)


@pytest.fixture(name="admin", scope="module")
def fixture_admin(stack):
    """Runs `parley calls …`; gives its exit code and what it printed."""
    parley = stack.parley
    if not (parley.folder / "admin.token").exists():
        parley.run("admin-token")
    os.kill(parley.process.pid, signal.SIGHUP)

    def run(*arguments):
        done = subprocess.run([str(parley.binary), "calls", *arguments, "--config", str(parley.config)], capture_output=True,
                              text=True, check=False, timeout=PATIENCE_S, env=parley.environment)
        return done.returncode, done.stdout
    stack.wait(lambda: run("list"), lambda done: done[0] == 0, "admin API")
    return run


def call_of(one, n, admin):
    """The id of the call, once so many are in it."""
    call = one.stack.wait_call(one.room, status="active")["session_id"]
    one.stack.wait(lambda: admin("list", "--call", call, "--format", "jsonl")[1].splitlines(), lambda rows: len(rows) == n,
                   f"call of {n}")
    return call


def test_an_admin_kicks_one_and_then_ends_the_call(people, admin):
    alice, bob = people
    alice.enter().ask_token(HOUR_MS).connect()
    bob.enter().ask_token(HOUR_MS).connect()
    call = call_of(alice, 2, admin)
    assert admin("kick", call, "--user", bob.user.user_id, "--reason", "noise")[0] == 0
    assert "disconnected" in bob.said()
    removed = bob.wait_rows("media_removed")[0]
    assert removed["payload"]["reason"] == "kicked_by_admin" and removed["payload"]["actor"] == "admin token"
    assert bob.member() == {}
    bob.connect(wait_row=False)  # with the token from before
    bob.process.wait(PATIENCE_S)
    bob.wait_rows("media_removed", 2)
    assert alice.process.poll() is None and alice.rows("media_removed") == []
    bob.enter().ask_token(HOUR_MS).connect()  # still in the room: a new token is theirs for the asking
    assert admin("end", call_of(alice, 2, admin))[0] == 0
    assert "disconnected" in alice.said() and "disconnected" in bob.said()
    for one in people:
        assert one.wait_rows("media_removed")[-1]["payload"]["reason"] == "ended_by_admin"
    alice.stack.wait_call(alice.room, status="ended")
    alice.stack.wait(lambda: orders(alice.stack, alice.room), lambda n: n == 0, "empty list of orders")


def orders(stack, room):
    return int(stack.cluster.sql(f"SELECT count(*) FROM rtc_removals WHERE room_id = '{room}'", "parley"))


@contextlib.contextmanager
def nobody_can_be_barred(stack):
    """Somebody holds the table in which Parley bars whoever left: it is written down that they did, and goes no further."""
    holder = subprocess.Popen([find_program("psql"), "-X", "-q", "-d", stack.cluster.url("parley")], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    holder.stdin.write("BEGIN; LOCK TABLE rtc_identities IN SHARE MODE;\n")
    holder.stdin.flush()
    stack.wait(lambda: stack.cluster.rows("SELECT 1 FROM pg_locks WHERE mode = 'ShareLock' AND granted"
                                          " AND relation = 'rtc_identities'::regclass", "parley"), bool, "lock")
    try:
        yield
    finally:
        holder.communicate("ROLLBACK;")


def test_a_kick_survives_a_parley_that_is_killed(people, stack):
    alice, bob = people
    alice.enter().ask_token(HOUR_MS).connect()
    bob.enter().ask_token(HOUR_MS).connect()
    with nobody_can_be_barred(stack):
        alice.user.kick(bob.room, bob.user.user_id)
        stack.wait(lambda: orders(stack, bob.room), lambda n: n == 1, "order")
        stack.parley.kill()
    assert bob.process.poll() is None
    stack.parley.start()
    assert "disconnected" in bob.said()
    removed = bob.wait_rows("media_removed")[0]["payload"]
    assert (removed["reason"], removed["actor"]) == ("kicked", alice.user.user_id)
    stack.wait(lambda: orders(stack, bob.room), lambda n: n == 0, "empty list of orders")
    assert alice.process.poll() is None and len(bob.rows("media_removed")) == 1
