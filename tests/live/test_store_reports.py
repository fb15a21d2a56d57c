"""What the database is asked about calls: views, the reports of store/audit, and plans and memory at size."""

import re
import time

import pytest
from parley import Parley
from store_node import NOW, WAIT_SECONDS, Database, Probe, admin
from store_node import make_database, make_key  # noqa: F401 (fixtures)

ROWS = 200_000            # at which plans and memory are looked at
MEMORY_MORE_KIB = 16_384  # that many rows may need more than a few: holding them all would be ten times this

CALL = """
    INSERT INTO call_sessions (id, kind, room_id, call_id, natural_key, state, status, media, is_group, historic, partial, rings,
        caller_user, callee_user, selected_user, voip_version, created_at, answered_at, ended_at, closed_at, duration_ms,
        end_reason, failed_reason, peak_users, chain_rows, chain_mac)
    SELECT format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, kind, '!' || room, 'c' || n, 'c' || n,
        coalesce(status, 'stub'), status, media, kind = 'rtc', false, false, true, '@' || caller || ':test', '@' || callee || ':test',
        CASE WHEN answered IS NOT NULL THEN '@' || callee || ':test' END, 1, start::timestamptz,
        start::timestamptz + answered * interval '1 s', start::timestamptz + ended * interval '1 s',
        start::timestamptz + ended * interval '1 s', (ended - answered) * 1000, reason, failed, 2, 0, sha256('')
    FROM (VALUES
        (1, 'legacy', 'a', 'ended',     'audio', 'alice', 'bob',   '2026-03-01 10:00Z', 10,   70,   'user_hangup', NULL),
        (2, 'legacy', 'a', 'missed',    'video', 'alice', 'bob',   '2026-03-01 10:00:30Z', NULL, 60, 'invite_timeout', NULL),
        (3, 'legacy', 'a', 'cancelled', 'audio', 'bob',   'alice', '2026-03-01 12:00Z', NULL, 20,   'user_hangup', NULL),
        (4, 'legacy', 'b', 'failed',    'audio', 'carol', 'alice', '2026-03-01 13:00Z', NULL, 5,    'ice_failed', 'ice_failed'),
        (5, 'rtc',    'b', 'ended',     'video', 'carol', NULL,    '2026-03-01 23:50Z', 0,    1800, NULL, NULL),
        (6, 'legacy', 'a', 'ended',     'audio', 'alice', 'carol', '2026-03-02 00:05Z', 5,    605,  'user_hangup', 'ice_timeout'),
        (7, 'legacy', 'a', 'rejected',  'audio', 'alice', 'bob',   '2026-03-02 09:00Z', NULL, 8,    'user_busy', NULL),
        (8, 'legacy', 'c', NULL,        NULL,    'dave',  NULL,    '2026-03-02 09:00Z', NULL, NULL, NULL, NULL)
    ) AS v(n, kind, room, status, media, caller, callee, start, answered, ended, reason, failed);
    INSERT INTO call_participants (session_id, n, user_id, party, role, joined_at, left_at, answered_at, focus_ours, audio_muted,
        video_muted, screen_shared, refreshes, candidates_host, candidates_srflx, candidates_prflx, candidates_relay, candidates_tcp)
    SELECT format('00000000-0000-7000-8000-%s', lpad(s::text, 12, '0'))::uuid, n, '@' || u || ':test', 'D', role,
        start::timestamptz, start::timestamptz + stay * interval '1 s', CASE role WHEN 'callee' THEN start::timestamptz END,
        false, false, false, false, 0, 0, 0, 0, 0, 0
    FROM (VALUES (1, 1, 'bob', 'callee', '2026-03-01 10:00:10Z', 60), (5, 1, 'carol', 'member', '2026-03-01 23:50Z', 600),
        (5, 2, 'alice', 'member', '2026-03-01 23:51Z', 60), (5, 3, 'alice', 'member', '2026-03-02 00:00Z', 30))
        AS p(s, n, u, role, start, stay)
"""


@pytest.fixture(name="calls")
def make_calls(db):
    db.sql(CALL)
    return db


def day(text):
    return str(int(time.mktime(time.strptime(text + " UTC", "%Y-%m-%d %Z")) - time.timezone) * 1000)


