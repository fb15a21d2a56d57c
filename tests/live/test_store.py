"""src/store against a real PostgreSQL: migrations, units of work, races of nodes, crashes."""

import concurrent.futures
import re
import time

import pytest
from cluster import PostgresCluster
from store_chain import assert_chain_holds
from store_node import NOW, SCHEMA, WAIT_SECONDS, Database, Probe, admin
from store_node import make_database, make_key  # noqa: F401 (fixtures)


# --- migrations and keys ---


def test_migrates_once(postgres, key):
    url = postgres.create_database("migrates_once")
    assert admin("check", url, str(key))[1].startswith("conflict: the database is at version 0")
    assert admin("migrate", url) == (0, f"migrated 0 {SCHEMA}")
    assert admin("migrate", url) == (0, f"migrated {SCHEMA} {SCHEMA}")


def test_migrates_from_two_nodes_at_once(postgres):
    url = postgres.create_database("two_at_once")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin("migrate", url), range(4)))
    assert sorted(answers) == [(0, f"migrated 0 {SCHEMA}")] + [(0, f"migrated {SCHEMA} {SCHEMA}")] * 3


@pytest.mark.parametrize("change, sentence", [
    (f"INSERT INTO schema_migrations VALUES ({SCHEMA + 1}, '9999_more', 'x')",
     f"conflict: the database is at version {SCHEMA + 1}, this program knows {SCHEMA}"),
    ("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1", "conflict: migration 0001_calls was applied with another text"),
    ("DELETE FROM schema_migrations WHERE version = 1", "conflict: the database lacks migration 1 but has 2"),
], ids=["newer", "changed", "gap"])
def test_refuses_a_schema_it_does_not_know(db, key, change, sentence):
    db.sql(change)
    for command in (("migrate", db.url), ("check", db.url, str(key))):
        code, printed = admin(*command)
        assert code == 1 and printed.startswith(sentence), printed


def test_refuses_another_key(db, tmp_path):
    other = tmp_path / "other.key"
    admin("key", str(other))
    code, printed = admin("check", db.url, str(other))
    assert code == 1 and "is not the one the audit was written with" in printed
    # A node that skipped the check writes nothing either.
    node = Probe(db.url, other)
    node.ask("open A rooms=!a")
    assert node.ask("commit A room=!a create=1 events=1").startswith("committed A database")
    node.close()
    assert db.rows("SELECT count(*) FROM call_sessions") == [["0"]]


def test_comments_on_every_table_and_column(db):
    missing = db.rows("""
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
          AND col_description(c.oid, a.attnum) IS NULL
        UNION SELECT relname, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
          AND obj_description(oid) IS NULL""")
    assert missing == []


# --- units of work ---


def test_commits_all_or_nothing(db):
    node = db.node()
    node.unit("A", "rooms=!a txn=1 hash=h ids=$1,$2", "room=!a create=2 events=3 people=3 kept=2 txn=1 hash=h ids=$1,$2")
    opened = node.ask("open B rooms=!a").split("calls=")[1]
    assert sorted(opened.split(",")) == ["!a/A-0/ringing/p3/l3/k2/r3", "!a/A-1/ringing/p3/l3/k2/r3"]
    node.ask("abort B")
    # One row that the database refuses takes the whole unit with it.
    node.ask("open C rooms=!a")
    answer = node.ask("commit C room=!a create=1 kind=nonsense events=3 strays=1 ids=$9 txn=9 hash=h")
    assert answer.startswith("committed C database save_calls: ") and "(23514)" in answer
    node.ask("open D rooms=!a")
    node.ask("abort D")
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in (
        "call_sessions", "call_participants", "call_kept_inputs", "call_events", "call_heads", "audit_strays",
        "appservice_txns", "appservice_events"))
    assert db.rows(counts) == [["2", "6", "4", "6", "0", "0", "1", "2"]]


def test_changes_what_is_there(db):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=2 people=2 kept=3")
    node.unit("B", "rooms=!a", "touch=1 events=1 people=3 kept=1")
    assert node.ask("open C rooms=!a").endswith("calls=!a/A-0/ringing/p3/l3/k1/r3")
    node.ask("abort C")
    node.unit("D", "rooms=!a", "touch=1 kept=0 final=1 events=1")
    assert node.ask("open E rooms=!a").endswith("calls=")
    node.ask("abort E")
    # A final call is seen by its key, whatever its state.
    assert node.ask("open F rooms=!a legacy=!a/A-0,!a/other").endswith("calls=!a/A-0/ended/p3/l3/k0/r4")
    node.ask("abort F")


def test_sees_group_calls_that_closed_lately(db):
    node = db.node()
    node.unit("A", f"rooms=!a now={NOW}", f"room=!a create=1 kind=rtc final=1 events=1 now={NOW}")
    for minutes, seen in ((9, True), (11, False)):
        opened = node.ask(f"open B rooms=!a now={NOW + minutes * 60_000}")
        assert opened.endswith("calls=!a/A-0/ended/p0/l0/k0/r1" if seen else "calls=")
        node.ask("abort B")


