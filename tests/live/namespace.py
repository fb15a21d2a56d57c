"""A network namespace of the test's own: nothing in it can touch, or be touched by, the machine's network.

The thread that enters it, and all processes and threads it starts from there, have only the namespace's loopback.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess

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
            if libc.setns(before.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")


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


@contextlib.contextmanager
def firewall(rule):
    """A rule of nftables for what comes in, in the namespace we are in, for as long as the context lasts."""
    script = f"table inet test {{\n chain in {{\n  type filter hook input priority 0;\n  {rule}\n }}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "test"], check=True)
