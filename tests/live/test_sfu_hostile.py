"""Everything that a stranger or a participant can throw at the SFU, at once and over real sockets, while tools/load holds a meeting in the
same process, on the same worker: noise at the media port, signalling that is broken or goes no further, floods of data messages inside
the meeting's room and beside it (sfu_vandal.c). The meeting goes on as if nothing was, all of it is counted, and nothing of it stays.

Each kind by itself and in all its forms: tests/sim/test_sim_hostile.c, test_sim_floods.c, test_sim_abuse.c, in virtual time.
"""
import contextlib
import hmac
import json
import os
import pathlib
import random
import re
import select
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

from door import MIB, Wire, upgrade
from door import Socket as WebSocket
from livekit import http_get
from parley import build_dir, free_port
from sfu_clients import token
from sfu_server import Dev

PATIENCE_S = 60
ROOM = "load"
SECONDS = 6                # of the meeting that are measured: a receiver who does not read is given up after five
PEOPLE, TRACKS = 3, 6
CONNECTIONS_MOST = 64      # that the door has at once, WebSockets not among them
MEMBERS_MOST = 32          # of the room that is for half-open joins
OFFERS = 8                 # of those, in a round, that go as far as an offer
OVER_THE_LIMIT = 8
ATTACKED = 4               # connections at a time that noise is for
HELD_MOST = 48 * MIB       # that all of it may leave behind: buffers, and what an allocator keeps
SAID_LEAST = 2 * HELD_MOST
SIGNAL_MOST = 2 * MIB      # a message of signalling
ANEW, POLICY, TOO_LARGE = 1000, 1008, 1009
RANDOM = random.Random(7)
OFFER = (pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "fuzz_rtc_sdp" / "chromium_publisher").read_bytes()
OUR_FRAGMENT = re.search(rb"a=ice-ufrag:(\S+)", OFFER).group(1)


class Server(Dev):
    """Its metrics are to be had, and its memory shows what is held, not what a sanitizer keeps of what was freed."""

    def __init__(self, folder):
        self.private, self.media_port = f"127.0.0.1:{free_port()}", free_port()
        super().__init__(folder, http_private=self.private, http_connections_max=str(CONNECTIONS_MOST), rtc_udp_port=str(self.media_port))
        self.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"

    def connect(self):
        return Wire(socket.create_connection((self.host, self.port), timeout=PATIENCE_S))

    def metrics(self):
        status, page = http_get(f"http://{self.private}/metrics")
        assert status == 200
        lines = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def wait(self, what, wanted):
        """Until wanted(metrics); gives them."""
        end = time.monotonic() + PATIENCE_S
        seen = self.metrics()
        while not wanted(seen):
            assert time.monotonic() < end, f"{what}: {({name: value for name, value in seen.items() if value and 'bucket' not in name})}"
            time.sleep(0.1)
            seen = self.metrics()
        return seen


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("sfu")).start()
    yield running
    assert running.stop() == 0  # a sanitizer that has found something, or something left, would say so here


def program(server, name, *arguments, nice=0, **pipes):
    return subprocess.Popen(["nice", "-n", str(nice), str(build_dir() / name), *arguments], stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, LOAD_SECRET=server.secret), **pipes)


@contextlib.contextmanager
def ended(process):
    """Whatever happens, it does not stay."""
    with process:
        try:
            yield process
        finally:
            process.kill()


# --- noise at the media port ---

STUN_COOKIE, STUN_FINGERPRINT_XOR = 0x2112A442, 0x5354554E
STUN_USERNAME, STUN_INTEGRITY, STUN_PRIORITY, STUN_FINGERPRINT, STUN_CONTROLLING = 0x0006, 0x0008, 0x0024, 0x8028, 0x802A


