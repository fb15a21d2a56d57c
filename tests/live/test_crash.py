"""kill -9 of Parley and of PostgreSQL at random moments during thousands of events: nothing acknowledged is missing, nothing is there
twice. The sender behaves as a homeserver does: one transaction in flight, the same one again until it is answered with 200."""

import random
import threading
import time

import pytest

import events
from cluster import PostgresCluster
from parley import Parley

CALLS = 900
TRANSACTION = 30
RETRY_SECONDS = 180
LEGACY_ROWS = ["call_invited", "ice_candidates", "call_answered", "ice_candidates", "answer_selected", "call_ended"]


class Homeserver(threading.Thread):
    """Sends the transactions in order; each until it is acknowledged."""

    def __init__(self, parley, transactions):
        super().__init__(daemon=True)
        self.parley = parley
        self.token = parley.token("hs_token")
        self.transactions = transactions
        self.acknowledged = []
        self.refused = 0
        self.problem = None

    def run(self):
        for number, batch in enumerate(self.transactions):
            end = time.monotonic() + RETRY_SECONDS
            while True:
                status, answer = self.parley.transaction(number, batch, self.token)
                if status == 200:
                    break
                if status not in (0, 503) or time.monotonic() > end:
                    self.problem = f"transaction {number}: {status} {answer}"
                    return
                self.refused += 1
                time.sleep(0.02)
            self.acknowledged.append(number)


@pytest.fixture
def own(tmp_path):
    cluster = PostgresCluster(tmp_path / "pg")
    cluster.start()
    cluster.create_database("parley")
    parley = Parley(tmp_path / "parley", cluster.url("parley"), settings={"log": {"level": "info"}})
    parley.run("migrate")
    yield cluster, parley
    if parley.process is not None:
        parley.stop()
    cluster.stop()


def check_rows(parley, batches):
    """Every call is there once, ended, with exactly its rows."""
    sent = [event for batch in batches for event in batch]
    calls = parley.audit("calls")
    assert len(calls) == CALLS
    assert {call["status"] for call in calls} == {"ended"}
    rows = parley.audit("events")
    keys = [(row["source_event_id"], row["type"], row["subject"]) for row in rows if row["source_event_id"]]
    assert len(keys) == len(set(keys)), "an event was written twice"
    assert {key[0] for key in keys} == {event["event_id"] for event in sent}, "an acknowledged event is missing"
    by_call = {}
    for row in rows:
        by_call.setdefault(row["session_id"], []).append(row["type"])
    shapes = {tuple(types) for types in by_call.values()}
    assert tuple(LEGACY_ROWS) in shapes
    assert len(shapes) == 2, f"calls of one kind differ in their rows: {shapes}"


def test_no_acknowledged_event_is_lost_or_doubled(own):
    cluster, parley = own
    dice = random.Random(20261121)
    batches = events.batches(events.mixed(CALLS, at_once=30), TRANSACTION)
    parley.start()
    homeserver = Homeserver(parley, batches)
    homeserver.start()
    kills = {"parley": 0, "postgres": 0}
    while homeserver.is_alive() and sum(kills.values()) < 24:
        time.sleep(dice.uniform(0.05, 0.4))
        if sum(kills.values()) % 6 == 5:
            cluster.kill()
            cluster.start()
            kills["postgres"] += 1
        else:
            parley.kill()
            parley.start(wait="live")
            kills["parley"] += 1
    homeserver.join(RETRY_SECONDS)
    assert homeserver.problem is None
    assert len(homeserver.acknowledged) == len(batches)
    assert kills["parley"] >= 5 and kills["postgres"] >= 1, f"the load ended before the kills: {kills}"
    assert homeserver.refused > 0
    check_rows(parley, batches)
    parley.run("audit", "verify")


def test_database_away_is_503_and_nothing_is_lost(own):
    cluster, parley = own
    parley.start()
    batch = events.legacy_call("!away:load", "@a:load", "@b:load", "away")
    assert parley.transaction("t1", batch[:3])[0] == 200
    cluster.kill()
    status, answer = parley.transaction("t2", batch[3:])
    assert status == 503 and answer["errcode"].startswith("M_")
    parley.wait("/readyz", 503)
    assert parley.get("/livez")[0] == 200
    cluster.start()
    parley.wait("/readyz")
    assert parley.transaction("t2", batch[3:]) == (200, {})
    assert parley.transaction("t2", batch[3:]) == (200, {})
    (call,) = parley.audit("calls")
    assert call["status"] == "ended"
    assert [row["type"] for row in parley.audit("events")] == LEGACY_ROWS
