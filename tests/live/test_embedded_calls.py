"""Calls of Matrix on the embedded SFU: from /sfu/get of a client with an OpenID token of a real Synapse to media, and out again in each way:
by itself, killed, kicked. The audit says so, also of what happened while the database was away."""
import re
import time
from urllib.parse import quote

import pytest

import sfu_clients
from participant import HOUR_MS, Participant
from stack import Stack
from test_removals import call_of
from test_removals import fixture_admin  # noqa: F401 (a fixture)

EMBEDDED = {"rtc": {"sfu": "embedded", "public_url": "PUBLIC_URL", "announced_ips": "[127.0.0.1]", "udp_port": 0, "tcp_port": 0,
                    "workers": 1},
            "audit": {"spool_max": "64KiB"},
            "livekit": {"key": "devkey", "secret": '"a secret of at least 32 characters"'}}
SILENT_S = 60  # rtc/icelite.h: 20 s until media that went silent has ended; then the delayed leave is sent at once


@pytest.fixture(name="stack", scope="module")
def fixture_stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("embedded"), settings=EMBEDDED)
    try:
        yield stack
        stack.parley.run("audit", "verify")
    finally:
        stack.stop()


@pytest.fixture(name="people")
def fixture_people(stack):
    alice, bob = stack.user("emb-alice"), stack.user("emb-bob")
    room = stack.room(alice, bob)
    both = Participant(stack, alice, room), Participant(stack, bob, room)
    yield both
    for one in both:
        one.end(kill=True)


def test_who_leaves_and_who_is_killed_has_left_the_call(people):
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect()
    row = alice.rows("media_connected")[0]
    assert row["subject"] == alice.user.device_id and row["room_id"] == alice.room
    assert row["payload"]["identity"] == f"{alice.user.user_id}:{alice.user.device_id}"
    assert row["payload"]["connection"].startswith("PA_") and alice.jwt not in str(row)
    bob.end(kill=True)
    alice.end()
    alice.wait_gone(SILENT_S)
    assert alice.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CLIENT_INITIATED"
    bob.wait_gone(SILENT_S)
    assert bob.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CONNECTION_TIMEOUT"
    assert alice.leaves() == bob.leaves() == 1


def test_who_is_kicked_from_the_room_is_cut_from_the_media(people):
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect()
    alice.user.kick(bob.room, bob.user.user_id)
    assert "PARTICIPANT_REMOVED" in bob.said()
    removed = bob.wait_rows("media_removed")[0]["payload"]
    assert (removed["reason"], removed["actor"]) == ("kicked", alice.user.user_id)
    assert bob.wait_rows("media_disconnected")[0]["payload"]["reason"] == "PARTICIPANT_REMOVED"
    bob.connect(wait_row=False)  # with the token from before
    bob.process.wait(SILENT_S)
    bob.wait_rows("media_removed", 2)
    assert alice.process.poll() is None and alice.rows("media_removed") == []


def stats_of(one):
    """What /stats says of somebody's tracks, by source. Only an admin may ask."""
    parley = one.stack.parley
    token = (parley.folder / "admin.token").read_text().strip()
    assert parley.request("GET", "/_parley/admin/v1/stats")[0] == 401
    assert parley.request("GET", "/_parley/admin/v1/stats", token=token, base=parley.public_url)[0] == 404
    here = one.rows("media_connected")[0]["payload"]  # who was killed in the test before is still in another room
    status, stats = parley.request("GET", f"/_parley/admin/v1/stats?room={quote(here['alias'], safe='')}", token=token)
    assert status == 200 and stats["sfu"] == "embedded" and stats["totals"]["participants"] >= 2 and len(stats["workers"]) == 1
    [room] = stats["rooms"]
    [mine] = [person for person in room["participants"] if person["sid"] == here["connection"]]
    assert mine["identity"] == f"{one.user.user_id}:{one.user.device_id}"
    return {track["source"]: track for track in mine["tracks"]}


