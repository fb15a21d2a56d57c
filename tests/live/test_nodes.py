"""Two nodes with an embedded SFU each, on one PostgreSQL and one Synapse: people of a room meet wherever they ask for a token, rooms
spread, and the people of a node that dies meet again on the other."""

import contextlib
import os
import signal
import subprocess
import time
import types
import urllib.parse
import uuid

import pytest

import sfu_clients
from parley import Parley
from participant import Participant
from stack import Stack
from test_embedded_calls import EMBEDDED
from test_sfu_sdk import Sdk

PATIENCE_S = 60
KEY, SECRET = "devkey", EMBEDDED["livekit"]["secret"].strip('"')
SETTINGS = {**EMBEDDED, "database": {"connect_timeout": "2s"}}  # so long do requests wait for a database that is away
ROOMS_MOST = 20  # more than this module has on one node
LEASE_S = 15  # LK_NODES_LEASE_MS

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients")


def as_node(parley, name, focus):
    """The settings in which nodes differ, and the focus, which is the same for all."""
    parley.set("node", name=name, url=parley.private_url)
    parley.set("rtc", public_url=focus)
    parley.set("livekit", url=parley.public_url.replace("http", "ws"))


@pytest.fixture(name="stack", scope="module")
def fixture_stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("nodes"), settings=SETTINGS)
    second = None
    try:
        one = stack.parley
        one.run("admin-token")
        assert one.stop() == 0
        as_node(one, "one", one.public_url)
        second = Parley(one.folder.parent / "second", one.database_url, one.homeserver_url, one.server_name,
                        settings={**SETTINGS, "audit": {"key_file": one.folder / "audit.key"},
                                  "admin": {"token_file": one.folder / "admin.token"},
                                  "appservice": {"registration": one.registration}})
        second.registration = one.registration
        as_node(second, "two", one.public_url)
        stack.nodes = {"one": one, "two": second}
        for node in stack.nodes.values():
            node.start()
        wait_registered(stack, "one", "two")
        yield stack
        one.run("audit", "verify")
    finally:
        if second is not None and second.process is not None:
            second.kill()
        stack.stop()


def alive(stack):
    rows = stack.cluster.rows("SELECT name FROM sfu_nodes WHERE expires_at > now() ORDER BY name", "parley")
    return [row[0] for row in rows]


def wait_registered(stack, *names):
    """They know of each other, too."""
    stack.wait(lambda: alive(stack), lambda got: got == sorted(names), f"nodes {names}")
    for name in names:
        stack.wait(lambda: metric(stack.nodes[name], "parley_nodes_alive"), lambda n: n == len(names), f"nodes that {name} sees")


def metric(node, name):
    lines = node.get("/metrics")[1].splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(name + " ")), 0)


class Guest(Participant):
    """Somebody who asks any node, and goes where the token says."""

    def __init__(self, stack, name, room, folder):
        super().__init__(stack, stack.user(name), room)
        self.identity = f"{self.user.user_id}:{self.user.device_id}"
        self.folder, self.media = folder, None

    def ask_node(self, node):
        """(status, the node that the token is for)."""
        body = {"room": self.room, "openid_token": self.user.openid_token(), "device_id": self.user.device_id}
        status, answer = node.request("POST", "/sfu/get", body, base=node.public_url)
        if status == 200:
            self.url, self.jwt = answer["url"], answer["jwt"]
        return status, node_at(self.stack, self.url) if status == 200 else None

    def go(self):
        self.drop()
        self.media = sfu_clients.node_participant(self.user.user_id[1:].split(":")[0], self.folder)
        said = self.media.do("join", url=self.url, token=self.jwt, single=True, key=None)
        assert "refused" not in said, said

    def drop(self):
        if self.media is not None:
            self.media.driver.kill()
            self.media = None


