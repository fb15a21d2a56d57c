"""The Debian package: what is in it, installing, upgrading under load, removing, purging; in a scratch root, never on this machine."""

import os
import pathlib
import re
import shutil
import stat
import threading
import time

import pytest

from debian import libraries_of, run
from events import legacy_call
from parley import REPO, Parley
from store_chain import assert_chain_holds

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("dpkg-deb") is None, reason="needs root and dpkg")
CONFFILE = "etc/parley/parley.yaml"


@pytest.fixture(scope="module", name="packages")
def fixture_packages(tmp_path_factory):
    """Two versions of the package; what differs is the version alone."""
    folder = tmp_path_factory.mktemp("packages")
    return [pathlib.Path(run(REPO / "tools/package", "--output", folder, "--revision", n).strip()) for n in (1, 2)]


class Root:
    """A scratch root with a database of packages of its own. Scripts run outside of it and are told by DPKG_ROOT."""

    def __init__(self, folder):
        self.path = folder / "root"
        for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log", "etc"):
            (self.path / name).mkdir(parents=True)
        (self.path / "var/lib/dpkg/status").touch()
        (self.path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (self.path / "etc/group").write_text("root:x:0:\n")

    def dpkg(self, *arguments, **environment):
        return run("dpkg", f"--root={self.path}", "--force-script-chrootless", "--force-depends", *arguments,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **environment})

    def __truediv__(self, name):
        return self.path / name

    def id_of(self, file):
        """The number of user or group parley."""
        return int(next(line for line in (self.path / file).read_text().splitlines() if line.startswith("parley:")).split(":")[2])

    def owned(self, name):
        found = (self.path / name).stat()
        return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    return Root(tmp_path)


# --- what is in it ---

def test_what_is_in_it(packages):
    names = {line.split()[5] for line in run("dpkg-deb", "-c", packages[0]).splitlines()}
    assert {"./usr/bin/parley", f"./{CONFFILE}", "./usr/lib/systemd/system/parley.service", "./usr/lib/sysusers.d/parley.conf",
            "./usr/lib/tmpfiles.d/parley.conf", "./usr/share/doc/parley/copyright", "./usr/share/doc/parley/changelog.Debian.gz",
            "./usr/share/doc/parley/operations.md", "./usr/share/doc/parley/examples/synapse-config/homeserver.yaml"} <= names
    assert not [name for name in names if not name.startswith(("./usr/", "./etc/parley/")) and name not in ("./", "./etc/", "./usr/")]
    assert all(line.split()[1] == "root/root" for line in run("dpkg-deb", "-c", packages[0]).splitlines())
    assert run("dpkg-deb", "-f", packages[0], "Version").strip().endswith("-1")
    assert run("dpkg-deb", "-I", packages[0], "conffiles").split() == [f"/{CONFFILE}"]


def test_it_depends_on_what_it_is_linked_with(packages, tmp_path):
    run("dpkg-deb", "-x", packages[0], tmp_path)
    depends = {word.split()[0] for word in run("dpkg-deb", "-f", packages[0], "Depends").split(",")}
    libraries = libraries_of(tmp_path / "usr/bin/parley")
    assert "libuv1" in libraries and libraries <= depends
    assert depends - libraries == {"libwebsockets-evlib-uv", "systemd"}


def test_the_unit_is_hardened_and_starts_this_program(packages, tmp_path):
    run("dpkg-deb", "-x", packages[0], tmp_path)
    unit = tmp_path / "usr/lib/systemd/system/parley.service"
    assert "\nExecStart=/usr/bin/parley serve\n" in unit.read_text()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    told = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = float(re.search(r"Overall exposure level for parley.service: ([0-9.]+)", told)[1])
    assert exposure <= 2.0


def test_the_same_source_gives_the_same_package(packages, tmp_path):
    again = run(REPO / "tools/package", "--output", tmp_path, "--revision", "1").strip()
    assert pathlib.Path(again).read_bytes() == packages[0].read_bytes()


# --- installing and removing ---

