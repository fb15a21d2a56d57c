"""Rotation of the audit key while nodes write: no event is lost, no row is written with an old key, and the change is provable."""

import os
import shutil
import stat
import subprocess

import pytest
import events
from parley import Parley, build_dir
from store_chain import sign
from store_node import NOW, WAIT_SECONDS, Probe, admin
from store_node import make_database  # noqa: F401 (fixture)
from test_audit_verify import assert_green, report
from test_crash import Homeserver

CALLS = 800
TRANSACTION = 2  # calls of one


@pytest.fixture(name="key")
def make_key(tmp_path):
    path = tmp_path / "audit.key"
    assert admin("key", str(path))[0] == 0
    return path


def rotate(url, key, *arguments):
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    done = subprocess.run([str(build_dir() / "parley"), "audit", "rotate-key", *arguments], capture_output=True, text=True,
                          timeout=WAIT_SECONDS, check=False,
                          env=dict(outside, PARLEY_DATABASE_URL=url, PARLEY_AUDIT_KEY_FILE=str(key)))
    return done.returncode, done.stdout + done.stderr


def epochs(db):
    return db.rows("SELECT key_epoch, count(*) FROM call_events GROUP BY 1 ORDER BY 1")


def test_a_node_that_writes_follows(tmp_path, postgres):
    url = postgres.create_database("rotation_live")
    parley = Parley(tmp_path, url, settings={"log": {"level": "info"}})
    parley.run("migrate")
    batches = [events.legacy_call(f"!room{n % 20}:load", "@a:load", "@b:load", f"call{n}") for n in range(CALLS)]
    homeserver = Homeserver(parley, [sum(batches[i:i + TRANSACTION], []) for i in range(0, CALLS, TRANSACTION)])
    parley.start()
    try:
        homeserver.start()
        for turn in range(3):
            sent = len(homeserver.acknowledged)
            parley.run("audit", "rotate-key", "--reason", "a test", "--actor", f"turn {turn}")
            end = len(homeserver.transactions)
            while homeserver.is_alive() and len(homeserver.acknowledged) < min(sent + 2, end):
                homeserver.join(0.01)
        homeserver.join(WAIT_SECONDS)
        assert homeserver.problem is None and len(homeserver.acknowledged) == len(homeserver.transactions)
        sources = {row["source_event_id"] for row in parley.audit("events")}
        assert sources == {event["event_id"] for batch in batches for event in batch}
        parley.run("audit", "verify")
        written = dict(postgres.rows("SELECT key_epoch, count(*) FROM call_events GROUP BY 1", "rotation_live"))
        assert "4" in written and len(written) >= 2, written
        # Rows of an old epoch end where the next begins, over all chains.
        assert postgres.rows("SELECT count(*) FROM call_heads h JOIN call_heads k ON k.kind = 'key' AND h.seq > k.seq"
                             " WHERE h.key_epoch <= k.key_epoch", "rotation_live") == [["0"]]
        assert postgres.rows("SELECT what, reason, actor FROM call_heads WHERE kind = 'key' ORDER BY seq", "rotation_live") == [
            [f"key epoch={n + 2} fingerprint={fingerprint}", "a test", f"turn {n}"] for n, (fingerprint,) in enumerate(
                postgres.rows("SELECT fingerprint FROM audit_keys WHERE epoch > 1 ORDER BY epoch", "rotation_live"))]
        assert sorted(path.name for path in tmp_path.glob("audit.key*")) == ["audit.key", *(f"audit.key.{n}" for n in (1, 2, 3))]
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("audit.key*")} == {0o600}
    finally:
        parley.stop()
    # It starts again with the new key, and an old one alone is refused.
    parley.start()
    parley.stop()
    shutil.copy(tmp_path / "audit.key.1", tmp_path / "audit.key")
    with pytest.raises(RuntimeError, match="not the one the audit was written with"):
        parley.run("migrate")


def test_an_interrupted_rotation_is_finished(db, key):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=2 final=1")
    assert rotate(db.url, key)[0] == 0
    # As after a cut between the commit and the rename.
    key.rename(f"{key}.next")
    os.link(f"{key}.1", key)
    node.unit("B", "rooms=!a", "room=!a create=1 events=2 final=1")
    assert admin("check", db.url, str(key)) == (0, "checked")
    assert_green(db)
    code, printed = rotate(db.url, key)
    assert code == 0 and "epoch 2" in printed and "already" in printed
    assert sorted(path.name for path in key.parent.glob("audit.key*")) == ["audit.key", "audit.key.1"]
    node.unit("C", "rooms=!a", "room=!a create=1 events=2 final=1")
    assert_green(db)
    assert epochs(db) == [["1", "2"], ["2", "4"]]


def test_a_second_node_needs_the_new_file(db, key, tmp_path):
    other = tmp_path / "other" / "audit.key"
    other.parent.mkdir()
    shutil.copy(key, other)
    two = Probe(db.url, other)
    db.nodes.append(two)
    two.unit("A", "rooms=!a", "room=!a create=1 events=1 final=1")
    code, printed = rotate(db.url, key, "--prepare")
    assert code == 0 and ".next is the next key" in printed
    assert epochs(db) == [["1", "1"]]
    assert rotate(db.url, key)[0] == 0
    two.ask("open B rooms=!a")
    answer = two.ask("commit B room=!a create=1 events=1 final=1")
    assert answer.startswith("committed B database the audit is written with another key by now")
    assert str(other) in answer
    shutil.copy(key, f"{other}.next")
    two.unit("C", "rooms=!a", "room=!a create=1 events=1 final=1")
    code, printed = rotate(db.url, other)
    assert code == 0 and "already" in printed
    assert sorted(path.name for path in other.parent.iterdir()) == ["audit.key", "audit.key.1"]
    assert_green(db)
    assert epochs(db) == [["1", "1"], ["2", "1"]]


