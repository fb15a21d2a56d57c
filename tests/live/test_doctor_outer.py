"""`parley doctor` from outside: what clients find, the reverse proxy, firewalls, power levels. In each set-up one thing is broken, and
the first red line is the one that says so.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import namespace
import proxies
from doctor_world import SERVER_NAME, check_red, first_red, of
from doctor_world import fixture_outside, fixture_world  # noqa: F401 (fixtures)
from parley import Parley, free_port
from stand_ins import ANY_ORIGIN, FOCUS, proxy, well_known

REPO = pathlib.Path(__file__).resolve().parents[2]


# --- all is well ---

# About what this set-up does without: no SFU, ours or another, and nobody who is told of calls.
NOT_SET_UP = {"livekit", "sfu-webhooks", "stuck-members", "media-addresses", "media-ports", "media-buffers", "media-relays", "nodes",
              "room-webhooks", "webhooks"}


def test_nothing_is_red_where_nothing_is_broken(world, outside):
    checks = world.findings(**outside)
    assert first_red(checks) is None, first_red(checks)
    skipped = {check["id"] for check in checks if any(found["severity"] == "skipped" for found in check["findings"])}
    assert skipped == NOT_SET_UP


# --- the reverse proxy ---

PROXIES = {
    "a path is missing": ({"missing": ["/get_token"]}, "fail", ["does not pass on /get_token (404)"]),
    "several are missing": ({"missing": ["/sfu/get", "/rtc"]}, "fail", ["/sfu/get (404), /rtc (404)"]),
    "metrics for everybody": ({"private": ["/metrics"]}, "fail", ["shows http://127.0.0.1:", "/metrics to everybody"]),
    "the homeserver's door for everybody": ({"private": ["/_matrix/app/v1/ping"]}, "fail", ["/_matrix/app/v1/ping to everybody"]),
    "CORS is doubled": ({"more": [ANY_ORIGIN]}, "fail", ["Access-Control-Allow-Origin twice"]),
    "clients may choose their address": ({"forwarded": "pass"}, "fail", ["anybody can take any address"]),
}


@pytest.mark.parametrize("broken", PROXIES)
def test_proxy(world, outside, broken):
    ways, severity, words = PROXIES[broken]
    with proxy(world.parley, **ways) as way:
        checks = world.findings(**{**outside, "http_public_url": way.url})
    check_red(checks, "proxy", severity, *words)


def test_asks_for_every_path_that_a_proxy_passes(world, outside):
    asked = []
    with proxy(world.parley, asked=asked) as way:
        world.findings(**{**outside, "http_public_url": way.url})
    assert set(proxies.public_paths()[0]) <= set(asked)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return proxies.Site(tmp_path_factory.mktemp("site"))


def test_nginx_of_synapse_config(world, outside, site):
    """With the very files an admin pastes; without TLS, for no machine trusts the test's certificate."""
    nginx = proxies.Nginx(site, world.parley.public_port)
    config = nginx.folder / "parley"
    config.write_text(config.read_text().replace(" ssl http2;", ";"))
    with nginx.start():
        checks = world.findings(**{**outside, "http_public_url": f"http://127.0.0.1:{nginx.port}"})
    assert first_red(checks) is None
    assert [found["severity"] for found in of(checks, "proxy")["findings"]] == ["ok", "ok"]


def test_proxy_with_a_certificate_that_nobody_trusts(world, outside, site):
    with proxies.Nginx(site, world.parley.private_port).start() as nginx:
        checks = world.findings(**{**outside, "http_public_url": f"https://127.0.0.1:{nginx.port}"})
    check_red(checks, "proxy", "fail", "gives no answer", "certificate")


def test_proxy_that_leads_to_the_private_listener(world, outside):
    with proxy(world.parley, port=world.parley.private_port) as way:
        check_red(world.findings(**{**outside, "http_public_url": way.url}), "proxy", "fail", "must lead to http.public")


def test_proxy_that_leads_elsewhere(world, outside):
    with proxy(world.parley, port=world.synapse.port) as way:
        check_red(world.findings(**{**outside, "http_public_url": way.url}), "proxy", "fail", "arrives at Parley")


def test_proxy_that_is_down(world, outside):
    gone = f"http://127.0.0.1:{free_port()}"
    check_red(world.findings(**{**outside, "http_public_url": gone}), "proxy", "fail", "gives no answer", gone)


