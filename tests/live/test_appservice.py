"""What the homeserver says to us, byte for byte: who may, every path, and transactions of every kind. No homeserver is needed: the
tests are one. With a real Synapse: test_legacy_calls and test_rtc_calls."""

import concurrent.futures
import json
import re
import uuid

import pytest

import events
from parley import Parley

APP = "/_matrix/app/v1"
ALICE, BOB = "@alice:localhost", "@bob:localhost"
LIMIT = 1 << 20  # bytes of a body, as set below


@pytest.fixture(name="parley", scope="module")
def fixture_parley(postgres, tmp_path_factory):
    url = postgres.create_database("appservice_doors")
    parley = Parley(tmp_path_factory.mktemp("appservice"), url, settings={"appservice": {"body_max": "1MiB"}})
    parley.start()
    yield parley
    assert parley.stop() == 0
    assert "ERROR: " not in parley.log_tail(10000), "of a sanitizer"
    assert parley.token("hs_token") not in parley.log.read_text(errors="replace")
    postgres.drop_database("appservice_doors")


@pytest.fixture(name="room")
def fixture_room():
    return f"!{uuid.uuid4().hex}:localhost"


def put(parley, txn_id, body, path=APP):
    return parley.request("PUT", f"{path}/transactions/{txn_id}", body, parley.token("hs_token"))


def fresh():
    return uuid.uuid4().hex


def call_id():
    return "c" + uuid.uuid4().hex[:10]


def test_lets_nobody_else_in(parley):
    token = parley.token("hs_token")

    def ping(bearer=None, query=None):
        path = f"{APP}/ping" + (f"?access_token={query}" if query is not None else "")
        status, answer = parley.request("POST", path, {}, bearer)
        return status, answer.get("errcode")

    assert ping(token) == (200, None)
    assert ping(None, token) == (200, None)
    assert ping(token, token) == (200, None)
    assert ping() == (401, "M_MISSING_TOKEN")
    for bearer, query in [("x", None), (None, "x"), (None, ""), (token, "x"), ("x", token), (token + "0", None),
                          (token[:-1], None), (token.upper(), None)]:
        assert ping(bearer, query) == (403, "M_FORBIDDEN"), (bearer == token, query == token)


def test_answers_every_path(parley):
    token = parley.token("hs_token")
    rows = [
        ("POST", f"{APP}/ping", 200, None),
        ("GET", f"{APP}/users/%40a%3Alocalhost", 404, "M_NOT_FOUND"),
        ("GET", f"{APP}/users/@a/b:localhost", 404, "M_NOT_FOUND"),
        ("GET", "/users/@a:localhost", 404, "M_NOT_FOUND"),
        ("GET", f"{APP}/rooms/%23a%2Fb%3Alocalhost", 404, "M_NOT_FOUND"),
        ("GET", "/rooms/%23a:localhost", 404, "M_NOT_FOUND"),
        ("GET", f"{APP}/thirdparty/protocol/irc", 404, "M_NOT_FOUND"),
        ("GET", f"{APP}/thirdparty/user", 404, "M_NOT_FOUND"),
        ("GET", f"{APP}/nonsense", 404, "M_UNRECOGNIZED"),
        ("GET", f"{APP}/ping", 405, "M_UNRECOGNIZED"),
        ("POST", f"{APP}/transactions/1", 405, "M_UNRECOGNIZED"),
    ]
    for method, path, status, errcode in rows:
        got, answer = parley.request(method, path, {} if method == "POST" else None, token)
        assert (got, answer.get("errcode")) == (status, errcode), path


def test_takes_transactions_at_both_places(parley, room):
    call = call_id()
    whole = events.legacy_call(room, ALICE, BOB, call)
    assert put(parley, fresh(), {"events": whole[:3]}) == (200, {})
    assert put(parley, fresh(), {"events": whole[3:]}, "") == (200, {})
    assert [row["status"] for row in parley.audit("calls", "--room", room)] == ["ended"]


def test_what_else_a_transaction_holds_is_nothing_to_us(parley):
    body = {"events": [events.message("!x:localhost", ALICE)], "ephemeral": [{"type": "m.typing"}],
            "de.sorunome.msc2409.ephemeral": [], "de.sorunome.msc2409.to_device": [],
            "org.matrix.msc3202.device_lists": {"changed": [], "left": []}}
    assert put(parley, fresh(), body) == (200, {})


def test_repeats_change_nothing(parley, room):
    call, txn = call_id(), fresh()
    whole = events.legacy_call(room, ALICE, BOB, call)
    assert put(parley, txn, {"events": whole}) == (200, {})
    before = parley.audit("events", "--room", room)
    assert len(before) == 6
    assert put(parley, txn, {"events": whole}) == (200, {}), "our answer was lost"
    assert put(parley, fresh(), {"events": whole[2:]}) == (200, {}), "Dendrite cuts a retry anew"
    assert parley.audit("events", "--room", room) == before


def test_an_id_used_again_for_other_events_is_another_transaction(parley, room):
    txn = fresh()
    whole = events.legacy_call(room, ALICE, BOB, call_id())
    assert put(parley, txn, {"events": whole[:1]}) == (200, {})
    assert put(parley, txn, {"events": whole[1:]}) == (200, {}), "the homeserver's database was rebuilt"
    assert [row["status"] for row in parley.audit("calls", "--room", room)] == ["ended"]


