"""What browsers send in layers or twice: sound with spares (RED) is passed on, or taken out for who does not know it."""
import pytest

import namespace
import sfu_clients
from sfu_clients import Browser
from sfu_server import under_test

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium", "firefox") is not None, reason="tools/setup all installs the clients")


@pytest.fixture(name="network", scope="module")
def fixture_network():
    if namespace.why_not() is None:
        with namespace.host_namespace() as host:
            yield host
    else:
        yield ""


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory, network):
    running = under_test()(tmp_path_factory.mktemp("sfu"), rtc_announced_ips=network).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(name="pages", scope="module")
def fixture_pages(tmp_path_factory, network):
    """Alice and carol are pages of one Chromium, bob is one of Firefox."""
    folder = tmp_path_factory.mktemp("browsers")
    both = []
    try:
        for kind in ("chromium", "firefox"):
            both.append(Browser(kind, folder / kind))
        yield both[0].participant("alice"), both[0].participant("carol"), both[1].participant("bob")
    finally:
        for browser in both:
            browser.stop()


@pytest.fixture(name="people")
def fixture_people(pages):
    yield pages
    for one in pages:
        one.leave()


def weight(one):
    """Bytes of each packet of alice's sound."""
    track = one.track("alice", "microphone")
    return track["bytes"] / track["packets"]


def test_sound_with_spares(request, server, people):
    alice, carol, bob = people
    for one in people:
        one.join(server, request.node.name, single=one is not carol)
    alice.publish("microphone")
    for one in (carol, bob):
        one.wait_media("alice", "microphone")
        assert one.track("alice", "microphone")["mime"] == "audio/red", one.kind
    assert weight(carol) > weight(bob) + 10, "Chromium is given it as it is, Firefox the Opus in it"


def test_no_spares_where_sound_is_encrypted(request, server, people):
    alice, carol, bob = people
    for one in people:
        one.join(server, request.node.name, key="known to all")
    alice.publish("microphone")
    for one in (carol, bob):
        one.wait_media("alice", "microphone")
        assert one.track("alice", "microphone")["mime"] == "audio/opus", one.kind