def test_proxy_that_is_not_trusted(world, outside):
    """Whom the process trusts is asked of the process, so this one is started without trust."""
    other = Parley(world.folder / "untrusting", world.parley.database_url, world.synapse.url, SERVER_NAME,
                   {"appservice": {"registration": world.parley.registration},
                    "audit": {"key_file": world.parley.folder / "audit.key"}, "rtc": {"public_url": FOCUS, "sfu": "external"}})
    other.start()
    try:
        with proxy(other) as way:
            settings = {**outside, "http_public_url": way.url}
            variables = {f"PARLEY_{key.upper()}": value for key, value in settings.items()}
            done = subprocess.run([str(other.binary), "doctor", "--config", str(other.config), "--json"], capture_output=True,
                                  text=True, timeout=120, check=False, env={**os.environ, **variables})
        found = of(json.loads(done.stdout)["checks"], "proxy")["findings"]
    finally:
        other.stop()
    assert [one["severity"] for one in found] == ["ok", "warn"]
    assert "is not in http.trusted_proxies" in found[1]["sentence"]
    assert found[1]["paste"] == 'http:\n  trusted_proxies: ["127.0.0.1"]'


# --- what clients find ---

FILES = {
    "missing": ({"status": 404, "body": "nothing"}, "fail", ["there is no such file"]),
    "an error": ({"status": 500, "body": "{}"}, "fail", ["answers 500"]),
    "no JSON": ({"body": "<html>"}, "fail", ["no JSON"]),
    "no call service": ({"foci": None}, "fail", ["rtc_foci", "is missing", FOCUS]),
    "an empty list": ({"foci": []}, "fail", ["has no entry"]),
    "another call service": ({"foci": ["https://other.test"]}, "fail", ["sends clients to https://other.test, not to"]),
    "a slash too many": ({"foci": [FOCUS + "/"]}, "fail", ["the same to the last byte"]),
    "not the first": ({"foci": ["https://other.test", FOCUS]}, "warn", ["names https://other.test first"]),
    "no CORS": ({"headers": []}, "fail", ["has no Access-Control-Allow-Origin"]),
    "CORS is doubled": ({"headers": [ANY_ORIGIN, ANY_ORIGIN]}, "fail", ["Access-Control-Allow-Origin twice"]),
    "CORS for one site": ({"headers": [("Access-Control-Allow-Origin", "https://app.test")]}, "fail", ["other than *"]),
    "a redirect without CORS": ({"redirect": [("Content-Type", "text/plain")]}, "fail", ["has no Access-Control-Allow-Origin"]),
}


@pytest.mark.parametrize("broken", FILES)
def test_well_known_file(world, outside, broken):
    ways, severity, words = FILES[broken]
    with well_known(world.synapse.url, **ways) as file:
        checks = world.findings(**{**outside, "homeserver_well_known_url": file.url})
    check_red(checks, "well-known", severity, *words)
    assert "MISSING_MATRIX_RTC_FOCUS" in of(checks, "well-known")["users_see"]


def test_well_known_file_behind_a_redirect(world, outside):
    with well_known(world.synapse.url, redirect=[ANY_ORIGIN]) as file:
        checks = world.findings(**{**outside, "homeserver_well_known_url": file.url})
    assert first_red(checks) is None


def test_well_known_server_that_is_down(world, outside):
    gone = f"http://127.0.0.1:{free_port()}"
    check_red(world.findings(**{**outside, "homeserver_well_known_url": gone}), "well-known", "fail", "gives no answer")


def test_homeserver_whose_proxy_doubles_cors(world, outside):
    with proxy(world.parley, port=world.synapse.port, more=[ANY_ORIGIN]) as way, well_known(way.url) as file:
        check_red(world.findings(**{**outside, "homeserver_well_known_url": file.url}), "client-url", "fail", "twice")


def test_nothing_is_asked_of_clients_where_parley_is_no_call_service(world):
    with well_known(status=404, body="") as file:
        checks = world.findings(rtc_public_url="", homeserver_well_known_url=file.url)
    assert first_red(checks) is None
    assert [of(checks, name)["severity"] for name in ("call-service", "well-known", "rtc-transports")] == ["note"] * 3
    assert of(checks, "proxy")["severity"] == "skipped"


