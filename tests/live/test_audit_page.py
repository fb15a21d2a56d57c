"""docs/audit.md: every query runs, as the role it describes, and says what happened; every command in it works."""

import datetime
import pathlib
import re
import shlex

import pytest

import events
from cluster import PostgresCluster
from parley import Parley

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "audit.md"
TEAM, PAIR = "!team:example.com", "!pair:example.com"
ALICE, BOB, CAROL, DAVE = (f"@{name}:example.com" for name in ("alice", "bob", "carol", "dave"))
ZOE = "@zoe:elsewhere.example"


def blocks(language):
    """(heading, text) of each fenced block."""
    text = PAGE.read_text(encoding="utf-8")
    found, heading = [], ""
    for part in re.split(r"^(#{2,3} .*)$", text, flags=re.M):
        if part.startswith("#"):
            heading = part.lstrip("# ")
        found += [(heading, block) for block in re.findall(rf"^```{language}\n(.*?)^```$", part, re.M | re.S)]
    return found


QUERIES = [block for block in blocks("sql") if block[0].endswith("?")]
ROLES = [text for heading, text in blocks("sql") if not heading.endswith("?")]
COMMANDS = [line for _, text in blocks("sh") for line in text.splitlines()]


def cut(call, *kinds):
    """The events of a legacy call that are wanted."""
    return [event for event in call if event["type"].removeprefix("m.call.") in kinds]


def ended(call, reason):
    call[-1]["content"]["reason"] = reason
    return call


def what_happened():
    """Calls of all kinds; their rooms say which is which."""
    talk = events.legacy_call(PAIR, ALICE, BOB, "talk")
    missed = ended(events.legacy_call(PAIR, ALICE, BOB, "missed"), "invite_timeout")
    failed = ended(events.legacy_call(PAIR, CAROL, ALICE, "failed"), "ice_failed")
    group = events.rtc_call(TEAM, [ALICE, BOB, ZOE])
    joins, leaves = group[:3], group[3:]
    opaque = events.event("m.room.encrypted", TEAM, ALICE, {"algorithm": "m.megolm.v1.aes-sha2"})
    opaque["msc4354_sticky"] = {"duration_ms": 60000}
    kick = events.event("m.room.member", TEAM, ALICE, {"membership": "leave", "reason": "noise"}, state_key=BOB)
    return [
        *talk,
        *cut(missed, "invite", "hangup"),
        *cut(failed, "invite", "hangup"),
        *joins, opaque, kick, leaves[0], leaves[2],
        events.legacy_call("!live:example.com", DAVE, CAROL, "rings")[0],
        *events.legacy_call("!closed:example.com", DAVE, BOB, "closed"),
        events.event("m.call.invite", PAIR, CAROL, {"call_id": 7}),
    ]


# Some questions are about yesterday evening: the talk was at 23:00, the group call from 21:00 to 22:00. Only the history is moved.
YESTERDAY = """
    UPDATE call_sessions SET created_at = timestamptz 'yesterday 23:00', answered_at = timestamptz 'yesterday 23:00:10',
        ended_at = timestamptz 'yesterday 23:30:10', duration_ms = 1800000 WHERE call_id = 'talk';
    UPDATE call_sessions SET created_at = timestamptz 'yesterday 21:00', answered_at = timestamptz 'yesterday 21:00',
        ended_at = timestamptz 'yesterday 22:00', duration_ms = 3600000 WHERE kind = 'rtc';
    UPDATE call_participants p SET joined_at = timestamptz 'yesterday 21:00',
        left_at = CASE WHEN actor IS NULL THEN timestamptz 'yesterday 22:00' ELSE timestamptz 'yesterday 21:10' END
    FROM call_sessions s WHERE s.id = p.session_id AND s.kind = 'rtc'
"""


class World:
    def __init__(self, folder):
        self.cluster = PostgresCluster(folder / "pg")
        self.cluster.start()
        self.parley = Parley(folder / "parley", self.cluster.create_database("parley"), server_name="example.com",
                             settings={"log": {"level": "info"}})
        self.parley.run("migrate")
        self.parley.start()
        for n, batch in enumerate(events.batches(what_happened())):
            assert self.parley.transaction(f"t{n}", batch)[0] == 200
        self.cluster.sql(YESTERDAY, "parley")
        self.parley.run("audit", "purge", "--user", "@nobody:example.com", "--reason", "nobody", "--yes")
        self.parley.run("audit", "purge", "--room", "!closed:example.com", "--reason", "closed", "--yes")
        for role in ROLES:
            self.cluster.sql(role, "parley")

    def as_role(self, role, sql):
        """Rows of a query asked by a role."""
        user, self.cluster.user = self.cluster.user, role
        try:
            return self.cluster.rows(sql, "parley")
        finally:
            self.cluster.user = user


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("page"))
    yield world
    assert world.parley.stop() == 0
    world.cluster.stop()


def column(rows, n):
    return [row[n] for row in rows]


