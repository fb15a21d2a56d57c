"""A door_server process, and a client of raw bytes: the door is tested with what no HTTP library would send."""
import base64
import hashlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build"))
PATIENCE_S = 30  # far above what any step takes; only a hang reaches it
MIB = 1 << 20
CORS = {"access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"}


class Door:
    """Starts door_server and, at the end, checks that it drained, freed everything and heard no sanitizer."""

    def __init__(self, *arguments, listen=("127.0.0.1:0",)):
        command = [str(BUILD / "tests" / "live" / "door_server")]
        for address in listen:
            command += ["--listen", address]
        environment = dict(os.environ, no_proxy="*", ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="halt_on_error=1")
        self.complaints = tempfile.TemporaryFile("w+")  # a pipe would fill up, and stop the door
        self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE, stderr=self.complaints,
                                        text=True, env=environment)
        self.ports = []
        for _ in listen:
            word = self.process.stdout.readline().split()
            assert word, self.read_log()
            self.ports.append(int(word[1]))
        self.port = self.ports[0]
        self.log = None

    def connect(self, timeout=PATIENCE_S):
        return Wire(socket.create_connection(("127.0.0.1", self.port), timeout=timeout))

    def ask(self, raw):
        """One exchange on a connection of its own."""
        with self.connect() as wire:
            wire.send(raw)
            return wire.answer()

    def live(self):
        return self.ask(get("/live")).json()

    def stop(self):
        if self.log is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait()
        return self.process.returncode

    def wait(self):
        self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        self.log = self.read_log()

    def read_log(self):
        self.complaints.seek(0)
        return self.complaints.read()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        code = self.stop()
        if failure[0] is None:
            assert code == 0, self.log[-8000:]
        elif code != 0:
            print(self.log[-8000:])


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Wire:
    """A connection."""

    def __init__(self, sock):
        self.sock, self.left = sock, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, raw):
        self.sock.sendall(raw)

    def send_as_far_as_it_goes(self, raw):
        """The door may answer and hang up before it has taken all."""
        try:
            self.sock.sendall(raw)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def more(self):
        got = self.sock.recv(1 << 18)
        self.left += got
        return len(got) > 0

    def take(self, n):
        while len(self.left) < n:
            assert self.more(), f"closed after {len(self.left)} of {n} bytes: {self.left[:200]!r}"
        got, self.left = self.left[:n], self.left[n:]
        return got

    def head(self):
        while b"\r\n\r\n" not in self.left:
            assert self.more(), f"closed in the head: {self.left[:200]!r}"
        head, self.left = self.left.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return int(lines[0].split()[1]), headers

    def answer(self, body=True):
        status, headers = self.head()
        n = int(headers.get("content-length", 0)) if body else 0
        return Answer(status, headers, self.take(n))

    def closed(self):
        """Does the other end close, without another byte?"""
        if self.left:
            return False
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def request(method, target, body=None, headers=(), version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: door"] + list(headers)
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def get(target, *headers):
    return request("GET", target, headers=headers)


def chunked(target, chunks, *headers, end=b"0\r\n\r\n"):
    head = request("POST", target, headers=("Transfer-Encoding: chunked",) + headers)
    return head + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + end


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
           "Sec-WebSocket-Version": "13"}


def upgrade(target, method="GET", version="1.1", extra=(), **changes):
    """An upgrade; `changes` are headers by their names with _ for -, None leaves one out."""
    headers = dict(UPGRADE)
    for name, value in changes.items():
        headers[name.replace("_", "-")] = value
    lines = [f"{n}: {v}" for n, v in headers.items() if v is not None]
    return request(method, target, headers=lines + list(extra), version=version)


class Socket(Wire):
    """A WebSocket, after its handshake."""

    def __init__(self, door, target="/ws", **changes):
        super().__init__(door.connect().sock)
        self.send(upgrade(target, **changes))
        status, self.headers = self.head()
        assert status == 101, status
        digest = hashlib.sha1((UPGRADE["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        assert self.headers["sec-websocket-accept"] == base64.b64encode(digest.digest()).decode()

    def say(self, payload, opcode=1, final=True):
        n = len(payload)
        size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else \
            b"\xff" + struct.pack(">Q", n)
        self.send(bytes([(0x80 if final else 0) | opcode]) + size + b"\0\0\0\0" + payload)  # a mask of zeros

    def hear(self):
        """One frame: opcode and payload."""
        first, n = self.take(2)
        assert first & 0x80, "the door does not fragment"
        if n == 126:
            n, = struct.unpack(">H", self.take(2))
        elif n == 127:
            n, = struct.unpack(">Q", self.take(8))
        return first & 0x0f, self.take(n)

    def close_code(self):
        while True:
            opcode, payload = self.hear()
            if opcode == 8:
                return struct.unpack(">H", payload[:2])[0]


# --- what tests of the door share ---

@pytest.fixture(name="door", scope="module")
def fixture_door():
    with Door("--cors") as d:
        yield d


def check_error(answer, status, errcode=None):
    assert answer.status == status
    assert CORS <= set(answer.headers), "every error of a public listener can be read by a browser"
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) >= {"errcode", "error"}
    if errcode is not None:
        assert answer.json()["errcode"] == errcode


def settled(look, want, patience_s=20):
    """Waits until look() gives `want`."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if look() == want:
            return
        time.sleep(0.02)
    assert look() == want


def cpu_s(door):
    with open(f"/proc/{door.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