def test_call_service_without_tls(world, outside):
    check_red(world.findings(**{**outside, "rtc_public_url": "http://calls.parley.test"}), "call-service", "fail", "https://")


# --- listeners and firewalls ---

@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "198.51.100.7"])
def test_private_listener_for_everybody(world, outside, address):
    """The process itself need not listen there: the settings say where it would."""
    checks = world.findings(**outside, http_private=f"{address}:{world.parley.private_port}")
    exposed = [found for check in checks for found in check["findings"] if "open to everybody" in found["sentence"]]
    assert [one["severity"] for one in exposed] == ["fail"]
    assert exposed[0]["paste"] == f'http:\n  private: ["127.0.0.1:{world.parley.private_port}"]'
    if address == "0.0.0.0":  # by this one the process can be reached, so that nothing else is wrong
        check_red(checks, "private-listener", "fail", "http.private listens on 0.0.0.0")


FIREWALLS = {
    "drops": ("drop", ["packets to it are lost: a firewall"]),
    "rejects": ("reject with icmpx type admin-prohibited", ["a firewall refuses it"]),
}


@pytest.mark.skipif(namespace.why_not() is not None, reason=str(namespace.why_not()))
@pytest.mark.parametrize("kind", FIREWALLS)
def test_firewall_before_the_public_listener(world, outside, kind):
    verdict, words = FIREWALLS[kind]
    with namespace.firewall(f"tcp dport {world.parley.public_port} {verdict}"):
        checks = world.findings(**outside)
    check_red(checks, "listeners", "fail", f"http.public 127.0.0.1:{world.parley.public_port}", *words)


@pytest.mark.skipif(namespace.why_not() is not None, reason=str(namespace.why_not()))
def test_firewall_before_the_proxy(world, outside):
    port = outside["http_public_url"].rsplit(":", 1)[1]
    with namespace.firewall(f"tcp dport {port} drop"):
        check_red(world.findings(**outside), "proxy", "fail", "gives no answer", "firewall")


def test_nobody_on_the_public_address(world, outside):
    checks = world.findings(**outside, http_public=f"127.0.0.1:{free_port()}")
    check_red(checks, "listeners", "fail", "nobody listens there")


def test_listeners_are_known_while_the_tokens_change(world, tmp_path):
    """From the moment the process has read the new ones; a Parley of its own, for the homeserver goes on with the others."""
    registration = tmp_path / "registration.yaml"
    registration.write_bytes(world.parley.registration.read_bytes())
    registration.chmod(0o600)
    own = Parley(tmp_path / "own", world.parley.database_url, world.synapse.url, SERVER_NAME,
                 {"appservice": {"registration": registration}, "audit": {"key_file": world.parley.folder / "audit.key"}})

    def listeners():
        done = subprocess.run([str(own.binary), "doctor", "--config", str(own.config), "--json"], capture_output=True, text=True,
                              timeout=120, check=False)
        return of(json.loads(done.stdout)["checks"], "listeners")["severity"]

    own.start("live")
    try:
        assert listeners() == "ok"
        own.run("register", "--rotate")
        os.kill(own.process.pid, signal.SIGHUP)
        until(lambda: "registration_reloaded" in own.log.read_text(), own)
        assert listeners() == "ok"
        pathlib.Path(f"{registration}.old").unlink()  # as when the change is over
        assert listeners() == "ok"
    finally:
        own.stop()


# --- power levels ---

def test_room_that_forbids_calls(world, outside):
    owner, member = world.synapse.register_user("owner"), world.synapse.register_user("member")
    rooms = {}
    for name, levels in {"Old room": {"events": {}}, "Quiet room": {"events": {}, "events_default": 50}, "New room": None}.items():
        options = {} if levels is None else {"power_level_content_override": levels}
        rooms[name] = owner.create_room(invite=[member.user_id], name=name, **options)
        member.join(rooms[name])
        owner.put_state(rooms[name], "org.matrix.msc3401.call.member", f"_{owner.user_id}_D_m.call",
                        {"application": "m.call", "call_id": "", "device_id": "D", "scope": "m.room", "expires": 60000,
                         "foci_preferred": [], "focus_active": {"type": "livekit"}})
    until(lambda: world.parley.audit("calls", "--room", rooms["New room"]), world.parley)
    checks = world.findings(**outside)
    check_red(checks, "power-levels", "warn", rooms["Old room"], "(Old room)", "1 of 2 may write but not begin or join",
              "it takes power 50", '"org.matrix.msc3401.call.member": 0')
    named = " ".join(found["sentence"] for found in of(checks, "power-levels")["findings"])
    assert rooms["New room"] not in named and rooms["Quiet room"] not in named
    assert "You do not have permission to start calls" in of(checks, "power-levels")["users_see"]
    page = world.doctor(**outside).stdout
    assert 'users see: "You do not have permission to start calls"' in re.sub(r"\s+", " ", page)
    for room in rooms.values():  # calls of the next tests are theirs
        member.leave(room)


