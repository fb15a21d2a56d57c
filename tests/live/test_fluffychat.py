"""FluffyChat's calls, request for request in its order and with its bodies; the SFU is a real livekit-server, or Parley's own, where
pictures and sound go both ways, too. It knows no delayed events, and reads where calls are in the well-known file alone."""

import contextlib
import copy
import http.client
import json
import pathlib
import time
import urllib.parse

import pytest

import sfu_clients
from livekit import URL
from participant import MEMBER, SLOT, Participant
from participant import fixture_livekit  # noqa: F401 (a fixture)
from sfu_clients import Browser, node_participant
from sfu_server import EMBEDDED_SETTINGS
from test_focus import claims, hashed

REPO = pathlib.Path(__file__).resolve().parents[2]
RING = "org.matrix.msc4075.rtc.notification"
EXPIRES_MS = 4 * 3600 * 1000


class FluffyChat(Participant):
    """One installation; each step is named as in its own log. With `media` it has camera and microphone, and somewhere to run."""

    def __init__(self, stack, user, room, url, media=None):
        super().__init__(stack, user, room)
        self.url, self.media = url, media

    def get_livekit_service_urls(self):
        """Of the file that admins are given, with our address in it."""
        text = (REPO / "synapse-config" / ".well-known" / "matrix" / "client").read_text()
        text = text.replace("https://calls.example.com", self.stack.parley.public_url)
        self.urls = [focus["livekit_service_url"] for focus in json.loads(text)["org.matrix.msc4143.rtc_foci"]]
        assert self.urls == [self.stack.parley.public_url]

    def set_state_event(self):
        return self.user.put_state(self.room, MEMBER, self.key, {
            "application": "m.call", "call_id": "", "device_id": self.user.device_id, "expires": EXPIRES_MS,
            "foci_preferred": [{"type": "livekit", "livekit_service_url": url, "livekit_alias": self.room}
                               for url in self.urls],
            "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"}, "m.call.intent": "video",
            "membershipID": f"{self.user.user_id}:{self.user.device_id}", "scope": "m.room",
            "created_at": int(time.time() * 1000)})

    def ring(self, *users):
        """As in a direct chat; it does not say for which member event."""
        self.user.send(self.room, RING, {"notification_type": "ring", "sender_ts": int(time.time() * 1000), "lifetime": 30000,
                                         "m.mentions": {"user_ids": [user.user_id for user in users]}})

    def authenticate(self, url):
        """Its HTTP library names the charset, too."""
        openid_token = self.user.openid_token()
        assert set(openid_token) == {"access_token", "expires_in", "matrix_server_name", "token_type"}
        at = urllib.parse.urlsplit(url.rstrip("/") + "/sfu/get")
        connection = http.client.HTTPConnection(at.netloc, timeout=60)
        connection.request("POST", at.path, json.dumps({
            "room": self.room, "openid_token": openid_token, "device_id": self.user.device_id}).encode(), {
                "user-agent": "Dart/3.9 (dart:io)", "content-type": "application/json; charset=utf-8",
                "accept-encoding": "gzip"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        assert answer.status == 200, said
        return said

    def join(self, ring=()):
        self.get_livekit_service_urls()
        self.set_state_event()
        if ring:
            self.ring(*ring)
        credentials = self.authenticate(self.urls[0])
        assert credentials["url"] == self.url
        self.jwt = credentials["jwt"]
        return self.connect()

    def connect(self, wait_row=True):
        """Its SDK speaks protocol 16 over two peer connections."""
        if self.media is None:
            return super().connect(wait_row)
        n = len(self.rows("media_connected"))
        assert "refused" not in self.media.try_join(self, self.jwt, single=False, protocol=16)
        self.media.publish("camera", "microphone")
        self.wait_rows("media_connected", n + 1)
        return self

    def end(self, kill=False):
        if self.media is not None:
            self.media.leave()
        super().end(kill)

    def is_there(self):
        return self.process.poll() is None if self.media is None else self.media.look()["state"] == "connected"

    def sees_and_hears(self, other):
        if self.media is not None:
            self.media.wait_media(f"{other.user.user_id}:{other.user.device_id}", "camera", "microphone")

    def close(self):
        """First the SFU, then the room."""
        self.end()
        self.user.put_state(self.room, MEMBER, self.key, {})


@contextlib.contextmanager
def embedded(stack):
    """The stack with the SFU of our own; gives where that is."""
    before = copy.deepcopy(stack.parley.settings)
    stack.parley.stop()
    stack.parley.set("livekit", url='""')
    stack.parley.set("rtc", public_url=stack.parley.public_url, **EMBEDDED_SETTINGS)
    stack.parley.start()
    try:
        yield stack.parley.public_url.replace("http", "ws")
    finally:
        stack.parley.stop()
        stack.parley.settings = before
        stack.parley.set("livekit")
        stack.parley.start()


@pytest.fixture(name="two", params=["livekit", "embedded"])
def fixture_two(request, stack, tmp_path):
    alice, bob = stack.user("fluffy-alice"), stack.user("fluffy-bob")
    room = stack.room(alice, bob)
    with contextlib.ExitStack() as order:
        if request.param == "livekit":
            request.getfixturevalue("livekit")
            url, media = URL, (None, None)
        elif sfu_clients.missing("chromium") is not None:
            pytest.skip("tools/setup all installs the clients")
        else:
            url = order.enter_context(embedded(stack))
            browser, process = Browser("chromium", tmp_path / "browser"), node_participant("bob", tmp_path)
            order.callback(browser.stop)
            order.callback(process.driver.stop)
            media = browser.participant("alice"), process  # the browser says 16; the other is native, as on phones
        both = FluffyChat(stack, alice, room, url, media[0]), FluffyChat(stack, bob, room, url, media[1])
        yield both
        for one in both:
            one.end(kill=True)


def test_two_fluffychats_in_a_direct_chat(two, stack):
    alice, bob = two
    alice.join(ring=[bob.user])
    call = stack.wait_call(alice.room, status="ringing")
    assert (call["kind"], call["media"], call["caller"]) == ("rtc", "video", alice.user.user_id)
    assert claims(alice.jwt)["sub"] == f"{alice.user.user_id}:{alice.user.device_id}"
    assert claims(alice.jwt)["video"]["room"] == hashed(alice.room, SLOT)
    bob.join()
    stack.wait_call(alice.room, status="active", peak_users=2)
    if alice.media is not None:
        assert " protocol=16" in stack.parley.log.read_text()
    alice.sees_and_hears(bob)
    bob.sees_and_hears(alice)
    alice.set_state_event()  # an hour later
    alice.close()
    alice.wait_rows("participant_left")
    assert bob.is_there() and stack.wait_call(alice.room, status="active")
    bob.close()
    ended = stack.wait_call(alice.room, status="ended")
    assert ended["session_id"] == call["session_id"] and ended["peak_users"] == 2
    for one in (alice, bob):
        assert [len(one.rows(kind)) for kind in ("participant_joined", "media_connected", "participant_left",
                                                 "token_issued", "token_refused")] == [1, 1, 1, 1, 0]
        assert one.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CLIENT_INITIATED"
        assert one.leaves() == 1