def report(db, *arguments):
    code, printed = admin("audit", db.url, *arguments)
    assert code == 0, printed
    lines = printed.split("\n")
    assert lines[-1].split()[:2] == ["rows", str(len(lines) - 1)]
    return [line.split("\t") for line in lines[:-1]]


def numbers(rows):
    """The calls of a report: the number in their session's name."""
    return [int(row[0][-3:]) for row in rows]


def test_views_say_what_happened(calls):
    assert calls.rows("SELECT call_id, role, took_part, talking_ms FROM calls_by_user WHERE user_id = '@alice:test'"
                      " ORDER BY created_at, call_id") == [
        ["c1", "caller", "t", "60000"], ["c2", "caller", "f", "0"], ["c3", "callee", "f", "0"], ["c4", "callee", "f", "0"],
        ["c5", "member", "t", "90000"], ["c6", "caller", "t", "600000"], ["c7", "caller", "f", "0"]]
    assert calls.rows("SELECT call_id, role, took_part, talking_ms FROM calls_by_user WHERE user_id = '@bob:test'"
                      " ORDER BY created_at, call_id")[:2] == [["c1", "callee", "t", "60000"], ["c2", "callee", "f", "0"]]
    assert calls.rows("SELECT user_id, call_id, status FROM missed_calls ORDER BY call_id") == [
        ["@bob:test", "c2", "missed"], ["@alice:test", "c3", "cancelled"]]
    assert calls.rows("SELECT * FROM call_durations_daily ORDER BY day, kind") == [
        ["2026-03-01", "legacy", "audio", "1", "60000", "60000", "60000", "60000", "60000"],
        ["2026-03-01", "rtc", "video", "1", "1800000", "1800000", "1800000", "1800000", "1800000"],
        ["2026-03-02", "legacy", "audio", "1", "600000", "600000", "600000", "600000", "600000"]]
    assert calls.rows("SELECT day, reason, status, calls FROM failure_reasons ORDER BY day") == [
        ["2026-03-01", "ice_failed", "failed", "1"], ["2026-03-02", "ice_timeout", "ended", "1"]]
    assert [row[1] for row in calls.rows("SELECT at, calls FROM concurrent_calls ORDER BY at")] == list("12101010121010")


def test_reports_answer_what_is_asked(calls):
    everything = ["calls"]
    cases = [
        ("all, newest first", everything, [7, 6, 5, 4, 3, 2, 1]),
        ("limit", everything + ["limit=2"], [7, 6]),
        ("since", everything + ["since=" + day("2026-03-02")], [7, 6]),
        ("until", everything + ["until=" + day("2026-03-02")], [5, 4, 3, 2, 1]),
        ("room", everything + ["room=!b"], [5, 4]),
        ("status", everything + ["status=ended"], [6, 5, 1]),
        ("caller, callee or member", everything + ["user=@alice:test"], [7, 6, 5, 4, 3, 2, 1]),
        ("two at once", everything + ["user=@carol:test", "status=ended"], [6, 5]),
        ("the client's name of a call", everything + ["call=c3"], [3]),
        ("our name of a call", everything + ["call=00000000-0000-7000-8000-000000000004"], [4]),
        ("somebody else", everything + ["user=@mallory:test"], []),
        ("a value is a value", everything + ["user='; DROP TABLE call_sessions; --"], []),
        ("a user's calls", ["user", "user=@carol:test"], [6, 5, 4]),
        ("a user's calls in a room", ["user", "user=@carol:test", "room=!b"], [5, 4]),
    ]
    for name, arguments, want in cases:
        assert numbers(report(calls, *arguments)) == want, name
    assert admin("audit", calls.url, "user") == (1, "invalid: this report needs a user")
    assert report(calls, "calls", "call=c1") == [[
        "00000000-0000-7000-8000-000000000001", "c1", "legacy", "!a", "ended", "audio", "false", "@alice:test", "@bob:test",
        "2026-03-01T10:00:00.000Z", "2026-03-01T10:00:10.000Z", "2026-03-01T10:01:10.000Z", "60000", "2", "user_hangup", "", "",
        "false", "false", "", "", "", "", "", ""]]


