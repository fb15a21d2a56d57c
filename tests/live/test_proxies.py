"""The reverse proxies of synapse-config/ before a real door: nginx and Caddy with the very files an admin pastes."""

import http.server
import json
import re
import socket
import threading
import zlib

import pytest

from door import Door, Socket, Wire, get, request, upgrade
from parley import Parley, free_port
from proxies import CALLS, DOMAIN, PATIENCE_S, SAMPLES, Caddy, Nginx, Site, public_paths

STRANGER = "127.0.0.2"  # a client's address; the proxies reach the door from 127.0.0.1, the only address that it trusts
SECRET = "eyJhbGciOiJIUzI1NiJ9.sesame.abc"


class Front:
    """A proxy as its clients see it; in the place of a Door for door.Socket and the like."""

    def __init__(self, site, program):
        self.site, self.program = site, program

    def connect(self, host=CALLS):
        plain = socket.create_connection(("127.0.0.1", self.program.port), timeout=PATIENCE_S, source_address=(STRANGER, 0))
        return Named(self.site.tls().wrap_socket(plain, server_hostname=host), host)

    def ask(self, raw, host=CALLS):
        with self.connect(host) as wire:
            wire.send_as_far_as_it_goes(raw)
            return wire.answer()


class Named(Wire):
    """Calls the host by its name, and notes headers that came twice."""

    def __init__(self, sock, host):
        super().__init__(sock)
        self.host = host.encode()

    def send(self, raw):
        super().send(raw.replace(b"Host: door\r\n", b"Host: " + self.host + b"\r\n"))

    def send_as_far_as_it_goes(self, raw):
        super().send_as_far_as_it_goes(raw.replace(b"Host: door\r\n", b"Host: " + self.host + b"\r\n"))

    def answer(self, body=True):
        while b"\r\n\r\n" not in self.left:
            assert self.more(), f"closed in the head: {self.left[:200]!r}"
        names = [line.split(b":")[0].lower() for line in self.left.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
        cors = [name for name in names if name.startswith(b"access-control-")]
        assert len(cors) == len(set(cors)), "a browser refuses that"
        return super().answer(body)


class NamedSocket(Socket):
    def send(self, raw):
        super().send(raw.replace(b"Host: door\r\n", b"Host: " + CALLS.encode() + b"\r\n"))


class Stub:
    """Says 200 to everything, and notes what came: so that a 404 is the proxy's."""

    def __init__(self):
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                seen.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_):
                pass

        seen = self.seen = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(name="site", scope="module")
def fixture_site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(name="door", scope="module")
def fixture_door():
    with Door("--cors", "--trust", "127.0.0.1") as door:
        yield door


@pytest.fixture(name="proxy", scope="module", params=[Nginx, Caddy], ids=["nginx", "caddy"])
def fixture_proxy(request):
    return request.param


@pytest.fixture(name="front", scope="module")
def fixture_front(site, door, proxy):
    with proxy(site, door.port).start() as program:
        yield Front(site, program)


# --- the files ---

def test_no_placeholder_is_left(site):
    """README.md's command finds them all."""
    for path in site.config.rglob("*"):
        if path.is_file() and path.name not in ("README.md", "registration.sample.yaml"):
            assert not re.search(r"example\.com|REPLACE", path.read_text()), path.name
    secrets = {re.search(r'turn_shared_secret: "(\w+)"', site.text("homeserver.yaml"))[1],
               re.search(r"static-auth-secret=(\w+)", site.text("turnserver.conf"))[1]}
    assert len(secrets) == 1 and len(secrets.pop()) == 64


def test_each_file_names_the_same_paths():
    passed, _ = public_paths()
    nginx = re.findall(r"^location (=?) *(/\S*) ", (SAMPLES / "nginx-paths.conf").read_text(), re.MULTILINE)
    assert [path for _, path in nginx] and all((path[-1] != "/") == bool(exact) for exact, path in nginx)
    caddy = re.search(r"@parley path (.*)", (SAMPLES / "Caddyfile").read_text())[1].split()
    assert sorted(path for _, path in nginx) == sorted(passed)
    assert sorted(path.removesuffix("*") for path in caddy) == sorted(passed)
    assert all(path.endswith("/*") for path in caddy if "*" in path)


def covers(paths, route):
    return any(route == path or (path[-1] == "/" and route.startswith(path)) for path in paths)