def test_a_malformed_event_is_a_row_and_no_error(parley, room):
    bad = events.event("m.call.invite", room, ALICE, {"call_id": 7, "version": "1"})
    whole = events.legacy_call(room, ALICE, BOB, call_id())
    assert put(parley, fresh(), {"events": [bad, *whole]}) == (200, {})
    rows = parley.audit("events", "--room", room, "--type", "malformed_event")
    assert [row["source_event_id"] for row in rows] == [bad["event_id"]]
    assert "content.call_id: want a string, got a number" in str(rows[0])
    assert [row["status"] for row in parley.audit("calls", "--room", room)] == ["ended"]


def test_an_event_no_library_can_parse_stops_nothing(parley, room):
    """A homeserver would send it again for ever."""
    whole = events.legacy_call(room, ALICE, BOB, call_id())
    poison = ['{"type":"m.room.message","content":{"n":1e999}}', '{"type":"x","content":{"a\\u0000b":1}}',
              '{"n":' + "9" * 400 + "}"]
    body = '{"events":[' + ",".join([json.dumps(whole[0]), *poison, *map(json.dumps, whole[1:])]) + "]}"
    assert put(parley, fresh(), body.encode()) == (200, {})
    assert [row["status"] for row in parley.audit("calls", "--room", room)] == ["ended"]


def test_refuses_bodies_that_are_none(parley):
    for body in (b"", b"nonsense", b"[]", b"{}", b'{"events":{}}', b'{"events":[', b'{"events":[{}]}}'):
        status, answer = put(parley, fresh(), body)
        assert (status, "errcode" in answer) == (400, True), body
    status, answer = put(parley, fresh(), b'{"events":[' + b" " * LIMIT + b"]}")
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")
    assert put(parley, "x" * 300, {"events": []})[0] == 400


def test_a_transaction_too_large_is_loud_and_counted(parley):
    """It comes again for ever, and nothing behind it: the admin must learn of it."""
    def oversized():
        return int(re.search(r"^parley_appservice_oversized_total (\d+)$", parley.get("/metrics")[1], re.MULTILINE)[1])

    def laments():
        return [line for line in parley.log.read_text().splitlines() if "event=transaction_too_large" in line]

    body = b'{"events":[' + b" " * LIMIT + b"]}"
    before, lamented = oversized(), len(laments())
    assert put(parley, "again", body)[0] == 413
    assert put(parley, "again", iter([body]))[0] == 413, "without an announced length"
    assert parley.request("PUT", f"{APP}/transactions/1", body, "wrong")[0] == 403
    assert oversized() == before + 2
    lines = laments()
    assert lines and len(lines) <= lamented + 1, "once a minute"
    assert "level=error" in lines[-1] and f"limit={LIMIT}" in lines[-1] and "appservice.body_max" in lines[-1]


def test_overlapping_transactions_are_all_kept(parley, room):
    """Two nodes of a homeserver, or a retry that overtakes: each is answered, and no event is lost."""
    calls = [events.legacy_call(room, ALICE, BOB, call_id()) for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda whole: put(parley, fresh(), {"events": whole}), calls))
    assert answers == [(200, {})] * len(calls)
    assert [row["status"] for row in parley.audit("calls", "--room", room, "--limit", "100")] == ["ended"] * len(calls)


def test_history_is_written_down_and_rings_nobody(parley, room):
    """The first application service of a homeserver gets its whole history (1.2)."""
    whole = events.legacy_call(room, ALICE, BOB, call_id(), at=1600000000000, age=160000000000)
    assert put(parley, fresh(), {"events": whole[:1]}) == (200, {})
    assert [row["status"] for row in parley.audit("calls", "--room", room)] == ["missed"]


def counter(parley, name, label):
    page = parley.get("/metrics")[1]
    found = re.search(rf'^parley_appservice_{name}\{{{label}\}} (\d+)$', page, re.MULTILINE)
    assert found, (name, label)
    return int(found[1])


def test_counts_what_it_does(parley, room):
    names = [("transactions_total", 'outcome="committed"', 1), ("transactions_total", 'outcome="known"', 1),
             ("transactions_total", 'outcome="empty"', 1), ("transactions_total", 'outcome="refused"', 1),
             ("events_total", 'result="read"', 2), ("events_total", 'result="ignored"', 3),
             ("events_total", 'result="malformed"', 2), ("events_total", 'result="unreadable"', 1)]
    before = [counter(parley, name, label) for name, label, _ in names]
    hangup = events.event("m.call.hangup", room, ALICE, {"call_id": call_id()})
    bad = events.event("m.call.hangup", room, ALICE, {})
    other, txn = events.message(room, ALICE), fresh()
    for _ in range(2):
        put(parley, txn, {"events": [hangup, bad, other]})
    put(parley, fresh(), b'{"events":[{}, nonsense]}')
    put(parley, fresh(), b"{}")
    after = [counter(parley, name, label) for name, label, _ in names]
    assert [b - a for a, b in zip(before, after)] == [more for _, _, more in names]
    assert "parley_appservice_transaction_seconds_bucket" in parley.get("/metrics")[1]
