"""The audit chain in a real PostgreSQL: it can be computed again, and what is evidence is not changed."""

import hashlib

import pytest
from store_chain import assert_chain_holds, field
from store_node import NOW, admin
from store_node import make_database, make_key  # noqa: F401 (fixtures)


def test_the_chain_can_be_computed_again(db):
    node = db.node()
    node.unit("A", f"rooms=!a now={NOW}", f"room=!a create=3 events=9 strays=4 final=1 now={NOW}")
    node.unit("B", f"rooms=!a now={NOW}", f"room=!a create=1 events=7 now={NOW}")
    node.unit("C", f"rooms=!a now={NOW + 86_400_000}", f"touch=1 events=4 strays=2 final=1 now={NOW + 86_400_000}")
    assert db.rows("SELECT count(*) FROM audit_strays") == [["2"]]
    assert db.rows("SELECT count(*) FROM call_heads") == [["6"]]
    assert_chain_holds(db)


@pytest.mark.parametrize("change", [
    "UPDATE call_events SET user_id = '@mallory:test' WHERE n = 1",
    "UPDATE call_events SET payload = '{}' WHERE n = 1",
    "UPDATE call_events SET salt = NULL, user_id = NULL, subject = 'erased:1', payload = NULL WHERE n = 1",
    "SET parley.purge = 'on'; UPDATE call_events SET payload = NULL WHERE n = 1",
    "SET parley.purge = 'on'; UPDATE call_events SET user_id = '@mallory:test' WHERE n = 1",
    "SET parley.purge = 'on'; UPDATE call_heads SET rows = 1",
    "DELETE FROM call_events WHERE n = 2",
    "TRUNCATE call_events",
    "UPDATE call_heads SET rows = 1",
    "DELETE FROM call_heads",
    "TRUNCATE call_heads CASCADE",
    "SET parley.purge = 'on'; DELETE FROM call_heads",
    "SET parley.purge = 'on'; DELETE FROM audit_keys",
    "SET parley.purge = 'on'; TRUNCATE audit_keys",
    "UPDATE audit_keys SET fingerprint = '0123456789abcdef'",
    "DELETE FROM audit_keys",
])
def test_evidence_is_not_changed(db, change):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=2 final=1")
    with pytest.raises(RuntimeError, match="is append-only"):
        db.sql(change)
    assert_chain_holds(db)


def test_people_can_be_erased_and_rows_purged(db):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=1 events=2 final=1")
    db.sql("BEGIN; SET LOCAL parley.purge = 'on'; UPDATE call_events SET salt = NULL, user_id = NULL, payload = NULL,"
           " subject = 'erased:' || n WHERE n = 2; COMMIT")
    assert db.rows("SELECT count(salt), count(erasable_sha256) FROM call_events") == [["1", "2"]]
    assert_chain_holds(db)
    db.sql("BEGIN; SET LOCAL parley.purge = 'on'; DELETE FROM call_events; COMMIT")
    assert db.rows("SELECT count(*) FROM call_events") == [["0"]]


def test_a_tombstone_says_what_is_gone(db):
    node = db.node()
    node.unit("A", "rooms=!a", "room=!a create=2 events=3 final=1")
    one, two = (row[0] for row in db.rows("SELECT id FROM call_sessions ORDER BY id"))
    for arguments, items in (([f"{two}:0", f"{one}:2"], [(one, 2, 1), (two, 0, 3)]), ([f"{one}:3"], [(one, 3, 1)])):
        code, printed = admin("remove", db.url, str(db.key), "purged room=!a", *arguments)
        assert code == 0, printed
        seq = printed.removeprefix("tombstone ")
        listed = db.rows(f"SELECT session_id, n, rows FROM audit_removed WHERE tombstone = {seq} ORDER BY session_id, n")
        assert [(s, int(n), int(rows)) for s, n, rows in listed] == items
        digest = hashlib.sha256(b"".join(map(field, ["parley/removed/1", *(x for item in items for x in item)]))).hexdigest()
        assert db.rows(f"SELECT kind, session_id, rows, encode(last_mac, 'hex'), what FROM call_heads WHERE seq = {seq}") == [
            ["tombstone", "", str(sum(rows for _, _, rows in items)), digest, "purged room=!a"]]
    with pytest.raises(RuntimeError, match="is append-only"):
        db.sql("SET parley.purge = 'on'; DELETE FROM audit_removed")
    code, printed = admin("remove", db.url, str(db.key), "erased user", f"{one}:1", f"{one}:1")
    assert (code, printed.split(":")[0]) == (1, "invalid")
