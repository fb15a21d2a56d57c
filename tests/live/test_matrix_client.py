"""src/matrix against a real Synapse, with a registration that `parley register` made: what is pushed, and what we are answered."""

import http.server
import json
import os
import re
import subprocess
import threading
import time

import pytest

from events import member_content
from parley import Parley, build_dir
from synapse import REPO, Synapse, python_of_venv

SERVER = "probe.test"
MEMBER = "org.matrix.msc3401.call.member"
WAIT_SECONDS = 60


class Sink:
    """An application service that takes everything and remembers it."""

    def __init__(self, port):
        sink = self
        self.events, self.requests, self.status = [], [], 200

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sink.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
                if sink.status == 200 and "/transactions/" in self.path:
                    sink.events += json.loads(body)["events"]
                self.send_response(sink.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_PUT = do_POST = do_GET = take

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def wait(self, found, what):
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            for event in list(self.events):
                if found(event):
                    return event
            time.sleep(0.05)
        raise AssertionError(f"no {what} was pushed; got {[event['type'] for event in self.events]}")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class World:
    def __init__(self, folder, cluster):
        self.parley = Parley(folder / "parley", "postgresql:///unused", server_name=SERVER)
        lines = self.parley.registration.read_text().splitlines()
        self.tokens = {key: value.strip().strip('"') for key, value in
                       (line.split(":", 1) for line in lines if line.startswith(("as_token", "hs_token", "id")))}
        self.sink = Sink(self.parley.private_port)
        self.synapse = Synapse(folder / "synapse", cluster, server_name=SERVER)
        self.synapse.register_appservice(self.parley.registration)
        self.synapse.start()

    def stop(self):
        self.synapse.stop()
        self.sink.stop()

    def probe(self, *arguments, token=None, url=None):
        """What matrix_probe prints; it fails when it leaks."""
        done = subprocess.run([str(build_dir() / "tests" / "live" / "matrix_probe"), url or self.synapse.url, SERVER, *arguments],
                              capture_output=True, text=True, timeout=WAIT_SECONDS, check=False,
                              env=dict(os.environ, MATRIX_PROBE_TOKEN=token or self.tokens["as_token"]))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgres):
    made = World(tmp_path_factory.mktemp("matrix"), postgres)
    made.probe("register", "_calls")
    made.alice = made.synapse.register_user("alice")
    made.bob = made.synapse.register_user("bob")
    yield made
    made.stop()


def test_who_we_are(world):
    answer = world.probe("whoami")
    assert (answer["err"], answer["status"], answer["json"]["user_id"]) == ("ok", 200, f"@_calls:{SERVER}")
    assert answer["dated"], "the homeserver's clock is known"


def test_registering_the_sender_twice_is_fine(world):
    assert world.probe("register", "_calls")["err"] == "ok"


def test_versions_name_what_calls_need(world):
    features = world.probe("versions")["json"]["unstable_features"]
    assert features["org.matrix.msc4140"] and features["org.matrix.msc4143"] and features["org.matrix.msc4354"]


def test_a_wrong_token_is_unauthorized(world):
    answer = world.probe("whoami", token="f" * 64)
    assert (answer["err"], answer["errcode"]) == ("unauthorized", "M_UNKNOWN_TOKEN")


def test_nobody_there_is_unreachable(world):
    answer = world.probe("whoami", url="http://127.0.0.1:1")
    assert (answer["err"], answer["status"]) == ("unreachable", 0)


def test_ping_goes_round(world):
    before = len(world.sink.requests)
    answer = world.probe("ping", world.tokens["id"])
    assert answer["err"] == "ok" and "duration_ms" in answer["json"]
    assert ("POST", "/_matrix/app/v1/ping", "Bearer " + world.tokens["hs_token"]) in world.sink.requests[before:]


def test_ping_says_what_is_wrong(world):
    world.sink.status = 503
    try:
        answer = world.probe("ping", world.tokens["id"])
    finally:
        world.sink.status = 200
    assert (answer["err"], answer["status"], answer["errcode"]) == ("unreachable", 502, "M_BAD_STATUS")
    assert world.probe("ping", "another")["err"] == "forbidden"


def test_members_are_told_to_a_stranger_and_state_to_a_member(world):
    room = world.alice.create_room(invite=[world.bob.user_id])
    world.bob.join(room)
    key = f"_{world.alice.user_id}_DEV/1_m.call"
    world.alice.put_state(room, MEMBER, key, member_content("DEV/1"))
    members = world.probe("members", room)
    assert sorted(members["json"]["joined"]) == [world.alice.user_id, world.bob.user_id]
    assert world.probe("state", room)["err"] == "forbidden"
    state = world.probe("state-as", room, world.bob.user_id)
    entry = next(event for event in state["json"] if event["type"] == MEMBER)
    assert (entry["state_key"], entry["room_id"], entry["sender"]) == (key, room, world.alice.user_id)
    one = world.probe("event", room, MEMBER, key, world.bob.user_id)
    assert one["json"]["device_id"] == "DEV/1", "the slash in the key was encoded"
    assert world.probe("event", room, "m.room.encryption", "", world.bob.user_id)["err"] == "not_found"
    assert world.probe("state-as", room, f"@nobody:{SERVER}")["err"] == "forbidden"


