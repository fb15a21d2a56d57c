"""Members and participants who are to be looked for, in a real PostgreSQL: who is, when, and who has which look to itself."""

import subprocess

import pytest
from store_node import program
from store_node import make_database, make_key  # noqa: F401 (fixtures)

NOW = 1_800_000_000_000
PATIENCE_S = 60
SESSION = "01890000-0000-7000-8000-00000000000"
MINUTE = 60_000


def at(ms):
    return f"to_timestamp({ms}::numeric / 1000)"


@pytest.fixture(name="ask")
def fixture_ask(db):
    def run(*arguments):
        done = subprocess.run([program("watches_probe"), db.url, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.splitlines()
    return run


@pytest.fixture(name="call")
def fixture_call(db):
    """Makes a call in !r:x with members (user, {column: value}); gives its id."""
    def make(*members, n=1, live=True, historic=False):
        session = SESSION + str(n)
        db.sql("INSERT INTO call_sessions (id, kind, room_id, call_id, natural_key, slot, state, is_group, historic, partial, rings,"
               " voip_version, closed_at, peak_users, chain_rows, chain_mac)"
               f" VALUES ('{session}', 'rtc', '!r:x', 'm.call#ROOM', '{n}', 'm.call#room', '{'active' if live else 'ended'}', true,"
               f" {historic}, false, false, 0, {'NULL' if live else 'now()'}, 1, 0, decode(repeat('00', 32), 'hex'))")
        for i, (user, columns) in enumerate(members, 1):
            columns = {"party": "'D'", "focus_ours": "true", "focus_selection": "'multi_sfu'", "left_at": "NULL", "membership_id": "NULL",
                       "joined_at": at(NOW - 10 * MINUTE + i), **columns}
            db.sql(f"INSERT INTO call_participants (session_id, n, user_id, {', '.join(columns)}, audio_muted, video_muted,"
                   " screen_shared, refreshes, candidates_host, candidates_srflx, candidates_prflx, candidates_relay, candidates_tcp)"
                   f" VALUES ('{session}', {i}, '{user}', {', '.join(columns.values())}, false, false, false, 0, 0, 0, 0, 0, 0)")
        return session
    return make


def token(db, user, device="D", identity=None, member="", dialect="old", look_at=None):
    db.sql("INSERT INTO rtc_identities VALUES ('alias', "
           f"'{identity or user + ':' + device}', '!r:x', 'm.call#ROOM', '{user}', '{device}', '{member}', '{dialect}',"
           f" {at(NOW - 5 * MINUTE)}, NULL, {'NULL' if look_at is None else at(look_at)})")


def read(lines, kind="watch"):
    """{user or identity: {key: value}}"""
    found = [line.split() for line in lines if line.startswith(kind)]
    return {words[1]: dict(word.split("=", 1) for word in words[2:]) for words in found}


def test_members_whose_media_is_with_us_are_watched(ask, call, db):
    call(("@a:x", {}), ("@left:x", {"left_at": "now()"}), ("@elsewhere:x", {"focus_ours": "false"}))
    call(("@history:x", {}), n=2, historic=True)
    call(("@over:x", {}), n=3, live=False)
    assert set(read(ask("claim", NOW, NOW + 30_000))) == {"@a:x"}
    db.sql("UPDATE call_participants SET left_at = now()")
    assert read(ask("claim", NOW + MINUTE, NOW + 2 * MINUTE)) == {}
    assert db.sql("SELECT count(*) FROM rtc_watches").strip() == "0"


def test_one_at_a_time_looks_and_news_come_first(ask, call):
    session = call(("@a:x", {}))
    assert set(read(ask("claim", NOW, NOW + 30_000))) == {"@a:x"}
    assert ask("claim", NOW + 1, NOW + 30_001) == [], "another node leaves it alone"
    assert ask("settle", session, 1, NOW + 30_000, NOW + MINUTE, NOW) == ["written"]
    assert ask("claim", NOW + 2, NOW + 30_002) == [], "not due"
    ask("heard", NOW + 3, "!r:x", "@b:x", "alias", "b", 0)
    assert ask("claim", NOW + 3, NOW + 30_003) == [], "news of somebody else"
    ask("heard", NOW + 4, "!r:x", "@a:x", "alias", "a", 0)
    found = read(ask("claim", NOW + 4, NOW + 30_004))["@a:x"]
    assert found["absent"] == str(NOW) and found["tries"] == "1"
    ask("heard", NOW + 5, "!r:x", "@a:x", "alias", "a", 0)
    assert ask("settle", session, 1, NOW + 30_004, NOW + MINUTE, NOW) == ["not written"]
    assert set(read(ask("claim", NOW + 5, NOW + 30_005))) == {"@a:x"}
    assert set(read(ask("claim", NOW + 30_005, NOW + MINUTE))) == {"@a:x"}, "who had it has died"


def test_the_names_they_had_tokens_for(ask, call, db):
    call(("@a:x", {"membership_id": "'m1'"}), ("@b:x", {"party": "''"}))
    token(db, "@a:x")
    token(db, "@a:x", device="OTHER")
    token(db, "@a:x", device="OTHER", identity="hash", member="m1", dialect="hashed")
    token(db, "@a:x", device="", identity="proxied", member="m2", dialect="proxied")
    token(db, "@b:x", device="ANY")
    found = read(ask("claim", NOW, NOW + 30_000))
    names = found["@a:x"]["places"].split("+")
    assert set(names[::2]) == {"alias"} and set(names[1::2]) == {"@a:x:D", "hash", "proxied"}
    assert found["@a:x"]["asked"] == str(NOW - 5 * MINUTE)
    assert found["@b:x"]["places"] == "alias+@b:x:ANY", "a member that names no device may be any"


@pytest.mark.parametrize("name, members, in_use", [
    ("their own", [("@a:x", {})], "1"),
    ("by the oldest, who is with us", [("@b:x", {}), ("@a:x", {"focus_selection": "'oldest_membership'"})], "1"),
    ("by the oldest, who is elsewhere",
     [("@b:x", {"focus_ours": "false"}), ("@a:x", {"focus_selection": "'oldest_membership'"})], "0"),
    ("the oldest elsewhere left a moment ago",
     [("@b:x", {"focus_ours": "false", "left_at": at(NOW - 1000)}), ("@a:x", {"focus_selection": "'oldest_membership'"})], "0"),
    ("the oldest elsewhere left long ago",
     [("@b:x", {"focus_ours": "false", "left_at": at(NOW - 2 * MINUTE)}), ("@a:x", {"focus_selection": "'oldest_membership'"})], "1"),
])
def test_which_sfu_is_in_use(ask, call, name, members, in_use):
    call(*members)
    assert read(ask("claim", NOW, NOW + 30_000))["@a:x"]["in_use"] == in_use, name


@pytest.mark.parametrize("device, identity, delegated", [
    ("D", "@a:x:D", "1"), ("D", "hash", "1"), ("OTHER", "hash", "0"), ("", "hash", "1"), (None, "unknown", "1")])
def test_whose_delayed_leave_is_with_us(ask, call, db, device, identity, delegated):
    call(("@a:x", {"membership_id": "'m1'"}))
    if device is not None:
        token(db, "@a:x", device=device, identity=identity)
    db.sql(f"INSERT INTO rtc_delegations VALUES ('alias', '{identity}', 'delay', 1000, '@a:x', '!r:x', 'waiting', now(), now(), 'n', now())")
    assert read(ask("claim", NOW, NOW + 30_000))["@a:x"]["delegated"] == delegated


def test_participants_are_looked_at_when_they_come_and_when_they_leave_the_call(ask, call, db):
    token(db, "@a:x")
    assert ask("claim", NOW, NOW + 30_000) == []
    ask("heard", NOW, "!r:x", "@a:x", "alias", "@a:x:D", NOW + MINUTE)
    assert ask("claim", NOW + MINUTE - 1, NOW + 2 * MINUTE) == []
    assert read(ask("claim", NOW + MINUTE, NOW + 2 * MINUTE), "visit") == {"@a:x:D": {"user": "@a:x", "left": "0", "member": "0"}}
    assert ask("visited", "alias", "@a:x:D", NOW + 2 * MINUTE, 0) == ["written"]
    assert ask("claim", NOW + 9 * MINUTE, NOW + 10 * MINUTE) == []
    call(("@a:x", {"left_at": at(NOW - 1000)}), live=False)
    ask("left", "!r:x", "@a:x", NOW + 9 * MINUTE)
    visit = read(ask("claim", NOW + 9 * MINUTE, NOW + 10 * MINUTE), "visit")["@a:x:D"]
    assert visit["left"] == str(NOW - 1000) and visit["member"] == "0"
    ask("left", "!r:x", "@a:x", NOW + 9 * MINUTE)
    assert ask("visited", "alias", "@a:x:D", NOW + 10 * MINUTE, 0) == ["not written"]
    call(("@a:x", {}), n=2)
    assert read(ask("claim", NOW + 9 * MINUTE, NOW + 10 * MINUTE), "visit")["@a:x:D"]["member"] == "1"


@pytest.mark.parametrize("dialect, member", [("hashed", "1"), ("old", "0")])
def test_member_events_that_nobody_can_read_count(ask, db, dialect, member):
    token(db, "@a:x", dialect=dialect, look_at=NOW)
    db.sql("INSERT INTO call_events (session_id, n, type, room_id, user_id, subject, at, recorded_at, late, inferred, ignored, partial,"
           f" erasable_sha256, mac, key_epoch) VALUES ('{SESSION}9', 1, 'rtc_member_opaque', '!r:x', '@a:x', '', {at(NOW - MINUTE)}, now(),"
           " false, true, false, false, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), 1)")
    assert read(ask("claim", NOW, NOW + 30_000), "visit")["@a:x:D"]["member"] == member