def test_an_admin_mutes_kicks_and_ends(people, admin):
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS).connect()
    alice.do("microphone")
    call = call_of(alice, 2, admin)
    track = alice.wait_rows("track_published")[0]["payload"]["track"]
    seen = alice.stack.wait(lambda: stats_of(alice)["microphone"], lambda seen: "mos" in seen, "figures of the microphone")
    assert seen["sid"] == track and seen["expected"] > 0 and 1 <= seen["mos"] <= 4.5
    assert admin("mute", call, "--user", bob.user.user_id) == (1, f"{bob.user.user_id} {bob.user.device_id}: not muted: sends no sound\n")
    assert admin("mute", call, "--user", alice.user.user_id, "--reason", "noise")[0] == 0
    muted = alice.wait_rows("track_muted")[0]["payload"]
    assert (muted["track"], muted["reason"], muted["source"]) == (track, "by_moderator", "microphone")
    row = [row for row in alice.stack.parley.audit("events", "--call", call) if row["type"] == "participant_muted_by_admin"][-1]
    assert row["payload"] == {"actor": "admin token", "reason": "noise"} and row["subject"].startswith(alice.user.user_id)
    assert admin("kick", call, "--user", bob.user.user_id)[0] == 0
    assert "PARTICIPANT_REMOVED" in bob.said()
    assert admin("end", call)[0] == 0
    assert "PARTICIPANT_REMOVED" in alice.said()
    assert alice.wait_rows("media_removed")[0]["payload"]["reason"] == "ended_by_admin"
    row = alice.wait_rows("media_quality")[0]
    quality = row["payload"]
    assert (row["session_id"], row["subject"]) == (call, alice.user.device_id)
    assert (quality["direction"], quality["path"], quality["track"], quality["source"]) == ("sent", "direct", track, "microphone")
    assert quality["expected"] > 0 and quality["bps"] > 0 and 100 <= quality["mos_hundredths"] <= 450
    [summary] = alice.stack.parley.audit("calls", "--call", call)
    assert summary["worst_mos"] <= summary["mos"] <= 4.5 and summary["percent_lost"] <= 100 and summary["by_relay"] == 0


@pytest.fixture(name="guests")
def fixture_guests(people, tmp_path):
    """alice with a microphone, and bob, who listens in a process of Node.js."""
    if sfu_clients.missing() is not None:
        pytest.skip("tools/setup all installs the clients")
    alice, bob = people
    for one in people:
        one.enter().ask_token(HOUR_MS)
    alice.identity = f"{alice.user.user_id}:{alice.user.device_id}"
    alice.connect()
    bob.media = sfu_clients.node_participant("bob", tmp_path)
    try:
        listen(bob)
        alice.do("microphone")
        yield alice, bob
    finally:
        bob.media.driver.kill()


def listen(bob):
    assert "refused" not in bob.media.do("join", url=bob.url, token=bob.jwt, single=True, key=None)


def told(guest):
    """What the audit has of the SFU in the room but figures, in order: "track_muted emb-alice microphone"."""
    rows = guest.stack.cluster.rows(
        "SELECT type, split_part(substr(coalesce(user_id, ''), 2), ':', 1), coalesce(payload->>'source', payload->>'reason', ''),"
        f" source_event_id FROM call_events WHERE room_id = '{guest.room}' AND type ~ '^(media_|track_)'"
        " AND type NOT IN ('media_quality', 'media_delivery', 'media_poor', 'media_recovered') ORDER BY session_id, n", "parley")
    assert len({row[3] for row in rows}) == len(rows), "none twice"
    return [" ".join(filter(None, row[:3])) for row in rows]


def wait_told(guest, wanted):
    return guest.stack.wait(lambda: told(guest), lambda got: got[-len(wanted):] == wanted, wanted[-1])


def spooled(stack):
    file = stack.parley.folder / "audit.spool"
    return file.stat().st_size - 32 if file.exists() else 0


def open_ones(stack):
    """Who is in the SFU and which rooms go on there, as the database has it."""
    return {row[0] for row in stack.cluster.rows("SELECT connection FROM sfu_stays", "parley")}


def unwritten(stack):
    gaps = [row["payload"] for row in stack.parley.audit("events", "--type", "gap")]
    return sum(gap["count"] for gap in gaps if gap["reason"] == "spool_full")


