"""People call each other with Element Call, as it is delivered: each in a page of a real Chromium, with the tokens of Parley; the
media goes through a real LiveKit server, or through Parley itself."""

import base64
import contextlib
import hashlib
import itertools
import json
import time

import pytest

import element_call
from element_call import Pages, wait
from livekit import LIVEKIT_SETTINGS, PROGRAM, LiveKit
from sfu_server import EMBEDDED_SETTINGS
from stack import Stack
from synapse import MatrixError

MEMBER = "org.matrix.msc3401.call.member"
STICKY_MEMBER = "org.matrix.msc4143.rtc.member"
LEAVES = [(MEMBER, set()), (STICKY_MEMBER, {"msc4354_sticky_key"})]
KEYS = "io.element.call.encryption_keys"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
# Element Call keeps its delayed leave 18 s away. Where it delegates it: the SFU misses who died after about 25 s, and 20 s
# more are for coming back.
LEAVE_S = 180
AWAY_S = 60  # the homeserver
NUMBERS = itertools.count(1)
TWO, THREE = ("alice", "bob"), ("alice", "bob", "carol")


def at(*sfus):
    """Where the media of a test's calls goes, one after the other."""
    return pytest.mark.parametrize("place", sfus, indirect=True, scope="module")


@pytest.fixture(name="home", scope="module")
def fixture_home(tmp_path_factory):
    """Its own stack, for the homeserver tells clients where calls are."""
    if element_call.missing():
        pytest.skip(f"{element_call.missing()} is missing: tools/setup all installs it")
    home = Stack(tmp_path_factory.mktemp("element-call"), settings={"livekit": LIVEKIT_SETTINGS}, focus=True)
    try:
        yield home
        home.parley.run("audit", "verify")
    finally:
        home.stop()


@pytest.fixture(name="place", scope="module")
def fixture_place(home, request, tmp_path_factory):
    """It, with the media where the test wants it; LiveKit tells Parley what happens."""
    livekit = None
    if request.param == "livekit" and not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    home.parley.stop()
    if request.param == "livekit":
        home.parley.set("livekit", **LIVEKIT_SETTINGS)
        home.parley.set("rtc", sfu="external")
        livekit = LiveKit(tmp_path_factory.mktemp("livekit"), webhook=f"{home.parley.public_url}/sfu_webhook").start()
    else:
        home.parley.set("livekit", url='""')
        home.parley.set("rtc", **EMBEDDED_SETTINGS)
    try:
        home.parley.start()
        yield home
    finally:
        if livekit is not None:
            livekit.stop()


@pytest.fixture(name="browser", scope="module")
def fixture_browser(tmp_path_factory):
    running = Pages(tmp_path_factory.mktemp("pages"))
    yield running
    running.stop()


@pytest.fixture(name="pages")
def fixture_pages(browser):
    yield browser
    browser.clear()