# What was measured in call 5: carol sends two tracks and hears alice; alice hears carol with two devices, on one of them badly. Then what
# counts nowhere: rows of somebody who was erased, of a day's chain, and of other types.
FIGURES = """
    INSERT INTO call_events (session_id, n, type, room_id, call_id, user_id, subject, at, recorded_at, late, inferred, ignored, partial,
        salt, payload, erasable_sha256, mac, key_epoch)
    SELECT format('00000000-0000-7000-8000-%s', lpad(s::text, 12, '0'))::uuid, row_number() OVER (), type, '!b', call, who, device, now(),
        now(), false, false, false, false, substr(sha256(''), 1, 16), details::json, sha256(''), sha256(''), 1
    FROM (VALUES
        (5, 'media_quality', 'c5', '@carol:test', 'D', '{"direction": "sent", "path": "direct", "span_ms": 5000, "expected": 100, "lost": 0,
            "jitter_ms": 3, "rtt_ms": 0, "mos_hundredths": 440, "worst_mos_hundredths": 420, "spoken_ms": 2400,
            "loudest_dbov": -20}'),
        (5, 'media_quality', 'c5', '@carol:test', 'D', '{"direction": "sent", "path": "direct", "span_ms": 15000, "expected": 300,
            "lost": 4, "jitter_ms": 9, "rtt_ms": 20, "mos_hundredths": 400, "worst_mos_hundredths": 390, "layer": 2, "freezes": 0,
            "freeze_ms": 0}'),
        (5, 'media_quality', 'c5', '@carol:test', 'D', '{"direction": "received", "path": "direct", "span_ms": 5000, "expected": 100,
            "lost": 0, "jitter_ms": 1, "rtt_ms": 0, "mos_hundredths": 450, "worst_mos_hundredths": 450}'),
        (5, 'media_poor', 'c5', '@alice:test', 'E', '{"identity": "@alice:test:E"}'),
        (5, 'media_quality', 'c5', '@alice:test', 'E', '{"direction": "received", "path": "relay", "span_ms": 5000, "expected": 100,
            "lost": 50, "jitter_ms": 70, "rtt_ms": 300, "mos_hundredths": 150, "worst_mos_hundredths": 100, "layer": 0, "freezes": 3,
            "freeze_ms": 1250}'),
        (5, 'media_quality', 'c5', '@alice:test', 'F', '{"direction": "received", "path": "direct", "span_ms": 5000, "expected": 0,
            "lost": 0, "jitter_ms": 0, "rtt_ms": 0, "mos_hundredths": 450, "worst_mos_hundredths": 450}'),
        (5, 'media_quality', 'c5', NULL, 'erased:7', NULL),
        (5, 'media_connected', 'c5', '@alice:test', 'F', '{"identity": "@alice:test:F"}'),
        (9, 'media_quality', NULL, '@alice:test', 'F', '{"direction": "sent", "span_ms": 5000, "mos_hundredths": 100}')
    ) AS v(s, type, call, who, device, details)
"""


def test_quality_is_summed_up(calls):
    calls.sql(FIGURES)
    by_user = calls.rows("SELECT user_id, device, sent_mos, received_mos, worst_mos, sent_percent_lost, received_percent_lost, jitter_ms,"
                         " rtt_ms, freezes, seconds_frozen, seconds_spoken, loudest_dbov, by_relay, times_poor"
                         " FROM call_quality_by_user ORDER BY user_id, device")
    assert by_user == [
        ["@alice:test", "E", "", "1.50", "1.00", "", "50.00", "70", "300", "3", "1.3", "", "", "t", "1"],
        ["@alice:test", "F", "", "4.50", "4.50", "", "", "0", "", "0", "0.0", "", "", "f", "0"],
        ["@carol:test", "D", "4.10", "4.50", "3.90", "1.00", "0.00", "9", "20", "0", "0.0", "2.4", "-20", "f", "0"]]
    assert calls.rows("SELECT devices, mos, worst_mos, percent_lost, jitter_ms, rtt_ms, freezes, seconds_frozen, by_relay, times_poor"
                      " FROM call_quality") == [["3", "3.84", "1.00", "9.00", "70", "300", "3", "1.3", "1", "1"]]
    assert report(calls, "calls", "call=c5")[0][-6:] == ["3.84", "1.00", "9.00", "1.3", "1", "1"]
    assert [row[-2:] for row in report(calls, "user", "user=@carol:test")] == [["", ""], ["4.10", "4.50"], ["", ""]]
    assert [row[-2:] for row in report(calls, "user", "user=@alice:test", "call=c5")] == [["", "1.50"]]


