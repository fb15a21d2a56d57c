"""An SFU somewhere else: a real livekit-server that tells Parley who comes and goes, a real Synapse that holds delayed
leaves, and participants in processes of their own. Nobody stays stuck in a call, and who left a room leaves the media."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

from livekit import KEY, SECRET, URL
from parley import build_dir, free_port
from participant import HOUR_MS, PATIENCE_S, SLOT
from participant import fixture_livekit, fixture_people  # noqa: F401 (fixtures)
from synapse import request

LOST_S = 150  # LiveKit waits for a client that was cut off, then Parley for its return: 5 s


def test_who_leaves_has_left_at_once(people):
    alice, _ = people
    alice.enter().ask_token(HOUR_MS).connect()
    assert alice.member()["application"] == "m.call"
    connected = alice.rows("media_connected")[0]
    assert connected["call_id"] == SLOT and connected["subject"] == alice.user.device_id
    assert connected["payload"]["identity"] == f"{alice.user.user_id}:{alice.user.device_id}"
    alice.end()
    alice.wait_gone(15)
    assert alice.wait_rows("media_disconnected")[0]["payload"]["reason"] == "CLIENT_INITIATED"
    assert alice.leaves() == 1


def test_element_call_hands_over_as_a_member_what_is_in_the_sfu_as_a_device(people):
    alice, _ = people
    alice.enter().ask_token().connect()
    assert alice.delegate(HOUR_MS) == (200, {})
    alice.end()
    alice.wait_gone(15)
    assert alice.leaves() == 1


def test_who_is_cut_off_leaves_a_little_later(people):
    alice, bob = people
    bob.enter().ask_token(HOUR_MS).connect()
    alice.enter().ask_token(HOUR_MS).connect()
    alice.end(kill=True)
    alice.wait_gone(LOST_S)
    assert alice.rows("media_disconnected")[0]["payload"]["reason"] != "CLIENT_INITIATED"
    assert alice.leaves() == 1 and bob.member() != {} and bob.leaves() == 0


def test_parley_killed_in_the_middle_fires_once(people, stack):
    alice, bob = people
    alice.enter().ask_token(20000).connect()
    bob.enter().ask_token(20000).connect()
    stack.parley.kill()
    alice.end()  # nobody hears of it
    stack.parley.start()
    alice.wait_gone(PATIENCE_S)
    assert alice.leaves() == 1
    # Bob's was restarted in time, over and over: longer than his homeserver would have waited.
    end = time.monotonic() + 25
    while time.monotonic() < end:
        assert bob.member() != {}
        time.sleep(1)
    bob.end()
    bob.wait_gone(15)
    assert bob.leaves() == 1


def test_the_homeserver_away_loses_nothing(people, stack):
    alice, bob = people
    alice.enter().ask_token(HOUR_MS).connect()
    bob.enter().ask_token(HOUR_MS).connect()
    stack.synapse.stop()
    try:
        alice.end()
        stack.wait(lambda: stack.parley.log.read_text(), lambda text: "action=send outcome=later" in text, "try")
    finally:
        stack.synapse.start()
    alice.wait_gone(PATIENCE_S + 60)
    assert alice.leaves() == 1
    assert bob.member() != {} and bob.leaves() == 0, "nobody else was ended"
    alice.wait_rows("media_disconnected")


def test_who_is_kicked_loses_the_media(people):
    alice, bob = people
    alice.enter().ask_token(HOUR_MS).connect()
    bob.enter().ask_token(HOUR_MS).connect()
    alice.user.kick(bob.room, bob.user.user_id)
    assert "disconnected" in bob.said()
    removed = bob.wait_rows("media_removed")[0]
    assert removed["payload"]["reason"] == "kicked" and removed["payload"]["actor"] == alice.user.user_id
    assert bob.wait_rows("media_disconnected")[0]["payload"]["reason"] == "PARTICIPANT_REMOVED"
    status, answer = bob.ask()
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    bob.connect(wait_row=False)  # its old token is good for an hour: LiveKit cannot know
    bob.said()  # it ends, connected first or not
    bob.wait_rows("media_removed", 2)
    assert alice.process.poll() is None and alice.rows("media_removed") == []


def part(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(body, secret=SECRET, expires_s=300):
    claims = {"iss": KEY, "exp": int(time.time()) + expires_s,
              "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def post_webhook(stack, body, token, base=None):
    """curl, as Authorization has no Bearer here."""
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "--data-binary", "@-",
                           "-H", "Content-Type: application/webhook+json", "-H", f"Authorization: {token}",
                           (base or stack.parley.public_url) + "/sfu_webhook"], input=body, capture_output=True, timeout=PATIENCE_S,
                          check=True)
    return done.stdout.decode()


def test_forged_webhooks_move_nobody(people, stack):
    alice, _ = people
    alice.enter().ask_token(HOUR_MS).connect()
    room = json.loads(base64.urlsafe_b64decode(alice.jwt.split(".")[1] + "=="))["video"]["room"]
    body = json.dumps({"event": "participant_left", "room": {"name": room},
                       "participant": {"identity": f"{alice.user.user_id}:{alice.user.device_id}",
                                       "disconnectReason": "CLIENT_INITIATED"}}).encode()
    assert post_webhook(stack, body, "").startswith("401")
    assert post_webhook(stack, body, signed(body, secret="another secret of 32 characters.")).startswith("401")
    assert post_webhook(stack, body, signed(body, expires_s=-3600)).startswith("401")
    assert post_webhook(stack, body, signed(body + b" ")).startswith("401")
    assert post_webhook(stack, body, alice.jwt).startswith("401"), "a participant's token names no body"
    assert post_webhook(stack, b" " * (8 * 1024 * 1024 + 1), signed(body)).startswith("413")
    assert post_webhook(stack, b"[]", signed(b"[]")) == "200 0", "signed: never again, whatever it says"
    assert alice.rows("media_disconnected") == []
    # Signed by a key of ours, and yet not believed in whole: the SFU is asked whether alice is there.
    assert post_webhook(stack, body, signed(body)) == "200 0"
    alice.wait_rows("media_disconnected")
    assert alice.member() != {} and alice.leaves() == 0


def open_room(alias):
    """Makes a room in the SFU, as another Parley would."""
    claims = {"iss": KEY, "exp": int(time.time()) + 60, "video": {"room": alias, "roomCreate": True}}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    token = text + "." + part(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest())
    assert request("POST", URL.replace("ws:", "http:") + "/twirp/livekit.RoomService/CreateRoom", {"name": alias},
                   token)[0] == 200


def test_restricted_users_join_what_goes_on(people, stack):
    """Whose server may not open calls here, may come to those of others: told by their memberships, or by the SFU."""
    alice, bob = people
    stack.parley.stop()
    stack.parley.set("rtc", full_access="[elsewhere.example]")
    stack.parley.start()
    try:
        status, answer = bob.ask()
        assert (status, answer["errcode"]) == (403, "M_FORBIDDEN") and "no call in the room" in answer["error"]
        name = base64.b64encode(hashlib.sha256(json.dumps([bob.room, SLOT], separators=(",", ":")).encode()).digest())
        open_room(name.decode().rstrip("="))
        status, answer = bob.ask()
        assert status == 200, answer
        status, answer = bob.ask(delay_id="syd_x", delay_timeout=1000)
        assert (status, answer["errcode"]) == (400, "M_BAD_JSON"), "leaves are looked after for full access only"
    finally:
        stack.parley.stop()
        stack.parley.set("rtc", full_access="[]")
        stack.parley.start()
    assert alice.ask()[0] == 200


def test_delegations_that_make_no_sense(people, stack):
    alice, _ = people
    fine = {"room_id": alice.room, "slot_id": SLOT, "openid_token": alice.user.openid_token(),
            "member": {"id": "b9c1", "claimed_user_id": alice.user.user_id, "claimed_device_id": "D"},
            "delay_id": "syd_x", "delay_timeout": 1000}
    for change, want in [
            ({"delay_id": None}, (400, "M_BAD_JSON", "The request body is missing `delay_id` or `delay_timeout`")),
            ({"delay_timeout": None}, (400, "M_BAD_JSON", "The request body is missing `delay_id` or `delay_timeout`")),
            ({"delay_id": None, "delay_timeout": None},
             (400, "M_BAD_JSON", "The request body is missing `delay_id` or `delay_timeout`")),
            ({"delay_timeout": "1000"}, (400, "M_NOT_JSON", "Error reading request")),
            ({"delay_id": "x" * 256}, (400, "M_INVALID_PARAM", "A member of the request body is too long")),
            ({"slot_id": None}, (400, "M_BAD_JSON", "The request body is missing `room_id` or `slot_id`")),
            ({"member": None}, (400, "M_BAD_JSON",
                                "The request body `member` is missing `id`, `claimed_user_id` or `claimed_device_id`")),
            ({"openid_token": {}}, (400, "M_BAD_JSON",
                                    "The request body `openid_token` is missing `access_token` or `matrix_server_name`")),
            ({"openid_token": dict(fine["openid_token"], access_token="forged")},
             (401, "M_UNAUTHORIZED", "The request could not be authorised."))]:
        status, answer = stack.parley.request("POST", "/delegate_delayed_leave", {**fine, **change},
                                              base=stack.parley.public_url)
        assert (status, answer.get("errcode"), answer.get("error")) == want, change
    assert stack.parley.request("POST", "/delegate_delayed_leave", {**fine, "unknown": 1},
                                base=stack.parley.public_url) == (200, {})


PROXIED = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave"


def test_the_homeserver_hands_over_its_users_leaves(people, stack):
    alice, bob = people
    alice.enter().ask_token().connect()

    def hand_over(who, **changes):
        body = {"url": URL, "room_id": alice.room, "slot_id": SLOT, "delay_id": "syd_unknown",
                "member": {"id": "b9c1", "claimed_device_id": alice.user.device_id}, **changes}
        return request("POST", stack.synapse.url + PROXIED, body, who.user.token)

    status, answer = hand_over(alice)
    assert (status, answer["errcode"], answer["error"]) == (400, "M_INVALID_PARAM", "Unknown `delay_id`")
    delay_id = alice.schedule_leave(HOUR_MS)
    assert hand_over(bob, delay_id=delay_id)[0] == 400, "it is alice's"
    assert hand_over(alice, delay_id=delay_id, url="wss://elsewhere")[0] == 400
    assert hand_over(alice, delay_id=delay_id) == (200, {})
    alice.end()
    alice.wait_gone(15)


def test_stands_in_for_the_earlier_service_with_its_jobs_in_memory(people, stack, tmp_path):
    """No homeserver of its own, no database: the delayed event is sent without a token, where an override says."""
    alice, _ = people
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {"PATH": os.environ["PATH"], "LIVEKIT_URL": URL, "LIVEKIT_KEY": KEY, "LIVEKIT_SECRET": SECRET,
                   "LIVEKIT_FULL_ACCESS_HOMESERVERS": "parley.test", "LIVEKIT_JWT_BIND": f"127.0.0.1:{port}",
                   "LIVEKIT_CS_API_URL_OVERRIDES": f"parley.test={stack.synapse.url}",
                   # Of this machine only: where the homeserver is, and a private port that is free.
                   "PARLEY_FEDERATION_SERVERS": f"parley.test={stack.synapse.url}",
                   "PARLEY_HTTP_PRIVATE": f"127.0.0.1:{free_port()}"}
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([str(build_dir() / "parley"), "serve"], env=environment, stdout=log, stderr=log)
    try:
        stack.wait(lambda: stack.parley.request("GET", "/healthz", base=base, seconds=5), lambda got: got[0] == 200, "health")
        alice.enter()
        delay_id = alice.schedule_leave(HOUR_MS)
        status, answer = stack.parley.request("POST", "/sfu/get", {
            "room": alice.room, "openid_token": alice.user.openid_token(), "device_id": alice.user.device_id,
            "delay_id": delay_id, "delay_timeout": HOUR_MS}, base=base)
        assert status == 200, answer
        alice.jwt = answer["jwt"]
        alice.connect(wait_row=False)
        alice.end()
        name = json.loads(base64.urlsafe_b64decode(alice.jwt.split(".")[1] + "=="))["video"]["room"]
        body = json.dumps({"event": "participant_left", "room": {"name": name},
                           "participant": {"identity": f"{alice.user.user_id}:{alice.user.device_id}",
                                           "disconnectReason": "CLIENT_INITIATED"}}).encode()
        assert post_webhook(stack, body, signed(body), base) == "200 0"
        alice.wait_gone(15)
        assert alice.leaves() == 1
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    said = (tmp_path / "log").read_text()
    assert "ERROR: " not in said and delay_id not in said and SECRET not in said
