"""synapse-config/homeserver.yaml in a real Synapse, with nothing changed but addresses of this machine: it keeps what its comments promise."""

import json
import pathlib
import time

import pytest
import yaml

from parley import Parley
from proxies import CALLS, DOMAIN, PATIENCE_S, TURN, Coturn, Site
from synapse import MatrixError, Synapse, request
from turn import TurnClient

DAY_MS = 24 * 3600 * 1000


class Town:
    """Site, Synapse with our part, Parley registered with it."""

    def __init__(self, folder, postgres):
        self.site = Site(folder / "site")
        self.coturn = Coturn(self.site)
        self.synapse = Synapse(folder / "synapse", postgres, DOMAIN)
        self.parley = Parley(folder / "parley", postgres.create_database("homeserver_part"), self.synapse.url, DOMAIN)
        self.synapse.settings = yaml.safe_load(self.site.text(
            "homeserver.yaml", ("port: 8008", f"port: {self.synapse.port}"),
            (f"turn:{TURN}:3478", f"turn:127.0.0.1:{self.coturn.port}"),
            (f"turns:{TURN}:5349", f"turns:127.0.0.1:{self.coturn.tls_port}"),
            ("/etc/matrix-synapse/parley-registration.yaml", str(self.parley.registration))))
        assert not set(self.synapse.settings) & {"public_baseurl", "serve_server_wellknown"}
        self.synapse.settings["public_baseurl"] = f"https://matrix.{DOMAIN}/"  # so that Synapse serves the well-known file
        try:
            self.synapse.start()
            self.parley.start("live")
        except BaseException:
            self.stop()
            raise
        self.alice = self.synapse.register_user("alice")

    def stop(self):
        try:
            self.parley.stop()
        finally:
            self.synapse.stop()


@pytest.fixture(name="town", scope="module")
def fixture_town(tmp_path_factory, postgres):
    folder = tmp_path_factory.mktemp("town")
    (folder / "site").mkdir()
    town = Town(folder, postgres)
    yield town
    town.stop()


def test_parley_and_the_homeserver_find_each_other(town):
    town.parley.wait("/readyz")
    end = time.monotonic() + PATIENCE_S
    while town.parley.get("/readyz")[0] != 200:
        assert time.monotonic() < end, town.parley.log_tail()
        time.sleep(0.1)


def test_the_features_are_on(town):
    features = town.alice.call("GET", "/versions")["unstable_features"]
    assert all(features[name] for name in ("org.matrix.msc4140", "org.matrix.msc4143", "org.matrix.msc4354"))
    room = town.alice.create_room()
    synced = town.alice.call("GET", "/v3/sync", **{"org.matrix.msc4222.use_state_after": "true"})
    assert "org.matrix.msc4222.state_after" in synced["rooms"]["join"][room]


def test_clients_find_the_call_service_in_both_places(town):
    focus = {"type": "livekit", "livekit_service_url": f"https://{CALLS}"}
    transports = town.alice.call("GET", "/unstable/org.matrix.msc4143/rtc/transports")["rtc_transports"]
    assert [{key: one[key] for key in focus} for one in transports] == [focus]
    status, served = request("GET", town.synapse.url + "/.well-known/matrix/client")
    ours = yaml.safe_load((town.site.config / ".well-known/matrix/client").read_text())
    assert status == 200 and served["org.matrix.msc4143.rtc_foci"] == ours["org.matrix.msc4143.rtc_foci"] == [focus]
    assert served["m.homeserver"]["base_url"].rstrip("/") == ours["m.homeserver"]["base_url"]


def test_a_client_can_leave_its_leave_behind(town):
    """Delayed events, up to a day; and one that is due is sent."""
    room, key = town.alice.create_room(), f"_{town.alice.user_id}_DEV_m.call"
    kind = "org.matrix.msc3401.call.member"
    town.alice.put_state(room, kind, key, {"device_id": "DEV"})
    assert town.alice.put_state(room, kind, "_other", {}, delay_ms=DAY_MS)
    with pytest.raises(MatrixError):
        town.alice.put_state(room, kind, "_other", {}, delay_ms=DAY_MS + 1)
    town.alice.put_state(room, kind, key, {}, delay_ms=200)
    end = time.monotonic() + PATIENCE_S
    while town.alice.state_event(room, kind, key):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_burst_of_key_events_passes(town):
    bob = town.synapse.register_user("bob")
    room = bob.create_room()
    for n in range(20):
        bob.send(room, "io.element.call.encryption_keys", {"n": n})


def test_openid_tokens_can_be_verified(town):
    token = town.alice.call("POST", f"/v3/user/{town.alice.part(town.alice.user_id)}/openid/request_token", {})
    path = town.synapse.url + "/_matrix/federation/v1/openid/userinfo?access_token="
    assert request("GET", path + token["access_token"]) == (200, {"sub": town.alice.user_id})
    assert request("GET", path + "nonsense")[0] == 401


def test_the_turn_server_takes_what_the_homeserver_gives(town):
    given = town.alice.call("GET", "/v3/voip/turnServer")
    assert given["uris"] == [f"turn:127.0.0.1:{town.coturn.port}?transport=udp",
                             f"turns:127.0.0.1:{town.coturn.tls_port}?transport=tcp"]
    assert given["ttl"] == 3600 and given["username"].endswith(":" + town.alice.user_id)
    with town.coturn.start() as coturn:
        for password, code in [(given["password"], 0), (given["password"][:-2] + "x=", 401)]:
            with TurnClient(("127.0.0.1", coturn.port), given["username"], password) as turn:
                assert turn.allocate() == code


def test_the_doctor_asks_the_turn_server(town):
    """Over UDP and over TCP, while it is there and while it is not."""
    def turn():
        findings = json.loads(town.parley.run("doctor", "--json", check=False))["checks"]
        return next(one for one in findings if one["id"] == "turn")
    away = turn()
    assert away["severity"] == "warn" and len(away["findings"]) == 2
    assert all("nobody listens there" in one["sentence"] for one in away["findings"])
    with Coturn(town.site, name="asked", ports=(town.coturn.port, town.coturn.tls_port)).start():
        assert turn()["severity"] == "ok"


def test_the_registration_sample_is_what_register_writes(town):
    sample = yaml.safe_load((pathlib.Path(town.site.config) / "registration.sample.yaml").read_text().replace("example", "parley").replace(
        "parley\\.com", "parley\\.test"))
    made = yaml.safe_load(town.parley.registration.read_text())
    assert len(made["as_token"]) == len(made["hs_token"]) == 64
    for secret_or_address in ("as_token", "hs_token", "url"):
        assert sample.pop(secret_or_address) and made.pop(secret_or_address)
    assert made == sample
