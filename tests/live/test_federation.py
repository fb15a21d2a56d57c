"""Users of another homeserver in our calls: a second Synapse, over TLS, found as Parley finds any, with a Parley of its own
in the last dialect. And whoever lies about where they are from."""

import contextlib
import json

import pytest

from livekit import LIVEKIT_SETTINGS, PROGRAM, URL, LiveKit
from stack import Stack
from strangers import Strangers
from synapse import Federation, request
from participant import HOUR_MS, MEMBER, Participant
from test_focus import NOT_A_MEMBER, SLOT, UNAUTHORISED, claims, element_call, fluffychat, hashed

NO_CALL = {"errcode": "M_FORBIDDEN", "error": "There is no call in the room that could be joined"}
NO_DELEGATION = "Delegation of delayed events is only supported for full access users"


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    with Strangers(tmp_path_factory.mktemp("strangers")) as world:
        world.address("inner.test", "127.0.0.1")
        yield world


@pytest.fixture(name="place", scope="module")
def fixture_place(tmp_path_factory, world):
    """Ours, with a LiveKit server; theirs is `place.other`."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing: tools/setup all builds it")
    folder = tmp_path_factory.mktemp("federation")
    ours, theirs = (Federation(f"{world.net}.{n}", world.authority) for n in (1, 2))
    settings = {"livekit": LIVEKIT_SETTINGS,
                "federation": {"ca_file": world.authority.file, "allow_networks": f"[{world.block}]",
                               "name_servers": f'"{world.names.where}"'}}
    with contextlib.ExitStack() as order:
        place = Stack(folder, settings=settings, proxied=True, federation=ours)
        order.callback(place.stop)
        place.other = Stack(folder / "other", settings={"livekit": {**LIVEKIT_SETTINGS, "url": '"wss://sfu.elsewhere.example"'}},
                            proxied=True, federation=theirs)
        order.callback(place.other.stop)
        livekit = LiveKit(folder / "livekit", webhook=f"{place.parley.public_url}/sfu_webhook")
        order.callback(livekit.stop)
        place.livekit = livekit.start()
        yield place
        place.parley.run("audit", "verify")


@pytest.fixture(name="people", scope="module")
def fixture_people(place):
    """alice is one of ours, dave and erin are not; alice and dave are in a room."""
    alice = place.user("alice")
    dave, erin = (place.other.user(name) for name in ("dave", "erin"))
    return alice, dave, erin


@pytest.fixture(name="call")
def fixture_call(place, people):
    """A room of alice and dave; as far as they enter, a call."""
    alice, dave, _ = people
    room = alice.create_room(invite=[dave.user_id])
    dave.call("POST", f"/v3/join/{dave.part(room)}", {}, server_name=server_of(alice))
    both = Participant(place, alice, room), Participant(place, dave, room)
    yield both
    for one in both:
        one.end(kill=True)


def server_of(user):
    return user.user_id.split(":", 1)[1]


def ask(place, path, body):
    return place.parley.request("POST", path, body, base=place.parley.public_url)


def payloads(one, kind, n=1):
    return [row["payload"] for row in one.wait_rows(kind, n)]


def test_a_federated_user_joins_as_restricted(place, people, call):
    alice, dave = call
    _, _, erin = people
    assert dave.ask() == (403, NO_CALL)
    assert payloads(dave, "token_refused")[0]["reason"] == "no_call"
    alice.enter().ask_token().connect()
    dave.enter().ask_token().connect()
    assert claims(dave.jwt)["sub"] == f"{dave.user.user_id}:{dave.user.device_id}"
    assert claims(dave.jwt)["video"] == {
        "room": hashed(dave.room, SLOT), "roomJoin": True, "roomCreate": False, "canPublish": True, "canSubscribe": True,
        "canUpdateOwnMetadata": False, "hidden": False}
    issued = payloads(dave, "token_issued")[0]
    assert (issued["full_access"], issued["server"], issued["membership"]) == (False, server_of(dave.user), "joined")
    assert payloads(alice, "token_issued")[0]["full_access"] is True
    assert ask(place, "/sfu/get", fluffychat(erin, dave.room)) == (403, NOT_A_MEMBER)
    # Its own homeserver is to look after its leaves.
    status, answer = dave.ask(delay_id="syd_abc", delay_timeout=HOUR_MS)
    assert (status, answer) == (400, {"errcode": "M_BAD_JSON", "error": NO_DELEGATION})
    assert dave.delegate(HOUR_MS) == (403, {"errcode": "M_FORBIDDEN", "error": NO_DELEGATION})
    place.wait_call(dave.room, status="active", peak_users=2)
    alice.user.kick(dave.room, dave.user.user_id)
    assert "disconnected" in dave.said()
    assert payloads(dave, "media_removed")[0]["reason"] == "kicked"
    assert dave.ask() == (403, NOT_A_MEMBER)
    assert alice.process.poll() is None


def test_a_leave_is_sent_at_another_server_where_its_users_have_full_access(place, people, call):
    """Where that server is for clients, its well-known file says."""
    alice, dave = call
    set_full_access(place, f"[{server_of(alice.user)}, {server_of(dave.user)}]")
    try:
        dave.enter().ask_token(HOUR_MS).connect()  # and opens the call
        alice.enter().ask_token().connect()
        dave.end()
        dave.wait_gone(15)
        assert dave.leaves() == 1
        place.wait(lambda: alice.user.state_event(alice.room, MEMBER, dave.key), lambda content: content == {}, "leave here")
        assert alice.process.poll() is None and alice.leaves() == 0
        alice.end()
    finally:
        set_full_access(place, "[]")


def set_full_access(place, servers):
    place.parley.stop()
    place.parley.set("rtc", full_access=servers)
    place.parley.start()


PROXIED = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token"


def test_their_homeserver_asks_ours(place, people, call):
    """A client with its homeserver, that with its Parley, that through both homeservers with ours."""
    alice, dave = call
    _, _, erin = people

    def ask_homeserver(user, **changes):
        body = {"server_name": server_of(alice.user), "url": URL, "room_id": dave.room, "slot_id": SLOT, "member_id": "b9c1d4"}
        return request("POST", place.other.synapse.url + PROXIED, {**body, **changes}, user.token)

    alice.enter().ask_token()
    status, answer = ask_homeserver(dave.user)
    assert status == 200 and set(answer) == {"jwt"}, answer
    assert place.livekit.validate(answer["jwt"]) == (200, "success")
    assert claims(answer["jwt"])["sub"] == hashed(dave.user.user_id, "b9c1d4")
    assert claims(answer["jwt"])["video"]["canPublish"] is False, "that is for the SFU of its own server"
    issued = payloads(dave, "token_issued")[0]
    assert (issued["dialect"], issued["server"], issued["full_access"]) == ("federated", server_of(dave.user), False)
    assert ask_homeserver(erin) == (403, NOT_A_MEMBER)
    assert ask_homeserver(dave.user, url=URL + "/") == (400, {
        "errcode": "M_INVALID_PARAM", "error": "The destination homeserver rejected the specified `url`"})
    assert ask_homeserver(dave.user, server_name="nowhere.test") == (403, {
        "errcode": "M_FORBIDDEN", "error": "The target server is not joined to the room"})


def forged(place, world, user):
    return {"access_token": "forged"}, "openid_refused"


def expired(place, world, user):
    synapse = (place.other if server_of(user) == place.other.synapse.server_name else place).synapse
    token = user.openid_token()["access_token"]
    synapse.cluster.sql(f"UPDATE open_id_tokens SET ts_valid_until_ms = 1 WHERE token = '{token}'", synapse.database)
    return {"access_token": token}, "openid_refused"


def of_another_server(place, world, user):
    """A true token, brought to a server that did not make it."""
    ours, theirs = place.synapse.server_name, place.other.synapse.server_name
    return {"matrix_server_name": ours if server_of(user) == theirs else theirs}, "openid_refused"


def foreign(place, world, user):
    """A server that says of every token that it is this user's."""
    address = f"{world.net}.3"
    liar = world.serve(address, 0, [address], lambda ask: (200, {}, json.dumps({"sub": user.user_id}).encode()))
    return {"matrix_server_name": f"{address}:{liar.port}"}, "openid_foreign"