def hashed(*words):
    """matrix-calls 4.3: base64 without padding of SHA-256 over canonical JSON."""
    text = json.dumps(words, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def who(row):
    """Whom the row is about: where somebody else did it, the subject says so."""
    return row["subject"].split("/")[0] if "/" in row["subject"] else row["user_id"]


class Call:
    """People in a room of their own, each in a page."""

    def __init__(self, place, pages, names=TWO, mode="compatibility", encrypted=True):
        self.place, self.pages, self.mode, self.encrypted = place, pages, mode, encrypted
        self.people = {name: place.synapse.register_user(f"{name}-{next(NUMBERS)}") for name in names}
        self.alice, self.bob = (self.people[name] for name in TWO)
        rest = [user for name, user in self.people.items() if name != "alice"]
        self.room = self.alice.create_room(invite=[user.user_id for user in rest], initial_state=[ENCRYPTION] if encrypted else [])
        for user in rest:
            user.join(self.room)

    def begin(self):
        """All in the call, each with the others' keys, picture and sound."""
        for name, user in self.people.items():
            self.pages.open(name, user, self.room, self.mode, self.encrypted)
        for name in self.people:
            self.pages.join(name)
        self.pages.see_and_hear_each_other(self.people)
        return self

    def others(self, gone="bob"):
        """Who is there when one is gone."""
        return {name: user for name, user in self.people.items() if name != gone}

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

    def bob_is_not_shown(self):
        """The others see and hear each other."""
        rest = self.others()
        for name in rest:
            wait(lambda: self.pages.do("media", name)["othersShown"], lambda n: n == len(rest) - 1, f"leave on the page of {name}")
        if len(rest) > 1:
            self.pages.see_and_hear_each_other(rest)

    def bob_is_gone(self):
        """Nobody said goodbye for bob; the homeserver did, and the others see it."""
        devices = {user.device_id for user in self.others().values()}
        wait(self.members, lambda there: there == devices, "leave of a killed page", LEAVE_S)
        self.bob_is_not_shown()
        self.wait_left(self.bob)

    def hang_up(self, *names):
        """The last who are there."""
        for name in names:
            self.pages.do("hangup", name)
            wait(lambda: self.pages.do("media", name)["actions"], lambda said: "io.element.close" in said, "word of the widget")

    def is_over(self):
        self.wait_left(*self.people.values())
        call = self.place.wait_call(self.room, status="ended")
        assert call["peak_users"] == len(self.people) and call["ended_at"]


@contextlib.contextmanager
def call_of(place, pages, **options):
    """A call that has begun; where the test then fails, it tells what the pages said."""
    call = Call(place, pages, **options)
    try:
        yield call.begin()
    except (AssertionError, RuntimeError, TimeoutError) as error:
        raise AssertionError(f"{error}\n{pages.explain()}\n{place.parley.log_tail()}") from error


def of_sfu(place):
    """Two where the SFU is somebody else's, three where it is ours."""
    return THREE if place.parley.settings["rtc"]["sfu"] == "embedded" else TWO


@at("livekit", "embedded")
def test_pages_call_each_other_until_one_is_killed_and_the_others_hang_up(place, pages):
    with call_of(place, pages, names=of_sfu(place)) as call:
        for name in call.people:
            assert pages.do("media", name)["encryptedToDevice"].get(KEYS, 0) >= 1, "the other's media key came encrypted"
        seen = place.wait_call(call.room, status="active", peak_users=len(call.people))
        assert seen["kind"] == "rtc" and seen["media"] == "video"
        issued = call.wait_rows("token_issued", lambda rows: {row["user_id"] for row in rows}
                                == {user.user_id for user in call.people.values()})
        identities = {f"{user.user_id}:{user.device_id}" for user in call.people.values()}
        # Besides, Element Call may try whether there is the other dialect, which names people by hashes.
        assert identities <= {row["payload"]["identity"] for row in issued}
        pages.do("crash", "bob")
        call.bob_is_gone()
        call.hang_up(*call.others())
        call.is_over()


@at("livekit", "embedded")
def test_pages_in_matrix_2_0_mode(place, pages):
    """Its member events are sticky ones, and encrypted: what the audit knows it knows from the tokens and the SFU. One page
    is closed like a tab, which tells the SFU and nobody else: the homeserver has the leave from Parley."""
    with call_of(place, pages, names=of_sfu(place), mode="matrix_2_0") as call:
        people = {user.user_id for user in call.people.values()}
        issued = call.wait_rows("token_issued", lambda rows: {row["user_id"] for row in rows} == people)
        for row in issued:
            assert row["payload"]["dialect"] == "hashed"
            assert row["payload"]["identity"] == hashed(row["user_id"], row["subject"], row["payload"]["member_id"])
        assert call.members() == set()
        for kind in ("rtc_member_opaque", "media_connected"):
            call.wait_rows(kind, lambda rows: {row["user_id"] for row in rows} == people)
        before = call.rows("media_disconnected")  # a page may join twice until it is settled
        pages.do("close", "bob")
        wait(lambda: call.leaves(call.bob), lambda n: n == 1, "leave of a closed page")
        call.bob_is_not_shown()
        gone = call.wait_rows("media_disconnected", lambda rows: len(rows) > len(before))[len(before):]
        assert [(row["user_id"], row["payload"]["reason"]) for row in gone] == [(call.bob.user_id, "CLIENT_INITIATED")]


@at("embedded")
@pytest.mark.parametrize("mode", ["compatibility", "matrix_2_0"])
def test_pages_in_a_room_that_is_not_encrypted(place, pages, mode):
    with call_of(place, pages, names=THREE, mode=mode, encrypted=False) as call:
        assert all(pages.do("media", name)["encryptedToDevice"].get(KEYS, 0) == 0 for name in call.people)
        call.hang_up(*call.people)
        call.is_over()


@at("livekit", "embedded")
def test_who_is_kicked_from_the_room_loses_media_and_gets_no_token(place, pages):
    with call_of(place, pages) as call:
        alice, bob = call.alice, call.bob
        tokens = len(call.rows("token_issued"))
        alice.kick(call.room, bob.user_id)
        wait(lambda: pages.do("media", "bob"), lambda got: got["connected"] == 0, "end of the media")
        call.bob_is_not_shown()
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
        call.hang_up("alice")
        call.is_over()


@at("livekit")
def test_parley_is_killed_and_the_homeserver_away_for_a_minute(place, pages):
    """The call goes on meanwhile. Of who is killed too the SFU tells nobody who could hear it, and yet the leave comes, once;
    nobody else is taken for gone."""
    with call_of(place, pages) as call:
        place.synapse.stop()
        back = time.monotonic() + AWAY_S
        try:
            place.parley.kill()
            for name in call.people:
                pages.goes_on(name)
            pages.do("crash", "bob")
            call.bob_is_not_shown()
            place.parley.start()
            time.sleep(max(0, back - time.monotonic()))
        finally:
            place.synapse.start()
        call.bob_is_gone()
        assert pages.do("media", "alice")["connected"] >= 1
        assert call.leaves(call.bob) == 1 and call.leaves(call.alice) == 0
        call.hang_up("alice")
        call.is_over()
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


@at("livekit")
def test_a_page_is_killed_where_there_are_no_delayed_events(place, pages, without_delayed_events):
    """Nobody's last will is at the homeserver: Parley sees that bob is not in the SFU any more, waits a minute, and says so."""
    with call_of(place, pages) as call:
        with pytest.raises(MatrixError):
            call.bob.put_state(call.room, MEMBER, "", {}, delay_ms=1000)
        pages.do("crash", "bob")
        call.bob_is_gone()
        ended = call.wait_rows("membership_ended", lambda rows: rows)
        assert [who(row) for row in ended] == [call.bob.user_id]
        assert [row["payload"]["reason"] for row in call.rows("membership_stale")] == ["left_sfu"]
        assert call.leaves(call.bob) == 1 and call.leaves(call.alice) == 0
        call.hang_up("alice")
        call.is_over()
