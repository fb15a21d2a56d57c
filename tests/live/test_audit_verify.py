"""`parley audit verify` against a real PostgreSQL: green whatever goes on, and each way of tampering found and named."""

import hashlib
import json
import os
import re
import subprocess
import time

import pytest
from parley import build_dir
from store_chain import sign
from store_node import NOW, WAIT_SECONDS, Database, admin
from store_node import make_database, make_key  # noqa: F401 (fixtures)

DAY = 86_400_000


def verify(url, key, *arguments):
    """Runs the command; gives its exit code and what it printed."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    done = subprocess.run([str(build_dir() / "parley"), "audit", "verify", *arguments], capture_output=True, text=True,
                          timeout=WAIT_SECONDS, check=False,
                          env=dict(outside, PARLEY_DATABASE_URL=url, PARLEY_AUDIT_KEY_FILE=str(key)))
    return done.returncode, done.stdout, done.stderr


def report(url, key, *arguments):
    code, printed, complaint = verify(url, key, "--json", *arguments)
    assert code in (0, 1), complaint
    answer = json.loads(printed)
    assert (code == 0) == (answer["result"] == "green")
    return answer


def assert_green(db, *arguments):
    answer = report(db.url, db.key, *arguments)
    assert answer["result"] == "green", answer
    return answer


class World:
    """A database with calls of every kind, copied for each test: it is made once."""

    def __init__(self, postgres, key):
        self.postgres = postgres
        self.key = key
        self.database = Database(postgres, "verify_world", key)
        node = self.database.node()
        node.unit("A", f"rooms=!a now={NOW}", f"room=!a create=3 events=5 strays=2 final=1 now={NOW}")
        node.unit("B", f"rooms=!b now={NOW}", f"room=!b create=1 events=3 now={NOW}")
        node.unit("C", f"rooms=!a legacy=!a/A-0 now={NOW + DAY}", f"touch=1 events=2 final=1 now={NOW + DAY}")
        node.unit("D", f"rooms=!c now={NOW + DAY}", f"room=!c create=1 kind=rtc events=4 strays=1 final=1 now={NOW + DAY}")
        node.close()
        self.database.nodes.clear()
        calls = self.database.rows("SELECT natural_key, id FROM call_sessions")
        self.ids = {name.replace("-", ""): call for name, call in calls}
        self.ids["stray"] = self.database.rows("SELECT id FROM audit_strays ORDER BY day LIMIT 1")[0][0]
        assert admin("remove", self.database.url, str(key), "purged room=!a", f"{self.ids['A2']}:0")[0] == 0
        assert admin("remove", self.database.url, str(key), "erased user", f"{self.ids['A0']}:2", f"{self.ids['B0']}:1")[0] == 0
        self.green = assert_green(self.database)
        self.copies = 0

    def copy(self):
        """(url, run): another database of the same content, and how to run SQL in it as its owner would."""
        self.copies += 1
        name = f"verify_copy_{self.copies}"
        self.postgres.sql(f'CREATE DATABASE "{name}" TEMPLATE verify_world')
        return self.postgres.url(name), lambda text: self.postgres.rows(
            "SET session_replication_role = replica;" + text.format(**self.ids), name)


@pytest.fixture(name="world", scope="module")
def make_world(postgres, key):
    return World(postgres, key)


def test_counts_what_it_read(world):
    counts = {name: world.green[name] for name in ("rows", "chains", "heads", "keys", "tombstones", "purged", "erased")}
    # A0 5 and 2 later, A1 5, A2 purged, B0 3, D0 4, strays 2 and 1; heads of A0 twice, of A1, A2, D0, of the strays twice.
    assert counts == {"rows": 22, "chains": 6, "heads": 9, "keys": 1, "tombstones": 2, "purged": 5, "erased": 2}
    assert world.green["head"].startswith("9:")


# What somebody does to the tables, and what the first finding must be: kind, table, row (a name of World.ids, or a number alone).
TAMPERING = {
    "a field altered": ("UPDATE call_events SET type = 'call_missed' WHERE session_id = '{A0}' AND n = 3",
                        ("altered", "call_events", "A0", 3)),
    "a person altered": ("UPDATE call_events SET user_id = '@mallory:test' WHERE session_id = '{A1}' AND n = 1",
                         ("altered", "call_events", "A1", 1)),
    "a person altered and the digest too":
        ("UPDATE call_events SET user_id = '@m:test', erasable_sha256 = sha256('') WHERE session_id = '{A1}' AND n = 1",
         ("altered", "call_events", "A1", 1)),
    "details altered": ("UPDATE call_events SET payload = '{{}}' WHERE session_id = '{D0}' AND n = 1",
                        ("altered", "call_events", "D0", 1)),
    "a flag altered": ("UPDATE call_events SET late = NOT late WHERE session_id = '{D0}' AND n = 4",
                       ("altered", "call_events", "D0", 4)),
    "half a millisecond added": ("UPDATE call_events SET at = at + interval '500 microseconds' WHERE session_id = '{D0}' AND n = 2",
                                 ("altered", "call_events", "D0", 2)),
    "no source made an empty one": ("UPDATE call_events SET source_event_id = '' WHERE session_id = '{D0}' AND n = 2",
                                    ("altered", "call_events", "D0", 2)),
    "a row deleted from the middle": ("DELETE FROM call_events WHERE session_id = '{A1}' AND n = 3",
                                      ("missing", "call_events", "A1", 3)),
    "the first row deleted": ("DELETE FROM call_events WHERE session_id = '{A1}' AND n = 1", ("missing", "call_events", "A1", 1)),
    "a row deleted and the numbers closed up":
        ("DELETE FROM call_events WHERE session_id = '{A1}' AND n = 2; UPDATE call_events SET n = n + 999 WHERE session_id = '{A1}' AND n > 2;"
         " UPDATE call_events SET n = n - 1000 WHERE session_id = '{A1}' AND n > 999", ("altered", "call_events", "A1", 2)),
    "two rows swapped": ("UPDATE call_events SET n = 1007 - n WHERE session_id = '{A1}' AND n IN (3, 4);"
                         " UPDATE call_events SET n = n - 1000 WHERE n > 999", ("altered", "call_events", "A1", 3)),
    "rows of two calls swapped": ("UPDATE call_events SET session_id = '{A0}', n = 999 WHERE session_id = '{A1}' AND n = 3;"
                                  "UPDATE call_events SET session_id = '{A1}' WHERE session_id = '{A0}' AND n = 3;"
                                  "UPDATE call_events SET n = 3 WHERE n = 999", ("altered", "call_events", None, 3)),
    "a tail cut": ("DELETE FROM call_events WHERE session_id = '{D0}' AND n > 2", ("cut", "call_events", "D0", 3)),
    "a tail cut and the call's count too":
        ("DELETE FROM call_events WHERE session_id = '{D0}' AND n > 2; UPDATE call_sessions SET chain_rows = 2, chain_mac ="
         " (SELECT mac FROM call_events WHERE session_id = '{D0}' AND n = 2) WHERE id = '{D0}'", ("cut", "call_events", "D0", 3)),
    "the tail of a live call cut": ("DELETE FROM call_events WHERE session_id = '{B0}' AND n = 3", ("cut", "call_events", "B0", 3)),
    "a call's rows deleted": ("DELETE FROM call_events WHERE session_id = '{D0}'; DELETE FROM call_sessions WHERE id = '{D0}'",
                              ("vanished", "call_events", "D0", 1)),
    "a call deleted with its heads":
        ("DELETE FROM call_events WHERE session_id = '{A1}'; DELETE FROM call_sessions WHERE id = '{A1}';"
         " DELETE FROM call_heads WHERE session_id = '{A1}'", ("missing", "call_heads", None, 2)),
    "a call deleted with its heads and the numbers closed up":
        ("DELETE FROM call_events WHERE session_id = '{A1}'; DELETE FROM call_sessions WHERE id = '{A1}';"
         " DELETE FROM call_heads WHERE session_id = '{A1}'; CREATE TEMP TABLE t AS SELECT seq, row_number() OVER (ORDER BY seq) AS to"
         " FROM call_heads; ALTER TABLE call_heads DROP CONSTRAINT call_heads_pkey CASCADE;"
         " UPDATE call_heads h SET seq = t.to FROM t WHERE t.seq = h.seq", ("altered", "call_heads", "A2", 2)),
    "the end of call_heads cut": ("DELETE FROM call_heads WHERE seq > 5", ("tombstone", "audit_removed", None, None)),
    "a live call called over": ("UPDATE call_sessions SET state = 'ended', closed_at = now() WHERE id = '{B0}'",
                                ("unended", "call_sessions", "B0", None)),
    "a head altered": ("UPDATE call_heads SET rows = 2 WHERE seq = 2", ("altered", "call_heads", "A1", 2)),
    "a row added to a call": ("INSERT INTO call_events SELECT session_id, 6, 'made_up', room_id, call_id, user_id, subject, 'x', at,"
                              " recorded_at, late, inferred, ignored, partial, salt, payload, erasable_sha256, mac, key_epoch"
                              " FROM call_events WHERE session_id = '{D0}' AND n = 1", ("missing", "call_events", "D0", 5)),
    "a call added": ("INSERT INTO call_events SELECT '00000000-0000-7000-8000-000000000000', 1, 'made_up', room_id, call_id, user_id,"
                     " subject, 'x', at, recorded_at, late, inferred, ignored, partial, salt, payload, erasable_sha256, mac, key_epoch"
                     " FROM call_events WHERE session_id = '{D0}' AND n = 1", ("altered", "call_events", None, 1)),
    "a row erased without a tombstone":
        ("UPDATE call_events SET salt = NULL, user_id = NULL, payload = NULL, subject = 'erased:3' WHERE session_id = '{A0}' AND n = 3",
         ("erased", "call_events", "A0", 3)),
    "a row erased and listed":
        ("UPDATE call_events SET salt = NULL, user_id = NULL, payload = NULL, subject = 'erased:3' WHERE session_id = '{A0}' AND n = 3;"
         " INSERT INTO audit_removed SELECT '{A0}', 3, 1, max(tombstone) FROM audit_removed", ("tombstone", "call_heads", None, 9)),
    "an erased row given content":
        ("UPDATE call_events e SET salt = o.salt, user_id = o.user_id, payload = o.payload, subject = o.subject,"
         " erasable_sha256 = o.erasable_sha256 FROM call_events o WHERE o.session_id = '{A0}' AND o.n = 1 AND e.session_id = '{A0}'"
         " AND e.n = 2", ("restored", "call_events", "A0", 2)),
    "an erased row named": ("UPDATE call_events SET subject = '@bob:test' WHERE session_id = '{A0}' AND n = 2",
                            ("altered", "call_events", "A0", 2)),
    "a call purged and listed":
        ("DELETE FROM call_events WHERE session_id = '{D0}'; DELETE FROM call_sessions WHERE id = '{D0}';"
         " INSERT INTO audit_removed SELECT '{D0}', 0, 4, min(tombstone) FROM audit_removed", ("tombstone", "call_heads", None, 8)),
    "a purged call back": ("INSERT INTO call_events SELECT '{A2}', n, type, room_id, call_id, user_id, subject, 'x', at, recorded_at,"
                           " late, inferred, ignored, partial, salt, payload, erasable_sha256, mac, key_epoch FROM call_events"
                           " WHERE session_id = '{A1}' AND n = 1", ("restored", "call_events", "A2", 1)),
    "a list taken from a tombstone": ("DELETE FROM audit_removed WHERE n = 0", ("tombstone", "call_heads", None, 8)),
    "events of no call cut": ("DELETE FROM call_events WHERE session_id = '{stray}' AND n = 2; UPDATE audit_strays SET chain_rows = 1,"
                              " chain_mac = (SELECT mac FROM call_events WHERE session_id = '{stray}' AND n = 1)"
                              " WHERE id = '{stray}'", ("cut", "call_events", "stray", 2)),
    "a key added": ("INSERT INTO audit_keys VALUES (2, '0123456789abcdef', now())", ("wrong_key", "audit_keys", None, 2)),
    "a row of a key added": ("INSERT INTO audit_keys VALUES (2, '0123456789abcdef', now()); UPDATE call_events SET key_epoch = 2"
                             " WHERE session_id = '{D0}' AND n = 4", ("wrong_key", "audit_keys", None, 2)),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_finds_tampering(world, name):
    change, want = TAMPERING[name]
    url, run = world.copy()
    run(change)
    answer = report(url, world.key)
    assert answer["result"] == "bad", name
    first = answer["first"]
    if want is not None:
        kind, table, call, n = want
        assert (first["kind"], first["table"], first.get("n")) == (kind, table, n), answer
        assert call is None or first["session_id"] == world.ids[call]
    code, printed, _ = verify(url, world.key)
    assert code == 1
    assert printed.startswith(f"BAD, first in {first['table']} "), printed
    assert f": {first['text']}\n" in printed


def forge(rows, key):
    """The MACs of a chain whose first row is changed, signed by somebody with a key of their own."""
    mac, forged = bytes(32), []
    for row in rows:
        mac = sign(key, mac, ["parley/event/1", *row])
        forged.append(mac.hex())
    return forged


def test_finds_a_chain_forged_with_another_key(world):
    url, run = world.copy()
    call = world.ids["D0"]
    rows = [[session, n, kind if n != "2" else "forged", room, name, None, at, recorded, flags, bytes.fromhex(digest)]
            for session, n, kind, room, name, at, recorded, flags, digest in run(f"""
                SELECT session_id, n, type, room_id, call_id, (extract(epoch FROM at) * 1000)::bigint,
                       (extract(epoch FROM recorded_at) * 1000)::bigint,
                       late::integer::text || inferred::integer || ignored::integer || partial::integer,
                       encode(erasable_sha256, 'hex') FROM call_events WHERE session_id = '{call}' ORDER BY n""")]
    true_key = bytes.fromhex(world.key.read_text(encoding="ascii").strip())
    assert forge([row if row[1] != "2" else [*row[:2], "type_1", *row[3:]] for row in rows], true_key) == [
        row[0] for row in run(f"SELECT encode(mac, 'hex') FROM call_events WHERE session_id = '{call}' ORDER BY n")]
    forged = forge(rows, hashlib.sha256(b"mine").digest())
    for row, mac in zip(rows, forged):
        run(f"UPDATE call_events SET type = '{row[2]}', mac = decode('{mac}', 'hex') WHERE session_id = '{call}' AND n = {row[1]}")
    run(f"UPDATE call_sessions SET chain_mac = decode('{forged[-1]}', 'hex') WHERE id = '{call}';"
        f" UPDATE call_heads SET last_mac = decode('{forged[-1]}', 'hex') WHERE session_id = '{call}'")
    answer = report(url, world.key)
    assert (answer["first"]["kind"], answer["first"]["table"], answer["first"]["n"]) == ("altered", "call_heads", 6)
    # The four rows of the call each, and the head.
    assert answer["by_kind"]["altered"] == 5 and answer["problems"] == 5


def test_names_every_bad_row_when_asked(world):
    url, run = world.copy()
    run("UPDATE call_events SET type = 'x' WHERE session_id = '{A1}' AND n IN (2, 4); DELETE FROM call_events WHERE session_id = '{D0}'")
    code, printed, _ = verify(url, world.key, "--all")
    assert code == 1
    named = re.findall(r"^call_events (\S+) row (\d+): ", printed, re.MULTILINE)
    assert sorted(named) == sorted([(world.ids["A1"], "2"), (world.ids["A1"], "4"), (world.ids["D0"], "1")])
    assert "3 problems in all: altered 2 vanished 1\n" in printed


def test_a_cut_end_is_found_by_what_was_noted_outside(db, tmp_path):
    anchor = tmp_path / "head"
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=2 final=1")
    code, printed, complaint = verify(db.url, db.key, "--anchor", str(anchor))
    assert code == 0, complaint
    first = re.search(r"^head (\S+)$", printed, re.MULTILINE).group(1)
    assert anchor.read_text(encoding="ascii") == first + "\n"
    node.unit("B", "rooms=!a", "room=!a create=1 events=2 final=1")
    second = assert_green(db, "--expect", first)["head"]
    assert_green(db, "--anchor", str(anchor))
    assert anchor.read_text(encoding="ascii") == second + "\n"
    # The last call goes with everything that tells of it: what is left is a whole audit, only shorter.
    last = db.rows("SELECT id FROM call_sessions WHERE natural_key = 'B-0'")[0][0]
    db.sql(f"SET session_replication_role = replica; DELETE FROM call_events WHERE session_id = '{last}'; DELETE FROM call_heads"
           f" WHERE session_id = '{last}'; DELETE FROM call_sessions WHERE id = '{last}'")
    assert_green(db)
    for arguments in (["--expect", second], ["--anchor", str(anchor)]):
        answer = report(db.url, db.key, *arguments)
        assert (answer["first"]["kind"], answer["first"]["table"], answer["first"]["n"]) == ("cut", "call_heads", 2)
    # A bad run leaves the file as it was. Calls written since do not hide it: their chain is another.
    assert anchor.read_text(encoding="ascii") == second + "\n"
    node.unit("C", "rooms=!a", "room=!a create=2 events=2 final=1")
    answer = report(db.url, db.key, "--anchor", str(anchor))
    assert (answer["first"]["kind"], answer["first"]["n"]) == ("anchor", 2)


def test_is_green_while_calls_are_written(db):
    node = db.node()
    for turn in range(25):
        for room in range(8):
            node.tell(f"open {turn}-{room} rooms=!{room}")
        for room in range(8):
            assert " ok " in node.expect(f"opened {turn}-{room} ")
            node.tell(f"commit {turn}-{room} room=!{room} create=1 events=5 final={room % 2} strays={room % 3}")
        if turn % 4 == 0:
            assert_green(db)
        for room in range(8):
            assert node.expect(f"committed {turn}-{room} ").endswith(" ok")
    assert assert_green(db)["rows"] == 25 * (8 * 5 + 7)


def test_tells_prometheus(world, tmp_path):
    url, run = world.copy()
    file = tmp_path / "parley.prom"

    def told():
        return {name: int(value) for name, value in re.findall(r"^(parley_\w+) (\d+)$", file.read_text(), re.M)}
    began = int(time.time())
    assert verify(url, world.database.key, "--metrics", str(file))[0] == 0
    green = told()
    assert green.pop("parley_audit_verified_timestamp_seconds") >= began and green == {"parley_audit_problems": 0}
    assert file.stat().st_mode & 0o777 == 0o644
    run("UPDATE call_events SET type = 'nothing' WHERE n = 1 AND session_id = '{B0}'")
    assert verify(url, world.database.key, "--metrics", str(file))[0] == 1
    assert told()["parley_audit_problems"] > 0
    before = file.read_text()
    assert verify(url, str(tmp_path / "no.key"), "--metrics", str(file))[0] == 2
    assert file.read_text() == before, "who cannot look says nothing"


def test_says_why_it_cannot_run(world, tmp_path):
    other = tmp_path / "other" / "audit.key"
    other.parent.mkdir()
    assert admin("key", str(other))[0] == 0
    rows = [
        ("another key", world.database.url, other, [], "audit key of epoch 1"),
        ("no key", world.database.url, tmp_path / "none.key", [], "there is no audit key"),
        ("no database", "postgresql:///x?host=/nonexistent", world.key, [], "nonexistent"),
        ("no head", world.database.url, world.key, ["--expect", "12"], "must be a head"),
        ("another file", world.database.url, world.key, ["--anchor", str(world.key)], "holds no head"),
    ]
    for name, url, key, arguments, sentence in rows:
        code, printed, complaint = verify(url, key, *arguments)
        assert (code, printed) == (2, ""), name
        assert sentence in complaint, name


def test_an_empty_audit_is_green(db):
    assert assert_green(db) == {"result": "green", "rows": 0, "chains": 0, "heads": 0, "keys": 1, "tombstones": 0, "purged": 0,
                                "erased": 0, "problems": 0}