def test_the_audit_tells_of_rooms_people_and_tracks_also_when_the_database_was_away(stack, guests):
    alice, bob = guests
    wait_told(alice, ["media_room_opened", "media_connected emb-alice", "media_connected emb-bob", "track_published emb-alice microphone"])
    alice.do("toggle 2")
    before = wait_told(alice, ["track_muted emb-alice microphone", "track_unmuted emb-alice microphone"])
    stack.cluster.kill()
    try:
        alice.do("toggle 2")
        stack.wait(lambda: spooled(stack), lambda size: size > 0, "rows in the spool")
        assert (stack.parley.folder / "audit.spool").stat().st_mode & 0o777 == 0o600
        bob.media.wait_media(alice.identity, "microphone")
        bob.media.leave()
        listen(bob)
        bob.media.wait_media(alice.identity, "microphone")
    finally:
        stack.cluster.start()
    wait_told(alice, [*before, "track_muted emb-alice microphone", "track_unmuted emb-alice microphone",
                      "media_disconnected emb-bob CLIENT_INITIATED", "media_connected emb-bob"])
    stack.wait(lambda: spooled(stack), lambda size: size == 0, "empty spool")
    before = figures_out(stack)
    stack.wait(lambda: figures_out(stack), lambda now: now > before, "figures of what bob gets")
    bob.media.leave()
    rows = stack.wait(lambda: stack.parley.audit("quality", "--room", alice.room), bool, "who heard whom how well")
    assert {(row["user_id"], row["device"], row["from_user"], row["from_device"], row["source"]) for row in rows} == {
        (bob.user.user_id, bob.user.device_id, alice.user.user_id, alice.user.device_id, "microphone")}
    assert sum(row["seconds_received"] for row in rows) >= 5 and rows[0]["worst_mos"] <= rows[0]["mos"] <= 4.5


def figures_out(stack):
    """Of how many packets to people in it the SFU has told figures."""
    page = stack.parley.get("/metrics")[1]
    return int(re.search(r'^parley_media_expected_packets_total{way="out"} (\d+)$', page, re.M).group(1))


def test_what_waits_survives_a_kill_and_what_does_not_fit_is_counted(stack, guests):
    alice, _ = guests
    before = wait_told(alice, ["track_published emb-alice microphone"])
    left = open_ones(stack)
    assert len(left) >= 3, "alice, bob, and their room"
    stack.cluster.kill()
    try:
        alice.do("toggle 4")
        stack.wait(lambda: spooled(stack), lambda size: size > 1000, "rows in the spool")
        size = -1
        while size != spooled(stack):
            size = spooled(stack)
            time.sleep(1)  # the last of them were not asked about yet
        kept = re.findall(r'"type":"(track_\w+)"', (stack.parley.folder / "audit.spool").read_text(errors="replace"))
        stack.parley.kill()
        stack.parley.start(wait="live")
    finally:
        stack.cluster.start()
    stack.parley.wait("/readyz")
    toggles = ["track_muted emb-alice microphone", "track_unmuted emb-alice microphone"]
    assert len(kept) >= 3
    wanted = [*before, *(f"{kind} emb-alice microphone" for kind in kept)]
    got = stack.wait(lambda: told(alice), lambda got: len(got) >= len(wanted), "toggles")
    assert got[:len(wanted)] == wanted
    ended = [f"{what} SERVER_RESTART" for what in ("media_disconnected emb-alice", "media_disconnected emb-bob", "media_room_closed")]
    stack.wait(lambda: told(alice), lambda got: set(ended) <= set(got), "the end of what was open")
    stack.wait(lambda: open_ones(stack), lambda open_: left.isdisjoint(open_), "nobody for ever")
    assert [told(alice).count(row) for row in ended] == [1, 1, 1]

    alice.end(kill=True)  # now more than fits
    alice.connect()
    alice.do("microphone")
    before = wait_told(alice, ["track_published emb-alice microphone"])
    stack.cluster.kill()
    try:
        alice.do("toggle 300")
        stack.wait(lambda: spooled(stack), lambda size: size > 60000, "full spool")
    finally:
        stack.cluster.start()
    stack.wait(lambda: spooled(stack), lambda size: size == 0, "empty spool")
    # The client itself leaves some of them out, so nobody knows how many there were.
    stack.wait(lambda: unwritten(stack), lambda count: count > 0, "gap")
    after = told(alice)[len(before):]
    assert [row for row in after if "emb-alice" in row][:100] == toggles * 50
    alice.do("toggle 2")
    stack.wait(lambda: told(alice)[len(before) + len(after):], bool, "row after the gap")