# What alice got of carol's camera in call 5: well on F, twice and badly on E; and of somebody who was erased. Then what counts nowhere.
DELIVERIES = FIGURES[:FIGURES.index("FROM (VALUES")] + """
    FROM (VALUES
        (5, 'track_published', 'c5', '@carol:test', 'D', '{"track": "TR_c", "media": "video", "source": "camera"}'),
        (5, 'media_delivery', 'c5', '@alice:test', 'E', '{"track": "TR_c", "media": "video", "source": "camera", "path": "direct",
            "span_ms": 10000, "came_ms": 5000, "expected": 100, "lost": 10, "bps": 300000, "jitter_ms": 30, "rtt_ms": 80,
            "mos_hundredths": 200, "worst_mos_hundredths": 100, "layer": 0, "layer_hundredths": 50, "least_layer": 0, "most_layer": 1,
            "freezes": 2, "freeze_ms": 1500, "paused_ms": 4000}'),
        (5, 'media_delivery', 'c5', '@alice:test', 'E', '{"track": "TR_c", "media": "video", "source": "camera", "path": "relay",
            "span_ms": 30000, "came_ms": 10000, "expected": 300, "lost": 0, "bps": 600000, "jitter_ms": 10, "rtt_ms": 0,
            "mos_hundredths": 400, "worst_mos_hundredths": 390, "layer": 2, "layer_hundredths": 200, "least_layer": 2, "most_layer": 2,
            "freezes": 1, "freeze_ms": 100, "paused_ms": 0}'),
        (5, 'media_delivery', 'c5', '@alice:test', 'F', '{"track": "TR_c", "media": "video", "source": "camera", "path": "direct",
            "span_ms": 5000, "came_ms": 0, "expected": 0, "lost": 0, "bps": 0, "jitter_ms": 0, "rtt_ms": 0, "mos_hundredths": 450,
            "worst_mos_hundredths": 450, "layer": -1, "layer_hundredths": -1, "least_layer": -1, "most_layer": -1, "freezes": 0,
            "freeze_ms": 0, "paused_ms": 0}'),
        (5, 'media_delivery', 'c5', '@carol:test', 'D', '{"track": "TR_gone", "media": "audio", "source": "microphone", "path": "direct",
            "span_ms": 5000, "came_ms": 5000, "expected": 250, "lost": 5, "bps": 32000, "jitter_ms": 3, "rtt_ms": 20,
            "mos_hundredths": 430, "worst_mos_hundredths": 420}'),
        (5, 'media_delivery', 'c5', NULL, 'erased:7', NULL),
        (9, 'media_delivery', NULL, '@alice:test', 'F', '{"track": "TR_c", "media": "video", "span_ms": 5000, "mos_hundredths": 100}')
    ) AS v(s, type, call, who, device, details)
"""


