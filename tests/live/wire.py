"""A host behind a bad line: a cable (namespace.Cable) that loses, delays, jumbles and narrows what goes through it.

    wire = Wire(3)
    with wire.inside(): ...                  as with any cable
    wire.down = Way(bits_per_s=300_000)      to the host; `up` from it. From now on.
    wire.close()

The kernel's own means (netem) are not in every kernel; two TUN devices and a thread between them are.
"""

import contextlib
import dataclasses
import fcntl
import heapq
import os
import pathlib
import random
import select
import struct
import subprocess
import threading
import time

import namespace

TUN = pathlib.Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
PACKET = 65536
SEED = 7


def why_not():
    """Why there can be none here; None = there can."""
    return namespace.why_not() or (None if TUN.exists() else f"there is no {TUN}")


@dataclasses.dataclass
class Way:
    """One direction: what it does to each packet."""

    loss: float = 0          # of 1
    delay_s: float = 0
    jitter_s: float = 0      # up to so much more, for each packet by itself: they overtake
    bits_per_s: float = 0    # 0 = as many as come
    queue_s: float = 0.2     # what waits before the bottleneck; what does not fit is lost


class _Line:
    """What is under way in one direction."""

    def __init__(self, out):
        self.out, self.way, self.free_at, self.number = out, Way(), 0, 0
        self.random = random.Random(SEED)
        self.flying = []

    def take(self, packet, now):
        way = self.way  # another one may be set at any time
        due = now
        if self.random.random() < way.loss:
            return
        if way.bits_per_s > 0:
            if self.free_at - now > way.queue_s:
                return
            self.free_at = due = max(now, self.free_at) + 8 * len(packet) / way.bits_per_s
        due += way.delay_s + self.random.uniform(0, way.jitter_s)
        self.number += 1
        heapq.heappush(self.flying, (due, self.number, packet))

    def give(self, now):
        while self.flying and self.flying[0][0] <= now:
            with contextlib.suppress(OSError):  # the device is down
                os.write(self.out, heapq.heappop(self.flying)[2])

    def wait_s(self, now):
        return max(0, self.flying[0][0] - now) if self.flying else None


class Wire(namespace.Cable):
    """See above."""

    def _lay(self):
        self._wait_holder()
        self._near, self._far = _tun(self.end, f"{self.network}1"), None
        with self.inside():
            self._far = _tun("eth0", f"{self.network}2")
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "route", "add", "default", "via", f"{self.network}1"], check=True)
        self._over, self._end_over = os.pipe()
        self._lines = {self._near: _Line(self._far), self._far: _Line(self._near)}
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    down = property(lambda self: self._lines[self._near].way, lambda self, way: setattr(self._lines[self._near], "way", way))
    up = property(lambda self: self._lines[self._far].way, lambda self, way: setattr(self._lines[self._far], "way", way))

    def _carry(self):
        lines = self._lines
        while True:
            now = time.monotonic()
            waits = [wait for line in lines.values() if (wait := line.wait_s(now)) is not None]
            ready, _, _ = select.select([self._over, *lines], [], [], min(waits, default=None))
            if self._over in ready:
                return
            now = time.monotonic()
            for device in ready:
                with contextlib.suppress(OSError):
                    lines[device].take(os.read(device, PACKET), now)
            for line in lines.values():
                line.give(now)

    def close(self):
        os.close(self._end_over)
        self._thread.join()
        for descriptor in (self._over, self._near, self._far):
            os.close(descriptor)
        super().close()


def _tun(name, address):
    """A network device that we are the cable of."""
    device = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    for line in (f"addr add {address}/24 dev {name}", f"link set {name} up"):
        subprocess.run(["ip", *line.split()], check=True)
    return device
