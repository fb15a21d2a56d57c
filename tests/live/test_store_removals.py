"""Who is to be taken out of the SFU, in a real PostgreSQL: who is written down, and who has which order to itself."""

import subprocess

import pytest
from store_node import program
from store_node import make_database, make_key  # noqa: F401 (fixtures)

NOW = 1_800_000_000_000
PATIENCE_S = 60


@pytest.fixture(name="ask")
def fixture_ask(db):
    def run(*arguments):
        done = subprocess.run([program("removals_probe"), db.url, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()
    db.sql("INSERT INTO rtc_identities SELECT 'alias', u || d, '!r:x', 'm.call#ROOM', u, d, '', 'old',"
           f" to_timestamp({NOW // 1000}), NULL FROM unnest(ARRAY['@a:x', '@b:x']) u, unnest(ARRAY['D', 'E', '']) d")
    return run


def test_only_who_has_a_token_is_written_down(ask):
    assert ask("put", NOW, "!r:x", "@nobody:x", "", "left_room", NOW) == "done"
    assert ask("put", NOW, "!r:x", "@a:x", "", "left_room", NOW - 1) == "done", "who left before the token has come back"
    assert ask("put", NOW, "!other:x", "@a:x", "", "left_room", NOW) == "done"
    assert ask("take", NOW + 60_000, NOW + 90_000) == "found"
    assert ask("put", NOW, "!r:x", "@a:x", "", "left_room", NOW) == "done"
    assert ask("take", NOW + 60_000, NOW + 90_000) == f"found !r:x/@a:x//left_room/{NOW}"


def test_one_at_a_time_has_an_order_to_itself(ask):
    ask("put", NOW, "!r:x", "@a:x", "", "kicked", NOW)
    assert ask("take", NOW + 10_000, NOW + 40_000) == "found", "whoever wrote it is at it"
    assert ask("take", NOW + 10_001, NOW + 40_000) == f"found !r:x/@a:x//kicked/{NOW}"
    assert ask("take", NOW + 10_002, NOW + 40_000) == "found"
    assert ask("take", NOW + 40_001, NOW + 70_000) == f"found !r:x/@a:x//kicked/{NOW}"
    ask("drop", "!r:x", "@a:x", "", NOW)
    assert ask("take", NOW + 90_000, NOW + 99_000) == "found"


def test_the_later_order_stays(ask):
    ask("put", NOW, "!r:x", "@a:x", "", "kicked", NOW + 5)
    ask("put", NOW, "!r:x", "@a:x", "", "left_room", NOW)
    ask("drop", "!r:x", "@a:x", "", NOW)
    assert ask("take", NOW + 60_000, NOW + 90_000) == f"found !r:x/@a:x//kicked/{NOW + 5}"


def test_two_nodes_share_what_a_third_left(ask, db):
    db.sql("INSERT INTO rtc_removals SELECT '!r:x', '@' || n || ':x', '', 'kicked', NULL, now(), to_timestamp(0)"
           " FROM generate_series(1, 20) n")
    nodes = [subprocess.Popen([program("removals_probe"), db.url, "take", str(NOW), str(NOW + 30_000)],
                              stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [word for node in nodes for word in node.communicate(timeout=PATIENCE_S)[0].split()[1:]]
    assert len(taken) == len(set(taken)) == 20


def test_a_device_is_barred_with_those_that_did_not_say_which_they_are(ask):
    assert sorted(ask("bar", "!r:x", "@a:x", "D", NOW).split()[1:]) == ["@a:x", "@a:xD"]
    assert sorted(ask("bar", "!r:x", "@a:x", "", NOW).split()[1:]) == ["@a:x", "@a:xD", "@a:xE"]
