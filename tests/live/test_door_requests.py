"""What the HTTP door is asked every day: requests as they should be, whole and byte by byte, and targets."""
import os
import socket
import time
import zlib

import pytest

from door import CORS, Door, MIB, check_error, chunked, cpu_s, get, request
from door import fixture_door  # noqa: F401 (fixture)


# --- requests as they should be ---

def test_get(door):
    answer = door.ask(get("/show?q=1", "X-Test: yes", "Authorization: Bearer abc"))
    assert answer.status == 200 and CORS <= set(answer.headers)
    assert answer.json() == {"method": "GET", "path": "/show", "q": "1", "bearer": "abc", "peer": "127.0.0.1",
                             "header": "yes"}


def test_head_has_the_length_and_no_body(door):
    with door.connect() as wire:
        wire.send(request("HEAD", "/bytes?n=1000") + get("/show"))
        answer = wire.answer(body=False)
        assert answer.status == 200 and answer.headers["content-length"] == "1000"
        assert wire.answer().json()["path"] == "/show"


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 8 * MIB, 32 * MIB])
def test_post(door, size):
    body = os.urandom(1024) * (size // 1024) if size > 1 else b"x" * size
    answer = door.ask(request("POST", "/sum", body))
    assert answer.json() == {"len": size, "adler": zlib.adler32(body)}


def test_echo_of_8_mib_comes_back_whole(door):
    body = os.urandom(8 * MIB)
    assert door.ask(request("POST", "/echo", body)).body == body


def test_long_answer_to_a_slow_reader(door):
    with door.connect() as wire:
        wire.send(get(f"/bytes?n={20 * MIB}"))
        time.sleep(0.3)
        assert len(wire.answer().body) == 20 * MIB


def test_1000_requests_on_one_connection(door):
    with door.connect() as wire:
        for i in range(1000):
            wire.send(request("POST", "/echo", b"%d" % i))
            assert wire.answer().body == b"%d" % i


@pytest.mark.parametrize("first", ["/echo", "/slow?ms=100"])
def test_pipelined_in_one_segment(door, first):
    with door.connect() as wire:
        wire.send(get(first) + request("POST", "/echo", b"body") + get("/show?q=last"))
        assert wire.answer().status == 200
        assert wire.answer().body == b"body"
        assert wire.answer().json()["q"] == "last"


@pytest.mark.parametrize("path", ["/none", "/echo"])
def test_an_error_without_a_body_keeps_the_connection(door, path):
    with door.connect() as wire:
        wire.send(request("DELETE", path))
        assert wire.answer().status in (404, 405)
        wire.send(get("/show"))
        assert wire.answer().status == 200


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"abc", b"d" * 70000, b"e"], [b"x"] * 300])
def test_chunked(door, chunks):
    with door.connect() as wire:
        wire.send(chunked("/echo", chunks) + get("/show"))
        assert wire.answer().body == b"".join(chunks)
        assert wire.answer().status == 200


def test_chunk_extensions_and_trailers_are_skipped(door):
    head = request("POST", "/echo", headers=("Transfer-Encoding: chunked",))
    with door.connect() as wire:
        wire.send(head + b"3;a=b\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n" + get("/show"))
        assert wire.answer().body == b"abc"
        assert wire.answer().status == 200


