"""Two people call each other with Element Call, as it is delivered, in an encrypted room: each in a page of a real
Chromium, with the tokens of Parley for a real LiveKit server."""

import base64
import contextlib
import hashlib
import itertools
import json
import time

import pytest

import element_call
from element_call import Pages
from livekit import LIVEKIT_SETTINGS, PROGRAM, URL, LiveKit
from stack import Stack
from synapse import MatrixError

MEMBER = "org.matrix.msc3401.call.member"
STICKY_MEMBER = "org.matrix.msc4143.rtc.member"
LEAVES = [(MEMBER, set()), (STICKY_MEMBER, {"msc4354_sticky_key"})]
KEYS = "io.element.call.encryption_keys"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
PATIENCE_S = 90
# Element Call keeps its delayed leave 18 s away. Where it delegates it: the SFU misses who died after about 25 s, and 20 s
# more are for coming back.
LEAVE_S = 180
SOME_FRAMES = 20  # two seconds of our camera
AWAY_S = 60  # the homeserver
NUMBERS = itertools.count(1)


@pytest.fixture(name="place", scope="module")
def fixture_place(tmp_path_factory):
    """Its own stack, for the homeserver tells clients where calls are; with LiveKit, which tells Parley what happens."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    if element_call.missing():
        pytest.skip(f"{element_call.missing()} is missing: tools/setup all installs it")
    folder = tmp_path_factory.mktemp("element-call")
    place = Stack(folder, settings={"livekit": LIVEKIT_SETTINGS})
    try:
        focus = place.parley.public_url
        place.synapse.settings["matrix_rtc"] = {"transports": [{"type": "livekit", "url": URL, "livekit_service_url": focus}]}
        place.synapse.restart()
        place.parley.stop()
        place.parley.set("rtc", public_url=focus)
        place.parley.start()
        livekit = LiveKit(folder / "livekit", webhook=f"{focus}/sfu_webhook").start()
        try:
            yield place
            place.parley.run("audit", "verify")
        finally:
            livekit.stop()
    finally:
        place.stop()


@pytest.fixture(name="pages")
def fixture_pages(tmp_path):
    running = Pages(tmp_path / "pages")
    yield running
    running.stop()


def wait(ask, enough, what, seconds=PATIENCE_S):
    """Asks until the answer is enough; gives it."""
    end = time.monotonic() + seconds
    while not enough(answer := ask()):
        assert time.monotonic() < end, f"no {what} in {seconds} s, but {answer}"
        time.sleep(0.25)
    return answer


def goes_on(pages, name):
    """More picture and sound for this page, from now on."""
    first = pages.do("media", name)
    wait(lambda: pages.do("media", name),
         lambda got: got["videoFrames"] >= first["videoFrames"] + SOME_FRAMES
         and got["shownFrames"] > first["shownFrames"]
         and got["audioSamples"] > first["audioSamples"] and got["audioEnergy"] > first["audioEnergy"],
         f"more picture and sound for {name}")


def see_and_hear_each_other(pages, names):
    for name in names:
        wait(lambda: pages.do("media", name),
             lambda got: got["othersShown"] == 1 and got["videoFrames"] >= SOME_FRAMES and got["audioEnergy"] > 0,
             f"picture and sound for {name}")
        goes_on(pages, name)


def hashed(*words):
    """matrix-calls 4.3: base64 without padding of SHA-256 over canonical JSON."""
    text = json.dumps(words, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def who(row):
    """Whom the row is about: where somebody else did it, the subject says so."""
    return row["subject"].split("/")[0] if "/" in row["subject"] else row["user_id"]


class Call:
    """alice and bob in a room of their own, which is encrypted; each in a page."""

    def __init__(self, place, pages, mode="compatibility"):
        self.place, self.pages, self.mode = place, pages, mode
        self.people = {name: place.synapse.register_user(f"{name}-{next(NUMBERS)}") for name in ("alice", "bob")}
        self.alice, self.bob = self.people.values()
        self.room = self.alice.create_room(invite=[self.bob.user_id], initial_state=[ENCRYPTION])
        self.bob.join(self.room)

    def begin(self):
        """Both in the call, each with the other's key, picture and sound."""
        for name, user in self.people.items():
            self.pages.open(name, user, self.room, self.mode)
        for name in self.people:
            self.pages.do("join", name)
        see_and_hear_each_other(self.pages, self.people)
        return self

    def rows(self, kind):
        return self.place.parley.audit("events", "--room", self.room, "--type", kind)

    def wait_rows(self, kind, enough):
        return self.place.wait(lambda: self.rows(kind), enough, kind)

    def members(self):
        """The devices that are in the call, as the room says."""
        return {event["content"].get("device_id", "") for event in self.alice.state(self.room)
                if event["type"] == MEMBER and event["content"]}

    def leaves(self, user):
        """How often the room saw this user leave the call."""
        path = f"/v3/rooms/{user.part(self.room)}/messages"
        events = self.alice.call("GET", path, dir="b", limit=100)["chunk"]
        return sum(e["sender"] == user.user_id and (e["type"], set(e["content"])) in LEAVES for e in events)

    def wait_left(self, *users):
        """Who has left, by the audit; nobody else has."""
        self.wait_rows("participant_left", lambda rows: {who(row) for row in rows} == {user.user_id for user in users})

    def bob_is_gone(self):
        """Nobody said goodbye for bob; the homeserver did, and alice sees it."""
        wait(self.members, lambda there: there == {self.alice.device_id}, "leave of a killed page", LEAVE_S)
        wait(lambda: self.pages.do("media", "alice"), lambda got: got["othersShown"] == 0, "leave on the other's page")
        self.wait_left(self.bob)

    def alice_hangs_up(self):
        self.pages.do("hangup", "alice")
        wait(lambda: self.pages.do("media", "alice"), lambda got: "io.element.close" in got["actions"], "word of the widget")
        self.wait_left(self.alice, self.bob)
        call = self.place.wait_call(self.room, status="ended")
        assert call["peak_users"] == 2 and call["ended_at"]


