"""The HTTP door and WebSockets."""
import socket
import time

import pytest

from door import CORS, Door, MIB, Socket, check_error, get, settled, upgrade
from door import fixture_door  # noqa: F401 (fixture)


# --- WebSocket ---

@pytest.mark.parametrize("name,raw,status", [
    ("no key", upgrade("/ws", Sec_WebSocket_Key=None), 400),
    ("short key", upgrade("/ws", Sec_WebSocket_Key="abc"), 400),
    ("key that is no base64", upgrade("/ws", Sec_WebSocket_Key="!" * 22 + "=="), 400),
    ("two keys", upgrade("/ws", extra=("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",)), 400),
    ("no version", upgrade("/ws", Sec_WebSocket_Version=None), 400),
    ("other version", upgrade("/ws", Sec_WebSocket_Version="8"), 400),
    ("no connection", upgrade("/ws", Connection=None), 400),
    ("connection of another kind", upgrade("/ws", Connection="keep-alive"), 400),
    ("no upgrade", upgrade("/ws", Upgrade=None), 404),
    ("upgrade to something else", upgrade("/ws", Upgrade="h2c"), 404),
    ("POST", upgrade("/ws", method="POST"), 400),
    ("HTTP/1.0", upgrade("/ws", version="1.0"), 400),
    ("with a body", upgrade("/ws", extra=("Content-Length: 3",)) + b"abc", 400),
    ("chunked", upgrade("/ws", extra=("Transfer-Encoding: chunked",)), 400),
    ("smuggling", upgrade("/ws", extra=("Content-Length: 0", "Transfer-Encoding: chunked")), 400),
    ("unknown path", upgrade("/wss"), 404),
    ("unknown subprotocol", upgrade("/ws", Sec_WebSocket_Protocol="tea, coffee"), 400),
    ("no token", upgrade("/ws/token"), 401),
    ("wrong token", upgrade("/ws/token?token=x"), 403),
    ("wrong token, and a long one", upgrade("/ws/token?token=" + "x" * 50000), 403),
    ("behind an empty line", b"\r\n" + upgrade("/ws"), 400),
])
def test_wrong_upgrade(door, name, raw, status):
    with door.connect() as wire:
        wire.send(raw)
        check_error(wire.answer(), status)


def test_wrong_version_names_the_right_one(door):
    assert door.ask(upgrade("/ws", Sec_WebSocket_Version="8")).headers["sec-websocket-version"] == "13"


def test_upgrade_on_a_used_connection(door):
    with door.connect() as wire:
        wire.send(get("/show"))
        wire.answer()
        wire.send(upgrade("/ws"))
        check_error(wire.answer(), 400)
        assert wire.closed()


@pytest.mark.parametrize("target", ["/nothing", "/show"])
def test_an_upgrade_that_http_answers_ends_the_connection(door, target):
    """Caddy keeps such a connection for its next upgrade, which could not be handed over."""
    with door.connect() as wire:
        wire.send(upgrade(target))
        assert wire.answer().headers["connection"] == "close"
        assert wire.closed()


def test_websocket_by_single_bytes(door):
    with door.connect() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in upgrade("/ws"):
            wire.send(bytes([byte]))
        assert wire.head()[0] == 101


# --- held back ---

def held(then):
    return f"/ws/held?then={then}"


@pytest.mark.parametrize("relayed", [False, True], ids=["here", "by another server"])
def test_a_client_that_was_held_back_notices_nothing(door, relayed):
    with Socket(door, held(f"http://127.0.0.1:{door.port}" if relayed else "again")) as ws:
        for size in (5, 2 * MIB):
            ws.say(b"m" * size)
            assert ws.hear() == (1, b"m" * size)
        ws.say(b"close")
        assert ws.hear() == (8, b"\x0f\xa1as you wish")
        ws.say(b"\x0f\xa1", opcode=8)
        assert ws.closed()


@pytest.mark.parametrize("then,status,words", [
    ("refuse", 404, b"not here"),
    ("http://127.0.0.1:1", 503, b"the other does not answer"),
    ("https://127.0.0.1:1", 503, b"only plain http:// addresses can be relayed to"),
])
def test_a_client_that_was_held_back_is_refused_in_words(door, then, status, words):
    answer = door.ask(upgrade(held(then)))
    assert (answer.status, answer.body) == (status, words)
    assert CORS <= set(answer.headers)


