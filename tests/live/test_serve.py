"""`parley serve`: start, health, reload, the service manager's socket, a database that is away, drain and stop."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from cluster import PostgresCluster
from kind_homeserver import KindHomeserver
from parley import Parley, build_dir, free_port

PATIENCE_S = 60
TXN = "/_matrix/app/v1/transactions/"


def settled(look, patience_s=PATIENCE_S):
    """Waits until look() gives something true; gives that."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if got := look():
            return got
        time.sleep(0.05)
    got = look()
    assert got, "waited in vain"
    return got


class Manager:
    """The service manager's side of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE_S)
        self.seen = []

    def wait(self, line):
        """Reads packets until one has this line."""
        while line not in (self.seen[-1].split("\n") if self.seen else []):
            self.seen.append(self.socket.recv(4096).decode())

    def close(self):
        self.socket.close()


@pytest.fixture(name="database")
def fixture_database(postgres, tmp_path):
    name = tmp_path.name.replace("-", "_")[-60:]
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(name="homeserver", scope="module")
def fixture_homeserver():
    server = KindHomeserver()
    yield server
    server.stop()


@contextlib.contextmanager
def running(parley, wait="ready"):
    parley.start(wait)
    try:
        yield parley
    finally:
        if parley.process is not None:
            parley.kill()


def log_has(parley, *words):
    return any(all(word in line for word in words) for line in parley.log_tail(1000).splitlines())


def test_a_whole_life(tmp_path, database, homeserver):
    """Starts on an empty database, becomes ready, takes a transaction, stops."""
    with running(Parley(tmp_path, database, homeserver.url)) as parley:
        settled(lambda: parley.get("/readyz")[0] == 200)
        assert parley.get("/livez") == (200, {"status": "ok"})
        assert parley.get("/readyz")[1] == {"status": "ok", "database": "ok", "migrated": "ok", "homeserver": "ok"}
        assert parley.get("/healthz") == parley.get("/readyz")
        assert parley.request("HEAD", "/readyz") == (200, "")
        assert parley.transaction("1", []) == (200, {})
        assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
        assert parley.stop() == 0
    assert log_has(parley, "event=stop_requested") and log_has(parley, "event=stopped")
    assert "ERROR: " not in parley.log_tail(1000), "of a sanitizer"
    # Again, on what is there.
    with running(Parley(tmp_path, database, homeserver.url)) as parley:
        assert parley.stop() == 0


def test_each_listener_has_its_own_doors(tmp_path, database, homeserver):
    with running(Parley(tmp_path, database, homeserver.url)) as parley:
        for path in ("/livez", "/readyz", "/healthz"):
            assert parley.request("GET", path, base=parley.public_url)[0] in (200, 503)
        assert parley.request("GET", "/metrics", base=parley.public_url)[0] == 404
        assert parley.request("PUT", TXN + "1", {"events": []}, parley.token("hs_token"), parley.public_url)[0] == 404
        assert parley.request("PUT", TXN + "1", {"events": []})[0] == 401
        page = parley.get("/metrics")[1]
        for name in ("process_resident_memory_bytes", "process_open_fds", "parley_build_info"):
            assert re.search(rf"^# TYPE {name} gauge$", page, re.MULTILINE)
            assert re.search(rf"^{name}(\{{.*\}})? \S+$", page, re.MULTILINE)


def test_several_addresses_and_a_unix_socket(tmp_path, database, homeserver):
    port, path = free_port(), tmp_path / "private.sock"
    private = f"[127.0.0.1:{port}, unix:{path}]"
    parley = Parley(tmp_path, database, homeserver.url, settings={"http": {"private": private}})
    parley.private_port = port
    with running(parley):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(str(path))
            s.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert parley.stop() == 0


def test_a_homeserver_that_is_away_is_named(tmp_path, database):
    with running(Parley(tmp_path, database)) as parley:
        status, body = parley.get("/readyz")
        assert status == 503
        assert body == {"status": "unavailable", "database": "ok", "migrated": "ok", "homeserver": "does not answer"}
        assert parley.transaction("1", []) == (200, {}), "calls are recorded all the same"


def test_starts_without_its_database(tmp_path, homeserver):
    """Comes up, says what is missing, keeps the homeserver waiting, and is ready by itself when the database comes."""
    cluster = PostgresCluster(tmp_path / "postgres")
    cluster.start()
    cluster.create_database("parley")
    cluster.kill()
    try:
        with running(Parley(tmp_path, cluster.url("parley"), homeserver.url), "live") as parley:
            status, body = parley.get("/readyz")
            assert status == 503
            assert body["database"] == "not reachable" and body["migrated"] == "not yet"
            assert parley.transaction("1", [])[0] == 503
            assert parley.request("PUT", TXN + "1", {"events": []})[0] == 401, "strangers are not told"
            settled(lambda: log_has(parley, "level=error", "event=database_unreachable"))
            cluster.start()
            settled(lambda: parley.get("/readyz")[0] == 200)
            assert parley.transaction("1", []) == (200, {})
            # And away again while running.
            cluster.kill()
            settled(lambda: parley.get("/readyz")[0] == 503)
            assert parley.get("/livez")[0] == 200
            cluster.start()
            settled(lambda: parley.get("/readyz")[0] == 200)
            assert parley.stop() == 0
    finally:
        cluster.stop()


def test_stops_while_it_waits_for_its_database(tmp_path):
    # Nobody answers there, and nobody refuses: a listener that accepts and is silent.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"
        with running(Parley(tmp_path, url), "live") as parley:
            connection, _ = silent.accept()
            with connection:
                assert parley.stop() == 0


def test_wrong_starts_end_with_a_sentence(tmp_path, database, postgres):
    """(what is wrong, what the sentence names)"""
    parley = Parley(tmp_path, database)

    def refused(*words, environment=None):
        done = subprocess.run([str(build_dir() / "parley"), "serve", "--config", str(parley.config)],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                              env={**parley.environment, **(environment or {})})
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 1 and last.startswith("parley: "), done.stderr
        for word in words:
            assert word in last

    refused("homeserver.name", environment={"PARLEY_HOMESERVER_NAME": ""})
    refused("parley register", environment={"PARLEY_APPSERVICE_REGISTRATION": str(tmp_path / "none.yaml")})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(address, "http.private", environment={"PARLEY_HTTP_PRIVATE": address})
    refused("NOTIFY_SOCKET", environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    parley.run("migrate")
    (tmp_path / "audit.key").unlink()
    refused("audit.key", "put the file back")
    postgres.sql("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1", urllib.parse.urlsplit(database).path[1:])
    refused("another text")


@pytest.mark.parametrize("mode, password, warned", [(0o644, "file", True), (0o602, "file", True), (0o640, "file", False),
                                                    (0o644, "environment", False)])
def test_warns_of_settings_that_strangers_may_read(tmp_path, mode, password, warned):
    """Seen at a start that ends soon after, for want of a registration."""
    url = "postgresql://me:hunter2@127.0.0.1:1/none"
    parley = Parley(tmp_path, url if password == "file" else "postgresql://127.0.0.1:1/none")
    parley.config.chmod(mode)
    environment = {"PARLEY_APPSERVICE_REGISTRATION": str(tmp_path / "none.yaml"),
                   **({"PARLEY_DATABASE_URL": url} if password == "environment" else {})}
    done = subprocess.run([str(build_dir() / "parley"), "serve", "--config", str(parley.config)], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, env={**parley.environment, **environment})
    assert done.returncode == 1 and "parley register" in done.stderr
    warnings = [line for line in done.stderr.splitlines() if "event=settings_open_to_others" in line]
    assert len(warnings) == (1 if warned else 0) and "hunter2" not in done.stderr
    assert all(f"mode={mode:04o}" in line and "the database's password" in line for line in warnings)


def test_tells_the_service_manager(tmp_path, database):
    manager = Manager(tmp_path)
    environment = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}
    try:
        with running(Parley(tmp_path, database, environment=environment)) as parley:
            manager.wait("READY=1")
            manager.wait("WATCHDOG=1")
            parley.process.send_signal(signal.SIGHUP)
            manager.wait("RELOADING=1")
            assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", manager.seen[-1])
            manager.wait("READY=1")
            assert parley.stop() == 0
            manager.wait("STOPPING=1")
    finally:
        manager.close()


def test_reload_takes_what_may_change_and_names_the_rest(tmp_path, database):
    parley = Parley(tmp_path, database, settings={"log": {"level": "info"}})
    with running(parley):
        good = parley.config.read_text()
        parley.config.write_text(good.replace("level: info", "level: debug") + "calls:\n  max_duration: 2h\n")
        parley.process.send_signal(signal.SIGHUP)
        settled(lambda: log_has(parley, "event=settings_reloaded", "applied=log.level", "needs_restart=calls.max_duration"))
        parley.config.write_text(good + "nonsense:\n  key: 1\n")
        parley.process.send_signal(signal.SIGHUP)
        settled(lambda: log_has(parley, "level=error", "event=reload_refused", "parley.yaml:", "nonsense"))
        assert parley.get("/livez")[0] == 200
        assert parley.stop() == 0


@contextlib.contextmanager
def half_a_request(parley):
    """A transaction whose body is not complete yet."""
    with socket.create_connection(("127.0.0.1", parley.private_port)) as s:
        s.settimeout(PATIENCE_S)
        head = (f"PUT {TXN}9 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {parley.token('hs_token')}\r\n"
                "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n")
        s.sendall(head.encode() + b'{"events"')
        settled(lambda: log_has(parley, "event=started"))
        time.sleep(0.5)  # the head is read; nothing tells of it from outside
        yield s


def test_sigterm_lets_requests_end(tmp_path, database):
    with running(Parley(tmp_path, database)) as parley, half_a_request(parley) as s:
        parley.process.send_signal(signal.SIGTERM)
        settled(lambda: parley.get("/livez")[0] == 0)
        assert parley.process.poll() is None
        s.sendall(b":[]}")
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert parley.process.wait(PATIENCE_S) == 0


def test_the_drain_has_an_end(tmp_path, database):
    parley = Parley(tmp_path, database, settings={"http": {"drain_timeout": "1s"}})
    with running(parley), half_a_request(parley):
        assert parley.stop() == 0


def test_a_second_signal_stops_at_once(tmp_path, database):
    with running(Parley(tmp_path, database)) as parley, half_a_request(parley):
        parley.process.send_signal(signal.SIGTERM)
        settled(lambda: log_has(parley, "event=stop_requested"))
        parley.process.send_signal(signal.SIGINT)
        assert parley.process.wait(PATIENCE_S) == 1
        assert log_has(parley, "event=stopped_at_once")


def test_descriptors_and_memory_do_not_grow_with_reloads(tmp_path, database):
    with running(Parley(tmp_path, database)) as parley:
        def open_files():
            return len(os.listdir(f"/proc/{parley.process.pid}/fd"))

        settled(lambda: log_has(parley, "event=start_completed"))
        before = open_files()
        for n in range(1, 21):
            parley.process.send_signal(signal.SIGHUP)
            settled(lambda: parley.log_tail(1000).count("event=settings_reloaded") >= n)
        assert open_files() <= before + 2
        assert parley.stop() == 0