# What takes an SFU: test_dead_man.py and test_embedded_calls.py have rows for them.
ELSEWHERE = {"Whose client died in a call, and who ended the membership?", "Who was in the SFU without being in the call?",
             "What happened in the media of a room?", "How well did media come, person by person?",
             "… and track by track, in the course of a call?", "Which calls were badly served?",
             "Whose picture froze for whom?", "Who was badly connected, and for how long?"}

# What must come of a query, by its heading; of the others at least one row.
EXPECTED = {
    # Before six in the morning the calls of now are of last night, too.
    "Who called whom last night?": lambda rows: rows[0][1:6] == [ALICE, BOB, "ended", "audio", "1800"] and (
        len(rows) == 1 or datetime.datetime.now(datetime.timezone.utc).hour < 6),
    "Which calls did somebody miss?": lambda rows: column(rows, 1) == [ALICE],
    "What are somebody's calls?": lambda rows: sorted(column(rows, 1)) == ["callee", "caller", "caller", "caller"],
    "Which calls were the longest?": lambda rows: column(rows, 4) == ["01:00:00", "00:30:00"],
    "How many calls a day, and how did they end?": lambda rows: sorted(row[1:] for row in rows) == [
        ["ended", "2"], ["failed", "1"], ["missed", "1"], ["ringing", "1"]],
    "How long do people talk?": lambda rows: sorted(column(rows, 4)) == ["30", "60"],
    "Who talks most?": lambda rows: column(rows, 0)[:3] == [ALICE, ZOE, BOB] and rows[0][1:] == ["2", "90"],
    "Why do calls fail?": lambda rows: [row[:2] for row in rows] == [["ice_failed", "1"]],
    "Who was in a room's call at a certain time?": lambda rows: column(rows, 0) == [ALICE, ZOE],
    "What happened in a call, step by step?": lambda rows: {"participant_joined", "participant_left", "session_ended"} <=
    set(column(rows, 2)),
    "Which calls are going on now?": lambda rows: column(rows, 4) == [DAVE],
    "Who was thrown out of a call, and by whom?": lambda rows: [row[1:3] for row in rows] == [[BOB, ALICE]],
    "Which calls did nobody answer?": lambda rows: column(rows, 3) == ["missed"],
    "How fast do people answer?": lambda rows: rows == [["1", "00:00:10", "00:00:10"]],
    "How many people are offered a relay?": lambda rows: rows == [["2", "2", "100.0"]],
    "Which other servers do we have calls with?": lambda rows: rows == [["elsewhere.example", "1", "1"]],
    "Which calls were in encrypted rooms?": lambda rows: column(rows, 1) == [TEAM],
    "Which SFU do people use?": lambda rows: rows == [["https://calls.example.com", "f", "1", "3"]],
    "Which events made no sense?": lambda rows: "malformed_event" in column(rows, 0),
    "What was purged, why, and by whom?": lambda rows: [row[1:4] for row in rows] == [["purged room=!closed:example.com", "6", "closed"]],
    "How far back does it go?": lambda rows: column(rows, 0) == ["history", "audit"],
}


def test_the_page_has_twenty_queries():
    assert len(QUERIES) >= 20 and len(ROLES) == 2 and len(COMMANDS) >= 8
    assert set(EXPECTED) <= {heading for heading, _ in QUERIES}


@pytest.mark.parametrize("heading, sql", QUERIES, ids=[heading for heading, _ in QUERIES])
def test_query(world, heading, sql):
    rows = world.as_role("parley_read", sql)
    assert EXPECTED.get(heading, bool)(rows) or heading in ELSEWHERE, rows


@pytest.mark.parametrize("role, sql, why", [
    ("parley_read", "DELETE FROM call_sessions", "read-only transaction"),
    ("parley_read", "SET default_transaction_read_only = off; DELETE FROM call_sessions", "permission denied"),
    ("parley_read", "SELECT * FROM call_kept_inputs", "permission denied"),
    ("parley_count", "SELECT * FROM calls_by_user", "permission denied"),
    ("parley_count", "SELECT * FROM call_sessions", "permission denied"),
])
def test_roles_may_no_more(world, role, sql, why):
    with pytest.raises(RuntimeError, match=why):
        world.as_role(role, sql)


def test_the_counting_role_counts(world):
    for view in ("call_durations_daily", "failure_reasons", "concurrent_calls", "call_quality"):
        assert world.as_role("parley_count", f"SELECT * FROM {view}") or view == "call_quality"  # that takes an SFU


def test_every_table_and_view_is_on_the_page(world):
    text = PAGE.read_text(encoding="utf-8")
    names = column(world.cluster.rows("SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = 'public'::regnamespace",
                                      "parley"), 0)
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_command(world, line):
    words = shlex.split(line)
    assert words[:2] == ["parley", "audit"]
    leaves_one = "--user" in words and "purge" in words  # Dave's call rings still
    if leaves_one:
        with pytest.raises(RuntimeError, match="1 calls were left"):
            world.parley.run(*words[1:])
    else:
        world.parley.run(*words[1:])