def test_loads_the_last_stay_of_each_entry(db):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 kind=rtc")
    db.sql("""
        INSERT INTO call_participants
        SELECT id, n, '@a:test', 'D', 'member', 'state', 'key' || n % 3, NULL, NULL, NULL, NULL, now(), NULL, NULL,
               CASE WHEN n = 9 THEN NULL ELSE now() END, NULL, NULL, NULL, NULL, false, NULL, false, false, false, 0, 0, 0, 0, 0, 0
        FROM call_sessions, generate_series(1, 9) n""")
    # Of key1 and key2 the last that left (7, 8), of key0 the one that is in (9).
    assert node.ask("open B rooms=!a").endswith("calls=!a/A-0/ringing/p3/l9/k0/r0")
    node.ask("abort B")


def test_knows_transactions_and_events(db):
    node = db.node()
    node.unit("A", "rooms=!a txn=7 hash=h ids=$1,$2", "room=!a create=1 events=1 source=$2 txn=7 hash=h ids=$1,$2")
    cases = [
        ("the same again", "txn=7 hash=h ids=$1,$2", "known=1 seen=11"),
        ("the id again, other events", "txn=7 hash=other ids=$1,$3", "known=0 seen=10"),
        ("an event in another transaction", "txn=8 hash=h ids=$3,$2,$4", "known=0 seen=010"),
        ("no transaction", "ids=$2", "known=0 seen=1"),
    ]
    for name, opening, want in cases:
        opened = node.ask(f"open B rooms=!a {opening}")
        assert f" {want} " in opened, name
        node.ask("abort B")
    # The rows that only remember are forgotten; the audit trail still knows its events.
    db.sql("DELETE FROM appservice_txns; DELETE FROM appservice_events")
    assert "known=0 seen=01" in node.ask("open C rooms=!a txn=7 hash=h ids=$1,$2")
    node.ask("abort C")


def test_a_repeat_is_harmless(db):
    node = db.node()
    node.unit("A", "rooms=!a ids=$1", "room=!a create=1 events=2 source=$1 ids=$1")
    # A stub replays what it kept: the event was seen in another unit, one of the two rows is there already.
    node.unit("B", "rooms=!a", "touch=1 events=3 source=$1")
    node.unit("C", "rooms=!a", "touch=1 events=3 source=$1 final=1")
    assert db.rows("SELECT n, type FROM call_events ORDER BY n") == [["1", "call_invited"], ["2", "type_1"], ["3", "type_2"]]
    assert db.rows("SELECT chain_rows FROM call_sessions") == [["3"]]
    assert db.rows("SELECT count(*) FROM call_heads") == [["0"]]  # nothing new, nothing to seal
    node.unit("D", "rooms=!a", "touch=1 events=1 strays=2 source=$1")
    node.unit("E", "rooms=!a", "strays=2 source=$1")
    assert db.rows("SELECT count(*) FROM call_events") == [["5"]]


def test_stores_what_peers_send(db):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=1 badtext=1")
    assert db.rows("SELECT call_id FROM call_events") == [["bad \N{REPLACEMENT CHARACTER} text"]]
    assert_chain_holds(db)


# --- several at once ---


def test_units_on_one_room_are_serial(db):
    one, two = db.node(), db.node()
    one.ask("open A rooms=!b,!a")
    two.tell("open B rooms=!c,!b")
    two.ask("open C rooms=!d")  # another room does not wait
    assert two.silent("opened B")
    assert one.ask("commit A room=!b create=1 events=1") == "committed A ok"
    assert two.expect("opened B").endswith("calls=!b/A-0/ringing/p0/l0/k0/r1")
    assert two.ask("commit B touch=1 events=1") == "committed B ok"
    two.ask("abort C")
    assert db.rows("SELECT n FROM call_events ORDER BY n") == [["1"], ["2"]]


def test_ends_on_two_nodes_make_one_chain_of_heads(db):
    one, two = db.node(pool=4), db.node(pool=4)
    for n in range(10):
        for node, side in ((one, "x"), (two, "y")):
            node.tell(f"open {side}{n} rooms=!{side}{n}")
    for n in range(10):
        for node, side in ((one, "x"), (two, "y")):
            node.expect(f"opened {side}{n} ok")
            node.tell(f"commit {side}{n} room=!{side}{n} create=1 events=2 final=1 strays=1")
    for n in range(10):
        one.expect(f"committed x{n} ok")
        two.expect(f"committed y{n} ok")
    assert db.rows("SELECT min(seq), max(seq), count(*) FROM call_heads") == [["1", "40", "40"]]
    assert_chain_holds(db)