def _attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def check_of_ice(fragment, password):
    """A check to whoever is called so: RFC 8445, 7.2.2."""
    identity = struct.pack(">I", STUN_COOKIE) + RANDOM.randbytes(12)
    said = _attribute(STUN_USERNAME, fragment + b":" + OUR_FRAGMENT) + _attribute(STUN_PRIORITY, bytes(4)) + \
        _attribute(STUN_CONTROLLING, RANDOM.randbytes(8))
    signed = struct.pack(">HH", 1, len(said) + 24) + identity + said
    said += _attribute(STUN_INTEGRITY, hmac.new(password, signed, "sha1").digest())
    summed = struct.pack(">HH", 1, len(said) + 8) + identity + said
    return summed + _attribute(STUN_FINGERPRINT, struct.pack(">I", zlib.crc32(summed) ^ STUN_FINGERPRINT_XOR))


def noise(credentials):
    """One of each kind; `credentials`: of connections that wait for a check."""
    yield check_of_ice(b"nobody", b"guessed")
    for fragment, password in credentials:
        yield check_of_ice(fragment, b"guessed")
        yield check_of_ice(fragment, password)  # it has a path now, and what follows from there may be for it
    yield struct.pack(">HHI", 1, 60000, STUN_COOKIE) + RANDOM.randbytes(40)       # longer than it is
    yield b"\x16\xfe\xfd" + RANDOM.randbytes(200)                                 # DTLS, a handshake
    yield b"\x17\xfe\xfd\x00\x01" + RANDOM.randbytes(1100)                        # … and what is sealed
    yield b"\x80\x60" + RANDOM.randbytes(1000)                                    # RTP
    yield b"\x81\xc9\x00\x07" + RANDOM.randbytes(28)                              # RTCP
    yield RANDOM.choice([b"\xff", b"\x50", b"\x04"]) + RANDOM.randbytes(RANDOM.randrange(1, 1400))
    yield RANDOM.choice([b"\x16", b"\x80", b"\x00", b"\x16\xfe\xfd" + bytes(5000)])  # too short, too long


class Noise:
    """As fast as it is read and no faster: what the kernel drops before the server sees it could be anybody's, and no server helps that."""

    SOURCES, WAITING_MOST = 48, 16 * 1024

    def __init__(self, server):
        self.port = server.media_port
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(self.SOURCES)]
        for i, one in enumerate(self.sockets):
            one.bind((f"127.99.{i % 4}.{i + 1}", 0))
        self.sent = self.good = 0
        self.credentials, self.over, self.failure = [], False, None
        self.thread = threading.Thread(target=self._run)

    def waiting(self):
        """(bytes of the kernel's that wait for the server, datagrams that found no room)"""
        with open("/proc/net/udp", encoding="ascii") as table:
            row = next(line.split() for line in table if f":{self.port:04X} 00000000:0000" in line)
        return int(row[4].split(":")[1], 16), int(row[12])

    def _run(self):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)  # the meeting's clients are on this machine, too
        try:
            while not self.over:
                if self.waiting()[0] > self.WAITING_MOST:
                    time.sleep(0.001)
                    continue
                attacked = self.credentials[-ATTACKED:]
                self.good += len(attacked)
                for datagram in noise(attacked):
                    RANDOM.choice(self.sockets).sendto(datagram, ("127.0.0.1", self.port))
                    self.sent += 1
        except Exception as failure:  # pylint: disable=broad-exception-caught
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        for one in self.sockets:
            one.close()


# --- signalling ---

def field(number, value):
    """Of protobuf: bytes."""
    size, n = b"", len(value)
    while n > 127:
        size, n = size + bytes([n & 127 | 128]), n >> 7
    return bytes([number << 3 | 2]) + size + bytes([n]) + value


def offer(sdp):
    return field(1, field(1, b"offer") + field(2, sdp))  # SignalRequest.offer


def target(server, name, room="broken", **claims):
    jwt = token(server.key, server.secret, room, name, **claims)
    return f"/rtc?protocol=16&auto_subscribe=0&access_token={jwt}"