def of_a_name_that_leads_inside(place, world, user):
    return {"matrix_server_name": f"inner.test:{place.parley.private_port}"}, "openid_inner_address"


def of_nobody(place, world, user):
    return {"matrix_server_name": "nowhere.test"}, "openid_unreachable"


@pytest.mark.parametrize("lie", [forged, expired, of_another_server, foreign, of_a_name_that_leads_inside, of_nobody])
def test_tokens_that_lie(place, world, people, lie):
    """In the room of a user of ours one of theirs, too: to both we say the same, and write down why."""
    alice, dave, _ = people
    room = alice.create_room()
    for user, path, made in ((alice, "/sfu/get", fluffychat), (dave, "/get_token", element_call)):
        body = made(user, room)
        change, reason = lie(place, world, user)
        body["openid_token"].update(change)
        assert ask(place, path, body) == (401, UNAUTHORISED)
    refused = place.wait(lambda: place.parley.audit("events", "--room", room, "--type", "token_refused"),
                         lambda rows: len(rows) >= 2, "refusals")
    assert [(row["user_id"], row["payload"]["reason"]) for row in refused] == [(None, reason)] * 2
    assert body["openid_token"]["access_token"] not in json.dumps(refused)


def test_a_token_that_is_shown_again(place, people, call):
    """Such tokens serve more than once; whoever shows one is its owner and nobody else, and only in the owner's rooms."""
    alice, dave = call
    alice.enter().ask_token()
    token = dave.user.openid_token()
    body = fluffychat(dave.user, dave.room, openid_token=token)
    assert {ask(place, "/sfu/get", body)[0] for _ in range(3)} == {200}
    status, answer = ask(place, "/sfu/get", {**body, "device_id": alice.user.device_id})
    assert status == 200 and claims(answer["jwt"])["sub"] == f"{dave.user.user_id}:{alice.user.device_id}"
    stolen = element_call(alice.user, alice.room, openid_token=token)
    assert ask(place, "/get_token", stolen) == (401, UNAUTHORISED)
    elsewhere = alice.user.create_room()
    assert ask(place, "/sfu/get", {**body, "room": elsewhere}) == (403, NOT_A_MEMBER)
    refused = place.wait(lambda: place.parley.audit("events", "--type", "token_refused"),
                         lambda rows: {row["payload"]["reason"] for row in rows[-2:]} == {"other_user", "not_joined"}, "refusals")
    assert [row["room_id"] for row in refused[-2:]] == [alice.room, elsewhere]
