"""People in a call at a real livekit-server, or at the embedded SFU, as clients make them: member event, delayed leave, token, media.

Fixtures for the tests to import: `livekit` tells Parley who comes and goes, `people` are alice and bob in a room.
"""

import json
import pathlib
import subprocess
import sys

import pytest

from livekit import PROGRAM, URL, LiveKit

CLIENT = pathlib.Path(__file__).resolve().parent / "rtc_client" / "client.py"
SLOT = "m.call#ROOM"
MEMBER = "org.matrix.msc3401.call.member"
PATIENCE_S = 60
HOUR_MS = 3600000


@pytest.fixture(name="livekit", scope="module")
def fixture_livekit(tmp_path_factory, stack):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    server = LiveKit(tmp_path_factory.mktemp("livekit"), webhook=stack.parley.public_url + "/sfu_webhook").start()
    yield server
    server.stop()


class Participant:
    """A user in a call, as a client makes them: member event, delayed leave, token, media."""

    def __init__(self, stack, user, room):
        self.stack, self.user, self.room = stack, user, room
        self.key = f"_{user.user_id}_{user.device_id}_m.call"
        self.process = self.jwt = None
        self.url = URL

    def enter(self):
        """Writes the member event."""
        self.user.put_state(self.room, MEMBER, self.key, {
            "application": "m.call", "call_id": "", "scope": "m.room", "device_id": self.user.device_id,
            "expires": 4 * HOUR_MS, "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"},
            "foci_preferred": [{"type": "livekit", "livekit_service_url": self.stack.parley.public_url,
                                "livekit_alias": self.room}]})
        return self

    def schedule_leave(self, delay_ms):
        """The delay_id of a leave that the homeserver sends by itself, unless it is restarted."""
        return self.user.put_state(self.room, MEMBER, self.key, {}, delay_ms=delay_ms)

    def ask(self, path="/sfu/get", **more):
        body = {"room": self.room, "openid_token": self.user.openid_token(), "device_id": self.user.device_id, **more}
        return self.stack.parley.request("POST", path, body, base=self.stack.parley.public_url)

    def ask_token(self, delay_ms=None):
        more = {}
        if delay_ms is not None:
            more = {"delay_id": self.schedule_leave(delay_ms), "delay_timeout": delay_ms}
        status, answer = self.ask(**more)
        assert status == 200, answer
        self.url, self.jwt = answer["url"], answer["jwt"]
        return self

    def delegate(self, delay_ms):
        """As Element Call does in its default mode: a member, although the token was asked for as a device."""
        body = {"room_id": self.room, "slot_id": SLOT, "openid_token": self.user.openid_token(),
                "member": {"id": "b9c1", "claimed_user_id": self.user.user_id, "claimed_device_id": self.user.device_id},
                "delay_id": self.schedule_leave(delay_ms), "delay_timeout": delay_ms}
        return self.stack.parley.request("POST", "/delegate_delayed_leave", body, base=self.stack.parley.public_url)

    def connect(self, wait_row=True):
        """Without `wait_row` maybe not for long."""
        n = len(self.rows("media_connected")) if wait_row else 0
        self.process = subprocess.Popen([sys.executable, str(CLIENT), self.url, self.jwt], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = self.process.stdout.readline()
        if wait_row:
            assert said == "connected\n"
            self.wait_rows("media_connected", n + 1)
        return self

    def do(self, act):
        """An act of client.py."""
        self.process.stdin.write(act + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == act + "\n"

    def said(self):
        """The rest of what the client prints, once it has ended."""
        return self.process.communicate(timeout=PATIENCE_S)[0]

    def end(self, kill=False):
        if self.process is not None and self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(PATIENCE_S)

    def member(self):
        return self.user.state_event(self.room, MEMBER, self.key)

    def wait_gone(self, seconds):
        self.stack.wait(self.member, lambda content: content == {}, "leave", seconds)

    def leaves(self):
        """How often the room saw this participant leave."""
        path = f"/v3/rooms/{self.user.part(self.room)}/messages"
        events = self.user.call("GET", path, dir="b", limit=100)["chunk"]
        return sum(e["type"] == MEMBER and e.get("state_key") == self.key and e["content"] == {} for e in events)

    def rows(self, kind):
        got = [row for row in self.stack.parley.audit("events", "--room", self.room, "--type", kind)
               if row["user_id"] == self.user.user_id]
        return [dict(row, payload=row["payload"] if isinstance(row["payload"], dict) else json.loads(row["payload"]))
                for row in got]

    def wait_rows(self, kind, n=1, seconds=PATIENCE_S):
        return self.stack.wait(lambda: self.rows(kind), lambda got: len(got) >= n, kind, seconds)


@pytest.fixture(name="people")
def fixture_people(stack, livekit):
    """alice and bob in a room and, as far as they enter, in a call."""
    alice, bob = stack.user("sfu-alice"), stack.user("sfu-bob")
    room = stack.room(alice, bob)
    both = Participant(stack, alice, room), Participant(stack, bob, room)
    yield both
    for one in both:
        one.end(kill=True)
