"""Webhooks of calls: told in order, signed, again until they are taken, once more after a crash; and docs/webhooks.md."""

import json
import pathlib
import re
import signal
import subprocess
import time

import pytest
import yaml

import events
from cluster import PostgresCluster
from parley import Parley
from receiver import Receiver

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
ROOM, ALICE, BOB, ZOE = "!r:localhost", "@alice:localhost", "@bob:localhost", "@zoe:elsewhere.example"
SECRET = "a secret of the tests, long enough"


def snippet(language):
    return re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S).group(1)


NAMES = {}
exec(snippet("python"), NAMES)  # pylint: disable=exec-used
verify = NAMES["verify"]


class Site:
    """A Parley that tells one receiver; no homeserver."""

    def __init__(self, postgres, folder, receiver, name=None, **settings):
        self.postgres, self.receiver = postgres, receiver
        self.name = name or re.sub(r"\W+", "_", folder.name)[-60:]
        url = postgres.url(self.name) if name else postgres.create_database(self.name)
        self.secret_file = folder / "webhooks.secret"
        folder.mkdir(parents=True, exist_ok=True)
        self.secret_file.write_text(SECRET + "\n")
        self.secret_file.chmod(0o600)
        hooks = {"urls": f'["{receiver.url}/calls?token=hush"]', "secret_file": self.secret_file, "timeout": "1s", **settings}
        self.parley = Parley(folder, url, settings={"webhooks": hooks})
        self.txn = 0

    def send(self, *happened):
        self.txn += 1
        assert self.parley.transaction(f"{self.parley.folder.name}{self.txn}", list(happened))[0] == 200

    def rows(self, what="count(*)"):
        return self.postgres.rows(f"SELECT {what} FROM call_news ORDER BY 1", self.name)

    def gone(self):
        return self.rows("seq") == []

    def metric(self, name):
        page = self.parley.get("/metrics")[1]
        return float(re.search(rf"^{name} (\S+)$", page, re.M).group(1))

    def close(self):
        if self.parley.process is not None:
            assert self.parley.stop() == 0
        log = self.parley.log.read_text()
        assert "ERROR: " not in log, "of a sanitizer"
        assert SECRET not in log and "hush" not in log


@pytest.fixture(name="receiver")
def fixture_receiver():
    made = Receiver().start()
    yield made
    made.stop()


@pytest.fixture(name="site")
def fixture_site(postgres, tmp_path, receiver):
    made = Site(postgres, tmp_path, receiver)
    made.parley.run("migrate")
    made.parley.start()
    yield made
    made.close()
    postgres.drop_database(made.name)


def cut(call, *kinds):
    return [event for event in call if event["type"].removeprefix("m.call.") in kinds]