@contextlib.contextmanager
def call_of_two(place, pages, **options):
    """A call that has begun; where the test then fails, it tells what the pages said."""
    call = Call(place, pages, **options)
    try:
        yield call.begin()
    except (AssertionError, RuntimeError, TimeoutError) as error:
        raise AssertionError(f"{error}\n{pages.explain()}\n{place.parley.log_tail()}") from error


def test_two_pages_call_each_other_until_one_is_killed_and_one_hangs_up(place, pages):
    with call_of_two(place, pages) as call:
        for name in call.people:
            assert pages.do("media", name)["encryptedToDevice"].get(KEYS, 0) >= 1, "the other's media key came encrypted"
        seen = place.wait_call(call.room, status="active", peak_users=2)
        assert seen["kind"] == "rtc" and seen["media"] == "video"
        issued = call.wait_rows("token_issued", lambda rows: {row["user_id"] for row in rows}
                                == {user.user_id for user in call.people.values()})
        identities = {f"{user.user_id}:{user.device_id}" for user in call.people.values()}
        # Besides, Element Call may try whether there is the other dialect, which names people by hashes.
        assert identities <= {row["payload"]["identity"] for row in issued}
        pages.do("crash", "bob")
        call.bob_is_gone()
        call.alice_hangs_up()


def test_two_pages_in_matrix_2_0_mode(place, pages):
    """Its member events are sticky ones, and encrypted: what the audit knows it knows from the tokens and the SFU. One page
    is closed like a tab, which tells the SFU and nobody else: the homeserver has the leave from Parley."""
    with call_of_two(place, pages, mode="matrix_2_0") as call:
        people = {user.user_id for user in call.people.values()}
        issued = call.wait_rows("token_issued", lambda rows: {row["user_id"] for row in rows} == people)
        for row in issued:
            assert row["payload"]["dialect"] == "hashed"
            assert row["payload"]["identity"] == hashed(row["user_id"], row["subject"], row["payload"]["member_id"])
        assert call.members() == set()
        for kind in ("rtc_member_opaque", "media_connected"):
            call.wait_rows(kind, lambda rows: {row["user_id"] for row in rows} == people)
        pages.do("close", "bob")
        wait(lambda: call.leaves(call.bob), lambda n: n == 1, "leave of a closed page")
        wait(lambda: pages.do("media", "alice"), lambda got: got["othersShown"] == 0, "leave on the other's page")
        gone = call.wait_rows("media_disconnected", lambda rows: rows)
        assert [(row["user_id"], row["payload"]["reason"]) for row in gone] == [(call.bob.user_id, "CLIENT_INITIATED")]


