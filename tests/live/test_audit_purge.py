"""`parley audit purge` and retention: what goes, what stays, that the audit stays true, and that calls go on meanwhile."""

import re
import subprocess
import time

import pytest

import events
from cluster import find_program
from parley import Parley
from store_chain import assert_all_erased_is_told, assert_chain_holds

ALICE, BOB, CAROL = "@alice:localhost", "@bob:localhost", "@carol:localhost"
LONGER = ["@alice:localhost.org", "@alice:localhost-2", "@alice:localhost:8448", "@malice:localhost"]
TABLES = ["call_sessions", "call_participants", "call_kept_inputs", "call_events", "call_heads", "audit_removed", "audit_strays",
          "appservice_txns", "appservice_events"]
WAIT_SECONDS = 60


class Audit:
    """A database, its Parley, and what can be asked about both."""

    def __init__(self, postgres, folder, **settings):
        self.postgres = postgres
        self.name = re.sub(r"\W+", "_", folder.name)[-60:]
        self.parley = Parley(folder, postgres.create_database(self.name), settings={"log": {"level": "info"}, **settings})
        self.key = folder / "audit.key"
        self.parley.run("migrate")
        self.txn = 0

    def close(self):
        assert self.parley.stop() == 0
        assert "ERROR: " not in (self.parley.log_tail(10000) if self.parley.log.exists() else ""), "of a sanitizer"
        self.postgres.drop_database(self.name)

    def rows(self, text):
        return self.postgres.rows(text, self.name)

    def sql(self, text):
        return self.postgres.sql(text, self.name)

    def send(self, *happened):
        for batch in events.batches(list(happened)):
            self.txn += 1
            assert self.parley.transaction(f"t{self.txn}", batch)[0] == 200

    def verify(self):
        """By the program, and by other means."""
        assert_chain_holds(self)
        assert_all_erased_is_told(self)

    def purge(self, *arguments, reason="a test", code=0):
        """Gives what it counted, by name."""
        done = subprocess.run([str(self.parley.binary), "audit", "purge", "--config", str(self.parley.config), "--reason", reason,
                               *arguments], capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stderr
        self.said = done.stderr
        return {line[:30].strip(): int(line[30:]) for line in done.stdout.splitlines() if line != "nothing"}

    def dump(self):
        done = subprocess.run([find_program("pg_dump"), "--data-only", "-d", self.postgres.url(self.name)],
                              capture_output=True, text=True, check=True)
        return "".join(line for line in done.stdout.splitlines(True) if not re.match(r"\\(un)?restrict ", line))

    def count(self):
        return {table: int(self.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES}


@pytest.fixture(name="audit")
def fixture_audit(postgres, tmp_path):
    made = Audit(postgres, tmp_path)
    made.parley.start()
    yield made
    made.close()


def everything_with(user, room="!r:localhost"):
    """What Parley can be told of a person: calls of both kinds, a kick, a foreign membership, odd call ids, broken events."""
    odd = events.legacy_call(room, BOB, CAROL, f"call-with-{user}")
    member = events.member_content("DEV", room=room)
    return [
        *events.legacy_call(room, user, BOB, "one"),
        *events.legacy_call(room, BOB, user, "two"),
        *events.rtc_call(room, [user, BOB]),
        *odd,
        events.event("m.call.invite", room, user, {"call_id": 7}),
        events.event("org.matrix.msc3401.call.member", room, user, member, state_key=f"_{user}_DEV_m.call"),
        events.event("m.room.member", room, BOB, {"membership": "ban"}, state_key=user),
        *events.rtc_call("!other:localhost", [BOB, user]),
        *events.legacy_call("!other:localhost", user, CAROL, "three"),
    ]


def test_a_person_is_erased(audit):
    audit.send(*everything_with(ALICE))
    for other in LONGER:
        audit.send(*events.legacy_call("!x:localhost", other, BOB, f"x{other}"))
    audit.send(*events.legacy_call("!y:localhost", BOB, CAROL, "unrelated"))
    calls = audit.count()["call_sessions"]
    before = audit.dump()
    name = re.compile(re.escape(ALICE) + r"(?![\w-]|\.\w|:8448)|" + re.escape(ALICE) + "_")
    assert len(name.findall(before)) > 20
    dry = audit.purge("--user", ALICE, "--dry-run")
    assert audit.dump() == before
    done = audit.purge("--user", ALICE, "--yes", "--actor", "root")
    assert {key: n for key, n in done.items() if key != "tombstones written"} == dry
    after = audit.dump()
    assert name.findall(after) == [], [line for line in after.splitlines() if name.search(line)]
    for other in LONGER:
        assert before.count(other) == after.count(other), other
    assert audit.rows("SELECT count(DISTINCT caller_user) FROM call_sessions WHERE caller_user LIKE 'erased:%'") == [["1"]]
    assert audit.count()["call_sessions"] == calls - 1, "only the call that was named after her is gone"
    audit.verify()


def test_a_room_is_purged(audit):
    room, other = "!gone:localhost", "!stays:localhost"
    for place in (room, other):
        audit.send(*events.legacy_call(place, ALICE, BOB, "one"), *events.rtc_call(place, [ALICE, BOB]),
                   events.event("m.call.invite", place, CAROL, {"call_id": 7}))
    ring = events.legacy_call(room, BOB, ALICE, "rings")
    audit.send(ring[0])
    before = audit.count()
    dry = audit.purge("--room", room, "--dry-run")
    assert audit.count() == before
    done = audit.purge("--room", room, "--yes", code=1)
    assert "1 calls were left: run it again when they are over" in audit.said
    assert {key: n for key, n in done.items() if key != "tombstones written"} == dry
    assert (done["calls deleted"], done["audit chains purged"], done["audit rows erased"], done["calls going on, left"]) == (2, 2, 1, 1)
    assert audit.rows(f"SELECT call_id FROM call_sessions WHERE room_id = '{room}'") == [["rings"]]
    assert audit.rows(f"SELECT DISTINCT call_id FROM call_events WHERE room_id = '{room}'"
                      " AND session_id NOT IN (SELECT id FROM audit_strays)") == [["rings"]]
    assert audit.rows(f"SELECT user_id, payload FROM call_events WHERE room_id = '{room}' AND session_id IN"
                      " (SELECT id FROM audit_strays)") == [["", ""]]
    assert audit.rows(f"SELECT count(*) FROM call_sessions WHERE room_id = '{other}'") == [["2"]]
    assert audit.rows("SELECT DISTINCT split_part(what, ' ', 2), reason FROM call_heads WHERE kind = 'tombstone'") == [
        [f"room={room}", "a test"]]
    audit.verify()
    audit.send(*ring[1:])  # the call that was left goes on, ends, and can then be purged
    assert audit.purge("--room", room, "--yes")["calls deleted"] == 1
    assert audit.rows(f"SELECT count(*) FROM call_sessions WHERE room_id = '{room}'") == [["0"]]
    assert audit.purge("--room", room, "--yes") == {}
    audit.verify()


def test_what_is_old_goes(audit):
    """Of calls that are over, those of yesterday, and yesterday's events of no call; one that is going on stays, however old."""
    audit.send(*events.legacy_call("!r:localhost", ALICE, BOB, "old"), *events.rtc_call("!r:localhost", [ALICE, BOB]))
    audit.send(events.legacy_call("!r2:localhost", ALICE, BOB, "lives")[0])
    time.sleep(0.01)
    middle = audit.rows("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")[0][0]
    audit.send(*events.legacy_call("!r:localhost", ALICE, BOB, "new"), events.event("m.call.invite", "!r:localhost", BOB, {}))
    assert audit.purge("--before", "2020-01-01", "--yes") == {}
    dry = audit.purge("--before", middle, "--dry-run")
    done = audit.purge("--before", middle, "--yes", "--actor", "the night shift")
    assert dry == {key: n for key, n in done.items() if key != "tombstones written"}
    assert (done["calls deleted"], done["audit chains purged"], done["calls going on, left"]) == (2, 2, 1)
    assert audit.rows("SELECT call_id FROM call_sessions ORDER BY created_at") == [["lives"], ["new"]]
    assert audit.rows("SELECT what, actor FROM call_heads WHERE kind = 'tombstone'") == [[f"purged before={middle}", "the night shift"]]
    audit.verify()


def test_refuses_what_makes_no_sense(audit):
    rows = [
        (["--yes"], 2, "one of --before, --user and --room"),
        (["--user", ALICE, "--room", "!r:localhost", "--yes"], 2, "one of --before, --user and --room"),
        (["--before", "2999-01-01", "--yes"], 2, "lies in the future"),
        (["--user", ALICE], 2, "add --yes"),
        (["--user", "alice", "--yes"], 2, "must be a user id"),
        (["--user", ALICE, "--yes", "--actor", ALICE], 1, "cannot name who is to be erased"),
    ]
    for arguments, code, sentence in rows:
        audit.purge(*arguments, code=code)
        assert sentence in audit.said
    audit.purge("--user", ALICE, "--yes", reason=f"{ALICE} asked", code=1)
    assert "cannot name who is to be erased" in audit.said
    audit.purge("--user", ALICE, "--yes", reason="x" * 501, code=1)
    assert "from 1 to 500 bytes" in audit.said
