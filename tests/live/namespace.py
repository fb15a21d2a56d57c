"""A network namespace of the test's own: nothing in it can touch, or be touched by, the machine's network.

The thread that enters it, and all processes and threads it starts from there, have only the namespace's loopback.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why there can be none here; None = there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            return f"{program} is not installed: run tools/setup all"
    return None


@contextlib.contextmanager
def network_namespace():
    """Enters a new one; leaves and ends it."""
    with open("/proc/thread-self/ns/net", "rb") as before:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            _enter(before)


HOST = "10.83.0.1"


@contextlib.contextmanager
def host_namespace():
    """The same with an address beside loopback, HOST, and a way to everywhere that leads nowhere: Firefox sends no media over
    loopback."""
    with network_namespace():
        for line in ("link add host0 type veth peer name wire0", f"addr add {HOST}/24 dev host0", "link set host0 up", "link set wire0 up",
                     "route add default via 10.83.0.254"):
            subprocess.run(["ip", *line.split()], check=True)
        yield HOST


class Cable:
    """A host of its own at the end of a cable to the network we are in, which is HOST's.

    `pull` and `plug`: the cable is out and in again, which both ends see.
    """

    def __init__(self, number):
        self.end = f"cable{number}"
        self.network = f"10.83.{number}."
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        try:
            self._lay()
        except subprocess.CalledProcessError:
            self.close()
            raise

    def _wait_holder(self):
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == os.readlink("/proc/thread-self/ns/net"):
            time.sleep(0.01)  # until unshare has done its work

    def _lay(self):
        self._wait_holder()
        subprocess.run(["ip", "link", "add", self.end, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid)], check=True)
        for line in (f"addr add {self.network}1/24 dev {self.end}", f"link set {self.end} up"):
            subprocess.run(["ip", *line.split()], check=True)
        with self.inside():
            for line in ("link set lo up", f"addr add {self.network}2/24 dev eth0", "link set eth0 up",
                         f"route add default via {self.network}1"):
                subprocess.run(["ip", *line.split()], check=True)

    @contextlib.contextmanager
    def inside(self):
        """The thread, and what it starts, is at that host."""
        with open("/proc/thread-self/ns/net", "rb") as before, open(f"/proc/{self.holder.pid}/ns/net", "rb") as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(before)

    def pull(self):
        subprocess.run(["ip", "link", "set", self.end, "down"], check=True)

    def plug(self):
        subprocess.run(["ip", "link", "set", self.end, "up"], check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()


def _enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def firewall(rule):
    """A rule of nftables for what comes in, in the namespace we are in, for as long as the context lasts."""
    script = f"table inet test {{\n chain in {{\n  type filter hook input priority 0;\n  {rule}\n }}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "test"], check=True)