def test_who_is_kicked_from_the_room_loses_media_and_gets_no_token(place, pages):
    with call_of_two(place, pages) as call:
        alice, bob = call.alice, call.bob
        tokens = len(call.rows("token_issued"))
        alice.kick(call.room, bob.user_id)
        wait(lambda: pages.do("media", "bob"), lambda got: got["connected"] == 0, "end of the media")
        wait(lambda: pages.do("media", "alice"), lambda got: got["othersShown"] == 0, "leave on the other's page")
        removed = call.wait_rows("media_removed", lambda rows: rows)[0]
        assert (removed["user_id"], removed["payload"]["reason"]) == (bob.user_id, "kicked")
        assert removed["payload"]["actor"] == alice.user_id
        call.wait_left(bob)
        status, answer = place.parley.request("POST", "/sfu/get", {
            "room": call.room, "openid_token": bob.openid_token(), "device_id": bob.device_id}, base=place.parley.public_url)
        assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
        assert {row["user_id"] for row in call.wait_rows("token_refused", lambda rows: rows)} == {bob.user_id}
        assert len(call.rows("token_issued")) == tokens, "whatever the page tried"
        assert pages.do("media", "alice")["connected"] >= 1
        call.alice_hangs_up()


def test_parley_is_killed_and_the_homeserver_away_for_a_minute(place, pages):
    """The call goes on meanwhile. Of who is killed too the SFU tells nobody who could hear it, and yet the leave comes, once;
    nobody else is taken for gone."""
    with call_of_two(place, pages) as call:
        place.synapse.stop()
        back = time.monotonic() + AWAY_S
        try:
            place.parley.kill()
            for name in call.people:
                goes_on(pages, name)
            pages.do("crash", "bob")
            wait(lambda: pages.do("media", "alice"), lambda got: got["othersShown"] == 0, "word of the SFU to the other's page")
            place.parley.start()
            time.sleep(max(0, back - time.monotonic()))
        finally:
            place.synapse.start()
        call.bob_is_gone()
        assert pages.do("media", "alice")["connected"] >= 1
        assert call.leaves(call.bob) == 1 and call.leaves(call.alice) == 0
        call.alice_hangs_up()
        assert call.leaves(call.bob) == 1


@pytest.fixture(name="without_delayed_events")
def fixture_without_delayed_events(place):
    """As at a homeserver that knows none, or whose admin did not switch them on."""
    def restart(longest):
        place.synapse.settings["max_event_delay_duration"] = longest
        place.synapse.restart()

    restart(None)
    yield
    restart("24h")


def test_a_page_is_killed_where_there_are_no_delayed_events(place, pages, without_delayed_events):
    """Nobody's last will is at the homeserver: Parley sees that bob is not in the SFU any more, waits a minute, and says so."""
    with call_of_two(place, pages) as call:
        with pytest.raises(MatrixError):
            call.bob.put_state(call.room, MEMBER, "", {}, delay_ms=1000)
        pages.do("crash", "bob")
        call.bob_is_gone()
        ended = call.wait_rows("membership_ended", lambda rows: rows)
        assert [who(row) for row in ended] == [call.bob.user_id]
        assert [row["payload"]["reason"] for row in call.rows("membership_stale")] == ["left_sfu"]
        assert call.leaves(call.bob) == 1 and call.leaves(call.alice) == 0
        call.alice_hangs_up()
