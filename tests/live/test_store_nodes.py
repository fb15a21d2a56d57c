"""Nodes and their rooms in a real PostgreSQL: who is alive, and that a room is never on two of them."""

import subprocess

import pytest
from store_node import program
from store_node import make_database, make_key  # noqa: F401 (fixtures)

PATIENCE_S = 60
LONG_MS = 600_000


@pytest.fixture(name="ask")
def fixture_ask(db):
    def run(*arguments):
        done = subprocess.run([program("nodes_probe"), db.url, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()
    return run


def beat(ask, name, run="1", lease_ms=LONG_MS, takes=0, draining=0):
    return ask("beat", name, run, lease_ms, takes, draining)


def test_a_node_lives_as_long_as_its_row_is_good(ask):
    assert beat(ask, "a") == "nodes a/1/alive/0"
    assert beat(ask, "b", lease_ms=0) == "nodes a/1/alive/0 b/1/dead/0"
    assert beat(ask, "b", draining=1) == "nodes a/1/alive/0 b/1/alive+draining/0"
    assert ask("leave", "b", "other run") == "done"
    assert ask("leave", "b", "1") == "done"
    assert beat(ask, "a") == "nodes a/1/alive/0"


def test_a_name_belongs_to_whoever_took_it_last(ask):
    beat(ask, "a", "1")
    assert beat(ask, "a", "2") == "nodes a/1/alive/0", "it is alive"
    assert beat(ask, "a", "2", takes=1) == "nodes a/2/alive/0"
    assert beat(ask, "a", "1") == "nodes a/2/alive/0"
    beat(ask, "a", "2", lease_ms=0)
    assert beat(ask, "a", "1") == "nodes a/1/alive/0", "it was dead"


def test_rows_of_the_dead_go_in_time_with_their_rooms(ask, db):
    beat(ask, "a")
    beat(ask, "b")
    assert ask("claim", "b", "r") == "placed r=b@wss://x"
    db.sql("UPDATE sfu_nodes SET expires_at = now() - interval '2 hours' WHERE name = 'b'")
    assert beat(ask, "a") == "nodes a/1/alive/0"
    assert db.sql("SELECT count(*) FROM sfu_rooms") == "0"


def test_a_room_stays_where_it_is_while_its_node_lives(ask):
    for name in "ab":
        beat(ask, name)
    assert ask("claim", "-", "r") == "placed"
    assert ask("claim", "a", "r") == "placed r=a@wss://x"
    assert ask("claim", "b", "r") == "placed r=a@wss://x"
    assert sorted(ask("claim", "b", "r,s").split()) == ["placed", "r=a@wss://x", "s=b@wss://x"]
    beat(ask, "a", draining=1)
    assert ask("claim", "b", "r") == "placed r=a@wss://x", "it goes on there"
    assert ask("claim", "a", "t") == "placed", "nothing new"
    beat(ask, "a", lease_ms=0)
    assert ask("claim", "-", "r") == "placed"
    assert ask("claim", "b", "r") == "placed r=b@wss://x"
    beat(ask, "a")
    assert ask("claim", "a", "r") == "placed r=b@wss://x", "too late"
    assert ask("claim", "nobody", "u") == "placed"


def test_what_is_released_is_free(ask, db):
    for name in "ab":
        beat(ask, name)
    ask("claim", "a", "r,s,t")
    assert ask("release", "b", "r") == "done"
    assert ask("release", "a", "r") == "done"
    assert sorted(ask("claim", "b", "r,s").split()) == ["placed", "r=b@wss://x", "s=a@wss://x"]
    db.sql("UPDATE sfu_rooms SET claimed_at = now() - interval '1 minute' WHERE alias IN ('r', 's')")
    assert ask("keep", "a", 30_000, "x") == "done"
    assert sorted(ask("claim", "-", "r,s,t").split()) == ["placed", "r=b@wss://x", "t=a@wss://x"]
    assert ask("keep", "a", 0, "t") == "done"
    assert ask("claim", "-", "t") == "placed t=a@wss://x"


def test_of_many_that_claim_at_once_all_hear_of_one(ask, db):
    names = [f"n{i}" for i in range(8)]
    for name in names:
        beat(ask, name)
    rooms = [f"r{i}" for i in range(20)]
    asked = [subprocess.Popen([program("nodes_probe"), db.url, "claim", name, ",".join(rooms if i % 2 else rooms[::-1])],
                              stdout=subprocess.PIPE, text=True) for i, name in enumerate(names)]
    heard = {tuple(sorted(one.communicate(timeout=PATIENCE_S)[0].split()[1:])) for one in asked}
    assert len(heard) == 1
    assert len(heard.pop()) == len(rooms)