def test_nodes_share_the_timers(db):
    one, two = db.node(), db.node()
    assert one.ask("next N") == "answered N ok due=0"
    for n in range(6):
        one.unit(f"A{n}", f"rooms=!{n}", f"room=!{n} create=1 due={NOW + n}")
    assert two.ask("next N") == f"answered N ok due={NOW}"
    assert two.ask("live L") == "answered L ok rooms=!0,!1,!2,!3,!4,!5"
    first = one.ask(f"due D now={NOW + 4} limit=2")
    second = two.ask(f"due E now={NOW + 4} limit=9")
    claimed = [set(re.findall(r"!\d", line)) for line in (first, second)]
    assert claimed == [{"!0", "!1"}, {"!2", "!3", "!4"}]
    assert two.ask("commit E touch=1 events=1 final=1") == "committed E ok"
    assert two.ask(f"due F now={NOW + 4} limit=9").endswith("calls=")  # the rest is with the other node
    two.ask("abort F")
    one.ask("abort D")
    deadline = time.monotonic() + WAIT_SECONDS
    while len(re.findall(r"!\d", two.ask(f"due G now={NOW + 4} limit=9"))) != 2:  # the locks go with the rollback
        two.ask("abort G")
        assert time.monotonic() < deadline
    two.ask("abort G")


def test_one_node_at_a_time_reconciles(db):
    one, two = db.node(), db.node()
    cases = [(one, 0, 1), (two, 0, 0), (two, 999, 0), (two, 1000, 1), (one, 1000, 0), (one, -5000, 1)]
    for node, later, claimed in cases:
        assert node.ask(f"claim C now={NOW + later} interval=1000") == f"answered C ok claimed={claimed}", later


# --- failures ---


def test_waits_for_a_connection_only_so_long(db):
    node = db.node(pool=1, connect_ms=300)
    node.ask("open A rooms=!a")
    assert node.ask("open B rooms=!b").startswith("opened B database the database cannot be reached, or all")
    node.tell("open C rooms=!c")
    node.tell("next N")
    node.ask("abort A")
    assert node.expect("opened C").startswith("opened C ok")
    node.ask("abort C")
    assert node.expect("answered N") == "answered N ok due=0"


def test_a_queue_has_an_end(db):
    node = db.node(pool=1, connect_ms=60_000)
    node.ask("open A rooms=!a")
    for n in range(260):
        node.tell(f"next N{n}")
    assert node.expect("answered N256 ") == "answered N256 database"
    node.ask("abort A")
    assert node.expect("answered N255 ") == "answered N255 ok due=0"


def test_survives_the_loss_of_a_connection(db):
    node = db.node(pool=1)
    node.ask("open A rooms=!a")
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
           " AND application_name = 'parley'")
    assert node.expect("changed") == "changed 0"
    assert node.ask("commit A room=!a create=1 events=1").startswith("committed A database")
    assert node.expect("changed") == "changed 1"
    node.unit("B", "rooms=!a", "room=!a create=1 events=1")
    assert db.rows("SELECT count(*) FROM call_sessions") == [["1"]]


def test_survives_kill_9_of_the_database(tmp_path, key):
    cluster = PostgresCluster(tmp_path / "pg")
    cluster.start()
    try:
        db = Database(cluster, "crash", key)
        node = db.node(pool=3, connect_ms=2000)
        node.unit("A", "rooms=!a", "room=!a create=1 events=2 final=1")
        node.ask("open B rooms=!b")
        cluster.kill()
        assert node.expect("changed") == "changed 0"
        assert node.ask("commit B room=!b create=1 events=1").startswith("committed B database")
        assert node.ask("open C rooms=!c").startswith("opened C database")
        assert node.ask("next N") == "answered N database due=0"
        cluster.start()
        assert node.expect("changed") == "changed 1"
        node.unit("D", "rooms=!b", "room=!b create=1 events=1 final=1")
        assert db.rows("SELECT natural_key FROM call_sessions ORDER BY 1") == [["A-0"], ["D-0"]]
        assert_chain_holds(db)
        node.close()
    finally:
        cluster.stop()


def test_comes_up_after_the_database(tmp_path, key):
    cluster = PostgresCluster(tmp_path / "pg")
    cluster.start()
    try:
        db = Database(cluster, "later", key)
        cluster.kill()
        # By name and over TCP: the name is looked up, each of its addresses tried.
        node = Probe(f"host=localhost port={cluster.port} user=postgres dbname=later", key, connect_ms=500)
        assert node.ask("next N") == "answered N database due=0"
        cluster.start()
        assert node.expect("changed") == "changed 1"
        assert node.ask("next N") == "answered N ok due=0"
        node.close()
        assert db.rows("SELECT 1") == [["1"]]
    finally:
        cluster.stop()


def test_ends_with_units_open(db):
    node = db.node()
    node.ask("open A rooms=!a")
    node.tell("open B rooms=!b")
    node.expect("opened B ok")
    node.tell("open C rooms=!c")  # waits when the node ends: both connections are leased
