"""Matrix and the SFU tell different stories: a homeserver without delayed events, where nobody says that a client has
died, a real livekit-server, and participants in processes of their own that are killed.

All of it happens at the same time, since most of it is waiting a minute; each test looks at one of the people."""
import time
import types

import pytest

from livekit import LIVEKIT_SETTINGS, PROGRAM, LiveKit
from participant import HOUR_MS, MEMBER, Participant
from stack import Stack
from synapse import MatrixError
from test_audit_page import QUERIES

FOCUS = "https://calls.parley.test"  # only compared
GONE_S = 60  # Parley's patience
CUT_OFF_S = 60  # LiveKit's, with somebody who was killed
ROUND_S = 15  # the pace of looking, and a slow machine


class Caller(Participant):
    def enter(self, focus=FOCUS):
        self.user.put_state(self.room, MEMBER, self.key, {
            "application": "m.call", "call_id": "", "scope": "m.room", "device_id": self.user.device_id,
            "expires": 4 * HOUR_MS, "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
            "foci_preferred": [{"type": "livekit", "livekit_service_url": focus, "livekit_alias": self.room}]})
        self.entered = time.monotonic()
        return self

    def about(self, kind):
        """Rows of which this device is the subject, whoever did it."""
        return [row for row in self.stack.parley.audit("events", "--room", self.room, "--type", kind)
                if row["subject"].startswith(f"{self.user.user_id}/") or row["user_id"] == self.user.user_id]


@pytest.fixture(name="stack", scope="module")
def fixture_stack(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it where there is a Go compiler")
    stack = Stack(tmp_path_factory.mktemp("dead-man"), settings={"livekit": LIVEKIT_SETTINGS, "rtc": {"public_url": FOCUS}},
                  homeserver={"max_event_delay_duration": None})
    livekit = None
    try:
        livekit = LiveKit(tmp_path_factory.mktemp("livekit"), webhook=stack.parley.public_url + "/sfu_webhook").start()
        yield stack
        stack.parley.run("audit", "verify")
    finally:
        if livekit is not None:
            livekit.stop()
        stack.stop()


@pytest.fixture(name="scene", scope="module")
def fixture_scene(stack):
    names = ["alive", "dead", "late", "elsewhere", "stranger", "leaver"]
    users = {name: stack.user(f"dm-{name}") for name in names}
    room = stack.room(*users.values())
    scene = types.SimpleNamespace(**{name: Caller(stack, user, room) for name, user in users.items()})
    scene.all = [getattr(scene, name) for name in names]
    try:
        with pytest.raises(MatrixError):
            scene.dead.schedule_leave(HOUR_MS)  # this homeserver has no delayed events
        for one in (scene.alive, scene.dead, scene.leaver):
            one.enter().ask_token().connect()
        scene.late.enter().ask_token()  # and then nothing
        scene.elsewhere.enter(focus="https://other.example")
        scene.stranger.ask_token().connect()  # media, but no word in the room
        scene.dead.end(kill=True)
        scene.dead.died = time.monotonic()
        scene.leaver.user.put_state(room, MEMBER, scene.leaver.key, {})
        scene.leaver.left = time.monotonic()
        yield scene
    finally:
        for one in scene.all:
            one.end(kill=True)


def test_who_left_the_call_and_not_the_media_is_removed(scene):
    assert "disconnected" in scene.leaver.said()
    assert time.monotonic() - scene.leaver.left >= 9, "a client has 10 s to go by itself"
    assert scene.leaver.wait_rows("media_removed")[0]["payload"]["reason"] == "left_call"


def test_parley_is_killed_meanwhile(scene, stack):
    stack.parley.kill()
    stack.parley.start()
    assert scene.alive.member() != {}


def test_who_never_came_is_ended(scene):
    scene.late.wait_gone(GONE_S + 2 * ROUND_S)
    assert time.monotonic() - scene.late.entered >= GONE_S - 5
    stale = scene.late.about("membership_stale")[0]
    assert stale["payload"]["reason"] == "never_came" and stale["payload"]["cleanup"] == "masquerade"
    assert stale["payload"]["silent_ms"] >= GONE_S * 1000


def test_who_died_is_ended_and_the_audit_says_why(scene, stack):
    scene.dead.wait_gone(CUT_OFF_S + GONE_S + ROUND_S)
    print(f"gone {time.monotonic() - scene.dead.died:.0f} s after the kill")
    stack.wait(lambda: scene.dead.about("participant_left"), bool, "participant_left")
    stale, ended = scene.dead.about("membership_stale"), scene.dead.about("membership_ended")
    assert len(stale) == len(ended) == 1
    assert stale[0]["payload"]["reason"] == "left_sfu" and ended[0]["payload"]["by"] == "user"
    assert stale[0]["subject"] == f"{scene.dead.user.user_id}/{scene.dead.user.device_id}"
    assert stale[0]["at"] <= ended[0]["at"]
    assert scene.dead.leaves() == 1


def test_who_is_in_the_media_and_in_no_call_is_told_of(scene):
    row = scene.stranger.wait_rows("media_without_membership", seconds=GONE_S + 2 * ROUND_S)[0]
    assert row["payload"]["reason"] == "tolerated"
    assert row["payload"]["identity"] == f"{scene.stranger.user.user_id}:{scene.stranger.user.device_id}"
    assert scene.stranger.process.poll() is None and scene.stranger.rows("media_removed") == []


def test_the_page_of_the_audit_asks_for_them(scene, stack):
    queries = dict(QUERIES)
    gone = stack.cluster.rows(queries["Whose client died in a call, and who ended the membership?"], "parley")
    assert sorted((row[1], row[3], row[5]) for row in gone) == [
        ("membership_ended", "", "user"), ("membership_ended", "", "user"),
        ("membership_stale", "left_sfu", ""), ("membership_stale", "never_came", "")]
    strangers = stack.cluster.rows(queries["Who was in the SFU without being in the call?"], "parley")
    assert [row[1:4] for row in strangers] == [[scene.stranger.user.user_id, scene.stranger.user.device_id, "tolerated"]]


def test_nobody_else_was_touched(scene):
    for one in (scene.alive, scene.elsewhere):
        assert one.member() != {} and one.leaves() == 0
        assert one.about("membership_stale") == [] and one.rows("media_removed") == []
    assert scene.alive.process.poll() is None