def wait_token(guest, node, where=None, seconds=LEASE_S + PATIENCE_S):
    """`where` None: anywhere."""
    end = time.monotonic() + seconds
    status, got = guest.ask_node(node)
    while status != 200 or where not in (None, got):
        assert time.monotonic() < end, f"{guest.identity} is sent to {got} ({status}), not to {where}"
        time.sleep(0.5)
        status, got = guest.ask_node(node)


def node_at(stack, url):
    return next(name for name, node in stack.nodes.items() if node.public_url.replace("http", "ws") == url)


@pytest.fixture(name="guests")
def fixture_guests(stack, tmp_path):
    alice, bob = stack.user("node-alice"), stack.user("node-bob")
    room = stack.room(alice, bob)
    both = [Guest(stack, name, room, tmp_path) for name in ("node-alice", "node-bob")]
    for guest in both:
        guest.enter()
    yield both
    for guest in both:
        guest.drop()


def meet(alice, bob):
    for guest in (alice, bob):
        guest.go()
    alice.media.publish("microphone")
    bob.media.wait_media(alice.identity, "microphone")


def validate(node, jwt):
    query = urllib.parse.urlencode({"access_token": jwt, "protocol": 16, "sdk": "js"})
    return node.request("GET", "/rtc/validate?" + query, base=node.public_url)


def other(stack, name):
    return stack.nodes["two" if name == "one" else "one"]


@pytest.fixture(name="left", scope="module")
def fixture_left(stack):
    """Somebody on a node that was killed and forgotten before this module began."""
    stack.cluster.sql("INSERT INTO sfu_stays VALUES ('PA_left', 'gone', '1', 'alias', '@left:localhost:DEV', false, now())", "parley")


@pytest.mark.usefixtures("left")
def test_people_of_a_room_get_one_address_from_either_node(stack, guests):
    alice, bob = guests
    status, where = alice.ask_node(stack.nodes["one"])
    assert status == 200
    for node in stack.nodes.values():
        assert bob.ask_node(node) == (200, where)
    meet(alice, bob)
    for node in stack.nodes.values():
        assert validate(node, alice.jwt) == (200, "success")


def ask_room_service(node, method, body, **video):
    jwt = sfu_clients.token(KEY, SECRET, "", "", video=video)
    return node.request("POST", f"/twirp/livekit.RoomService/{method}", body, token=jwt)


def test_any_node_serves_the_rooms_of_all(stack, guests):
    alice = guests[0]
    where = alice.ask_node(stack.nodes["one"])[1]
    room = stack.cluster.sql(f"SELECT alias FROM rtc_identities WHERE room_id = '{alice.room}'", "parley")
    has, lacks = stack.nodes[where], other(stack, where)
    for node in (has, lacks):
        assert ask_room_service(node, "ListParticipants", {"room": room}, roomAdmin=True, room=room) == (200, {"participants": []})
        status, listed = ask_room_service(node, "ListRooms", {"names": [room, "nobody's"]}, roomList=True)
        assert (status, [r["name"] for r in listed["rooms"]]) == (200, [room])
    assert ask_room_service(lacks, "DeleteRoom", {"room": room}, roomCreate=True) == (200, {})
    for node in (has, lacks):
        stack.wait(lambda: ask_room_service(node, "DeleteRoom", {"room": room}, roomCreate=True), lambda got: got[0] == 404, "no room")


def address(node, url):
    """What LiveKit's programs are told of a server."""
    return types.SimpleNamespace(url=url.replace("http", "ws"), key=KEY, secret=SECRET, name=node.folder.name)


@pytest.fixture(name="crowd")
def fixture_crowd(tmp_path):
    """People who make their own tokens: in Node.js, and on a page."""
    nodes = [sfu_clients.node_participant(name, tmp_path) for name in ("host", "late")]
    browser = sfu_clients.Browser("chromium", tmp_path)
    try:
        yield (*nodes, browser.participant("page"))
    finally:
        for one in nodes:
            one.driver.stop()
        browser.stop()