def test_delayed_events_of_a_user_are_ours_to_restart_and_send(world):
    room = world.alice.create_room()
    key = f"_{world.alice.user_id}_DELAYED_m.call"
    delay_id = world.alice.put_state(room, MEMBER, key, {}, delay_ms=60000)
    me = world.alice.user_id
    assert world.probe("delayed", me, delay_id)["json"]["room_id"] == room
    assert world.probe("delayed-restart", me, delay_id)["err"] == "ok"
    assert world.probe("delayed-send", me, delay_id)["err"] == "ok"
    assert world.alice.state_event(room, MEMBER, key) == {}
    assert world.probe("delayed-restart", me, delay_id)["err"] == "not_found"


def test_we_write_in_the_name_of_a_user(world):
    room = world.alice.create_room()
    key = f"_{world.alice.user_id}_X_m.call"
    assert world.probe("put-state", world.alice.user_id, room, MEMBER, key, '{"a":1}')["err"] == "ok"
    assert world.alice.state_event(room, MEMBER, key) == {"a": 1}
    assert world.probe("put-state", world.bob.user_id, room, MEMBER, "k", "{}")["err"] == "forbidden"
    sent = [world.probe("send-sticky", world.alice.user_id, room, "org.matrix.msc4143.rtc.member", "txn", "{}") for _ in range(2)]
    assert sent[0]["json"]["event_id"] == sent[1]["json"]["event_id"], "the same transaction is the same event"


def test_rooms_unknown_and_left_are_refused(world):
    assert world.probe("members", f"!none:{SERVER}")["err"] in ("forbidden", "not_found")
    room = world.alice.create_room()
    world.alice.leave(room)
    assert world.probe("members", room)["err"] == "forbidden"


def test_people_of_private_and_public_rooms(world):
    room = world.alice.create_room()
    (people,) = world.probe("people", room)
    assert people == {"room": room, "known": True, "joinable": False, "joined": [world.alice.user_id]}
    room = world.alice.create_room(preset="public_chat")
    assert world.probe("people", room)[0]["joinable"]
    assert not world.probe("people", f"!none:{SERVER}")[0]["known"]


def test_an_unreadable_event_hides_no_other(world):
    """Any member may put a NUL into state: in a text we can read it, in a key we cannot."""
    room = world.alice.create_room()
    world.alice.put_state(room, "m.room.topic", "", {"topic": "a\0b"})
    world.alice.put_state(room, "test.key", "", {"a\0b": 1})
    state = world.probe("state-as", room, world.alice.user_id)
    assert state["err"] == "ok"
    assert next(e for e in state["json"] if e["type"] == "m.room.topic")["content"]["topic"] == "a\0b"
    assert not [e for e in state["json"] if e["type"] == "test.key"]
    assert len(state["json"]) == len(world.alice.state(room)) - 1


def test_everything_of_a_room_is_pushed(world):
    room = world.alice.create_room(invite=[world.bob.user_id])
    world.bob.join(room)
    world.alice.send(room, "m.call.invite", {"call_id": "c1", "version": "1"})
    world.bob.put_state(room, MEMBER, f"_{world.bob.user_id}_D_m.call", member_content("D"))
    world.alice.send_sticky(room, "org.matrix.msc4143.rtc.member", {"msc4354_sticky_key": "k"}, 60000)

    def of(kind):
        return world.sink.wait(lambda e: e["type"] == kind and e["room_id"] == room, kind)
    assert of("m.call.invite")["sender"] == world.alice.user_id
    assert of(MEMBER)["state_key"] == f"_{world.bob.user_id}_D_m.call"
    assert of("org.matrix.msc4143.rtc.member")["msc4354_sticky"] == {"duration_ms": 60000}
    assert "age" in of("m.call.invite")["unsigned"]


def test_the_sample_registration_is_what_we_write(world):
    text = re.sub(r'(?m)^(as|hs)_token: "[0-9a-f]{64}"$', r'\1_token: "<64 hex digits>"', world.parley.registration.read_text())
    text = text.replace(f"127.0.0.1:{world.parley.private_port}", "127.0.0.1:8090").replace(r"probe\.test", r"example\.com")
    assert text == (REPO / "synapse-config" / "registration.sample.yaml").read_text()


def test_synapse_reads_the_part_of_its_configuration(world):
    """All of synapse-config/homeserver.yaml passes Synapse's own checks, on top of a whole configuration."""
    done = subprocess.run([str(python_of_venv()), "-m", "synapse.config", "read", "voip.turn_user_lifetime",
                           "-c", str(world.synapse.folder / "homeserver.yaml"),
                           "-c", str(REPO / "synapse-config" / "homeserver.yaml")],
                          capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "turn_user_lifetime: 3600000" in done.stdout


def test_the_well_known_sample_is_json():
    found = json.loads((REPO / "synapse-config" / ".well-known" / "matrix" / "client").read_text())
    assert found["org.matrix.msc4143.rtc_foci"][0]["type"] == "livekit"
