"""The audit chain in a real PostgreSQL: it can be computed again, and what is evidence is not changed."""

import pytest
from store_chain import assert_chain_holds
from store_node import NOW
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
    "TRUNCATE call_heads",
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