@pytest.fixture(name="sdk")
def fixture_sdk(stack, tmp_path):
    """livekit-server-sdk, told of node one alone."""
    one = stack.nodes["one"]
    running = Sdk(address(one, one.private_url), tmp_path)
    yield running
    running.driver.stop()


def test_who_was_told_of_one_node_meets_whoever_is_on_the_other(stack, crowd, sdk):
    host, late, page = crowd
    one, two = (address(node, node.public_url) for node in stack.nodes.values())
    room = f"own-{uuid.uuid4().hex}"
    host.join(two, room)
    led = metric(stack.nodes["one"], "parley_relayed_total")
    for guest in (late, page):
        guest.join(one, room)
    for guest in crowd:
        guest.publish("microphone")
    for guest in crowd:
        for of in crowd:
            if of is not guest:
                guest.wait_media(of.name, "microphone")
    assert metric(stack.nodes["one"], "parley_relayed_total") == led + 2
    on_one_node_of_two(sdk, room, page, late)


def on_one_node_of_two(sdk, room, page, late):
    """Whoever runs a service asks the node that he was told of, too."""
    people = sdk.ask("listParticipants", room)
    assert sorted(p["identity"] for p in people) == ["host", "late", "page"]
    track = next(p for p in people if p["identity"] == "page")["tracks"][0]["sid"]
    assert sdk.ask("mutePublishedTrack", room, "page", track, True)["muted"] is True
    sdk.ask("removeParticipant", room, "late")
    page.wait_gone("late")
    assert late.wait("end", lambda seen: seen["state"] == "disconnected")
    assert [r["name"] for r in sdk.ask("listRooms", [room])] == [room]
    sdk.ask("deleteRoom", room)
    page.wait("end", lambda seen: seen["state"] == "disconnected")


def test_rooms_spread(stack, tmp_path):
    """The node with less gets the next one; who has more of them from before gets none until then."""
    user = stack.user("node-carol")
    places = set()
    for _ in range(ROOMS_MOST):
        guest = Guest(stack, "node-carol", stack.room(user), tmp_path).enter()
        status, where = guest.ask_node(stack.nodes["one"])
        assert status == 200
        places.add(where)
        if len(places) == 2:
            break
    assert places == {"one", "two"}


def test_an_admin_mutes_kicks_and_ends_from_the_other_node(stack, guests):
    alice, bob = guests
    where = alice.ask_node(stack.nodes["two"])[1]
    assert bob.ask_node(stack.nodes["two"]) == (200, where)
    meet(alice, bob)
    asked = other(stack, where)
    os.kill(asked.process.pid, signal.SIGHUP)
    call = stack.wait_call(alice.room, status="active")["session_id"]

    def order(what, *more):
        return subprocess.run([str(asked.binary), "calls", what, call, *more, "--config", str(asked.config)],
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=asked.environment)

    done = stack.wait(lambda: order("mute", "--user", alice.user.user_id), lambda done: done.returncode == 0, "mute")
    assert alice.user.user_id in done.stdout
    bob.media.wait("the sound muted", lambda seen: bob.media.track(alice.identity, "microphone", seen)["muted"])
    done = order("kick", "--user", bob.user.user_id)
    assert (done.returncode, bob.user.user_id in done.stdout) == (0, True), done
    alice.media.wait_gone(bob.identity)
    done = order("end")
    assert (done.returncode, alice.user.user_id in done.stdout) == (0, True), done
    alice.media.wait("end", lambda seen: seen["state"] == "disconnected")


@contextlib.contextmanager
def database_away(stack):
    """From the nodes; the homeserver keeps its own, in the same PostgreSQL."""
    stack.cluster.sql("ALTER DATABASE parley ALLOW_CONNECTIONS false")
    stack.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'parley'")
    try:
        yield
    finally:
        stack.cluster.sql("ALTER DATABASE parley ALLOW_CONNECTIONS true")