def test_every_route_is_on_the_list(postgres, tmp_path, site):
    """What Parley serves on its public listener is passed, or kept inside on purpose; what is private is never passed."""
    parley = Parley(tmp_path, postgres.create_database("proxies"), settings={"rtc": {
        "sfu": "embedded", "public_url": f'"https://{CALLS}"', "announced_ips": "[127.0.0.1]", "udp_port": 0, "tcp_port": 0, "workers": 1}})
    parley.start()
    try:
        routes = re.findall(r"event=route side=(\w+) method=\w+ path=\"?([^\s\"]+)", parley.log.read_text())
        public = {path for side, path in routes if side == "public"}
        private = {path for side, path in routes if side == "private"} - public
        passed, kept = public_paths()
        assert {"/healthz", "/sfu/get", "/rtc", "/rtc/v1", "/rtc/validate", "/rtc/v1/validate"} <= public and "/metrics" in private
        assert [path for path in public if not covers(passed + kept, path)] == [], "add it to public-paths, and to the proxies"
        assert [path for path in kept if path not in public] == []
        assert [path for path in private | set(kept) if covers(passed, path)] == []
        for proxy in (Nginx, Caddy):
            with proxy(site, parley.public_port).start() as program:
                front = Front(site, program)
                healthz = front.ask(get("/healthz"))
                assert healthz.json()["database"] == "ok" and healthz.headers["access-control-allow-origin"] == "*"
                for path in private:
                    assert front.ask(get(re.sub(r"{.*}", "x", path))).status == 404
    finally:
        parley.stop()
        postgres.drop_database("proxies")


def test_the_program_finds_no_fault(site, proxy):
    proxy(site, free_port()).check()


# --- what passes ---

PRIVATE = ["/metrics", "/readyz", "/livez", "/_matrix/app/v1/transactions/1", "/_matrix/app/v1/ping", "/transactions/1",
           "/users/@a:example.com", "/rooms/x", "/twirp/livekit.RoomService/ListRooms", "/admin/", "/_parley/admin", "/debug/pprof", "/",
           "/_matrix/client/versions", "/rtcx", "/healthz/x", "/apix", "/statsx", "/sfu/get/x", "/sfu/", "//metrics", "/api/../metrics",
           "/api/%2e%2e/metrics", "/api/..%2fmetrics", "/rtc/../_matrix/app/v1/transactions/1", "/socket.io/./../metrics"]


def test_public_paths_arrive_and_nothing_else_does(site, proxy):
    stub = Stub()
    try:
        with proxy(site, stub.port).start() as program:
            front = Front(site, program)
            for path in public_paths()[0]:
                targets = [path, path + "?a=b"] if path[-1] != "/" else [path + "x", path + "x/y?a=b%2F", path + "?a=b"]
                for target in targets:
                    stub.seen.clear()
                    assert (front.ask(get(target)).status, stub.seen) == (200, [target])
            stub.seen.clear()
            for target in PRIVATE:
                assert (front.ask(get(target)).status, stub.seen) == (404, []), target
    finally:
        stub.stop()


@pytest.mark.parametrize("path", ["%40a%3Ab%2Fc", "a%2540b", "a//b", "a+b%20c", "%C3%A9", "a%2fb", "!r:hs$x", "a;b=c,d", "~*'()"])
def test_a_path_stays_as_it_was_sent(front, path):
    answer = front.ask(get(f"/api/show/{path}?q=a%2Bb+c%2F%26"))
    assert (answer.status, answer.json()["path"]) == (200, f"/api/show/{path}")
    assert answer.json()["q"] == "a+b+c/&"


def test_bodies_arrive_whole(front):
    body = bytes(range(256)) * (4 << 10)
    answer = front.ask(request("POST", "/api/echo", body, headers=("Connection: close",)))
    assert answer.status == 200 and zlib.crc32(answer.body) == zlib.crc32(body)


def test_a_body_too_large_is_refused_readably(front):
    refused = front.ask(request("POST", "/api/small", b"x" * (100 << 10)))
    assert (refused.status, refused.json()["errcode"]) == (413, "M_TOO_LARGE")
    assert refused.headers["access-control-allow-origin"] == "*"


def test_a_body_over_every_limit_ends_at_the_proxy(site, proxy):
    stub = Stub()
    try:
        with proxy(site, stub.port).start() as program:
            front = Front(site, program)
            assert front.ask(request("POST", "/api/x", b"x" * (8 << 20))).status == 200
            assert front.ask(request("POST", "/api/x", b"x" * ((8 << 20) + (64 << 10)))).status in (413, 502)  # Caddy counts as it goes
    finally:
        stub.stop()


