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
    known = db.rows("SELECT id, chain_rows, encode(chain_mac, 'hex') FROM call_sessions WHERE chain_rows > 0"
                    " UNION ALL SELECT id, chain_rows, encode(chain_mac, 'hex') FROM audit_strays")
    assert {(s, str(n), m.hex()) for s, (n, m) in chains.items()} == {tuple(row) for row in known}
    mac = bytes(32)
    for want, row in enumerate(db.rows(f"""
            SELECT seq, kind, session_id, rows, encode(last_mac, 'hex'), (extract(epoch FROM at) * 1000)::bigint,
                   encode(mac, 'hex') FROM call_heads ORDER BY seq"""), start=1):
        assert int(row[0]) == want
        fields = ["parley/head/1", row[0], row[1], row[2], row[3], bytes.fromhex(row[4]), row[5], None, None, None]
        mac = sign(key, mac, fields)
        assert mac.hex() == row[6]
    assert rows, "there was something to look at"
