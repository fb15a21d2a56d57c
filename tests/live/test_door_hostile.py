"""The list of hostile requests that the HTTP door was born with: what could be read in two ways, and what is too large."""
import pytest

from door import MIB, check_error, chunked, get, request
from door import fixture_door  # noqa: F401 (fixture)


# --- what could be read in two ways ---

SMUGGLING = {
    "transfer-encoding and content-length": (["Transfer-Encoding: chunked", "Content-Length: 4"], 400),
    "content-length and transfer-encoding": (["Content-Length: 4", "Transfer-Encoding: chunked"], 400),
    "content-length twice, equal": (["Content-Length: 4", "Content-Length: 4"], 400),
    "content-length twice, different": (["Content-Length: 4", "Content-Length: 5"], 400),
    "content-length as a list": (["Content-Length: 4, 4"], 400),
    "space before the colon": (["Content-Length : 4"], 400),
    "space before the colon of transfer-encoding": (["Transfer-Encoding : chunked"], 400),
    "negative content-length": (["Content-Length: -1"], 400),
    "content-length with a plus": (["Content-Length: +4"], 400),
    "content-length in hex": (["Content-Length: 0x4"], 400),
    "empty content-length": (["Content-Length:"], 400),
    "huge content-length": (["Content-Length: 99999999999999999999999999"], 413),
    "large content-length": (["Content-Length: 999999999999"], 413),
    "unknown coding": (["Transfer-Encoding: gzip"], 400),
    "two codings": (["Transfer-Encoding: gzip, chunked"], 400),
    "chunked twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
    "xchunked": (["Transfer-Encoding: xchunked"], 400),
    "identity": (["Transfer-Encoding: identity", "Content-Length: 4"], 400),
    "two hosts": (["Host: other"], 400),
    "no colon": (["Nonsense"], 400),
    "empty name": ([": value"], 400),
    "name with a space": (["X Y: z"], 400),
    "other expectation": (["Expect: tea"], 400),
}


HARMLESS = {"empty name"}  # libmicrohttpd leaves such a line out; a proxy that does not has no header by that name either


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize("name", SMUGGLING)
def test_smuggling(door, name, used):
    """Refused on a fresh connection, where the acceptor looks, and on a used one, where libmicrohttpd has read it (and
    answers a malformed length itself: in HTML, its head twice). What follows is never taken for a request."""
    headers, status = SMUGGLING[name]
    with door.connect() as wire:
        if used:
            wire.send(get("/show"))
            assert wire.answer().status == 200
        wire.send(request("POST", "/echo", headers=headers) + b"0\r\n\r\n" + get("/show?q=smuggled"))
        answer = wire.answer()
        assert answer.status == status or (used and name in HARMLESS)
        if not used or answer.headers.get("content-type") == "application/json":
            check_error(answer, status)
            assert wire.closed()
        else:
            while wire.more():
                pass
            assert b"smuggled" not in wire.left and b" 200 " not in wire.left


