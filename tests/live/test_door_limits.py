"""The HTTP door and time: clients that leave, clients that are slow or too many, its listeners, its end."""
import signal
import socket
import stat
import time

import pytest

from door import Door, MIB, Socket, Wire, check_error, chunked, cpu_s, get, request, settled, upgrade
from door import fixture_door  # noqa: F401 (fixture)


# --- clients that leave ---

def test_500_resets_while_suspended(door):
    before = door.live()
    for _ in range(5):
        wires = [door.connect() for _ in range(100)]
        for wire in wires:
            wire.send(get("/never"))
        settled(lambda: door.live()["waiting"], 100)
        for wire in wires:
            wire.reset()
        settled(lambda: door.live()["waiting"], 0)
    assert door.live()["gone"] - before["gone"] == 500
    settled(lambda: door.live()["blocks"] <= before["blocks"], True)


def test_answer_after_the_client_has_left(door):
    before = door.live()
    for _ in range(50):
        with door.connect() as wire:
            wire.send(request("POST", "/slow?ms=300", b"x" * 1000))
    settled(lambda: (door.live()["waiting"], door.live()["blocks"] <= before["blocks"]), (0, True))


def test_clients_that_leave_in_the_middle():
    """A body whose end comes together with its last bytes is noticed by its deadline at the latest."""
    with Door("--body-ms", "500") as d:
        before = d.live()
        for raw in (b"GET /sh", b"GET /show HTTP/1.1\r\nHost", chunked("/echo", [b"abc"], end=b"ff\r\nabc"),
                    request("POST", "/echo", headers=("Content-Length: 9999",)) + b"x"):
            for _ in range(10):
                wire = d.connect()
                wire.send(raw)
                wire.reset()
                with d.connect() as polite:
                    polite.send(raw)
        settled(lambda: d.live()["blocks"] <= before["blocks"], True)


def test_200_suspended_at_once_are_all_answered(door):
    wires = [door.connect() for _ in range(200)]
    for i, wire in enumerate(wires):
        wire.send(request("POST", "/slow?ms=300", b"%d" % i))
    for i, wire in enumerate(wires):
        assert wire.answer().body == b"%d" % i
        wire.sock.close()


# --- deadlines and limits ---

def test_slow_heads_are_ended():
    with Door("--cors", "--head-ms", "400") as d, d.connect() as silent, d.connect() as slow:
        slow.send(b"GET /show HTT")
        check_error(slow.answer(), 408)
        assert slow.closed() and silent.answer().status == 408 and silent.closed()


def test_a_dripped_head_is_ended_though_bytes_keep_coming():
    with Door("--head-ms", "600") as d:
        assert drip(d, b"GET /show HTTP/1.1\r\nX: ") == 408


def test_a_dripped_second_head_is_ended():
    with Door("--head-ms", "600", "--idle-ms", "600") as d, d.connect() as wire:
        wire.send(get("/show"))
        wire.answer()
        began = time.monotonic()
        wire.sock.settimeout(0.05)
        wire.send(b"GET /show HTTP/1.1\r\nX: ")
        while time.monotonic() - began < 20:
            try:
                wire.send(b"x")
                if wire.sock.recv(1) == b"" or wire.sock.recv(1000):
                    return
            except (TimeoutError, BlockingIOError):
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
        raise AssertionError("still open after 20 s")


def test_a_dripped_body_is_ended():
    with Door("--body-ms", "600") as d:
        assert drip(d, request("POST", "/echo", headers=("Content-Length: 100000",))) == 408
        assert d.live()["waiting"] == 0


def drip(door, raw):
    """Sends `raw`, then byte after byte until there is an answer; gives its status."""
    with door.connect() as wire:
        wire.send(raw)
        wire.sock.settimeout(0.02)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            wire.send_as_far_as_it_goes(b"x")
            try:
                wire.more()
                wire.sock.settimeout(20)
                return wire.answer().status
            except TimeoutError:
                continue
    raise AssertionError("no answer within 20 s")


def test_idle_connections_are_ended():
    with Door("--idle-ms", "300") as d, d.connect() as wire:
        wire.send(get("/show"))
        wire.answer()
        assert wire.closed()


def test_a_waiting_request_has_no_deadline():
    with Door("--idle-ms", "200", "--body-ms", "200", "--head-ms", "200") as d:
        assert d.ask(get("/slow?ms=1500")).status == 200


def test_connections_over_the_limit_are_closed_at_once():
    with Door("--connections", "5") as d:
        wires = [d.connect() for _ in range(5)]
        for wire in wires:
            wire.send(get("/show"))
            wire.answer()
        with d.connect() as sixth:
            assert sixth.closed()
        wires[0].send(get("/metrics"))
        assert 'parley_http_refused_total{reason="connections"} 1' in wires[0].answer().body.decode()
        for wire in wires:
            wire.sock.close()
        settled(lambda: works(d), True)


def works(door):
    try:
        return door.ask(get("/show")).status == 200
    except (AssertionError, ConnectionError):
        return False


