"""Delayed leaves that clients left with Parley where the SFU tells nobody who comes and goes, a real livekit-server without
webhooks, and where a node dies: another one follows it."""
import shutil

import pytest

from livekit import LIVEKIT_SETTINGS, PROGRAM, LiveKit
from parley import Parley
from participant import HOUR_MS
from participant import fixture_people  # noqa: F401 (a fixture)
from stack import SERVER_NAME

LOST_S = 120   # LiveKit waits for a client that was cut off, Parley looks every 2 s, and waits 20 s for it to come back
TAKEN_S = 120  # 30 s until another node may follow, up to 10 s until it looks, 20 s until the client is taken for gone


@pytest.fixture(name="livekit", scope="module")
def fixture_livekit(tmp_path_factory, stack):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it where there is a Go compiler")
    server = LiveKit(tmp_path_factory.mktemp("livekit")).start()
    stack.parley.stop()
    stack.parley.set("rtc", sanity_check_interval="2s")
    stack.parley.start()
    yield server
    server.stop()
    stack.parley.set("rtc", sanity_check_interval="30s")


@pytest.fixture(name="other")
def fixture_other(tmp_path, stack):
    """A second node."""
    folder = tmp_path / "other"
    folder.mkdir()
    for name in ("registration.yaml", "audit.key"):
        shutil.copy(stack.parley.folder / name, folder / name)
    node = Parley(folder, stack.parley.database_url, stack.synapse.url, SERVER_NAME,
                  {"node": {"name": "other"}, "livekit": LIVEKIT_SETTINGS, "rtc": {"sanity_check_interval": "2s"}})
    node.start()
    yield node
    assert node.stop() == 0


def held(one):
    """(state, node) of the delayed leaves of the room, by user."""
    rows = one.stack.cluster.rows(f"SELECT user_id, state, node FROM rtc_delegations WHERE room_id = '{one.room}'", "parley")
    return {user: (state, node) for user, state, node in rows}


def wait_held(one, state, node=None, seconds=30):
    one.stack.wait(lambda: held(one).get(one.user.user_id, ("none", "none")),
                   lambda got: got[0] == state and node in (None, got[1]), f"{state} delayed leave", seconds)


def test_nobody_tells_and_the_node_is_killed(people, stack, other):
    """Alice dies unheard together with the node that looks after her leave; bob goes later, unheard likewise."""
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect(wait_row=False)
    for one in people:
        wait_held(one, "connected")
    assert held(alice)[alice.user.user_id][1] != "other"
    stack.parley.kill()
    alice.end(kill=True)
    try:
        wait_held(bob, "connected", "other", TAKEN_S)
        alice.wait_gone(LOST_S)
    finally:
        stack.parley.start()
    assert other.log.read_text().count("delegated_leave_due") == 1
    assert alice.leaves() == 1 and bob.member() != {} and bob.leaves() == 0
    bob.end()
    bob.wait_gone(60)
    assert bob.leaves() == 1 and held(bob) == {}
    assert "event=sfu_webhook" not in other.log.read_text()