@pytest.mark.parametrize("tail", [b"zz\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n",
                                  b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n", b"\r\nabc\r\n0\r\n\r\n"])
def test_bad_chunks_never_reach_a_handler(door, tail):
    head = request("POST", "/echo", headers=("Transfer-Encoding: chunked",))
    with door.connect() as wire:
        wire.send(head + tail)
        wire.sock.shutdown(socket.SHUT_WR)
        got = b""
        while wire.more():
            got = wire.left
        assert not got or int(got.split()[1]) >= 400


def test_expect_100_continue(door):
    with door.connect() as wire:
        wire.send(request("POST", "/echo", headers=("Expect: 100-continue", "Content-Length: 4")))
        assert wire.head()[0] == 100
        wire.send(b"body")
        assert wire.answer().body == b"body"


def test_http_1_0(door):
    with door.connect() as wire:
        wire.send(b"GET /show HTTP/1.0\r\n\r\n")
        assert wire.answer().status == 200
        assert wire.closed()


def test_bare_line_feeds(door):
    assert door.ask(b"GET /show HTTP/1.1\nHost: door\n\n").status == 200


def test_empty_lines_before_a_request(door):
    assert door.ask(b"\r\n\r\n" + get("/show")).status == 200


def test_half_closed_client_gets_its_answer(door):
    with door.connect() as wire:
        wire.send(get("/slow?ms=200"))
        wire.sock.shutdown(socket.SHUT_WR)
        assert wire.answer().status == 200


def test_preflight(door):
    for path in ("/echo", "/no/such/path"):
        answer = door.ask(request("OPTIONS", path, headers=("Origin: https://app", "Access-Control-Request-Method: PUT")))
        assert answer.status == 204 and CORS <= set(answer.headers)


def test_a_private_listener_has_no_cors():
    with Door() as private:
        for raw in (get("/show"), get("/none"), request("OPTIONS", "/echo"), b"GET / HTTP/1.1\r\n\r\n"):
            assert not CORS & set(private.ask(raw).headers)
        assert private.ask(request("OPTIONS", "/echo")).status == 405


# --- by single bytes ---

def test_head_by_single_bytes(door):
    with door.connect() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/show?q=drip"):
            wire.send(bytes([byte]))
        assert wire.answer().json()["q"] == "drip"


def test_body_by_single_bytes(door):
    with door.connect() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.send(request("POST", "/echo", headers=("Content-Length: 500",)))
        for byte in b"b" * 500:
            wire.send(bytes([byte]))
        assert wire.answer().body == b"b" * 500


def test_second_head_by_single_bytes(door):
    with door.connect() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.send(get("/show"))
        wire.answer()
        for byte in get("/show?q=drip"):
            wire.send(bytes([byte]))
        assert wire.answer().json()["q"] == "drip"


def test_waiting_heads_do_not_spin(door):
    """A hundred half heads, peeked at and left in their sockets, cost no processor time."""
    wires = [door.connect() for _ in range(100)]
    for wire in wires:
        wire.send(b"GET /show HTTP/1.1\r\nHo")
    time.sleep(0.3)
    before = cpu_s(door)
    time.sleep(1)
    assert cpu_s(door) - before < 0.5
    for wire in wires:
        wire.send(b"st: door\r\n\r\n")
    for wire in wires:
        assert wire.answer().status == 200
        wire.sock.close()


# --- targets ---

@pytest.mark.parametrize("target,want", [
    ("/show/a%2Fb", {"x": "a/b"}),
    ("/show/a+b", {"x": "a+b"}),
    ("/show/%2540", {"x": "%40"}),
    ("/show/..", {"x": ".."}),
    ("/show/%E2%82%AC", {"x": "€"}),
    ("/show/fixed", {"path": "/show/fixed"}),
    ("/rest/@a:b/c%2Fd//e", {"x": "@a:b/c/d//e"}),
    ("/show?q=a+b%2B%26", {"q": "a+b+&"}),
    ("/show?p=1&q=2&q=3", {"q": "2"}),
    ("/show?q", {"q": ""}),
    ("/show?q=a=b", {"q": "a=b"}),
])
def test_target(door, target, want):
    got = door.ask(get(target)).json()
    assert {k: got.get(k) for k in want} == want
    if target == "/show/fixed":
        assert "x" not in got


@pytest.mark.parametrize("target", ["/show/%00", "/show/%zz", "/show/%4", "/show/%", "/show?q=%00", "/show?q=%zz", "/%zz"])
def test_broken_escapes(door, target):
    check_error(door.ask(get(target)), 400, "M_INVALID_PARAM")


@pytest.mark.parametrize("target", ["/", "/Show", "/show/", "/show/a/b", "/rest/", "/rest", "//show", "/sh%6Fw"])
def test_no_route(door, target):
    check_error(door.ask(get(target)), 404, "M_UNRECOGNIZED")


def test_other_method(door):
    answer = door.ask(request("DELETE", "/echo"))
    check_error(answer, 405, "M_UNRECOGNIZED")
    assert answer.headers["allow"] == "GET, POST, PUT"


@pytest.mark.parametrize("cause,status,errcode,tells", [
    (1, 503, "M_UNKNOWN", False), (2, 400, "M_INVALID_PARAM", True), (3, 404, "M_NOT_FOUND", True),
    (4, 409, "M_CALL_STATE", True), (6, 401, "M_MISSING_TOKEN", True), (7, 403, "M_FORBIDDEN", True),
    (9, 429, "M_LIMIT_EXCEEDED", True), (11, 502, "M_HOMESERVER_UNREACHABLE", True),
    (12, 503, "M_DATABASE_UNAVAILABLE", False), (13, 500, "M_UNKNOWN", False)])
def test_causes(door, cause, status, errcode, tells):
    answer = door.ask(get(f"/fail?e={cause}"))
    check_error(answer, status, errcode)
    assert ("the sentence" in answer.json()["error"]) == tells
    assert ("retry_after_ms" in answer.json()) == (status == 429)
