"""The audit chain computed again: from the rows, the key, and the words of src/store/chain.h alone."""

import hashlib
import hmac
import struct


def field(value):
    if value is None:
        return b"\xff\xff\xff\xff"
    data = value if isinstance(value, bytes) else str(value).encode()
    return struct.pack(">I", len(data)) + data


def text_or_null(column):
    """As a SQL expression whose NULL is told from the empty text."""
    return f"coalesce('=' || {column}, '')"


def value_of(printed):
    return printed[1:] if printed.startswith("=") else None


def digest(fields):
    return hashlib.sha256(b"".join(map(field, fields))).digest()


def sign(key, previous, fields):
    return hmac.new(key, previous + b"".join(map(field, fields)), hashlib.sha256).digest()


def assert_chain_holds(db):
    """Computes every MAC again, from the rows, the key and the words of src/store/chain.h."""
    key = bytes.fromhex(db.key.read_text(encoding="ascii").strip())
    texts = ["type", "room_id", "call_id", "source_event_id"]
    erasable = ["encode(salt, 'hex')", "user_id", "subject", "payload::text"]
    rows = db.rows(f"""
        SELECT session_id, n, {", ".join(map(text_or_null, texts))},
               {text_or_null("(extract(epoch FROM at) * 1000)::bigint")}, (extract(epoch FROM recorded_at) * 1000)::bigint,
               late::integer::text || inferred::integer || ignored::integer || partial::integer,
               encode(erasable_sha256, 'hex'), encode(mac, 'hex'), {", ".join(map(text_or_null, erasable))}
        FROM call_events ORDER BY session_id, n""")
    chains = {}
    for row in rows:
        session, n = row[0], int(row[1])
        count, mac = chains.get(session, (0, bytes(32)))
        assert n == count + 1
        salt, *personal = map(value_of, row[11:15])
        if salt is None:
            assert personal == [None, f"erased:{n}", None]
        else:
            assert digest([bytes.fromhex(salt), *personal]).hex() == row[9], f"{session} {n}"
        fields = ["parley/event/1", session, n, *map(value_of, row[2:7]), row[7], row[8], bytes.fromhex(row[9])]
        mac = sign(key, mac, fields)
        assert mac.hex() == row[10], f"{session} {n}"
        chains[session] = (n, mac)
    assert rows, "there was something to look at"
    known = {tuple(row) for row in db.rows(
        "SELECT id, chain_rows, encode(chain_mac, 'hex') FROM call_sessions WHERE chain_rows > 0"
        " UNION ALL SELECT id, chain_rows, encode(chain_mac, 'hex') FROM audit_strays")}
    there = {(s, str(n), m.hex()) for s, (n, m) in chains.items()}
    assert known <= there
    heads = assert_heads_hold(db, key)
    removed = {session for (session,) in db.rows("SELECT session_id FROM audit_removed WHERE n = 0")}
    assert there - known <= {(s, *heads.get(s, ())) for s in chains}, "whose call is gone ended with its head"
    assert heads.keys() - chains.keys() <= removed, "a call is gone without a word"
    assert not removed & chains.keys(), "what was purged is back"


def assert_heads_hold(db, key):
    """The chain over all chains; gives the last head of each."""
    mac = bytes(32)
    heads = {}
    texts = ["session_id::text", "encode(last_mac, 'hex')", "what", "reason", "actor"]
    for want, row in enumerate(db.rows(f"""
            SELECT seq, kind, rows, (extract(epoch FROM at) * 1000)::bigint, encode(mac, 'hex'),
                   {", ".join(map(text_or_null, texts))} FROM call_heads ORDER BY seq"""), start=1):
        seq, kind, count, at, signed = row[:5]
        session, last, what, reason, actor = map(value_of, row[5:])
        assert int(seq) == want
        fields = ["parley/head/1", seq, kind, session, count, bytes.fromhex(last), at, what, reason, actor]
        mac = sign(key, mac, fields)
        assert mac.hex() == signed
        if kind == "head":
            heads[session] = (count, last)
        elif kind == "tombstone":
            items = db.rows(f"SELECT session_id, n, rows FROM audit_removed WHERE tombstone = {seq} ORDER BY session_id, n")
            assert sum(int(rows) for _, _, rows in items) == int(count)
            assert digest(["parley/removed/1", *(value for item in items for value in item)]).hex() == last
    return heads


def assert_all_erased_is_told(db):
    """Rows are erased where a tombstone says so, and nowhere else."""
    assert db.rows("SELECT session_id, n FROM call_events WHERE salt IS NULL EXCEPT SELECT session_id, n FROM audit_removed") == []
    assert db.rows("SELECT session_id, n FROM audit_removed r WHERE n > 0 AND NOT EXISTS (SELECT FROM audit_removed w WHERE"
                   " w.session_id = r.session_id AND w.n = 0) EXCEPT SELECT session_id, n FROM call_events WHERE salt IS NULL") == []
