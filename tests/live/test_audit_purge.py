"""`parley audit purge` and retention: what goes, what stays, that the audit stays true, and that calls go on meanwhile."""

import re
import signal
import subprocess
import threading
import time

import pytest

import events
from cluster import PostgresCluster, find_program
from parley import Parley
from store_chain import assert_all_erased_is_told, assert_chain_holds
from store_node import Probe

ALICE, BOB, CAROL = "@alice:localhost", "@bob:localhost", "@carol:localhost"
LONGER = ["@alice:localhost.org", "@alice:localhost-2", "@alice:localhost:8448", "@malice:localhost"]
TABLES = ["call_sessions", "call_participants", "call_kept_inputs", "call_events", "call_heads", "audit_removed", "audit_strays",
          "appservice_txns", "appservice_events"]
WAIT_SECONDS = 60
DAY_MS = 86_400_000


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
        self.parley.run("audit", "verify")
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


def settled(look, what):
    """Waits until look() gives something true; gives that."""
    end = time.monotonic() + WAIT_SECONDS
    while not (got := look()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return got


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


def test_what_cannot_go_yet_is_told(audit):
    """A call that goes on, a delayed leave of a client that is in one, an order to take her out of one, her stay in the SFU, and a broken event of
    today whose fixed columns name her."""
    audit.send(events.legacy_call("!r:localhost", BOB, CAROL, f"call-with-{ALICE}")[0])
    audit.sql(f"INSERT INTO rtc_delegations VALUES ('alias', '{ALICE}:DEV', 'delay', 1000, '{ALICE}', '!x:localhost', 'waiting', now(),"
              " now(), 'node', now())")
    audit.sql(f"INSERT INTO rtc_removals VALUES ('!x:localhost', '{BOB}', '', 'kicked', '{ALICE}', now(), now())")
    audit.sql(f"INSERT INTO sfu_stays VALUES ('PA_1', 'node', 'run', 'alias', '{ALICE}:DEV', false, now())")
    audit.send(dict(events.event("m.call.hangup", "!r2:localhost", BOB, {}), event_id=f"${ALICE}"))
    before = audit.dump()
    done = audit.purge("--user", ALICE, "--yes", code=1)
    left = done.pop("calls going on, left")
    assert "calls were left: run it again when they are over" in audit.said
    assert left == 5 and done == {} and audit.dump() == before


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


# --- by itself ---

def test_retention_runs_by_itself(postgres, tmp_path):
    """First the calls go, later their audit; what is going on stays, as do today's events of no call. SIGHUP changes the ages."""
    audit = Audit(postgres, tmp_path, retention={"calls": "0", "audit": "0", "interval": "1s"})
    audit.parley.start()
    now = events.now_ms()
    old = Probe(audit.parley.database_url, audit.key)
    old.expect("changed 1")
    old.unit("A", f"rooms=!r:localhost now={now - DAY_MS}", f"room=!r:localhost create=2 events=3 people=2 strays=2 final=1"
             f" now={now - DAY_MS}")
    old.close()
    audit.send(*events.legacy_call("!r:localhost", ALICE, BOB, "over"), events.event("m.call.invite", "!r:localhost", BOB, {}))
    audit.send(events.legacy_call("!r2:localhost", ALICE, BOB, "lives")[0])
    audit.sql("INSERT INTO appservice_txns SELECT 'x' || n, sha256(''), now() - n * interval '23 h' FROM generate_series(1, 20) n;"
              "INSERT INTO appservice_events SELECT '$x' || n, now() - n * interval '50 h' FROM generate_series(1, 20) n")
    before = audit.count()
    settled(lambda: audit.rows("SELECT count(*) FROM appservice_txns WHERE id LIKE 'x%'") == [["7"]], "old transactions to go")
    settled(lambda: audit.rows("SELECT count(*) FROM appservice_events WHERE event_id LIKE '$x%'") == [["14"]], "old events to go")
    after = audit.count()
    assert (before["call_sessions"], before["call_events"]) == (after["call_sessions"], after["call_events"]), "0 is for ever"

    def reload(calls, age):
        audit.parley.set("retention", calls=calls, audit=age)
        audit.parley.process.send_signal(signal.SIGHUP)

    reload("1h", "0")
    settled(lambda: audit.count()["call_sessions"] == 2, "yesterday's calls to go")
    assert audit.count()["call_events"] == before["call_events"], "their audit stays"
    audit.verify()
    reload("1h", "2h")
    settled(lambda: audit.count()["call_events"] < before["call_events"], "yesterday's audit to go")
    assert audit.rows("SELECT count(*) FROM audit_strays") == [["1"]]
    reload("1s", "1s")
    settled(lambda: audit.rows("SELECT DISTINCT call_id FROM call_events WHERE session_id NOT IN (SELECT id FROM audit_strays)")
            == [["lives"]], "what is over to go")
    assert audit.rows("SELECT call_id FROM call_sessions") == [["lives"]]
    assert audit.rows("SELECT count(*) FROM audit_strays") == [["1"]], "today is not over"
    audit.verify()
    page = audit.parley.get("/metrics")[1]
    assert re.search(r'^parley_retention_rows_deleted_total{table="call_sessions"} 3$', page, re.M)
    assert re.search(r"^parley_retention_last_run_timestamp_seconds 1\d{9}$", page, re.M)
    assert re.search(r"^parley_retention_failed_total 0$", page, re.M)
    assert "event=retention_ran" in audit.parley.log_tail(1000)
    audit.close()


def test_one_node_runs_retention(postgres, tmp_path):
    """Of two nodes with a long interval one claims the run; a node that cannot is not worried."""
    audit = Audit(postgres, tmp_path, retention={"interval": "2s"})
    audit.sql("INSERT INTO node_tasks VALUES ('retention', now() + interval '1 s')")
    audit.parley.start()
    settled(lambda: "parley_retention_last_run_timestamp_seconds 1" in audit.parley.get("/metrics")[1], "a run that found it done")
    audit.close()


# --- a year ---

UNITS, CALLS, EVENTS = 200, 25, 10  # a year of calls: 50,000 rows of audit


class Load(threading.Thread):
    """Calls that go on: one transaction after the other, each must be answered 200."""

    def __init__(self, audit, name):
        super().__init__(daemon=True)
        self.audit, self.name_of_load = audit, name
        self.ended = threading.Event()
        self.statuses, self.seconds = [], []

    def run(self):
        n = 0
        while not self.ended.is_set():
            n += 1
            room = f"!room{n % UNITS}:test"
            batch = [*events.legacy_call(room, "@dora:test", "@emil:test", f"{self.name_of_load}{n}"),
                     *events.rtc_call(f"!load{self.name_of_load}:test", ["@dora:test", "@emil:test"])]
            began = time.monotonic()
            self.statuses.append(self.audit.parley.transaction(f"{self.name_of_load}{n}", batch)[0])
            self.seconds.append(time.monotonic() - began)

    def stop(self):
        self.ended.set()
        self.join()


@pytest.fixture(name="year", scope="module")
def fixture_year(tmp_path_factory):
    cluster = PostgresCluster(tmp_path_factory.mktemp("year-pg"), {"log_lock_waits": "on", "deadlock_timeout": "1s"})
    cluster.start()
    year = Audit(cluster, tmp_path_factory.mktemp("year"), retention={"calls": "0", "audit": "0"})
    node = Probe(year.parley.database_url, year.key)
    node.expect("changed 1")
    now = events.now_ms()
    for unit in range(UNITS):
        at = now - 365 * DAY_MS + unit * 365 * DAY_MS // UNITS
        node.unit(f"u{unit}", f"rooms=!room{unit}:test now={at}",
                  f"room=!room{unit}:test create={CALLS} events={EVENTS} people=2 strays=1 final=1 now={at}")
    node.close()
    year.parley.start()
    yield year
    year.close()
    cluster.stop()


def waits(cluster):
    """What the server says of waits for locks that took longer than a second."""
    return re.findall(r".*still waiting for .*", cluster.log.read_text(encoding="utf-8", errors="replace"))


def test_a_year_goes_while_calls_go_on(year):
    year.verify()
    load = [Load(year, name) for name in ("a", "b")]
    for one in load:
        one.start()
    settled(lambda: all(len(one.statuses) > 2 for one in load), "calls to go on")
    old = sum(unit * 365 < 185 * UNITS for unit in range(UNITS))
    began = time.monotonic()
    look = subprocess.Popen([str(year.parley.binary), "audit", "verify", "--config", str(year.parley.config)],
                            stdout=subprocess.PIPE, text=True)
    done = year.purge("--before", "180d", "--yes")
    took = time.monotonic() - began
    assert look.communicate(timeout=WAIT_SECONDS) and look.returncode == 0, "green also in the middle of it"
    for one in load:
        one.stop()
    assert done["calls deleted"] == old * CALLS
    assert done["audit chains purged"] == old * (CALLS + 1), "a chain of events of no call a day"
    assert done["audit rows purged"] == old * (CALLS * EVENTS + 1)
    assert {status for one in load for status in one.statuses} == {200}
    assert waits(year.postgres) == []
    print(f"purged {done} in {took:.1f} s beside {sum(len(one.statuses) for one in load)} transactions, slowest "
          f"{max(max(one.seconds) for one in load):.2f} s")
    year.verify()


class Held:
    """Somebody holds the lock of call_heads: whoever writes a tombstone waits in the middle of a batch."""

    def __init__(self, audit):
        self.audit = audit
        self.holder = subprocess.Popen([find_program("psql"), "-X", "-q", "-d", audit.postgres.url(audit.name)], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.say("BEGIN; SELECT pg_advisory_xact_lock(1885430124, 1);")
        settled(lambda: self.locks("granted"), "the lock")

    def say(self, text):
        self.holder.stdin.write(text + "\n")
        self.holder.stdin.flush()

    def locks(self, which):
        return self.audit.rows(f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885430124 AND objid = 1 AND {which}")

    def wait(self):
        settled(lambda: self.locks("NOT granted"), "somebody who waits")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.communicate("ROLLBACK;")


def purging(year, *arguments):
    return subprocess.Popen([str(year.parley.binary), "audit", "purge", "--config", str(year.parley.config), "--reason", "a test",
                             "--yes", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_server_would_tell_of_a_long_wait(year):
    """The check of the test above can fail."""
    with Held(year) as held:
        sender = threading.Thread(target=year.send, args=events.legacy_call("!r:test", "@dora:test", "@emil:test", "waits"))
        sender.start()
        held.wait()
        settled(lambda: waits(year.postgres), "a line in the server's log")
    sender.join()


def test_stops_in_the_middle_of_retention(year):
    """SIGTERM does not wait for the end of a run; the next process does the rest."""
    year.parley.set("retention", calls="0", audit="100d", interval="1s")
    before = year.count()
    with Held(year) as held:
        year.parley.process.send_signal(signal.SIGHUP)
        held.wait()
        assert year.parley.stop() == 0
    assert "close_took_too_long" not in year.parley.log_tail(1000)
    after = year.count()
    assert after["call_sessions"] < before["call_sessions"] and after["call_events"] == before["call_events"]
    year.verify()
    year.parley.start()
    settled(lambda: year.count()["call_events"] < before["call_events"], "the rest, by the next process")
    year.parley.set("retention", calls="0", audit="0", interval="1h")
    year.parley.process.send_signal(signal.SIGHUP)
    assert "retention_failed" not in year.parley.log_tail(1000)


def test_killed_in_the_middle(year):
    """kill -9 inside a batch and somewhere behind one: the audit is true, and another run does the rest."""
    def gone(process):
        process.kill()
        process.communicate()
        settled(lambda: not year.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 3"), "the server to notice")

    def tombstones():
        return int(year.rows("SELECT count(*) FROM call_heads WHERE kind = 'tombstone'")[0][0])

    with Held(year) as held:
        process = purging(year, "--before", "60d")
        held.wait()
        gone(process)
    year.verify()
    before = tombstones()
    process = purging(year, "--before", "30d")
    settled(lambda: tombstones() > before, "a first batch")
    gone(process)
    year.verify()
    year.purge("--before", "30d", "--yes")
    assert year.purge("--before", "30d", "--yes") == {}
    year.verify()


def test_interrupted(year):
    """One signal ends it behind its batch, with what was done."""
    with Held(year) as held:
        process = purging(year, "--user", "@alice:test")
        held.wait()
        process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1 and "interrupted" in said and "calls without the name" in printed
    year.verify()
    year.purge("--user", "@alice:test", "--yes")
    assert "@alice:test" not in year.dump()
    year.verify()