def test_a_life_on_a_machine(packages, root):
    printed = root.dpkg("-i", packages[0])
    assert "installed and not started" in printed
    user, group = root.id_of("etc/passwd"), root.id_of("etc/group")
    assert root.owned("etc/parley") == (0, group, 0o750)
    assert root.owned(CONFFILE) == (0, group, 0o640)
    assert root.owned("var/lib/parley") == (user, group, 0o700)
    program = root / "usr/bin/parley"
    assert run(program, "version").startswith("parley ")
    assert (root / CONFFILE).read_text() == run(program, "config", "sample")

    # The admin's changes survive an upgrade, his modes too.
    (root / CONFFILE).write_text("homeserver: {name: example.com}\n")
    (root / CONFFILE).chmod(0o600)
    (root / "etc/parley/registration.yaml").write_text("secret")
    (root / "var/lib/parley/audit.key").write_text("key")
    assert "not started" not in root.dpkg("-i", "--force-confdef", "--force-confold", packages[1])
    assert (root / CONFFILE).read_text() == "homeserver: {name: example.com}\n"
    assert root.owned(CONFFILE)[2] == 0o600

    root.dpkg("-r", "parley")
    assert not program.exists() and (root / CONFFILE).exists() and (root / "etc/parley/registration.yaml").exists()
    assert "Kept: /var/lib/parley" in root.dpkg("-P", "parley")
    assert not (root / "etc/parley").exists()
    assert (root / "var/lib/parley/audit.key").read_text() == "key"

    root.dpkg("-i", packages[0])
    assert root.owned("var/lib/parley/audit.key")[2] and (root / "var/lib/parley/audit.key").read_text() == "key"
    root.dpkg("-P", "parley", PARLEY_PURGE_DATA="yes")
    assert not (root / "var/lib/parley").exists()


# --- upgrading ---

class Deliveries(threading.Thread):
    """A homeserver's side: one transaction at a time, again and again until it is answered 200, then the next."""

    def __init__(self, parley):
        super().__init__(daemon=True)
        self.parley = parley
        self.done = []       # call ids that were acknowledged whole
        self.again = 0       # transactions that were delivered more than once
        self.enough = threading.Event()
        self.failure = None

    def deliver(self, txn, events):
        tries = 0
        while self.parley.transaction(txn, events)[0] != 200:
            tries += 1
            assert tries < 1200, "Parley did not come back"
            time.sleep(0.05)
        self.again += tries > 0

    def run(self):
        try:
            n = 0
            while not self.enough.is_set():
                n += 1
                events = legacy_call(f"!pair{n % 7}:localhost", "@a:localhost", "@b:localhost", f"call{n}")
                self.deliver(f"{n}a", events[:3])
                self.deliver(f"{n}b", events[3:])
                self.done.append(f"call{n}")
        except AssertionError as failure:
            self.failure = failure


class Rows:
    """What store_chain wants to see."""

    def __init__(self, postgres, name, key):
        self.rows = lambda sql: postgres.rows(sql, name)
        self.key = key


def test_an_upgrade_under_load_loses_nothing(packages, root, postgres, tmp_path):
    root.dpkg("-i", packages[0])
    database = postgres.create_database("package_upgrade")
    parley = Parley(tmp_path / "parley", database)
    parley.binary = root / "usr/bin/parley"
    parley.start()
    deliveries = Deliveries(parley)
    deliveries.start()

    def calls(n):
        until = time.monotonic() + 60
        want = len(deliveries.done) + n
        while len(deliveries.done) < want and deliveries.failure is None:
            assert time.monotonic() < until
            time.sleep(0.02)

    try:
        for package in (packages[1], packages[0], packages[1]):
            calls(10)
            running = os.readlink(f"/proc/{parley.process.pid}/exe")
            root.dpkg("-i", "--force-downgrade", package)
            assert parley.process.poll() is None, "unpacking stops nothing"
            assert os.readlink(f"/proc/{parley.process.pid}/exe").startswith(running)
            calls(5)
            # What postinst has systemd do: `systemctl try-restart`.
            assert parley.stop() == 0
            parley.start()
            assert os.readlink(f"/proc/{parley.process.pid}/exe") == str(parley.binary)
        calls(10)
        deliveries.enough.set()
        deliveries.join(60)
        assert deliveries.failure is None and deliveries.again >= 1, "something was in flight"
        assert parley.stop() == 0
    finally:
        deliveries.enough.set()
        if parley.process is not None:
            parley.kill()
    ended = {row["call_id"]: row["status"] for row in parley.audit("calls")}
    assert ended == dict.fromkeys(deliveries.done, "ended")
    events = parley.audit("events")
    for call_id in deliveries.done:
        assert [e["type"] for e in events if e["call_id"] == call_id].count("call_ended") == 1
    assert_chain_holds(Rows(postgres, "package_upgrade", parley.folder / "audit.key"))
    postgres.drop_database("package_upgrade")