RAW = {
    "folded header": (b"GET /show HTTP/1.1\r\nHost: door\r\nX: a\r\n b\r\n\r\n", 400),
    "fold before the first header": (b"GET /show HTTP/1.1\r\n Host: door\r\n\r\n", 400),
    "NUL in a value": (b"GET /show HTTP/1.1\r\nHost: door\r\nX: a\0b\r\n\r\n", 400),
    "NUL in a name": (b"GET /show HTTP/1.1\r\nHost: door\r\nX\0: a\r\n\r\n", 400),
    "NUL in the target": (b"GET /sh\0ow HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "bare CR in a value": (b"GET /show HTTP/1.1\r\nHost: door\r\nX: a\rContent-Length: 5\r\n\r\n", 400),
    "unknown method": (b"FETCH /show HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "CONNECT": (b"CONNECT other:443 HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "TRACE": (b"TRACE /show HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "no host": (b"GET /show HTTP/1.1\r\n\r\n", 400),
    "no version": (b"GET /show\r\nHost: door\r\n\r\n", 400),
    "other version": (b"GET /show HTTP/2.0\r\nHost: door\r\n\r\n", 400),
    "two spaces": (b"GET  /show HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "space in the target": (b"GET /sh ow HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "absolute target": (b"GET http://other/show HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "target without a slash": (b"GET show HTTP/1.1\r\nHost: door\r\n\r\n", 400),
    "chunked in HTTP/1.0": (b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "oversized target": (b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\nHost: door\r\n\r\n", 414),
    "target without an end": (b"GET /" + b"a" * 70000, 414),
    "oversized head": (b"GET /show HTTP/1.1\r\nHost: door\r\nX: " + b"a" * 30000 + b"\r\n\r\n", 431),
    "head without an end": (b"GET /show HTTP/1.1\r\nHost: door\r\n" + b"X: a\r\n" * 20000, 431),
    "too many headers": (b"GET /show HTTP/1.1\r\nHost: door\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", RAW)
def test_malformed_head(door, name):
    raw, status = RAW[name]
    with door.connect() as wire:
        wire.send_as_far_as_it_goes(raw)
        check_error(wire.answer(), status)
        assert wire.closed()


@pytest.mark.parametrize("raw", [b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: door\r\n\r\n",
                                 b"GET /show HTTP/1.1\r\nHost: door\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
                                 b"GET /show HTTP/1.1\r\nHost: door\r\n" + b"X: a\r\n" * 3000 + b"\r\n"],
                         ids=["target", "header", "headers"])
def test_oversized_head_on_a_used_connection(door, raw):
    with door.connect() as wire:
        wire.send(get("/show"))
        wire.answer()
        wire.send_as_far_as_it_goes(raw)
        assert wire.answer().status in (413, 414, 431)
        assert wire.closed()


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0", b"get / HTTP/1.1\r\n\r\n", b"{}"])
def test_what_is_not_http_is_closed_without_a_word(door, raw):
    with door.connect() as wire:
        wire.send(raw)
        assert wire.closed()


# --- bodies over the limit, and guards ---

def test_413_before_the_body_is_read(door):
    with door.connect() as wire:
        wire.send(request("POST", "/echo", headers=(f"Content-Length: {9 * MIB}",)))
        check_error(wire.answer(), 413, "M_TOO_LARGE")
        assert wire.closed()


def test_413_reaches_a_client_that_sends_all_before_it_reads(door):
    with door.connect() as wire:
        wire.send(request("POST", "/echo", b"x" * (9 * MIB)))
        check_error(wire.answer(), 413, "M_TOO_LARGE")


def test_413_instead_of_100_continue(door):
    with door.connect() as wire:
        wire.send(request("POST", "/echo", headers=("Expect: 100-continue", f"Content-Length: {9 * MIB}")))
        check_error(wire.answer(), 413, "M_TOO_LARGE")


def test_413_in_the_middle_of_chunks(door):
    with door.connect() as wire:
        wire.send_as_far_as_it_goes(chunked("/echo", [b"x" * MIB] * 12))
        check_error(wire.answer(), 413, "M_TOO_LARGE")
        assert wire.closed()


def test_a_small_body_where_none_belongs_is_tolerated(door):
    with door.connect() as wire:
        wire.send(request("GET", "/echo", b"{}") + get("/show"))
        assert wire.answer().status == 200 and wire.answer().status == 200
    check_error(door.ask(request("GET", "/echo", b"x" * 2000)), 413)


@pytest.mark.parametrize("token,status,errcode", [
    (None, 401, "M_MISSING_TOKEN"), ("wrong", 403, "M_FORBIDDEN")])
def test_guard_refuses_before_the_body(door, token, status, errcode):
    headers = [f"Content-Length: {32 * MIB}", "Expect: 100-continue"]
    if token is not None:
        headers.append(f"Authorization: Bearer {token}")
    with door.connect() as wire:
        wire.send(request("POST", "/guarded", headers=headers))
        check_error(wire.answer(), status, errcode)
        assert wire.closed()


def test_guard_lets_in(door):
    answer = door.ask(request("POST", "/guarded", b"abc", headers=("Authorization: bearer sesame",)))
    assert answer.json()["len"] == 3


def test_the_body_of_a_refused_request_is_no_request(door):
    with door.connect() as wire:
        wire.send(request("POST", "/guarded", get("/show?q=smuggled")))
        check_error(wire.answer(), 401)
        assert wire.closed()