# What is said, the WebSocket's opcode (1 text, 2 binary), and the code of the close that it earns; ANEW: a client whose description leads
# nowhere is told to join anew.
BROKEN = {
    "too large": (bytes(SIGNAL_MOST + 1), 2, TOO_LARGE),
    "noise": (b"\xff" * 1000, 2, POLICY),
    "a member longer than the message": (field(1, bytes(100))[:50], 2, POLICY),
    "text": (b'{"offer": {}}', 1, POLICY),
    "an offer that is no text": (offer(b"\xff\x00" * 500), 2, POLICY),
    "an offer of nothing": (offer(b"v=1\r\nwhat\r\n"), 2, ANEW),
    "a description without end": (offer(OFFER + b"a=candidate:1 1 udp 1 192.0.2.2 9 typ host\r\n" * 40000), 2, ANEW),
    "as many sections as fit": (offer(OFFER + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:9\r\n" * 40000), 2, ANEW),
}


class Signalling:
    """One client after the other, and many who go no further."""

    def __init__(self, server, noise_of):
        self.server, self.noise = server, noise_of
        self.said = self.broken = self.half_open = self.refused = self.idle = 0
        self.names = (f"half-{n}" for n in range(1 << 30))

    def say_broken(self):
        for name, (payload, opcode, code) in BROKEN.items():
            with WebSocket(self.server, target(self.server, next(self.names))) as ws:
                ws.sock.settimeout(PATIENCE_S)
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # it need not read all
                    ws.say(payload, opcode)
                try:
                    assert ws.close_code() == code, name
                except ConnectionResetError:  # … and hangs up on the rest
                    assert code == TOO_LARGE, name
                self.said += len(payload)
                self.broken += code == POLICY

    def open_half(self):
        """As many joins as the room takes, some of them with an offer that is answered: nobody ever comes to the media port."""
        with contextlib.ExitStack() as stack:
            refused = 0
            while refused < OVER_THE_LIMIT:
                wire = stack.enter_context(self.server.connect())
                wire.send(upgrade(target(self.server, next(self.names), "half-open", roomConfig={"maxParticipants": MEMBERS_MOST})))
                status, _ = wire.head()
                assert status in (101, 503)
                refused += status == 503
                self.half_open += status == 101
                if status == 101 and self.half_open % MEMBERS_MOST < OFFERS:
                    self.offer(wire)
            self.refused += refused

    def offer(self, wire):
        ws = WebSocket.__new__(WebSocket)  # it has shaken hands already
        ws.sock, ws.left = wire.sock, wire.left
        ws.say(offer(OFFER), 2)
        answer = None
        while answer is None:
            answer = re.search(rb"answer.*a=ice-ufrag:(\S+).*a=ice-pwd:(\S+)", ws.hear()[1], re.S)
        self.noise.credentials.append(answer.groups())

    def say_nothing(self):
        """Connections that never end their first line, up to the limit and over it."""
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(self.server.connect()) for _ in range(CONNECTIONS_MOST + OVER_THE_LIMIT)]
            for wire in wires:
                wire.send_as_far_as_it_goes(b"GET /rtc?access_token=")
            watch = select.poll()
            for wire in wires:
                watch.register(wire.sock, select.POLLIN)
            end = time.monotonic() + PATIENCE_S
            while len(watch.poll(100)) < OVER_THE_LIMIT:
                assert time.monotonic() < end, "all are let in"
            self.idle += OVER_THE_LIMIT
        self.server.wait("an open door", lambda seen: seen["parley_http_connections"] < CONNECTIONS_MOST / 2)


# --- all of it ---

STALLED = 'parley_media_left_total{reason="media_lost"}'


def dropped(seen, *reasons):
    return sum(seen[f'parley_media_dropped_total{{reason="{reason}"}}'] for reason in reasons)


def test_a_meeting_goes_on_as_if_nothing_was(server):
    with ended(program(server, "tests/live/sfu_vandal", server.url, ROOM, nice=19, stdin=subprocess.PIPE)) as vandal:
        assert vandal.stdout.readline() == "ready\n"
        with ended(program(server, "tools/load/load", "--url", server.url, "--room", ROOM, "--members", str(PEOPLE), "--audio", "--video",
                           "--seconds", str(SECONDS), "--settle-ms", "1000", "--drain-ms", "2000", "--wait", str(PATIENCE_S))) as load:
            before = server.wait("the meeting", lambda seen: seen["parley_media_tracks"] == TRACKS)
            vandal.stdin.write("go\n")
            vandal.stdin.flush()
            with Noise(server) as around:
                signalling = Signalling(server, around)
                end = time.monotonic() + PATIENCE_S
                while load.poll() is None or signalling.said < SAID_LEAST or server.metrics()[STALLED] == before[STALLED]:
                    assert time.monotonic() < end, "the meeting does not end, or who does not read is not given up"
                    signalling.say_broken()
                    signalling.open_half()
                    signalling.say_nothing()
                _, lost = around.waiting()
            assert around.failure is None
            check_meeting(load)
        check_vandals(vandal)
    check_counted(server, before, around, lost, signalling)
    check_gone(server, before)


def check_meeting(load):
    said = load.communicate()[0]
    assert load.returncode == 0
    result = json.loads(said)
    print(said)
    assert result["clean"] and result["received"] > 0 and result["missing"] <= 0, result
    assert result["faults"] == result["wrong"] == result["back"] == result["not_key"] == result["forged"] == 0, result


def check_vandals(vandal):
    said = vandal.communicate("", timeout=PATIENCE_S)[0]
    assert vandal.returncode == 0
    print(said)
    result = json.loads(said)
    # Even a flood comes whole and in order; who does not read, and who is not who he says, is shown the door, and nobody else.
    assert result["heard"] > 0 and result["missing"] == 0, result
    assert {who for who, what in result.items() if isinstance(what, dict) and not what["there"]} == {"deaf", "impostor"}, result
    assert all(result[who]["said"] > 0 for who in ("flooder", "forger", "babbler", "presser")), result


def check_counted(server, before, around, lost, signalling):
    def since(seen, name):
        return seen[name] - before.get(name, 0)

    reasons = ("kind", "no_transport", "check", "early", "dtls", "malformed", "too_long")
    seen = server.wait("noise", lambda seen: dropped(seen, *reasons) - dropped(before, *reasons) >= around.sent - around.good - lost)
    print({"noise": around.sent, "good": around.good, "lost": lost, "said": signalling.said, "half_open": signalling.half_open},
          {name: since(seen, name) for name in seen if ("_dropped_" in name or "_refused_" in name) and since(seen, name) > 0})
    for reason in ("kind", "no_transport", "check", "early", "dtls", "too_long", "data_malformed"):
        assert dropped(seen, reason) > dropped(before, reason), reason
    assert since(seen, "parley_livekit_messages_broken_total") == signalling.broken > 0 and signalling.half_open >= MEMBERS_MOST
    assert since(seen, "parley_livekit_refused_total") == signalling.refused > 0
    assert since(seen, 'parley_http_refused_total{reason="connections"}') >= signalling.idle > 0
    assert since(seen, STALLED) == 1, "who does not read"
    assert since(seen, "parley_media_data_lost_total") > 0, "lossy messages without room"


def check_gone(server, before):
    gauges = ("parley_media_members", "parley_media_tracks", "parley_media_subscriptions", "parley_livekit_sessions", "parley_http_websockets")
    memory = "process_resident_memory_bytes"
    seen = server.wait("nothing left", lambda seen: all(seen[name] == 0 for name in gauges) and seen[memory] < before[memory] + HELD_MOST)
    print(f"{(seen[memory] - before[memory]) / MIB:.1f} MiB more than before")
