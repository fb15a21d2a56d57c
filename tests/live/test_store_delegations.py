"""Delegated delayed leaves in a real PostgreSQL: who holds which row, and what a node finds when it begins."""

import subprocess

import pytest
from store_node import program
from store_node import make_database, make_key  # noqa: F401 (fixtures)

NOW = 1_800_000_000_000
LATER = NOW + 30_000


@pytest.fixture
def ask(db):
    def run(*arguments):
        done = subprocess.run([program("delegations_probe"), db.url, *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()
    return run


def test_what_a_node_put_it_finds_when_it_begins(ask):
    assert ask("put", "one", NOW, LATER, "room", "alice", "syd_1", "waiting") == "done"
    assert ask("put", "one", NOW, LATER, "room", "bob", "syd_2", "connected") == "done"
    assert ask("start", "two", NOW, LATER) == "found held=0", "another node's are not ours"
    words = ask("start", "one", NOW, LATER).split()
    assert words[:2] == ["found", "held=2"]
    assert sorted(words[2:]) == [f"room/alice/syd_1/waiting/60000/{NOW}", f"room/bob/syd_2/connected/60000/{NOW}"]
    assert ask("hold", "one", NOW, LATER) == "found held=2", "renewing gives what is new only"


def test_a_newer_delegation_takes_the_place_of_the_older(ask):
    ask("put", "one", NOW, LATER, "room", "alice", "syd_1", "connected")
    ask("put", "two", NOW + 1, LATER, "room", "alice", "syd_2", "waiting")
    assert ask("remove", "room", "alice", "syd_1") == "done", "which is not there any more"
    assert ask("start", "one", NOW, LATER) == "found held=0"
    assert ask("start", "two", NOW, LATER) == f"found held=1 room/alice/syd_2/waiting/60000/{NOW + 1}"
    ask("remove", "room", "alice", "syd_2")
    assert ask("start", "two", NOW, LATER) == "found held=0"


def test_a_dead_node_is_followed_by_another(ask):
    ask("put", "one", NOW, LATER, "room", "alice", "syd_1", "connected")
    assert ask("hold", "two", LATER, LATER + 30_000) == "found held=0", "not while it may live"
    assert ask("hold", "two", LATER + 1, LATER + 30_000) == f"found held=1 room/alice/syd_1/connected/60000/{NOW}"
    assert ask("hold", "one", LATER + 2, LATER + 30_000) == "found held=0"
    assert ask("hold", "two", LATER + 2, LATER + 30_000) == "found held=1"


def test_whoever_hears_of_it_takes_it(ask):
    ask("put", "one", NOW, LATER, "room", "alice", "syd_1", "connected")
    assert ask("take", "two", NOW, LATER, "room", "alice") == f"found held=1 room/alice/syd_1/connected/60000/{NOW}"
    assert ask("hold", "one", NOW, LATER) == "found held=0"
    assert ask("take", "two", NOW, LATER, "room", "nobody") == "found held=0"


def test_two_nodes_share_what_a_third_left(ask, db):
    for n in range(20):
        ask("put", "dead", NOW, NOW + 1, "room", f"user{n}", f"syd_{n}", "waiting")
    others = [subprocess.Popen([program("delegations_probe"), db.url, "hold", node, str(LATER), str(LATER + 30_000)],
                               stdout=subprocess.PIPE, text=True) for node in ("one", "two")]
    taken = [word for node in others for word in node.communicate(timeout=60)[0].split()[2:]]
    assert len(taken) == len(set(taken)) == 20
