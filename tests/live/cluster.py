"""A private PostgreSQL: its own data, sockets and processes, ended by their pids.

Standard library only: the live tests, tools/demo and tools/bench use it.

    cluster = PostgresCluster(folder)
    cluster.start()
    cluster.create_database("parley")
    cluster.url("parley")                  -> a connection string over the unix socket
    cluster.kill(); cluster.start()        -> as after a power cut
    cluster.stop()
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 60
STOP_SECONDS = 60
SUPERUSER = "postgres"


def find_program(name):
    """PostgreSQL's own folder is not on the path in Debian."""
    found = shutil.which(name)
    if found:
        return found
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    for folder in folders:
        if (folder / name).exists():
            return str(folder / name)
    raise FileNotFoundError(f"{name} is not installed: apt-get install postgresql")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unprivileged_user():
    """PostgreSQL refuses to run as root: whom to run it as then."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user postgres and no user nobody")


def open_to_others(folder):
    """May another user walk into this folder?"""
    return all(p.stat().st_mode & 0o001 for p in folder.resolve().parents if p.exists())


class PostgresCluster:
    """One PostgreSQL with its data in `folder`. Whoever connects from this machine is trusted.

    Run by root, its processes belong to an unprivileged user; where that user cannot reach `folder`, the data are in a temporary
    folder that goes with `stop`.
    """

    def __init__(self, folder, settings=None):
        self.folder = pathlib.Path(folder)
        self.settings = dict(settings or {})
        self.owner = unprivileged_user() if os.geteuid() == 0 else None
        self.user = SUPERUSER
        self.host = "127.0.0.1"
        self.port = free_port()
        self.process = None
        self.temporary = []
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.owner and not open_to_others(self.folder):
            self.folder = self._temporary_folder()
        self._give(self.folder)
        # A path of a socket has at most 107 bytes, so it is not put below `folder`.
        self.socket_dir = self._temporary_folder()
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"

    def _temporary_folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="pg-"))
        self._give(folder)
        self.temporary.append(folder)
        return folder

    def _give(self, path):
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def _run_as(self):
        if not self.owner:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    # --- life ---

    @property
    def pid(self):
        """The postmaster's, or None."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self):
        """Makes the data where there are none, starts the server and waits until it takes connections."""
        if self.pid:
            return self
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        self.socket_dir.mkdir(exist_ok=True)
        self._give(self.socket_dir)
        settings = {"listen_addresses": self.host, "port": self.port, "unix_socket_directories": self.socket_dir,
                    "max_connections": 200, **self.settings}
        command = [find_program("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, start_new_session=True, **self._run_as())
        self._wait_until_ready()
        return self

    def _initdb(self):
        command = [find_program("initdb"), "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
                   "--locale=C", "--no-instructions"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd="/", check=False, **self._run_as())
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout.decode(errors='replace')}")

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"postgres ended at its start: {self.log_tail()}")
            try:
                self.sql("SELECT 1")
                return
            except RuntimeError:
                time.sleep(0.05)
        raise TimeoutError(f"postgres takes no connections: {self.log_tail()}")

    def stop(self):
        """Ends the server in an orderly way, at once for its clients, and removes what was temporary."""
        self._end(signal.SIGINT)
        for folder in self.temporary:
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self):
        """kill -9 of the postmaster and all its processes: what was committed must survive this."""
        if self.pid:
            children = self._children()
            self._end(signal.SIGKILL)
            for pid in children:
                self._kill_child(pid)
            # A postmaster that finds the file of one that cannot have ended refuses to start.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart(self):
        self._end(signal.SIGINT)
        return self.start()

    def _children(self):
        path = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text(encoding="ascii").split()]

    @staticmethod
    def _kill_child(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
                if stat.rsplit(")", 1)[1].split()[0] == "Z":
                    return
                time.sleep(0.01)
        except (ProcessLookupError, FileNotFoundError):
            return

    def _end(self, number):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def log_tail(self):
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else ""

    # --- databases ---

    def url(self, database, tcp=False):
        """A connection string, over the unix socket or over TCP."""
        if tcp:
            return f"postgresql://{self.user}@{self.host}:{self.port}/{database}"
        return f"postgresql://{self.user}@/{database}?host={self.socket_dir}&port={self.port}"

    def create_database(self, name):
        """An empty database; gives its connection string."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name):
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def sql(self, text, database="postgres"):
        """Runs SQL and gives what it printed, values separated by tabs, NULL as nothing."""
        command = [find_program("psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                   "-d", self.url(database)]
        done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode().rstrip("\n")

    def rows(self, text, database="postgres"):
        """Rows of a query as lists of texts."""
        printed = self.sql(text, database)
        return [line.split("\t") for line in printed.split("\n")] if printed else []