def test_quality_of_each_for_each(calls):
    calls.sql(DELIVERIES)
    sums = [["E", "camera", "@carol:test", "D", "40.0", "15.0", "500", "3.50", "1.00", "2.50", "30", "80", "1.50", "0", "2", "3", "1.6", "4.0", "t"],
            ["D", "microphone", "", "", "5.0", "5.0", "32", "4.30", "4.20", "2.00", "3", "20", "", "", "", "", "", "", "f"],
            ["F", "camera", "@carol:test", "D", "5.0", "0.0", "", "4.50", "4.50", "", "0", "", "", "", "", "0", "0.0", "0.0", "f"]]
    assert calls.rows("SELECT device, source, from_user, from_device, seconds, seconds_received, kbps, mos, worst_mos, percent_lost, jitter_ms,"
                      " rtt_ms, layer, least_layer, most_layer, freezes, seconds_frozen, seconds_paused, by_relay"
                      " FROM call_quality_by_pair ORDER BY mos") == sums
    assert calls.rows("SELECT count(*) FROM call_quality_by_user") == [["0"]], "these are figures of their own"
    cases = [
        ("the worst first", [], "EDF"),
        ("the worst", ["limit=1"], "E"),
        ("who got it, or sent it", ["user=@alice:test"], "EF"),
        ("likewise", ["user=@carol:test"], "EDF"),
        ("a call", ["call=c5"], "EDF"),
        ("another call", ["call=c6"], ""),
        ("another room", ["room=!a"], ""),
        ("a time", ["since=" + day("2026-03-02")], ""),
    ]
    for name, arguments, want in cases:
        assert "".join(row[3] for row in report(calls, "quality", *arguments)) == want, name
    assert report(calls, "quality", "limit=1")[0][:8] == [
        "00000000-0000-7000-8000-000000000005", "!b", "@alice:test", "E", "@carol:test", "D", "video", "camera"]
    calls.sql("SET session_replication_role = replica;"  # as an erasure leaves it
              " UPDATE call_events SET user_id = NULL, subject = '', payload = NULL WHERE type = 'track_published'")
    assert calls.rows("SELECT DISTINCT from_user, from_device FROM call_quality_by_pair") == [["", ""]], "who was erased is named nowhere"


def test_stats_count_a_day(calls):
    # day, calls, answered, rejected, missed, cancelled, failed, minutes, peak: call 5 lasts over midnight and meets call 6.
    assert report(calls, "stats") == [["2026-03-01", "5", "2", "0", "1", "1", "1", "31", "2"],
                                      ["2026-03-02", "2", "1", "1", "0", "0", "0", "10", "2"]]
    assert report(calls, "stats", "since=" + day("2026-03-02")) == [["2026-03-02", "2", "1", "1", "0", "0", "0", "10", "2"]]
    assert report(calls, "stats", "room=!a") == [["2026-03-01", "3", "1", "0", "1", "1", "0", "1", "2"],
                                                 ["2026-03-02", "2", "1", "1", "0", "0", "0", "10", "1"]]


def test_reports_events(db):
    node = db.node()
    node.unit("A", f"rooms=!a now={NOW}", f"room=!a create=2 events=3 strays=1 now={NOW}")
    node.unit("B", f"rooms=!a now={NOW + 5000}", f"touch=1 events=1 final=1 now={NOW + 5000}")
    cases = [
        ("all, oldest first", [], 9),
        ("one call", ["call=A-0"], 4),
        ("a time", [f"since={NOW}"], 2),
        ("a type", ["type=type_2"], 2),
        ("a room", ["room=!stray:test"], 1),
        ("a status", ["status=ended"], 8),
        ("what a user did and the user's calls", ["user=@alice:test"], 9),
        ("nobody", ["user=@mallory:test"], 0),
    ]
    for name, arguments, want in cases:
        rows = report(db, "events", *arguments)
        assert len(rows) == want, name
        assert rows == sorted(rows, key=lambda r: r[2]), name
    assert [row[1] for row in report(db, "events", "call=A-0")] == ["1", "2", "3", "4"]


# --- at size ---

MANY = """
    INSERT INTO call_sessions (id, kind, room_id, call_id, natural_key, state, status, media, is_group, historic, partial, rings,
        caller_user, callee_user, voip_version, created_at, answered_at, ended_at, closed_at, duration_ms, peak_users, chain_rows,
        chain_mac)
    SELECT md5(n::text)::uuid, 'legacy', '!room' || n % 1000, 'call' || n, 'call' || n, 'ended',
        CASE n % 4 WHEN 0 THEN 'missed' ELSE 'ended' END, 'audio', false, false, false, true, '@user' || n % 2000 || ':test',
        '@user' || (n + 1) % 2000 || ':test', 1, t, t, t + interval '1 min', t + interval '1 min', 60000, 2, 5, sha256('')
    FROM (SELECT n, '2026-01-01'::timestamptz + n * interval '5 min' AS t FROM generate_series(1, {rows} / 5) n) s;
    INSERT INTO call_participants (session_id, n, user_id, party, role, joined_at, focus_ours, audio_muted, video_muted,
        screen_shared, refreshes, candidates_host, candidates_srflx, candidates_prflx, candidates_relay, candidates_tcp)
    SELECT id, 1, callee_user, 'D', 'callee', created_at, false, false, false, false, 0, 0, 0, 0, 0, 0 FROM call_sessions;
    INSERT INTO call_events SELECT id, i, CASE i WHEN 5 THEN 'media_quality' WHEN 4 THEN 'media_delivery' WHEN 3 THEN 'track_published'
        ELSE 'type' || i END, room_id, call_id, caller_user, '', '$' || call_id || '-' || i, created_at + i * interval '1 s', created_at, false, false, false, false, substr(sha256(''), 1, 16),
        ('{{"a": "some details of this event", "span_ms": 5000, "mos_hundredths": 440, "expected": 250, "lost": 2, "came_ms": 5000, "track": "TR_' || call_id || '"}}')::json, sha256(''), sha256(''), 1
    FROM call_sessions, generate_series(1, 5) i;
    VACUUM ANALYZE
"""


