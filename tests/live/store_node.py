"""Nodes and databases for the tests of src/store: store_probe and store_admin, driven by lines of text."""

import os
import pathlib
import queue
import re
import subprocess
import threading
import time

import pytest
from parley import build_dir

WAIT_SECONDS = 60
SCHEMA = len(list((pathlib.Path(__file__).parents[2] / "schema").glob("[0-9]*.sql")))  # the newest migration
NOW = 1_800_000_000_000  # a time, Unix milliseconds


def program(name):
    return str(build_dir() / "tests" / "live" / name)


def admin(*arguments):
    """Runs store_admin; gives its exit code and what it printed."""
    # Memory is measured here, so a sanitizer must not keep what was freed.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    done = subprocess.run([program("store_admin"), *arguments], stdout=subprocess.PIPE, timeout=WAIT_SECONDS * 4, check=False,
                          env=dict(os.environ, ASAN_OPTIONS=options))
    return done.returncode, done.stdout.decode().rstrip("\n")


class Probe:
    """A store_probe: one node."""

    def __init__(self, url, key, pool=2, connect_ms=5000):
        self.process = subprocess.Popen([program("store_probe"), url, str(key), str(pool), str(connect_ms)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.printed = queue.Queue()
        self.kept = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.printed.put(line.rstrip("\n"))
        self.printed.put(None)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def expect(self, start, seconds=WAIT_SECONDS):
        """The next line that begins so; lines before it are kept for later."""
        for line in self.kept:
            if line.startswith(start):
                self.kept.remove(line)
                return line
        deadline = time.monotonic() + seconds
        while True:
            line = self.printed.get(timeout=max(0.01, deadline - time.monotonic()))
            assert line is not None, f"store_probe ended; wanted {start}"
            if line.startswith(start):
                return line
            self.kept.append(line)

    def silent(self, start, seconds=0.5):
        """Nothing that begins so is printed for a while."""
        try:
            self.kept.append(self.expect(start, seconds))
        except queue.Empty:
            return True
        return False

    def ask(self, command):
        """Tells a command and gives what comes of it."""
        word, name = command.split()[:2]
        answer = {"open": "opened", "due": "opened", "commit": "committed", "abort": "aborted"}.get(word, "answered")
        self.tell(command)
        return self.expect(f"{answer} {name} ")if word != "abort" else self.expect(f"aborted {name}")

    def unit(self, name, opening, committing):
        """One unit of work that succeeds; gives what was opened."""
        opened = self.ask(f"open {name} {opening}")
        assert opened.startswith(f"opened {name} ok"), opened
        assert self.ask(f"commit {name} {committing}") == f"committed {name} ok"
        return opened

    def close(self):
        """Ends the node in an orderly way: no handle, no block of memory may be left."""
        self.process.stdin.close()
        assert self.expect("live ") == "live 0"
        assert self.process.wait(WAIT_SECONDS) == 0


@pytest.fixture(name="key", scope="module")
def make_key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "audit.key"
    code, printed = admin("key", str(path))
    assert code == 0, printed
    return path


class Database:
    """A migrated database of one test."""

    def __init__(self, cluster, name, key):
        self.cluster = cluster
        self.name = name
        self.key = key
        self.url = cluster.create_database(name)
        self.nodes = []
        assert admin("migrate", self.url)[1] == f"migrated 0 {SCHEMA}"
        assert admin("check", self.url, str(key)) == (0, "checked")

    def sql(self, text):
        return self.cluster.sql(text, self.name)

    def rows(self, text):
        return self.cluster.rows(text, self.name)

    def node(self, **options):
        self.nodes.append(Probe(self.url, self.key, **options))
        assert self.nodes[-1].expect("changed") == "changed 1"
        return self.nodes[-1]


@pytest.fixture(name="db")
def make_database(postgres, key, request):
    database = Database(postgres, re.sub(r"\W+", "_", request.node.name)[:60], key)
    yield database
    for node in database.nodes:
        node.close()
    postgres.drop_database(database.name)
