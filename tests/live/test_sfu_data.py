"""Data through the embedded SFU, between LiveKit's clients of both kinds (a page of Chromium, a process on rtc-node), with one peer
connection and with two: packets, chat, text and byte streams, calls of methods; and what is encrypted end to end.

PARLEY_TEST_SFU=livekit runs the same against livekit-server.
"""
import pytest

import sfu_clients
from sfu_clients import Browser, node_participant

MODES = pytest.mark.parametrize("single", [True, False], ids=["one connection", "two connections"])
LONG = "0123456789" * 5000  # several messages, whatever the client's chunks are
FILE_BYTES = 300_000        # more than the reliable cache, and than a receiver's buffer takes at once
UNSUPPORTED_METHOD = 1400   # livekit-protocol 3.10

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients")


@pytest.fixture(name="everybody", scope="module")
def fixture_everybody(tmp_path_factory, network):
    """A page, and two processes."""
    folder = tmp_path_factory.mktemp("clients")
    browser = Browser("chromium", folder)
    people = [browser.participant("alice")]
    try:
        for name in ("carl", "dora"):
            people.append(node_participant(name, folder))
        yield people
    finally:
        browser.stop()
        for one in people[1:]:
            one.driver.stop()


@pytest.fixture(name="people")
def fixture_people(everybody):
    yield everybody
    for one in everybody:
        one.leave()


def meet(request, server, people, single, **more):
    for one in people:
        one.join(server, request.node.name, single, **more)
    for one in people:
        one.wait("the others", lambda seen: len(seen["people"]) == len(people) - 1)


def got(kind, sender, **what):
    return lambda seen: any(said["kind"] == kind and said["from"] == sender and all(said.get(key) == value for key, value in what.items())
                            for said in seen["data"])


@MODES
def test_packets_go_to_whom_they_are_for(request, server, people, single):
    meet(request, server, people, single)
    for sender in people:
        others = [one for one in people if one is not sender]
        sender.do("send", text="for all", topic="t", reliable=True)
        sender.do("send", text="for one", topic="t", reliable=True, to=[others[0].name])
        for one in others:
            one.wait("the packet", got("packet", sender.name, topic="t", text="for all"))
        others[0].wait("its own packet", got("packet", sender.name, topic="t", text="for one"))
        for _ in range(50):  # one of them may be lost
            sender.do("send", text="lossy", topic="l", reliable=False)
            if all(got("packet", sender.name, topic="l", text="lossy")(one.look()) for one in others):
                break
        for one in others:
            one.wait("a lossy packet", got("packet", sender.name, topic="l", text="lossy"))
    for sender in people:
        first, second = [one for one in people if one is not sender]
        assert not got("packet", sender.name, text="for one")(second.look()), f"{second.name} heard what was for {first.name}"
        assert not got("packet", sender.name)(sender.look()), "nobody hears himself"


@MODES
def test_streams_arrive_whole_and_in_order(request, server, people, single):
    meet(request, server, people, single)
    for sender in people[:2]:
        others = [one for one in people if one is not sender]
        sender.do("chat", text="hello")
        sender.do("text", text=LONG)
        total = sender.do("bytes", n=FILE_BYTES)["sum"]
        for one in others:
            one.wait("the long text", got("text", sender.name, text=LONG))
            one.wait("the file", got("bytes", sender.name, n=FILE_BYTES, sum=total))
        others[0].wait("the chat", got("chat", sender.name, text="hello"))


@MODES
def test_methods_are_called_from_afar(request, server, people, single):
    alice, carl, dora = people
    meet(request, server, people, single)
    for caller, called in ((alice, carl), (carl, alice), (carl, dora)):
        assert caller.do("rpc", to=called.name, method="greet", payload="hi") == {"answer": f"hi to {caller.name}"}
        assert len(caller.do("rpc", to=called.name, method="greet", payload="x" * 10_000)["answer"]) > 10_000
        assert caller.do("rpc", to=called.name, method="dance", payload="")["code"] == UNSUPPORTED_METHOD


def test_who_may_not_send_is_not_heard(request, server, people):
    alice, carl, _ = people
    mute = {"room": request.node.name, "roomJoin": True, "canPublishData": False}
    alice.join(server, request.node.name, video=mute)
    carl.join(server, request.node.name)
    carl.wait("alice", lambda seen: "alice" in seen["people"])
    try:
        alice.do("send", text="never", topic="t", reliable=True)
    except RuntimeError:
        pass  # the client may know it, too
    carl.do("send", text="heard", topic="t", reliable=True)
    alice.wait("carl", got("packet", "carl", text="heard"))
    assert not got("packet", "alice")(carl.look())


@MODES
def test_kinds_of_clients_decrypt_each_other(request, server, people, single):
    alice, carl, dora = people
    for one in people:
        one.join(server, request.node.name, single, key="known to all")
    alice.publish("camera", "microphone")
    carl.publish("camera", "microphone")
    carl.wait_media("alice", "camera", "microphone")
    alice.wait_media("carl", "camera", "microphone")
    dora.wait_media("carl", "camera", "microphone")
    dora.wait_media("alice", "camera")


def test_publishers_say_who_may_receive(request, server, people):
    alice, carl, dora = people
    meet(request, server, people, True)
    alice.do("permit", all=False, to=["carl"])
    alice.publish("camera")
    carl.wait_media("alice", "camera")
    assert dora.track("alice", "camera").get("frames", 0) == 0
    alice.do("permit", all=True)
    dora.wait_media("alice", "camera")
    alice.do("permit", all=False, to=["dora"])
    carl.wait_silence("alice", "camera", seconds=1)
    dora.wait_media("alice", "camera")


def test_people_change_what_is_known_of_them(request, server, people):
    alice, carl, _ = people
    own = {"room": request.node.name, "roomJoin": True, "canUpdateOwnMetadata": True}
    alice.join(server, request.node.name, video=own, attributes={"from": "token"}, name="A", metadata="m")
    carl.join(server, request.node.name)
    carl.wait("alice", lambda seen: "alice" in seen["people"])
    assert carl.do("who")["alice"] == {"name": "A", "metadata": "m", "attributes": {"from": "token"}}
    for change in ({"name": "Alice"}, {"metadata": "new"}, {"attributes": {"k": "v", "from": ""}}):
        alice.do("set", **change)
    wanted = {"name": "Alice", "metadata": "new", "attributes": {"k": "v"}}
    carl.wait("the changes", lambda _: carl.do("who")["alice"] == wanted)