@pytest.fixture(name="many", scope="module")
def make_many(postgres, key):
    database = Database(postgres, "many", key)
    for statement in MANY.format(rows=ROWS).split(";"):
        database.sql(statement)
    yield database
    postgres.drop_database(database.name)


def test_memory_does_not_grow_with_the_answer(many):
    def memory(*arguments):
        words = admin("audit", many.url, "events", "quiet", *arguments)[1].split()
        return int(words[1]), int(words[3])
    few_rows, few = memory("limit=10")
    all_rows, everything = memory()
    assert (few_rows, all_rows) == (10, ROWS)
    assert everything - few < MEMORY_MORE_KIB


@pytest.mark.parametrize("arguments", [
    ["events", "room=!room7"], ["events", "user=@user7:test"], ["events", "call=call7"],
    ["events", "call=8f14e45f-ceea-167a-5a36-dedd4bea2543"],
    ["events", "since=" + day("2026-02-01"), "until=" + day("2026-02-02")],
    ["events", "room=!room7", "type=type2"], ["events", "limit=100"],
    ["calls", "room=!room7"], ["calls", "user=@user7:test"], ["calls", "call=call7"], ["calls", "limit=20"],
    ["calls", "since=" + day("2026-02-01"), "until=" + day("2026-02-02")],
    ["events", "user=@user7:test", "since=" + day("2026-02-01"), "until=" + day("2026-04-01")],
    ["stats", "since=" + day("2026-02-01"), "until=" + day("2026-02-02")], ["stats", "room=!room7"], ["stats", "user=@user7:test"],
    ["calls", "status=missed", "limit=20"], ["user", "user=@user7:test"], ["user", "user=@user7:test", "limit=5"],
    ["quality", "user=@user7:test"], ["quality", "call=call7"], ["quality", "room=!room7"],
    ["quality", "since=" + day("2026-02-01"), "until=" + day("2026-02-02")],
], ids=" ".join)
def test_reports_use_indexes(many, arguments):
    """The plan of each question as the program asks it, taken from the server's own log."""
    code, printed = admin("audit", many.url + "&options=-c%20session_preload_libraries%3Dauto_explain%20"
                          "-c%20auto_explain.log_min_duration%3D0", *arguments)
    assert code == 0 and "rows 0 " not in printed, printed
    log = many.cluster.log.read_text(encoding="utf-8", errors="replace")
    plan = log[max(log.rfind("Query Text: SELECT"), log.rfind("Query Text: WITH")):]
    assert "call_events" in plan or "call_sessions" in plan
    assert not re.search(r"Seq Scan on call_(events|sessions|participants)", plan), plan


@pytest.mark.parametrize("view", ["call_durations_daily", "failure_reasons"])
def test_a_day_of_a_view_uses_an_index(many, view):
    plan = many.sql(f"EXPLAIN SELECT * FROM {view} WHERE day = '2026-02-01'")
    assert "call_sessions_day" in plan and "Seq Scan" not in plan, plan


def test_views_are_fast_enough_to_ask(many):
    for view in ("calls_by_user WHERE user_id = '@user7:test'", "missed_calls WHERE user_id = '@user8:test'",
                 "call_durations_daily", "failure_reasons", "concurrent_calls", "call_quality", "call_quality_by_user", "call_quality_by_pair"):
        began = time.monotonic()
        many.sql(f"SELECT count(*) FROM (SELECT * FROM {view}) v")
        assert time.monotonic() - began < WAIT_SECONDS / 6, view