def test_cors_comes_once_and_from_parley(front):
    preflight = request("OPTIONS", "/api/echo", headers=("Origin: https://app.example.org", "Access-Control-Request-Method: POST"))
    for raw in (get("/api/show/x", "Origin: https://app.example.org"), get("/api/none", "Origin: https://app.example.org"), preflight):
        answer = front.ask(raw)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-methods" in answer.headers


def test_a_client_is_who_it_is_not_who_it_says(front, door):
    forged = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.9, 127.0.0.1", "Forwarded: for=203.0.113.9",
              "X-Real-IP: 203.0.113.9"]
    for header in ["X-Test: none", *forged]:
        assert front.ask(get("/api/show/x", header)).json()["peer"] == STRANGER, header
    with Door("--cors") as careless:  # http.trusted_proxies was forgotten
        with type(front.program)(front.site, careless.port).start() as program:
            assert Front(front.site, program).ask(get("/api/show/x")).json()["peer"] == "127.0.0.1"
    # Past the proxy nobody is believed but the proxy.
    plain = socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE_S, source_address=(STRANGER, 0))
    with Wire(plain) as wire:
        wire.send(get("/api/show/x", forged[0]))
        assert wire.answer().json()["peer"] == STRANGER


# --- WebSocket ---

@pytest.mark.parametrize("target", ["/rtc", "/rtc?join_request=" + "A-_" * 20000, f"/rtc/v1?token=sesame&access_token={SECRET}"],
                         ids=["plain", "60 kB", "token"])
def test_websockets_pass(front, target):
    with NamedSocket(front, target) as ws:
        for payload in (b"hello", b"x" * 100000):
            ws.say(payload, opcode=2)
            assert ws.hear() == (2, payload)
        ws.say(b"close")
        assert ws.close_code() == 4001


def test_an_upgrade_that_was_refused_spoils_no_later_one(front):
    """A proxy may keep the connection, and an upgrade must be the first request of its connection (http.md)."""
    for target, status in [("/rtc/v1", 401), ("/rtc/v1?token=x", 401), ("/rtc/nothing", 404), ("/api/show/x", 200)] * 2:
        answer = front.ask(upgrade(target))
        assert answer.status in (status, 403), target
        with NamedSocket(front, "/rtc") as ws:
            ws.say(b"still there")
            assert ws.hear() == (1, b"still there")


def test_requests_and_then_an_upgrade_on_one_connection(front):
    with front.connect() as wire:
        for _ in range(3):
            wire.send(get("/api/show/x"))
            assert wire.answer().status == 200
        wire.send(upgrade("/rtc"))
        assert wire.head()[0] == 101


# --- the rest ---

def test_the_well_known_file_is_served(front):
    answer = front.ask(get("/.well-known/matrix/client"), DOMAIN)
    assert (answer.status, answer.headers["content-type"], answer.headers["access-control-allow-origin"]) == \
        (200, "application/json", "*")
    wanted = json.loads((front.site.config / ".well-known/matrix/client").read_text())
    assert answer.json() == wanted
    assert wanted["org.matrix.msc4143.rtc_foci"][0]["livekit_service_url"] == f"https://{CALLS}"
    assert front.ask(get("/healthz"), DOMAIN).status != 200


def test_no_token_gets_into_a_log(site, proxy, front):
    """Neither of a request that went well nor of one that Parley was not there for."""
    with NamedSocket(front, f"/rtc/v1?token=sesame&access_token={SECRET}") as ws:
        ws.say(b"close")
        assert ws.close_code() == 4001
    with proxy(site, free_port()).start() as program:
        alone = Front(site, program)
        assert alone.ask(upgrade(f"/rtc?access_token={SECRET}")).status == 502
        assert alone.ask(get(f"/api/x?access_token={SECRET}")).status == 502
        program.stop()
        assert SECRET not in program.output()
        assert "/rtc" in program.output(), "what happened is logged"
    assert SECRET not in front.program.output()


def test_plain_http_is_led_to_https(site):
    with Nginx(site, free_port()).start() as program:
        with Wire(socket.create_connection(("127.0.0.1", program.plain_port), timeout=PATIENCE_S)) as wire:
            wire.send(get("/api/x?y=%2F").replace(b"Host: door", b"Host: " + CALLS.encode()))
            answer = wire.answer()
            assert (answer.status, answer.headers["location"]) == (301, f"https://{CALLS}/api/x?y=%2F")