def test_a_client_may_leave_while_it_is_held_back(door):
    for _ in range(20):
        with door.connect() as wire:
            wire.send(upgrade(held("wait")))
    with Socket(door, held("again")) as ws:  # behind them
        ws.say(b"hello")
        assert ws.hear() == (1, b"hello")


def test_clients_that_are_held_back_do_not_delay_the_end():
    with Door() as door, door.connect() as waits:
        waits.send(upgrade(held("wait")))
        with Socket(door) as ws:  # behind it
            ws.say(b"hello")
            assert ws.hear() == (1, b"hello")
        door.process.terminate()
        assert waits.closed()
        assert door.process.wait(20) == 0


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 2 * MIB])
@pytest.mark.parametrize("opcode", [1, 2], ids=["text", "binary"])
def test_websocket_echo(door, size, opcode):
    with Socket(door) as ws:
        ws.say(b"m" * size, opcode)
        assert ws.hear() == (opcode, b"m" * size)


def test_websocket_fragments_and_ping(door):
    with Socket(door) as ws:
        ws.say(b"one ", final=False)
        ws.say(b"alive?", opcode=9)
        ws.say(b"two ", opcode=0, final=False)
        ws.say(b"three", opcode=0)
        assert {ws.hear(), ws.hear()} == {(10, b"alive?"), (1, b"one two three")}


def test_websocket_many_messages_in_one_segment(door):
    with Socket(door) as ws:
        frames = b"".join(bytes([0x81, 0x84]) + b"\0\0\0\0" + b"%04d" % i for i in range(1000))
        ws.send(frames)
        for i in range(1000):
            assert ws.hear() == (1, b"%04d" % i)


def test_websocket_with_a_60_kb_query(door):
    with Socket(door, "/ws/token?pad=" + "p" * 60000 + "&token=sesame") as ws:
        ws.say(b"hello")
        assert ws.hear() == (1, b"hello")


def test_websocket_subprotocol(door):
    with Socket(door, Sec_WebSocket_Protocol="tea, chat") as ws:
        assert ws.headers["sec-websocket-protocol"] == "chat"
        ws.say(b"hello")
        assert ws.hear() == (1, b"hello")


def test_websocket_message_over_the_limit(door):
    with Socket(door) as ws:
        ws.send_as_far_as_it_goes(b"\x82\xff" + (3 * MIB).to_bytes(8, "big") + b"\0" * 4 + b"x" * (3 * MIB))
        assert ws.close_code() == 1009
    with Socket(door, "/ws/token?token=sesame") as ws:
        ws.say(b"x" * 600, final=False)
        ws.say(b"x" * 600, opcode=0)
        assert ws.close_code() == 1009


def test_websocket_text_that_is_not_utf8(door):
    with Socket(door) as ws:
        ws.say(b"\xff\xfe")
        assert ws.close_code() == 1007


def test_websocket_closed_by_us_and_by_the_client(door):
    with Socket(door) as ws:
        ws.say(b"close")
        assert ws.close_code() == 4001
    with Socket(door) as ws:
        ws.say((1000).to_bytes(2, "big"), opcode=8)
        assert ws.close_code() == 1000
    settled(lambda: door.live()["sockets"], 0)


def test_websocket_client_that_does_not_read(door):
    with Socket(door) as ws:
        ws.say(b"flood")
        settled(lambda: door.live()["sockets"], 0)
    with Socket(door) as ws:
        ws.say(b"flood")
        time.sleep(0.3)
        assert ws.close_code() == 1013


def test_websockets_that_vanish_leave_nothing(door):
    before = door.live()["blocks"]
    for _ in range(100):
        ws = Socket(door)
        ws.say(b"x" * 1000)
        ws.reset()
        wire = door.connect()
        wire.send(upgrade("/ws"))
        wire.reset()
    settled(lambda: (door.live()["sockets"], door.live()["blocks"] <= before), (0, True))