def test_a_unit_looks_at_its_rooms_only(many, key):
    """Opening and writing a unit with all tables full: no statement may read a table from end to end."""
    before = many.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables ORDER BY 1")
    node = Probe(many.url, key)
    node.expect("changed")
    ids = ",".join(f"$new{n}" for n in range(100))
    node.unit("A", f"rooms=!room7,!room8 legacy=!room7/call7 ids={ids} txn=1",
              f"room=!room7 create=5 events=9 people=3 strays=2 final=1 ids={ids} txn=1")
    node.unit("B", "rooms=!room7", "room=!room7 create=1 events=3 kept=3 source=$new1")
    for question in ("next N", f"due D now={NOW} limit=9", "live L"):
        node.ask(question)
    node.ask("abort D")
    node.close()
    time.sleep(2)  # the server's counters come late
    after = many.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables ORDER BY 1")
    read = {new[0]: int(new[1]) - int(old[1]) for old, new in zip(before, after)}
    assert {table: n for table, n in read.items() if n > 100} == {}


# The tests above may have left some that go on.
LIVE = """
    UPDATE call_sessions SET state = 'ended', closed_at = now(), due_at = NULL WHERE closed_at IS NULL;
    INSERT INTO call_sessions (id, kind, room_id, call_id, natural_key, slot, state, status, media, is_group, historic, partial, rings,
        caller_user, voip_version, created_at, peak_users, chain_rows, chain_mac, due_at)
    SELECT md5('live' || n)::uuid, 'rtc', '!live' || n, 'm.call#ROOM', 'live' || n, 'live' || n, 'active', 'active', 'video', true,
        false, false, true, '@user1:test', 0, now(), 2, 1, sha256(''), '2100-01-01' FROM generate_series(1, 300) n;
    INSERT INTO call_participants (session_id, n, user_id, party, role, joined_at, left_at, focus_ours, audio_muted, video_muted,
        screen_shared, refreshes, candidates_host, candidates_srflx, candidates_prflx, candidates_relay, candidates_tcp)
    SELECT id, i, '@in' || i || ':test', 'D', 'member', created_at, CASE i WHEN 3 THEN now() END, false, false, false, false, 0, 0, 0,
        0, 0, 0 FROM call_sessions, generate_series(1, 3) i WHERE kind = 'rtc'
"""


def test_calls_that_go_on_are_found_by_index(many, tmp_path):
    """What admins ask of the calls that go on, with all that is over beside it: no table is read from end to end."""
    for statement in LIVE.split(";"):
        many.sql(statement)
    url = (many.url + "&options=-c%20session_preload_libraries%3Dauto_explain%20-c%20auto_explain.log_min_duration%3D0")
    parley = Parley(tmp_path, url, "http://127.0.0.1:1", settings={"audit": {"key_file": many.key}})
    parley.run("admin-token")
    parley.start()
    try:
        token = (tmp_path / "admin.token").read_text().strip()
        for query, calls in (("limit=500", 300), ("limit=7", 7), ("user_id=@in2:test&limit=500", 300), ("user_id=@in3:test", 0),
                             ("user_id=@user1:test&limit=500", 300), ("room_id=!live7", 1), ("kind=legacy", 0)):
            mark = many.cluster.log.stat().st_size
            status, body = parley.request("GET", "/_parley/admin/v1/calls?" + query, token=token)
            assert status == 200 and len(body["calls"]) == calls, query
            assert all(len(call["participants"]) == 2 for call in body["calls"]), query
            assert body["more"] == (query == "limit=7")
            plans = many.cluster.log.read_bytes()[mark:].decode(errors="replace").split("Query Text: ")
            ours = [plan for plan in plans if "$5::bigint" in plan]
            assert len(ours) == 2, query
            for plan in ours:
                assert not re.search(r"Seq Scan on call_(events|sessions|participants)", plan), plan
        assert parley.stop() == 0
    finally:
        if parley.process is not None:
            parley.kill()
