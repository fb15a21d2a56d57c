"""docs/operations.md, command by command: the blocks marked `sh` are run as they stand, on a machine that is a folder."""

import os
import re
import shutil
import subprocess

import pytest

from cluster import find_program
from events import legacy_call
from parley import REPO, Parley
from store_chain import assert_chain_holds
from stub_homeserver import StubHomeserver

PAGE = (REPO / "docs/operations.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```sh (.+?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
BY_SYSTEMD = {"systemctl stop parley", "systemctl start parley", "systemctl reload parley", "systemctl restart matrix-synapse"}


class Machine:
    """A folder with /etc/parley, /var/lib/parley and so on in it, a database named parley, and what systemd would run."""

    def __init__(self, folder, postgres, homeserver_url):
        self.root = folder
        self.postgres = postgres
        self.parley = Parley(folder / "etc/parley", postgres.url("parley"), homeserver_url,
                             settings={"audit": {"key_file": folder / "var/lib/parley/audit.key"},
                                       "admin": {"token_file": folder / "var/lib/parley/admin.token"}})
        # The log is no part of what is backed up, and the folder goes and comes.
        self.parley.log = folder / "parley.log"
        self.key = folder / "var/lib/parley/audit.key"
        for name in ("var/lib/parley", "var/backups", "root", "etc/matrix-synapse", "bin"):
            (folder / name).mkdir(parents=True)
        self.installed = []
        self._program("parley", f'exec "{self.parley.binary}" "$@" --config "{self.parley.config}"')
        self._program("runuser", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
        # No user of Debian's here: owners are left out.
        self._program("install", 'a=(); while [ $# -gt 0 ]; do case $1 in -o|-g) shift;; *) a+=("$1");; esac; shift; done; '
                                 'exec /usr/bin/install "${a[@]}"')

    def _program(self, name, text):
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def rows(self, sql):
        return self.postgres.rows(sql, "parley")

    def here(self, line):
        """The same command with the folder's paths and the test's port."""
        line = re.sub(r"/(etc|var|root)/", lambda match: f"{self.root}{match[0]}", line)
        return line.replace("127.0.0.1:8090", f"127.0.0.1:{self.parley.private_port}")

    def systemd(self, line):
        if line == "systemctl stop parley":
            assert self.parley.stop() == 0
        elif line == "systemctl start parley":
            self.parley.start()
        elif line == "systemctl reload parley":
            seen = self.parley.log.read_text().count("event=registration_reloaded")
            self.parley.process.send_signal(1)
            while self.parley.log.read_text().count("event=registration_reloaded") == seen:
                assert self.parley.process.poll() is None
            assert self.parley.get("/livez")[0] == 200

    def run(self, name):
        """All commands of a block; gives what the last one printed."""
        environment = dict(self.parley.environment, PGHOST=str(self.postgres.socket_dir), PGPORT=str(self.postgres.port),
                           PGUSER=self.postgres.user,
                           PATH=f"{self.root}/bin:{os.path.dirname(find_program('pg_dump'))}:{os.environ['PATH']}")
        printed = ""
        for line in BLOCKS[name].splitlines():
            if line in BY_SYSTEMD:
                self.systemd(line)
            elif line.startswith("apt install"):
                self.installed.append(line.split("/")[-1])
            else:
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", self.here(line)], capture_output=True, text=True,
                                      check=False, timeout=120, env=environment)
                assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
                printed = done.stdout
        return printed


@pytest.fixture(name="machine")
def fixture_machine(tmp_path, postgres):
    postgres.create_database("parley")
    if not postgres.sql("SELECT 1 FROM pg_roles WHERE rolname = 'parley'"):
        postgres.sql("CREATE ROLE parley LOGIN")
    with StubHomeserver() as homeserver:
        made = Machine(tmp_path, postgres, homeserver.url)
        made.parley.start()
        yield made
        if made.parley.process is not None:
            made.parley.kill()
    postgres.drop_database("parley")


def calls(machine, first, last):
    for n in range(first, last + 1):
        events = legacy_call(f"!r{n}:localhost", "@a:localhost", "@b:localhost", f"call{n}", prefix=f"$e{n}.")
        assert machine.parley.transaction(str(n), events)[0] == 200


def test_every_block_is_tried_here():
    source = open(__file__, encoding="utf-8").read()
    assert BLOCKS and all(f'run("{name}")' in source for name in BLOCKS)


def test_backup_destroy_restore(machine):
    parley = machine.parley
    calls(machine, 1, 5)
    machine.run("back up")
    machine.run("keep the key")
    assert not list(machine.root.glob("var/backups/parley/**/audit.key")), "the key is not with the dump"
    before = {report: parley.audit(report) for report in ("calls", "events")}
    calls(machine, 6, 6)  # after the dump

    # The machine burns.
    parley.kill()
    machine.postgres.sql('DROP DATABASE "parley" WITH (FORCE)')
    shutil.rmtree(machine.root / "etc/parley")
    shutil.rmtree(machine.root / "var/lib/parley")
    machine.systemd = (lambda run: lambda line: None if line.endswith("stop parley") else run(line))(machine.systemd)
    machine.run("restore")

    assert {report: parley.audit(report) for report in ("calls", "events")} == before
    assert_chain_holds(machine)
    assert parley.stop() == 0
    parley.start()
    calls(machine, 6, 8)  # what was delivered after the dump, delivered again, and more
    assert len(parley.audit("calls")) == 8
    assert_chain_holds(machine)


def test_restoring_without_the_key_is_refused(machine):
    calls(machine, 1, 1)
    assert machine.parley.stop() == 0
    machine.key.unlink()
    done = subprocess.run([str(machine.parley.binary), "serve", "--config", str(machine.parley.config)], capture_output=True,
                          text=True, check=False, timeout=60, env=machine.parley.environment)
    assert done.returncode == 1 and "put the file back" in done.stderr
    assert not machine.key.exists(), "and no other is made"


def test_upgrade_and_downgrade(machine):
    parley = machine.parley
    calls(machine, 1, 2)
    machine.run("back up")
    machine.run("keep the key")
    before = parley.audit("events")
    assert machine.run("upgrade") == "nothing to do\n"
    assert machine.run("go back, same tables") == "nothing to do\n"
    assert len(machine.installed) == 2

    # A newer program has been here, and the older one comes back.
    newest = int(machine.rows("SELECT max(version) FROM schema_migrations")[0][0])
    machine.postgres.sql(f"INSERT INTO schema_migrations (version, name, sha256) VALUES ({newest + 1}, 'newer', 'x')", "parley")
    calls(machine, 3, 3)
    assert parley.stop() == 0
    sentence = f"the database is at version {newest + 1}, this program knows {newest}: use a newer parley"
    for command in (["serve"], ["migrate"], ["migrate", "--check"]):
        done = subprocess.run([str(parley.binary), *command, "--config", str(parley.config)], capture_output=True, text=True,
                              check=False, timeout=60, env=parley.environment)
        assert done.returncode == 1 and sentence in done.stderr
    machine.run("restore")
    assert parley.audit("events") == before
    calls(machine, 3, 3)
    assert_chain_holds(machine)


def test_changing_secrets(machine):
    parley = machine.parley
    parley.run("admin-token")
    machine.systemd("systemctl reload parley")
    old_admin = machine.root.joinpath("var/lib/parley/admin.token").read_text().strip()
    old_hs = parley.token("hs_token")
    assert '"live_calls":0' in machine.run("ask as an admin")
    machine.run("change the admin's token")
    assert '"live_calls":0' in machine.run("ask as an admin")
    assert parley.request("GET", "/_parley/admin/v1/status", token=old_admin)[0] == 403
    machine.run("change the tokens")
    copy = machine.root / "etc/matrix-synapse/parley.yaml"
    assert copy.read_text() == parley.registration.read_text() and copy.stat().st_mode & 0o777 == 0o640
    assert parley.transaction("old", [], old_hs)[0] == 403
    calls(machine, 1, 1)


def test_two_nodes_share_one_database(machine, tmp_path):
    first = machine.parley
    second = Parley(tmp_path / "second", first.database_url, first.homeserver_url,
                    settings={"audit": {"key_file": machine.key}, "node": {"name": "second"},
                              "appservice": {"registration": first.registration}})
    second.registration = first.registration
    second.start()
    try:
        for n in range(1, 9):
            events = legacy_call(f"!r{n}:localhost", "@a:localhost", "@b:localhost", f"call{n}", prefix=f"$e{n}.")
            here, there = (first, second) if n % 2 else (second, first)
            assert here.transaction(f"{n}a", events[:3])[0] == 200
            assert there.transaction(f"{n}a", events[:3])[0] == 200, "again, elsewhere"
            if n == 5:
                first.kill()
                first.start()
            assert there.transaction(f"{n}b", events[3:])[0] == 200
        assert [call["status"] for call in first.audit("calls")] == ["ended"] * 8
        assert len(first.audit("events")) == 8 * len({e["n"] for e in first.audit("events", "--call", "call1")})
        assert_chain_holds(machine)
        assert second.stop() == 0
    finally:
        if second.process is not None:
            second.kill()
