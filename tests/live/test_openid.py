"""src/matrix/openid: tokens of a real Synapse, found in every way that the specification has; and everybody who lies."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from parley import build_dir
from strangers import A, Strangers
from synapse import Synapse

SERVER = "parley.test"
WAIT_SECONDS = 60
USERINFO = "/_matrix/federation/v1/openid/userinfo?access_token="


class Probe:
    """tests/live/openid_probe; keeps what it logged."""

    def __init__(self, folder, **settings):
        self.log = open(folder / "probe.log", "a+b")
        self.process = subprocess.Popen([build_dir() / "tests" / "live" / "openid_probe"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self._write(settings)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        code = self.process.wait(WAIT_SECONDS)
        self.process.stdout.close()
        self.log.seek(0)
        log = self.log.read().decode()
        self.log.close()
        if kind is None:
            assert code == 0, log
            assert "access_token" not in log

    def _write(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def ask_all(self, *questions):
        """(server, token) each, at once."""
        self._write([{"server": server, "token": token, "expires_in_ms": 3600000} for server, token in questions])
        return json.loads(self.process.stdout.readline())

    def ask(self, server, token="secret"):
        return self.ask_all((server, token))[0]


@pytest.fixture
def strangers(tmp_path):
    with Strangers(tmp_path) as world:
        yield world


@pytest.fixture
def probe(tmp_path, strangers):
    """Makes probes; their settings know the outside world."""
    made = []

    def make(**settings):
        known = {"allow": [strangers.block], "name_servers": strangers.names.where,
                 "ca_file": str(strangers.authority.file)}
        made.append(Probe(tmp_path, **{**known, **settings}))
        return made[-1]

    yield make
    for one in made:
        if not one.log.closed:
            one.process.kill()
            one.process.wait()
            one.log.close()


@pytest.fixture(scope="module")
def synapse(tmp_path_factory, postgres):
    server = Synapse(tmp_path_factory.mktemp("synapse"), postgres, SERVER)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def alice(synapse):
    return synapse.register_user("alice")


def token_of(user):
    got = user.call("POST", f"/v3/user/{user.part(user.user_id)}/openid/request_token", {})
    assert got["matrix_server_name"] == SERVER
    return got["access_token"]


def front_of(synapse):
    """What a reverse proxy in front of Synapse does."""
    def answer(ask):
        try:
            with urllib.request.urlopen(synapse.url + ask.path, timeout=30) as got:
                return got.status, {}, got.read()
        except urllib.error.HTTPError as error:
            return error.code, {}, error.read()
    return answer


def sub(user):
    """A server that says so of every token."""
    return lambda ask: (200, {"Content-Type": "application/json"}, json.dumps({"sub": user}).encode())


def well_known(delegate, **headers):
    return lambda ask: (200, headers, json.dumps({"m.server": delegate}).encode())


# --- our own homeserver ---

def test_tokens_of_our_own_users(synapse, alice, probe):
    token = token_of(alice)
    with probe(own_name=SERVER, own_url=synapse.url) as p:
        good = p.ask(SERVER, token)
        assert (good["outcome"], good["user"], good["server"]) == ("valid", alice.user_id, SERVER)
        # Tokens serve more than once: the same answer, from memory.
        assert p.ask(SERVER, token)["outcome"] == "valid"
        assert p.ask(SERVER.upper(), token)["user"] == alice.user_id
        forged = p.ask(SERVER, token[:-1] + ("a" if token[-1] != "a" else "b"))
        assert (forged["outcome"], forged["user"]) == ("refused", "")
        # Our own users, by any other name, are somebody else's: nobody asks our homeserver for them.
        assert p.ask("evil.test", token)["outcome"] == "unreachable"


def test_an_expired_token(synapse, alice, probe):
    token = token_of(alice)
    synapse.cluster.sql(f"UPDATE open_id_tokens SET ts_valid_until_ms = 1 WHERE token = '{token}'", synapse.database)
    with probe(own_name=SERVER, own_url=synapse.url) as p:
        assert p.ask(SERVER, token)["outcome"] == "refused"
        assert "moment ago" in p.ask(SERVER, token)["text"]


def test_an_override_needs_no_discovery(synapse, alice, probe, strangers):
    with probe(overrides=[f"{SERVER}={synapse.url}/"], allow=[]) as p:
        assert p.ask(SERVER, token_of(alice))["outcome"] == "valid"
    assert strangers.names.asked == []


# --- the ways to a server ---

def via_well_known_with_port(s, front):
    s.address(SERVER, f"{s.net}.1")
    s.address("matrix.test", f"{s.net}.2")
    served = s.serve(f"{s.net}.2", 0, ["matrix.test"], front)
    files = s.serve(f"{s.net}.1", 0, [SERVER], well_known(f"Matrix.test:{served.port}"))
    return served, f"matrix.test:{served.port}", {"https_port": files.port}


def via_well_known_and_service(s, front):
    s.address(SERVER, f"{s.net}.1")
    s.address("target.test", f"{s.net}.2")
    served = s.serve(f"{s.net}.2", 0, ["matrix.test"], front)
    s.service("_matrix-fed._tcp.matrix.test", (10, 0, served.port, "target.test"))
    files = s.serve(f"{s.net}.1", 0, [SERVER], well_known("matrix.test"))
    return served, "matrix.test", {"https_port": files.port}


def via_well_known_behind_redirects(s, front):
    s.address(SERVER, f"{s.net}.1")
    s.address("files.test", f"{s.net}.3")
    served = s.serve(f"{s.net}.2", 0, [f"{s.net}.2"], front)
    last = s.serve(f"{s.net}.3", 0, ["files.test"], well_known(f"{s.net}.2:{served.port}"))
    files = s.serve(f"{s.net}.1", 0, [SERVER],
                    lambda ask: (301, {"Location": f"https://files.test:{last.port}/anything"}, b""))
    return served, f"{s.net}.2:{served.port}", {"https_port": files.port}


def via_service(s, front):
    s.address("target.test", f"{s.net}.2")
    served = s.serve(f"{s.net}.2", 0, [SERVER], front)
    s.service(f"_matrix-fed._tcp.{SERVER}", (10, 0, served.port, "target.test"))
    s.service(f"_matrix._tcp.{SERVER}", (10, 0, 1, "nowhere.test"))
    return served, SERVER, {}


def via_the_older_service(s, front):
    s.address("target.test", f"{s.net}.2")
    served = s.serve(f"{s.net}.2", 0, [SERVER], front)
    s.service(f"_matrix._tcp.{SERVER}", (10, 0, served.port, "target.test"))
    return served, SERVER, {}


def via_the_second_of_two_services(s, front):
    s.address("dead.test", f"{s.net}.9")
    s.address("target.test", f"{s.net}.2")
    served = s.serve(f"{s.net}.2", 0, [SERVER], front)
    s.service(f"_matrix-fed._tcp.{SERVER}", (20, 0, served.port, "target.test"), (10, 0, 1, "dead.test"))
    return served, SERVER, {}


def via_port_8448(s, front):
    s.address(SERVER, f"{s.net}.2")
    return s.serve(f"{s.net}.2", 8448, [SERVER], front), SERVER, {"https_port": 1}


@pytest.mark.parametrize("way", [via_well_known_with_port, via_well_known_and_service, via_well_known_behind_redirects,
                                 via_service, via_the_older_service, via_the_second_of_two_services, via_port_8448])
def test_every_way_to_a_server(way, synapse, alice, probe, strangers):
    served, host, settings = way(strangers, front_of(synapse))
    token = token_of(alice)
    with probe(**settings) as p:
        good = p.ask(SERVER, token)
        assert (good["outcome"], good["user"]) == ("valid", alice.user_id), good
        assert [ask.host for ask in served.heard] == [host]
        assert served.heard[0].path == USERINFO + token
        assert p.ask(SERVER, "forged")["outcome"] == "refused"


@pytest.mark.parametrize("name", ["given.test:{port}", "{net}.2:{port}", "{net}.2"])
def test_names_that_say_where(name, probe, strangers):
    strangers.address("given.test", f"{strangers.net}.2")
    names = ["given.test", f"{strangers.net}.2"]
    asked = []
    server = strangers.serve(f"{strangers.net}.2", 0 if "port" in name else 8448, names,
                             lambda ask: asked.append(ask) or sub(f"@u:{ask.host}")(ask))
    full = name.format(port=server.port, net=strangers.net)
    with probe() as p:
        assert p.ask(full)["user"] == f"@u:{full}"
    assert [ask.path for ask in asked] == [USERINFO + "secret"]


def test_the_well_known_file_is_read_once(probe, strangers):
    strangers.address("known.test", f"{strangers.net}.1")
    served = strangers.serve(f"{strangers.net}.2", 0, [f"{strangers.net}.2"], sub("@u:known.test"))
    files = strangers.serve(f"{strangers.net}.1", 0, ["known.test"], well_known(f"{strangers.net}.2:{served.port}"))
    with probe(https_port=files.port) as p:
        for token in ("a", "b", "c"):
            assert p.ask("known.test", token)["outcome"] == "valid"
    assert [ask.path for ask in files.heard] == ["/.well-known/matrix/server"]
    assert len(served.heard) == 3


# --- who lies ---

def test_a_server_speaks_for_nobody_else(synapse, alice, probe, strangers):
    strangers.address("evil.test", f"{strangers.net}.2")
    server = strangers.serve(f"{strangers.net}.2", 0, ["evil.test"], front_of(synapse))
    strangers.service("_matrix-fed._tcp.evil.test", (0, 0, server.port, "evil.test"))
    with probe() as p:
        foreign = p.ask("evil.test", token_of(alice))
        assert (foreign["outcome"], foreign["user"]) == ("foreign", "")


def test_certificates(probe, strangers, tmp_path):
    strangers.address("a.test", f"{strangers.net}.2")
    strangers.address("b.test", f"{strangers.net}.3")
    strangers.address("target.test", f"{strangers.net}.4")
    wrong = strangers.serve(f"{strangers.net}.2", 0, ["b.test"], sub("@u:a.test"))
    old = strangers.serve(f"{strangers.net}.3", 0, ["b.test"], sub("@u:b.test"), expired=True)
    # A certificate for where the service leads, not for the server, which the DNS could forge.
    target = strangers.serve(f"{strangers.net}.4", 0, ["target.test"], sub("@u:c.test"))
    strangers.service("_matrix-fed._tcp.c.test", (0, 0, target.port, "target.test"))
    names = [f"a.test:{wrong.port}", f"b.test:{old.port}", "c.test"]
    with probe() as p:
        assert [p.ask(name)["outcome"] for name in names] == ["unreachable"] * 3
    with probe(ca_file="") as p:
        assert p.ask(f"target.test:{target.port}")["outcome"] == "unreachable"
    assert wrong.heard == old.heard == target.heard == []
    with probe(insecure_tls=True) as p:
        assert p.ask("c.test")["user"] == "@u:c.test"
    assert "certificates_not_checked" in (tmp_path / "probe.log").read_text()


NONSENSE = {
    "a huge body": lambda ask: (200, {}, b'{"sub": "@u:odd.test", "x": "' + b"x" * (1 << 20) + b'"}'),
    "a redirect": lambda ask: (302, {"Location": "https://odd.test:1/"}, b""),
    "no such resource": lambda ask: (404, {}, b'{"errcode": "M_UNRECOGNIZED"}'),
    "no JSON": lambda ask: (200, {}, b"<html>"),
    "no user": lambda ask: (200, {}, b'{"sub": 7}'),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense(what, probe, strangers):
    strangers.address("odd.test", f"{strangers.net}.2")
    server = strangers.serve(f"{strangers.net}.2", 0, ["odd.test"], NONSENSE[what])
    with probe() as p:
        assert p.ask(f"odd.test:{server.port}")["outcome"] == "nonsense"
    assert len(server.heard) == 1


BAD_FILES = {
    "too large": lambda ask: (200, {}, b'{"m.server": "evil.test:1"}' + b" " * (60 << 10)),
    "no JSON": lambda ask: (200, {}, b"matrix.test"),
    "an address with path": well_known("https://evil.test/"),
    "a redirect to http": lambda ask: (302, {"Location": "http://evil.test/"}, b""),
    "redirects without end": lambda ask: (302, {"Location": ask.path}, b""),
    "a server error": lambda ask: (500, {}, b'{"m.server": "evil.test:1"}'),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_well_known_file_counts_as_none(what, probe, strangers):
    strangers.address("odd.test", f"{strangers.net}.1")
    strangers.address("target.test", f"{strangers.net}.2")
    served = strangers.serve(f"{strangers.net}.2", 0, ["odd.test"], sub("@u:odd.test"))
    strangers.service("_matrix-fed._tcp.odd.test", (0, 0, served.port, "target.test"))
    files = strangers.serve(f"{strangers.net}.1", 0, ["odd.test"], BAD_FILES[what])
    with probe(https_port=files.port) as p:
        assert p.ask("odd.test")["user"] == "@u:odd.test"
    assert 1 <= len(files.heard) <= 6
    assert ("evil.test", A) not in strangers.names.asked


# --- inner networks ---

@pytest.fixture
def inside(strangers):
    """A server in a network that is not allowed, who would say yes."""
    return strangers.serve("127.0.0.1", 0, ["inner.test", "localhost", "127.0.0.1"], lambda ask: sub("@u:" + ask.host)(ask))


def test_names_that_lead_inside(probe, strangers, inside):
    strangers.address("inner.test", "127.0.0.1")
    strangers.address("many.test", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1")
    strangers.names.records[("six.test", 28)] = ["::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
    strangers.service("_matrix-fed._tcp.service.test", (0, 0, inside.port, "inner.test"))
    port = inside.port
    names = [f"inner.test:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"[::ffff:127.0.0.1]:{port}", "0.0.0.0",
             f"localhost:{port}", f"many.test:{port}", f"six.test:{port}", "service.test", "inner.test"]
    with probe() as p:
        answers = p.ask_all(*((name, "secret") for name in names))
        assert {name: a["outcome"] for name, a in zip(names, answers)} == {name: "inner_address" for name in names}
        assert all(a["user"] == "" for a in answers)
    assert inside.connections == 0


def test_names_of_inner_networks_are_none(probe, inside):
    names = [f"localhost:{inside.port}", "postgres", f"127.1:{inside.port}", "0x7f000001", "2130706433", "", "a b",
             f"user@localhost:{inside.port}", "inner.test/path", "inner.test?x", "[::1", "a..b", "x" * 300]
    with probe(allow=[]) as p:
        assert {name: p.ask(name)["outcome"] for name in names} == {name: "bad_name" for name in names}
    assert inside.connections == 0


def test_redirects_and_delegates_that_lead_inside(probe, strangers, inside):
    strangers.address("inner.test", "127.0.0.1")
    places = {"redirected.test": lambda ask: (302, {"Location": f"https://inner.test:{inside.port}/"}, b""),
              "literal.test": lambda ask: (302, {"Location": f"https://127.0.0.1:{inside.port}/"}, b""),
              "delegated.test": well_known(f"inner.test:{inside.port}"),
              "delegated-literal.test": well_known(f"127.0.0.1:{inside.port}")}
    files = strangers.serve(f"{strangers.net}.1", 0, list(places), lambda ask: places[ask.host](ask))
    for name in places:
        strangers.address(name, f"{strangers.net}.1")
    with probe(https_port=files.port) as p:
        answers = p.ask_all(*((name, "secret") for name in places))
    assert [a["outcome"] for a in answers] == ["inner_address"] * len(places), answers
    assert len(files.heard) == len(places)
    assert inside.connections == 0


def test_a_name_that_changes_its_address(probe, strangers, inside):
    """The DNS answers first with an allowed address, then with an inner one: one look-up, one connection, no gap."""
    turns = [[f"{strangers.net}.2"]]
    strangers.names.records[("rebind.test", A)] = [lambda: turns.pop() if turns else ["127.0.0.1"]]
    served = strangers.serve(f"{strangers.net}.2", inside.port, ["rebind.test"], sub(f"@u:rebind.test:{inside.port}"))
    with probe() as p:
        assert p.ask(f"rebind.test:{inside.port}")["outcome"] == "valid"
        assert p.ask(f"rebind.test:{inside.port}", "another")["outcome"] == "inner_address"
    assert (len(served.heard), inside.connections) == (1, 0)


# --- time and number ---

def test_a_silent_server_costs_its_time_only(probe, strangers):
    strangers.address("slow.test", f"{strangers.net}.2")
    strangers.address("quick.test", f"{strangers.net}.3")
    strangers.names.records[("mute.test", A)] = None
    slow = strangers.serve(f"{strangers.net}.2", 0, ["slow.test"], lambda ask: None)
    quick = strangers.serve(f"{strangers.net}.3", 0, ["quick.test"], sub("@u:quick.test"))
    strangers.service("_matrix-fed._tcp.quick.test", (0, 0, quick.port, "quick.test"))
    with probe(timeout_ms=2000, step_timeout_ms=500, https_port=1) as p:
        late, mute, good = p.ask_all((f"slow.test:{slow.port}", "a"), ("mute.test:1", "a"), ("quick.test", "a"))
        assert (late["outcome"], mute["outcome"], good["outcome"]) == ("timeout", "timeout", "valid")
        assert 1500 <= late["ms"] < 20000 and mute["ms"] < 20000 and good["ms"] < late["ms"]
        # It is left alone for a while.
        again = p.ask(f"slow.test:{slow.port}", "b")
        assert (again["outcome"], len(slow.heard)) == ("timeout", 1)
        assert "moment ago" in again["text"]


def test_the_same_token_is_one_request(probe, strangers):
    strangers.address("a.test", f"{strangers.net}.2")
    server = strangers.serve(f"{strangers.net}.2", 0, ["a.test"], lambda ask: sub(f"@u:{ask.host}")(ask))
    name = f"a.test:{server.port}"
    with probe() as p:
        answers = p.ask_all(*[(name, "same")] * 200)
        assert [a["outcome"] for a in answers] == ["valid"] * 200
        assert p.ask(name, "same")["outcome"] == "valid"
    assert len(server.heard) == 1


def test_one_server_has_eight_places_and_a_line(probe, strangers):
    strangers.address("a.test", f"{strangers.net}.2")
    gate = threading.Event()

    def answer(ask):
        gate.wait(WAIT_SECONDS)
        return sub(f"@u:{ask.host}")(ask)

    server = strangers.serve(f"{strangers.net}.2", 0, ["a.test"], answer)
    name = f"a.test:{server.port}"
    opened = threading.Timer(1, gate.set)
    opened.start()
    with probe(timeout_ms=60000) as p:
        answers = p.ask_all(*((name, f"token{i}") for i in range(100)))
    opened.join()
    outcomes = [a["outcome"] for a in answers]
    assert (outcomes.count("valid"), outcomes.count("busy")) == (72, 28)
    assert server.most == 8


SILENT_NAME_SERVER = """
import fcntl, os, socket, struct, subprocess, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
one.bind(("127.0.0.1", 53))
os.set_inheritable(one.fileno(), True)
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_silent_name_server_does_not_stop_the_loop(tmp_path):
    """The system's resolver would wait for it for ten seconds, and libcurl for the resolver, with everything else."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    apart = ["unshare", "--map-root-user", "--mount", "--net"]
    if subprocess.run([*apart, "true"], check=False).returncode != 0:
        pytest.skip("this machine lets nobody make namespaces")
    probe = build_dir() / "tests" / "live" / "openid_probe"
    settings = {"overrides": ["a.test=http://silent.example", "b.test=http://127.0.0.1:1"], "timeout_ms": 500}
    lines = [settings, [{"server": "a.test", "token": "a"}], [{"server": "b.test", "token": "b"}]]
    begun = time.monotonic()
    done = subprocess.run([*apart, sys.executable, "-c", SILENT_NAME_SERVER, resolv, probe], text=True,
                          input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, check=True,
                          timeout=WAIT_SECONDS)
    assert time.monotonic() - begun < 8
    late, other = (json.loads(line)[0] for line in done.stdout.splitlines())
    assert (late["outcome"], other["outcome"]) == ("timeout", "unreachable")