def test_rate_limit():
    with Door("--cors", "--rate", "1", "--burst", "3") as d, d.connect() as wire:
        for _ in range(3):
            wire.send(get("/show"))
            assert wire.answer().status == 200
        wire.send(get("/show"))
        answer = wire.answer()
        check_error(answer, 429, "M_LIMIT_EXCEEDED")
        assert 0 < answer.json()["retry_after_ms"] <= 1000 and answer.headers["retry-after"] == "1"
        check_error(d.ask(upgrade("/ws")), 429, "M_LIMIT_EXCEEDED")
        time.sleep(1.5)
        wire.send(get("/show"))
        assert wire.answer().status == 200


def test_rate_limit_counts_the_client_behind_a_trusted_proxy():
    with Door("--rate", "1", "--burst", "2", "--trust", "127.0.0.0/8") as d, d.connect() as wire:
        for i in range(6):
            wire.send(get("/show", f"X-Forwarded-For: 192.0.2.{i}"))
            assert wire.answer().status == 200


@pytest.mark.parametrize("trusted,forwarded,peer", [
    ((), ["192.0.2.1"], "127.0.0.1"),
    (("127.0.0.1",), [], "127.0.0.1"),
    (("127.0.0.1",), ["192.0.2.1"], "192.0.2.1"),
    (("127.0.0.0/8",), ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
    (("127.0.0.0/8", "192.0.2.0/24"), ["6.6.6.6, 192.0.2.1"], "6.6.6.6"),
    (("127.0.0.0/8", "192.0.2.0/24"), ["6.6.6.6", "192.0.2.1"], "6.6.6.6"),
    (("127.0.0.1",), ["[2001:db8::1]:443"], "2001:db8::1"),
    (("127.0.0.1",), ["192.0.2.1, unknown"], "127.0.0.1"),
    (("10.0.0.0/8",), ["192.0.2.1"], "127.0.0.1"),
])
def test_trusted_proxies(trusted, forwarded, peer):
    arguments = [word for block in trusted for word in ("--trust", block)]
    with Door(*arguments) as d:
        assert d.ask(get("/show", *(f"X-Forwarded-For: {f}" for f in forwarded))).json()["peer"] == peer


# --- listeners ---

def test_ipv6():
    with Door(listen=("[::1]:0",)) as d, Wire(socket.create_connection(("::1", d.port), timeout=30)) as wire:
        wire.send(get("/show"))
        assert wire.answer().json()["peer"] == "::1"


def unix_wire(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(str(path))
    return Wire(sock)


def test_unix_socket(tmp_path):
    path = tmp_path / "door.sock"
    with Door("--trust", "unix", listen=(f"unix:{path}", "127.0.0.1:0")) as d:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with unix_wire(path) as wire:
            for byte in get("/show", "X-Forwarded-For: 192.0.2.7"):
                wire.send(bytes([byte]))
            assert wire.answer().json()["peer"] == "192.0.2.7"
            wire.send(request("POST", "/sum", b"x" * 5 * MIB))
            assert wire.answer().json()["len"] == 5 * MIB
        with unix_wire(path) as wire:
            wire.send(upgrade("/ws"))
            assert wire.head()[0] == 101
        waiting = unix_wire(path)
        waiting.send(b"GET /show HTTP/1.1\r\nHo")  # a poll that looks at the level would spin on this
        time.sleep(0.2)
        before = cpu_s(d)
        time.sleep(1)
        assert cpu_s(d) - before < 0.5
        waiting.sock.close()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced_a_live_one_is_not(tmp_path):
    path = tmp_path / "door.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with Door(listen=(f"unix:{path}",)):
        with pytest.raises(AssertionError, match="in use"):
            Door(listen=(f"unix:{path}",))
        with unix_wire(path) as wire:
            wire.send(get("/show"))
            assert wire.answer().json()["peer"] == "unix"
    path.write_text("a file of somebody else's")
    with pytest.raises(AssertionError, match="in use"):
        Door(listen=(f"unix:{path}",))
    assert path.read_text() == "a file of somebody else's"


# --- the end ---

def test_drain():
    with Door() as d:
        under_way, idle, half = d.connect(), d.connect(), d.connect()
        idle.send(get("/show"))
        idle.answer()
        half.send(b"GET /show HT")
        under_way.send(request("POST", "/slow?ms=1500", b"late"))
        ws = Socket(d)
        settled(lambda: d.live()["waiting"], 1)
        d.process.send_signal(signal.SIGTERM)
        assert ws.close_code() == 1012
        ws.sock.close()
        assert idle.closed() and half.closed()
        with pytest.raises(ConnectionError):
            d.connect()
        answer = under_way.answer()
        assert answer.body == b"late" and answer.headers["connection"].lower() == "close"
        assert under_way.closed()
        d.wait()


def test_the_end_does_not_wait_for_ever():
    """A request that nobody answers, a client that does not read: the limit of 5 s ends both."""
    with Door() as d:
        waiting, deaf = d.connect(), d.connect()
        waiting.send(get("/never"))
        deaf.send(get(f"/bytes?n={20 * MIB}"))
        settled(lambda: d.live()["waiting"], 1)
        began = time.monotonic()
        assert d.stop() == 0
        assert time.monotonic() - began < 50
        assert waiting.closed()


def test_metrics(door):
    page = door.ask(get("/metrics")).body.decode()
    for name in ('parley_http_requests_total{status="2xx"}', "parley_http_request_seconds_bucket", "parley_http_connections ",
                 'parley_http_refused_total{reason="head"}', "parley_http_websockets "):
        assert name in page