# --- who ends what a client that died leaves behind ---

def test_who_ends_stuck_memberships(world):
    """Behind test_room_that_forbids_calls, whose owner is the one who called; our own user is in none of the rooms."""
    def found(**settings):
        return of(world.findings(livekit_url="wss://sfu.parley.test", **settings), "stuck-members")["findings"][0]

    assert of(world.findings(), "stuck-members")["severity"] == "skipped"
    fine = found()
    assert fine["severity"] == "ok" and "in the user's name, and we may" in fine["sentence"]
    for settings in ({"rtc_cleanup": "state"}, {"appservice_masquerade": "false"}):
        red = found(**settings)
        assert red["severity"] == "warn" and "3 of 3 rooms with calls" in red["sentence"], red
        assert "cleanup: masquerade" in red["paste"]
    off = found(rtc_cleanup="off")
    assert off["severity"] == "note" and "FluffyChat" in off["sentence"] and "cleanup: masquerade" in off["paste"]


def until(enough, parley):
    end = time.monotonic() + 60
    while not enough():
        assert time.monotonic() < end, parley.log_tail()
        time.sleep(0.1)


# --- the homeserver without what calls take; last, for these restart it ---

HOMESERVERS = {
    "no rtc/transports": ({"experimental_features": {"msc4222_enabled": True, "msc4354_enabled": True}, "matrix_rtc": {}},
                          "rtc-transports", "fail", ["msc4143_enabled: true", FOCUS]),
    "transports without ours": ({"matrix_rtc": {"transports": [{"type": "livekit", "livekit_service_url": "https://other.test"}]}},
                                "rtc-transports", "fail", ["sends clients to https://other.test"]),
    "short delays": ({"max_event_delay_duration": "5s"}, "delayed-events", "warn", ["may wait 5 s at most"]),
}


@pytest.mark.parametrize("broken", HOMESERVERS)
def test_homeserver_without(world, outside, broken):
    settings, check, severity, words = HOMESERVERS[broken]
    before = world.synapse.settings
    world.synapse.settings = {**before, **settings}
    world.synapse.restart()
    world.parley.wait("/readyz")
    try:
        check_red(world.findings(**outside), check, severity, *words)
    finally:
        world.synapse.settings = before


# --- the index of what clients show ---

def test_index_of_symptoms_is_documented(world):
    index = json.loads(world.doctor("--symptoms", "--json").stdout)
    known = {check["id"] for check in world.findings()}
    rows = []
    for one in index:
        assert set(one["checks"]) <= known
        checks = ", ".join(f"`{check}`" for check in one["checks"]) or "none"
        rows.append(f"| {', '.join(f'`{text}`' for text in one['texts'])} | {one['who']} | {one['meaning']} | {checks} |")
    page = (REPO / "docs" / "doctor.md").read_text(encoding="utf-8")
    table = page.split("| users see |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    assert table == rows


@pytest.mark.parametrize("words, check", [("Waiting for media...", "rtc-transports"), ("MISSING_MATRIX_RTC_FOCUS", "well-known"),
                                          ("“You do not have permission to start calls”", "power-levels"),
                                          ("no_matrix_2_0_authorization_service", "proxy")])
def test_symptom_leads_to_its_check(world, words, check):
    done = world.doctor("--symptom", words)
    assert done.returncode == 0 and check in done.stdout


def test_unknown_symptom(world):
    done = world.doctor("--symptom", "the sky is falling")
    assert done.returncode != 0 and done.stdout == "" and "--symptoms" in done.stderr