def test_a_unit_that_was_open_is_refused_once(db, key):
    node = db.node()
    node.ask("open A rooms=!a")
    node.ask("open B rooms=!b")
    assert rotate(db.url, key)[0] == 0
    for name, more in (("A", "final=1"), ("B", "")):
        answer = node.ask(f"commit {name} room=!a create=1 events=2 {more}")
        assert answer.startswith(f"committed {name} database save_events: null value in column \"key_epoch\"")
    assert epochs(db) == []
    node.unit("C", "rooms=!a", "room=!a create=1 events=2 final=1")
    assert epochs(db) == [["2", "2"]]
    assert_green(db)


def test_an_old_key_is_good_for_nothing_new(db, key):
    """Whoever has the old key can neither add rows, nor rewrite what call_heads holds."""
    node = db.node()
    node.unit("A", f"rooms=!a now={NOW}", f"room=!a create=1 events=2 final=1 now={NOW}")
    node.unit("B", f"rooms=!b now={NOW}", f"room=!b create=1 events=1 now={NOW}")
    assert rotate(db.url, key)[0] == 0
    node.unit("C", f"rooms=!b now={NOW}", f"touch=1 events=1 now={NOW}")
    node.unit("D", f"rooms=!a now={NOW}", f"room=!a create=1 events=1 final=1 now={NOW}")
    assert_green(db)
    old = bytes.fromhex((key.parent / "audit.key.1").read_text(encoding="ascii").strip())

    def forge(session, n, kind):
        room, name, at, recorded, flags, digest, before = db.rows(f"""
            SELECT room_id, call_id, (extract(epoch FROM at) * 1000)::bigint, (extract(epoch FROM recorded_at) * 1000)::bigint,
                   late::integer::text || inferred::integer || ignored::integer || partial::integer, encode(erasable_sha256, 'hex'),
                   coalesce((SELECT encode(mac, 'hex') FROM call_events WHERE session_id = '{session}' AND n = {n - 1}), '{"0" * 64}')
            FROM call_events WHERE session_id = '{session}' ORDER BY n LIMIT 1""")[0]
        return sign(old, bytes.fromhex(before), ["parley/event/1", session, n, kind, room, name, None, at, recorded, flags,
                                                 bytes.fromhex(digest)]).hex()

    live = db.rows("SELECT id FROM call_sessions WHERE closed_at IS NULL")[0][0]
    over = db.rows("SELECT id FROM call_sessions WHERE natural_key = 'A-0'")[0][0]
    attempts = [
        ("a row more", f"""
            INSERT INTO call_events SELECT session_id, 3, 'forged', room_id, call_id, user_id, subject, NULL, at, recorded_at, late, inferred,
                ignored, partial, salt, payload, erasable_sha256, decode('{forge(live, 3, "forged")}', 'hex'), 1
                FROM call_events WHERE session_id = '{live}' AND n = 1;
            UPDATE call_sessions SET chain_rows = 3, chain_mac = decode('{forge(live, 3, "forged")}', 'hex') WHERE id = '{live}'""",
         ("wrong_key", "call_events", 3)),
        ("an old call rewritten", f"""
            DELETE FROM call_events WHERE session_id = '{over}' AND n = 2;
            UPDATE call_events SET type = 'forged', mac = decode('{forge(over, 1, "forged")}', 'hex') WHERE session_id = '{over}';
            UPDATE call_sessions SET chain_rows = 1, chain_mac = decode('{forge(over, 1, "forged")}', 'hex') WHERE id = '{over}'""",
         ("cut", "call_events", 2)),
        ("the row of the key rewritten", "UPDATE call_heads SET actor = 'nobody' WHERE kind = 'key'", ("altered", "call_heads", 2)),
        ("the row of the key deleted", "DELETE FROM call_heads WHERE kind = 'key'", ("missing", "call_heads", 2)),
        ("another key introduced", "UPDATE audit_keys SET fingerprint = 'ffffffffffffffff' WHERE epoch = 2",
         ("wrong_key", "call_heads", 2)),
    ]
    for name, change, want in attempts:
        copy = f"{db.name[:40]}_{len(name)}"
        db.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + db.name + "'")
        for _ in range(100):
            try:
                db.cluster.sql(f'CREATE DATABASE "{copy}" TEMPLATE "{db.name}"')
                break
            except RuntimeError as e:
                assert "being accessed" in str(e)
                db.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + db.name + "'")
        db.cluster.sql("SET session_replication_role = replica;" + change, copy)
        first = report(db.cluster.url(copy), key)["first"]
        assert (first["kind"], first["table"], first["n"]) == want, name
        db.cluster.drop_database(copy)


def test_says_what_is_in_the_way(db, key):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=1 final=1")
    (key.parent / "audit.key.1").write_text("00" * 32 + "\n", encoding="ascii")
    (key.parent / "audit.key.1").chmod(0o600)
    code, printed = rotate(db.url, key)
    assert code == 1 and "another key has this name" in printed
    (key.parent / "audit.key.1").unlink()
    other = key.parent / "elsewhere" / "audit.key"
    other.parent.mkdir()
    assert admin("key", str(other))[0] == 0
    code, printed = rotate(db.url, other)
    assert code == 1 and "bring its file here" in printed
    assert epochs(db) == [["1", "1"]] and db.rows("SELECT count(*) FROM audit_keys") == [["1"]]
    assert rotate(db.url, key)[0] == 0
