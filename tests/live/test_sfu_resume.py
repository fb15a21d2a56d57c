"""Clients of the embedded SFU that lose their network, their server, or their place: who comes back to what.

Those who lose it are at hosts of their own (namespace.Cable).
"""
import threading
import time

import pytest

import namespace
import sfu_clients
from sfu_clients import Browser, node_participant
from sfu_server import Dev

CUT_SECONDS = 10
SEND_EVERY_S = 0.25

pytestmark = [pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients"),
              pytest.mark.skipif(namespace.why_not() is not None, reason=str(namespace.why_not()))]


@pytest.fixture(name="network", scope="module")
def fixture_network():
    with namespace.host_namespace() as host:
        yield host


@pytest.fixture(name="cables", scope="module")
def fixture_cables(network):
    """To the host of the browser, and to that of rtc-node."""
    assert network
    both = []
    try:
        for number in (1, 2):
            both.append(namespace.Cable(number))
        yield both
    finally:
        for cable in both:
            cable.close()


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory, network):
    running = Dev(tmp_path_factory.mktemp("sfu"), host=network, rtc_announced_ips=network).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(name="people", scope="module")
def fixture_people(tmp_path_factory, cables):
    """Alice and bob are pages at the end of one cable, carl is a process at that of the other; erin is one here."""
    folder = tmp_path_factory.mktemp("people")
    ends = []
    try:
        with cables[0].inside():
            browser = Browser("chromium", folder)
            ends.append(browser)
        people = [browser.participant(name) for name in ("alice", "bob")]
        with cables[1].inside():
            people.append(node_participant("carl", folder))
            ends.append(people[-1].driver)
        people.append(node_participant("erin", folder))
        ends.append(people[-1].driver)
        yield people
    finally:
        for one in ends:
            one.stop()


class Talk:
    """Says numbers, one after the other, until it is over."""

    def __init__(self, who):
        self.who, self.said, self.over = who, 0, threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.over.wait(SEND_EVERY_S):
            self.said += 1
            self.who.do("send", text=str(self.said), topic="count", reliable=True)

    def end(self):
        self.over.set()
        self.thread.join()


def heard(seen, of):
    return [int(one["text"]) for one in seen["data"] if one["from"] == of and one["topic"] == "count"]


def sources(one):
    return ["microphone", "camera"] if one.name == "alice" else ["microphone"]


def test_ten_seconds_without_network(server, cables, people):
    """Nobody's track is lost, nobody is told that anybody went, and messages are complete and in order."""
    alice, bob, carl, erin = people
    sids, tracks = {}, {}
    for one in people:
        one.join(server, "cut", single=one is not bob)
        tracks[one.name] = [said["sid"] for said in one.publish(*sources(one))]
        sids[one.name] = one.look()["sid"]
    for one in people:
        for other in people:
            if one is not other:
                one.wait_media(other.name, *sources(other))
    before = {one.name: len(one.look()["told"]) for one in people}

    talks = [Talk(one) for one in (alice, carl, erin)]
    time.sleep(1)
    for cable in cables:
        cable.pull()
    time.sleep(CUT_SECONDS)
    for cable in cables:
        cable.plug()
    for one in people:
        for other in people:
            if one is not other:
                one.wait_media(other.name, *sources(other))
    for talk in talks:
        talk.end()

    for one in people:
        for talk in talks:
            if one is not talk.who:
                seen = one.wait(f"{talk.said} messages of {talk.who.name}", lambda seen: len(heard(seen, talk.who.name)) >= talk.said)
                assert heard(seen, talk.who.name) == list(range(1, talk.said + 1)), (one.name, talk.who.name)
        seen = one.look()
        assert seen["sid"] == sids[one.name]
        news = seen["told"][before[one.name]:]
        assert not [what for what in news if what.split()[0] in ("came", "went", "over", "reconnecting")], (one.name, news)
        for other in people:
            if one is not other:
                assert sorted(track["sid"] for track in seen["people"][other.name].values()) == sorted(tracks[other.name])


def test_who_joins_anew_is_there_once(server, people):
    """A full reconnect: others see one end and one beginning, with other names of tracks, never two of the same identity."""
    alice, bob, _, erin = people
    for one in (alice, bob, erin):
        one.join(server, "anew", single=one is not bob)
    for one in (alice, bob):
        before = one.publish("microphone", "camera")
        erin.wait_media(one.name, "microphone", "camera")
        told = len(erin.look()["told"])
        sid = one.look()["sid"]
        one.do("simulate", what="full-reconnect")
        one.wait("itself joined anew", lambda seen, sid=sid: "reconnected" in seen["told"] and seen["sid"] != sid
                 and seen["state"] == "connected")
        erin.wait_media(one.name, "microphone", "camera")
        assert erin.look()["told"][told:] == [f"went {one.name}", f"came {one.name}"]
        tracks = {track["sid"] for track in erin.look()["people"][one.name].values()}
        assert len(tracks) == 2 and not tracks & {said["sid"] for said in before}
    alice.wait_media("bob", "microphone", "camera")


def test_a_lost_socket_alone(server, people):
    """Only the signalling is lost: nothing else ends, and what is done afterwards is heard."""
    alice, bob, _, erin = people
    for one in (alice, bob, erin):
        one.join(server, "socket", single=one is not bob)
        one.publish("microphone")
    for one in (alice, bob):
        sid, told = one.look()["sid"], len(erin.look()["told"])
        one.do("simulate", what="signal-reconnect")
        one.wait("the return", lambda seen: seen["told"][-2:] == ["resuming", "reconnected"])
        assert one.look()["sid"] == sid
        one.publish("camera")
        erin.wait_media(one.name, "microphone", "camera")
        one.wait_media("erin", "microphone")
        assert erin.look()["told"][told:] == []


def test_a_killed_server_comes_back(server, people):
    """kill -9, and started again: without anybody's doing they meet again, and what they published is seen."""
    for one in people:
        one.join(server, "restart", single=one.name != "bob")
        one.publish("microphone")
    for one in people:
        for other in people:
            if one is not other:
                one.wait_media(other.name, "microphone")
    server.process.kill()
    server.process.wait()
    server.start()
    for one in people:
        for other in people:
            if one is not other:
                one.wait(f"{other.name} again", lambda seen, other=other: "microphone" in seen["people"].get(other.name, {}))
                one.wait_media(other.name, "microphone")
