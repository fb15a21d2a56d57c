"""Two people call each other with Element Call, as it is delivered, in an encrypted room: each in a page of a real
Chromium, with the tokens of Parley for a real LiveKit server."""

import time

import pytest

import element_call
from element_call import Pages
from livekit import LIVEKIT_SETTINGS, PROGRAM, URL, LiveKit
from stack import Stack

MEMBER = "org.matrix.msc3401.call.member"
KEYS = "io.element.call.encryption_keys"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
PATIENCE_S = 90
# Element Call keeps its delayed leave 18 s away. Where it delegates it: the SFU misses who died after about 25 s, and 20 s
# more are for coming back.
LEAVE_S = 180
SOME_FRAMES = 20  # two seconds of our camera


@pytest.fixture(name="place", scope="module")
def fixture_place(tmp_path_factory):
    """Its own stack, for the homeserver tells clients where calls are; with LiveKit, which tells Parley what happens."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it where there is a Go compiler")
    if element_call.missing():
        pytest.skip(f"{element_call.missing()} is missing: tools/setup all installs it where there is Node.js")
    folder = tmp_path_factory.mktemp("element-call")
    place = Stack(folder, settings={"livekit": LIVEKIT_SETTINGS})
    try:
        place.synapse.settings["matrix_rtc"] = {"transports": [
            {"type": "livekit", "url": URL, "livekit_service_url": place.parley.public_url}]}
        place.synapse.restart()
        livekit = LiveKit(folder / "livekit", webhook=f"{place.parley.public_url}/sfu_webhook").start()
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


def call_each_other(place, pages, people, room):
    """Both in the call, each with the other's key, picture and sound."""
    for name, user in people.items():
        pages.open(name, user, room)
    for name in people:
        pages.do("join", name)
    for name in people:
        first = wait(lambda: pages.do("media", name),
                     lambda got: got["othersShown"] == 1 and got["videoFrames"] >= SOME_FRAMES and got["audioEnergy"] > 0,
                     f"picture and sound for {name}")
        wait(lambda: pages.do("media", name),
             lambda got: got["videoFrames"] >= first["videoFrames"] + SOME_FRAMES
             and got["shownFrames"] > first["shownFrames"]
             and got["audioSamples"] > first["audioSamples"] and got["audioEnergy"] > first["audioEnergy"],
             f"more picture and sound for {name}")
        assert first["encryptedToDevice"].get(KEYS, 0) >= 1, "the other's media key came encrypted"
    call = place.wait_call(room, status="active", peak_users=2)
    assert call["kind"] == "rtc" and call["media"] == "video"
    return call


def has_tokens(place, people, room):
    issued = place.wait(lambda: place.parley.audit("events", "--room", room, "--type", "token_issued"),
                        lambda rows: {row["user_id"] for row in rows} == {user.user_id for user in people.values()},
                        "tokens of both")
    identities = {f"{user.user_id}:{user.device_id}" for user in people.values()}
    # Besides, Element Call may try whether there is the other dialect, which names people by hashes.
    assert identities <= {row["payload"]["identity"] for row in issued}


def members(user, room):
    return {event["content"].get("device_id", "") for event in user.state(room)
            if event["type"] == MEMBER and event["content"]}


def left(place, room):
    return {row["user_id"] for row in place.parley.audit("events", "--room", room, "--type", "participant_left")}


def page_is_killed(place, pages, people, room):
    """Nobody says goodbye for bob; the homeserver does, and alice sees it."""
    alice, bob = people.values()
    pages.do("crash", "bob")
    wait(lambda: members(alice, room), lambda there: there == {alice.device_id}, "leave of a killed page", LEAVE_S)
    wait(lambda: pages.do("media", "alice"), lambda got: got["othersShown"] == 0, "leave on the other's page")
    wait(lambda: left(place, room), lambda who: who == {bob.user_id}, "row of the leave")


def page_hangs_up(place, pages, people, room):
    alice, bob = people.values()
    pages.do("hangup", "alice")
    wait(lambda: members(alice, room), lambda there: not there, "leave by hand")
    wait(lambda: left(place, room), lambda who: who == {alice.user_id, bob.user_id}, "row of the leave")
    wait(lambda: pages.do("media", "alice"), lambda got: "io.element.close" in got["actions"], "word of the widget")
    call = place.wait_call(room, status="ended")
    assert call["peak_users"] == 2 and call["ended_at"]


def test_two_pages_call_each_other_until_one_is_killed_and_one_hangs_up(place, pages):
    people = {name: place.user(name) for name in ("alice", "bob")}
    alice, bob = people.values()
    room = alice.create_room(invite=[bob.user_id], initial_state=[ENCRYPTION])
    bob.join(room)
    try:
        call_each_other(place, pages, people, room)
        has_tokens(place, people, room)
        page_is_killed(place, pages, people, room)
        page_hangs_up(place, pages, people, room)
    except (AssertionError, RuntimeError, TimeoutError) as error:
        raise AssertionError(f"{error}\n{pages.explain()}\n{place.parley.log_tail()}") from error