def test_without_the_database_rooms_go_on_and_none_begins(stack, guests, tmp_path):
    alice, bob = guests
    where = alice.ask_node(stack.nodes["one"])[1]
    assert bob.ask_node(stack.nodes["one"]) == (200, where)
    meet(alice, bob)
    late = Guest(stack, "node-carol", stack.room(stack.user("node-carol")), tmp_path).enter()
    with database_away(stack):
        for node in stack.nodes.values():
            stack.wait(lambda: node.get("/readyz")[0], lambda status: status == 503, "a node that misses its database")
        assert bob.ask_node(stack.nodes[where]) == (200, where), "the room is there"
        bob.go()
        bob.media.wait_media(alice.identity, "microphone")
        assert late.ask_node(stack.nodes[where])[0] == 500
    for node in stack.nodes.values():
        wait_token(late, node)
    assert bob.ask_node(other(stack, where)) == (200, where), "the room stays"
    bob.media.wait_media(alice.identity, "microphone")


def test_the_doctor_knows_all_nodes(stack):
    said = stack.nodes["two"].run("doctor", "--json", check=False)
    for name, node in stack.nodes.items():
        assert f"node {name} (" in said and node.public_url.replace("http", "ws") in said
        assert f"node {name} does not answer" not in said


def test_the_doctor_finds_nodes_that_nobody_can_tell_apart_or_reach(stack):
    url = stack.nodes["one"].public_url.replace("http", "ws")
    stack.cluster.sql("INSERT INTO sfu_nodes VALUES ('ghost', '1', '" + url + "', '', 'other', 1, 0, false, now(),"
                      " now() - interval '1 hour', now(), now() + interval '1 hour')", "parley")
    try:
        said = stack.nodes["one"].run("doctor", "--json", check=False)
    finally:
        stack.cluster.sql("DELETE FROM sfu_nodes WHERE name = 'ghost'", "parley")
    for words in ("node ghost has no node.url", "nodes ghost and one send clients to the same address", "the clock of node ghost is -3600 s",
                  "nodes ghost and one run different versions"):
        assert words in said, words


def test_who_was_on_a_node_that_dies_meets_on_the_other(stack, guests):
    alice, bob = guests
    where = alice.ask_node(stack.nodes["two"])[1]
    assert bob.ask_node(stack.nodes["one"]) == (200, where)
    meet(alice, bob)
    dead, left = stack.nodes[where], other(stack, where)
    dead.kill()
    survivor = "two" if where == "one" else "one"
    try:
        for guest in (alice, bob):
            wait_token(guest, left, survivor)
        meet(alice, bob)
    finally:
        dead.start()
    wait_registered(stack, "one", "two")
    assert bob.ask_node(dead) == (200, survivor), "the room stays where it went"
    stack.wait(lambda: validate(dead, bob.jwt), lambda got: got == (200, "success"), "who came back leads to who has it")


def test_a_node_that_stops_gives_its_rooms_away(stack, guests):
    alice, bob = guests
    where = alice.ask_node(stack.nodes["one"])[1]
    left = other(stack, where)
    survivor = "two" if where == "one" else "one"
    assert stack.nodes[where].stop() == 0
    try:
        assert alive(stack) == [survivor]
        for guest in (alice, bob):
            wait_token(guest, left, survivor, PATIENCE_S)
        meet(alice, bob)
    finally:
        stack.nodes[where].start()
    wait_registered(stack, "one", "two")


@pytest.mark.usefixtures("left")
def test_what_a_node_left_that_never_came_back_is_ended(stack):
    stack.wait(lambda: stack.cluster.rows("SELECT 1 FROM sfu_stays WHERE connection = 'PA_left'", "parley"), lambda rows: rows == [],
               "the end of who was on a node that is gone")
    told = stack.cluster.rows("SELECT type, payload->>'reason' FROM call_events WHERE source_event_id = 'parley:left:PA_left'", "parley")
    assert told == [["media_disconnected", "SERVER_RESTART"]]