def run(site, *arguments, code=0):
    done = subprocess.run([str(site.parley.binary), *arguments, "--config", str(site.parley.config)], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == code, done.stderr
    return done


def told(receiver, call_id, *types):
    receiver.wait(lambda: receiver.types(call_id) == list(types), f"{call_id}: {types}")
    return [body for body in receiver.taken() if body["call"]["call_id"] == call_id]


def test_a_call_is_told(site, receiver):
    happened = events.legacy_call(ROOM, ALICE, BOB, "c1")
    for one in happened:
        site.send(one)
    started, answered, ended = told(receiver, "c1", "call.started", "call.answered", "call.ended")
    session = site.parley.audit("calls")[0]
    assert started["version"] == 1 and len({body["id"] for body in receiver.taken()}) == 3
    assert {key: started["call"][key] for key in ("id", "kind", "room_id", "status", "media", "direction", "group", "caller", "callee")} == {
        "id": session["session_id"], "kind": "legacy", "room_id": ROOM, "status": "ringing", "media": "audio", "direction": "local",
        "group": False, "caller": ALICE, "callee": BOB}
    assert started["call"]["answered_at"] is None and started["call"]["duration_ms"] is None
    assert answered["call"]["status"] == "active" and answered["at"] == answered["call"]["answered_at"]
    assert (ended["call"]["status"], ended["call"]["end_reason"], ended["call"]["ended_by"]) == ("ended", "user_hangup", ALICE)
    assert ended["at"] == ended["call"]["ended_at"] and ended["call"]["duration_ms"] >= 0
    assert {person["user_id"]: person["role"] for person in answered["participants"]}[BOB] == "callee"
    for came in receiver.came:
        assert came.path == "/calls?token=hush" and came.headers["Content-Type"] == "application/json"
        assert (came.headers["Parley-Id"], came.headers["Parley-Event"]) == (came.body["id"], came.body["type"])
        assert verify(SECRET.encode(), came.headers["Parley-Signature"], came.raw)
        assert not verify(b"another secret", came.headers["Parley-Signature"], came.raw)
        assert not verify(SECRET.encode(), came.headers["Parley-Signature"], came.raw + b" ")
        assert not verify(SECRET.encode(), came.headers["Parley-Signature"], came.raw, -1)
    receiver.wait(site.gone, "an empty table")


def test_the_shell_says_the_same(site, receiver, tmp_path):
    site.send(events.legacy_call(ROOM, ALICE, BOB, "c1")[0])
    receiver.wait(lambda: receiver.came, "a webhook")
    stamp, mac = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", receiver.came[0].headers["Parley-Signature"]).groups()
    (tmp_path / "body").write_bytes(receiver.came[0].raw)
    done = subprocess.run(["sh", "-c", snippet("sh")], capture_output=True, text=True, check=True,
                          env={"PATH": "/usr/bin:/bin", "STAMP": stamp, "BODY": str(tmp_path / "body"), "SECRET_FILE": str(site.secret_file)})
    assert done.stdout.strip() == mac


def test_every_way_a_call_goes(site, receiver):
    def ended(call, reason):
        call[-1]["content"]["reason"] = reason
        return cut(call, "invite", "hangup")

    for one in ended(events.legacy_call(ROOM, ALICE, BOB, "rang out"), "invite_timeout"):
        site.send(one)
    for one in ended(events.legacy_call(ROOM, ZOE, BOB, "given up"), "user_hangup"):
        site.send(one)
    turned_down = events.legacy_call(ROOM, ALICE, ZOE, "turned down")
    site.send(turned_down[0])
    site.send(events.event("m.call.reject", ROOM, ZOE, {"call_id": "turned down", "party_id": "B", "version": "1"}))
    site.send(*events.legacy_call(ROOM, ALICE, BOB, "all at once"))
    missed = told(receiver, "rang out", "call.started", "call.missed", "call.ended")
    assert [body["call"]["status"] for body in missed] == ["ringing", "missed", "missed"]
    cancelled = told(receiver, "given up", "call.started", "call.missed", "call.ended")
    assert (cancelled[1]["call"]["status"], cancelled[1]["call"]["direction"]) == ("cancelled", "inbound")
    declined = told(receiver, "turned down", "call.started", "call.declined", "call.ended")
    assert (declined[1]["call"]["status"], declined[1]["call"]["direction"]) == ("rejected", "outbound")
    told(receiver, "all at once", "call.started", "call.answered", "call.ended")


def test_a_group_call(site, receiver):
    room = "!group:localhost"
    for one in events.rtc_call(room, [ALICE, BOB, ZOE]):
        site.send(one)
    receiver.wait(lambda: len(receiver.taken()) == 3, "three")
    assert receiver.types() == ["call.started", "call.answered", "call.ended"]
    people = {person["user_id"]: person for person in receiver.taken()[2]["participants"]}
    assert set(people) == {ALICE, BOB, ZOE} and all(person["left_at"] for person in people.values())
    assert receiver.taken()[2]["participants_more"] == 0


def test_again_until_it_is_taken(site, receiver):
    """Refused, sent elsewhere, left hanging: the same again, and nothing else of that call before it; other calls do not wait."""
    statuses = {"refused": [500, 404, 429], "sent away": [302, 307], "hangs": ["hang"]}
    receiver.answers = lambda body: (statuses.get(body["call"]["call_id"]) or [200]).pop(0)
    for call_id in [*statuses, "fine"]:
        site.send(*cut(events.legacy_call(f"!{call_id.replace(' ', '')}:localhost", ALICE, BOB, call_id), "invite", "answer"))
    told(receiver, "fine", "call.started", "call.answered")
    for call_id, tries in (("refused", 4), ("sent away", 3), ("hangs", 2)):
        receiver.wait(lambda c=call_id: "call.answered" in receiver.types(c), call_id)
        of_call = [came for came in receiver.came if came.body["call"]["call_id"] == call_id]
        assert [came.body["type"] for came in of_call] == ["call.started"] * tries + ["call.answered"]
        assert len({came.body["id"] for came in of_call[:tries]}) == 1 and len({came.raw for came in of_call[:tries]}) == 1
        assert all(verify(SECRET.encode(), came.headers["Parley-Signature"], came.raw) for came in of_call)
    assert {came.path for came in receiver.came} == {"/calls?token=hush"}, "redirects are not followed"
    receiver.wait(site.gone, "an empty table")
    assert site.metric("parley_webhooks_failed_total") == 6 and site.metric("parley_webhooks_delivered_total") == 8


def test_given_up_and_tried_again(postgres, tmp_path, receiver):
    site = Site(postgres, tmp_path, receiver, give_up="2s")
    site.parley.run("migrate")
    site.parley.start()
    receiver.answers = 503
    site.send(*cut(events.legacy_call(ROOM, ALICE, BOB, "c1"), "invite", "answer"))
    receiver.wait(lambda: site.rows("DISTINCT state") == [["dead"]], "death", 60)
    assert site.rows("type, problem") == [["call.answered", "it answered 503"], ["call.started", "it answered 503"]]
    listed = run(site, "webhooks", "list", "--format", "jsonl").stdout
    assert listed.count('"dead"') == 2 and "hush" not in listed
    receiver.wait(lambda: site.metric("parley_webhooks_dead") == 2, "the number", 15)
    assert "event=webhook_given_up" in site.parley.log.read_text()
    receiver.answers = 200
    assert run(site, "webhooks", "retry").stdout == "2 to be delivered, now\n"
    told(receiver, "c1", "call.started", "call.answered")
    receiver.wait(site.gone, "an empty table")
    assert run(site, "webhooks", "list").stdout == ""
    site.close()
    postgres.drop_database(site.name)


def test_killed_between_commit_and_delivery(site, receiver):
    """Nobody listens: committed, not sent. Then somebody listens but does not answer: sent, and not known to be taken."""
    receiver.stop()
    site.send(events.legacy_call(ROOM, ALICE, BOB, "unsent")[0])
    site.parley.kill()
    assert site.rows("type, state") == [["call.started", "waiting"]]
    receiver.start()
    site.parley.start()
    told(receiver, "unsent", "call.started")
    receiver.wait(site.gone, "an empty table")
    receiver.released.clear()
    receiver.answers = "hang"
    site.send(events.legacy_call(ROOM, ALICE, BOB, "unknown")[0])
    receiver.wait(lambda: receiver.came[-1].status == "hang", "the request")
    site.parley.kill()
    receiver.let_go()
    site.parley.start()
    told(receiver, "unknown", "call.started")
    assert receiver.came[-1].body == receiver.came[-2].body, "the same again"
    receiver.wait(site.gone, "an empty table")


def test_the_database_goes_away(tmp_path, receiver):
    """While a delivery is under way: what became of it cannot be written down, so it comes again, and nothing is lost."""
    cluster = PostgresCluster(tmp_path / "pg")
    cluster.start()
    try:
        site = Site(cluster, tmp_path / "parley", receiver)
        site.parley.run("migrate")
        site.parley.start()
        receiver.answers = "hang"
        site.send(*cut(events.legacy_call(ROOM, ALICE, BOB, "c1"), "invite", "answer"))
        receiver.wait(lambda: receiver.came, "the request")
        cluster.kill()
        receiver.let_go()
        receiver.wait(lambda: "webhook_not_noted" in site.parley.log.read_text(), "the failure")
        cluster.start()
        told_types = ["call.started", "call.answered"]
        receiver.wait(lambda: receiver.types("c1") == told_types, "both")
        receiver.wait(site.gone, "an empty table")
        assert receiver.came[0].body == receiver.came[1].body
        site.close()
    finally:
        cluster.stop()


def test_two_nodes_share_the_work(site, receiver, tmp_path):
    other = Site(site.postgres, tmp_path / "two", receiver, name=site.name)
    for name in ("registration.yaml", "audit.key"):
        (other.parley.folder / name).write_bytes((site.parley.folder / name).read_bytes())
        (other.parley.folder / name).chmod(0o600)
    other.parley.start()
    for n in range(20):
        for k, one in enumerate(cut(events.legacy_call(f"!r{n}:localhost", ALICE, BOB, f"c{n}"), "invite", "answer", "hangup")):
            (site, other)[(n + k) % 2].send(one)
    receiver.wait(lambda: len(receiver.came) >= 60 and site.gone(), "all of them")
    assert len(receiver.came) == 60 and len({came.body["id"] for came in receiver.came}) == 60, "each by one of them"
    for n in range(20):
        assert receiver.types(f"c{n}") == ["call.started", "call.answered", "call.ended"]
    receiver.answers = 500
    site.parley.kill()
    other.send(events.legacy_call(ROOM, ALICE, BOB, "left behind")[0])
    receiver.wait(lambda: len(receiver.came) > 61, "attempts")
    other.parley.kill()
    receiver.answers = 200
    site.parley.start()
    told(receiver, "left behind", "call.started")


def test_a_new_secret_is_beside_the_old(site, receiver):
    old = site.secret_file.with_name("webhooks.secret.old")
    site.secret_file.rename(old)
    site.secret_file.write_text("the next secret of the tests\n")
    site.secret_file.chmod(0o600)
    site.parley.process.send_signal(signal.SIGHUP)
    receiver.wait(lambda: "settings_reloaded" in site.parley.log.read_text(), "the reload")
    site.send(events.legacy_call(ROOM, ALICE, BOB, "c1")[0])
    receiver.wait(lambda: receiver.came, "a webhook")
    header, raw = receiver.came[0].headers["Parley-Signature"], receiver.came[0].raw
    assert header.count("v1=") == 2
    assert verify(b"the next secret of the tests", header, raw) and verify(SECRET.encode(), header, raw)
    site.secret_file.write_text("short")
    site.parley.process.send_signal(signal.SIGHUP)
    receiver.wait(lambda: "less than 16 bytes" in site.parley.log.read_text(), "the refusal")


def test_names_are_purged(site, receiver):
    receiver.answers = 500
    site.send(*events.legacy_call(ROOM, ALICE, BOB, "c1"))
    site.send(*events.legacy_call("!other:localhost", BOB, ZOE, "c2"))
    assert site.rows() == [["6"]]
    site.parley.run("audit", "purge", "--user", ALICE, "--reason", "a test", "--yes")
    bodies = "".join(row[0] for row in site.rows("body"))
    assert ALICE not in bodies and "erased:" in bodies and bodies.count(ZOE) > 0 and site.rows() == [["6"]]
    receiver.answers = 200
    run(site, "webhooks", "retry")
    told(receiver, "c1", "call.started", "call.answered", "call.ended")
    receiver.answers = 500
    site.send(*events.legacy_call(ROOM, BOB, ZOE, "c3"))
    site.parley.run("audit", "purge", "--room", ROOM, "--reason", "a test", "--yes")
    assert ROOM not in "".join(row[0] for row in site.rows("room_id"))
    site.send(*events.legacy_call(ROOM, BOB, ZOE, "c4"))
    time.sleep(1)  # the moment that is named has whole seconds
    site.parley.run("audit", "purge", "--before", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "--reason", "a test", "--yes")
    assert site.gone()


def test_doctor_and_test_ask_the_receiver(site, receiver):
    def findings():
        document = json.loads(subprocess.run([str(site.parley.binary), "doctor", "--json", "--config", str(site.parley.config)],
                                             capture_output=True, text=True, check=False, timeout=120).stdout)
        return next(check["findings"] for check in document["checks"] if check["id"] == "webhooks")

    assert "took a signed ping" in findings()[0]["sentence"]
    assert run(site, "webhooks", "test").stdout == f"{receiver.url}: fine, it answered 200\n"
    assert [came.body["type"] for came in receiver.came] == ["ping", "ping"]
    assert all(verify(SECRET.encode(), came.headers["Parley-Signature"], came.raw) for came in receiver.came)
    receiver.answers = 401
    assert "answers a signed ping with 401" in findings()[0]["sentence"] and "webhooks.secret_file" in findings()[0]["paste"]
    assert "refused, it answered 401" in run(site, "webhooks", "test", code=1).stdout
    receiver.stop()
    assert "has nobody listening" in findings()[0]["sentence"] and "hush" not in findings()[0]["sentence"]
    site.secret_file.chmod(0o644)
    assert "cannot be signed" in findings()[0]["sentence"]


def test_the_settings_of_the_page(site):
    """As it stands there; and without the secret, or with a URL that is none, it is refused."""
    page = yaml.safe_load(snippet("yaml"))["webhooks"]
    site.parley.stop()
    site.parley.set("webhooks", **{key: json.dumps(value) for key, value in page.items()})
    run(site, "config", "check")
    assert "urls: a secret, left out" in run(site, "config", "print").stdout
    site.parley.set("webhooks", secret_file=site.secret_file.with_name("nowhere"))
    failed = subprocess.run([str(site.parley.binary), "serve", "--config", str(site.parley.config)], capture_output=True, text=True,
                            check=False, timeout=60)
    assert failed.returncode == 1 and str(site.secret_file.with_name("nowhere")) in failed.stderr
    site.parley.set("webhooks", urls='["http://user:hush@127.0.0.1/"]')
    refused = run(site, "config", "check", code=1).stderr
    assert "webhooks.urls must be 0..8 addresses such as https://example.com/calls, without user and password" in refused
    assert "hush" not in refused
