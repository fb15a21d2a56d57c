"""The admin API's door: who may, while tokens change and while the homeserver is away; and what /status says."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import time

import pytest

from events import legacy_call
from kind_homeserver import KindHomeserver
from parley import Parley

STATUS = "/_parley/admin/v1/status"
PATIENCE_S = 60
PEOPLE = {"admins-access-token": "@admin:localhost", "somebodys-access-token": "@mallory:localhost"}


class Homeserver(KindHomeserver):
    """Says whose an access token is; counts the questions."""

    def __init__(self):
        self.asked = []
        super().__init__()

    def reply(self, path, token):
        if "whoami" not in path or len(token) == 64:  # 64: our own
            return super().reply(path, token)
        self.asked.append(token)
        if token not in PEOPLE:
            return 401, {"errcode": "M_UNKNOWN_TOKEN", "error": "who?"}
        return 200, {"user_id": PEOPLE[token]}


@pytest.fixture(name="homeserver")
def fixture_homeserver():
    server = Homeserver()
    yield server
    server.stop()


@pytest.fixture(name="database")
def fixture_database(postgres, tmp_path):
    name = tmp_path.name.replace("-", "_")[-60:]
    yield postgres.create_database(name)
    postgres.drop_database(name)


@contextlib.contextmanager
def running(folder, database, homeserver_url="http://127.0.0.1:1", users=(), wait="ready", **settings):
    admin = {"users": json.dumps(list(users))}
    parley = Parley(folder, database, homeserver_url, settings={"admin": admin, "log": {"level": "debug"}, **settings})
    parley.start(wait)
    try:
        yield parley
        assert parley.stop() == 0
    finally:
        if parley.process is not None:
            parley.kill()


def status_of(parley, token=None, base=None):
    return parley.request("GET", STATUS, token=token, base=base)


def reload(parley):
    count = parley.log.read_text().count("event=registration_reloaded")
    os.kill(parley.process.pid, signal.SIGHUP)
    until = time.monotonic() + PATIENCE_S
    while parley.log.read_text().count("event=registration_reloaded") == count:
        assert time.monotonic() < until
        time.sleep(0.05)
    # Another request is answered: what the reload does after that line is done.
    assert parley.get("/livez")[0] == 200


def refusal(parley, *arguments):
    done = subprocess.run([str(parley.binary), *arguments, "--config", str(parley.config)], capture_output=True, text=True,
                          check=False, timeout=60, env=parley.environment)
    assert done.returncode == 1 and done.stdout == ""
    return done.stderr


def test_the_token_of_the_file_and_its_change(tmp_path, database):
    file, old_file = tmp_path / "admin.token", tmp_path / "admin.token.old"
    with running(tmp_path, database) as parley:
        assert status_of(parley)[0] == 401
        assert status_of(parley, "x" * 64)[0] == 403, "no file, so no token is good"
        printed = parley.run("admin-token")
        first = file.read_text().strip()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(first) == 64 and first not in printed
        assert "File exists" in refusal(parley, "admin-token"), "it never replaces one unasked"
        assert status_of(parley, first)[0] == 403
        reload(parley)
        assert status_of(parley, first)[0] == 200
        assert status_of(parley, first[:-1])[0] == 403
        assert status_of(parley, first, base=parley.public_url)[0] == 404, "on the private listener only"
        assert parley.request("POST", STATUS, token=first)[0] == 405

        parley.run("admin-token", "--rotate")
        second = file.read_text().strip()
        assert second != first and old_file.read_text().strip() == first
        assert stat.S_IMODE(old_file.stat().st_mode) == 0o600
        assert "finish the change" in refusal(parley, "admin-token", "--rotate")
        reload(parley)
        assert [status_of(parley, token)[0] for token in (first, second)] == [200, 200]
        parley.run("admin-token", "--finish")
        assert not old_file.exists()
        reload(parley)
        assert [status_of(parley, token)[0] for token in (first, second)] == [403, 200]

        # What cannot be read changes nothing.
        file.chmod(0o644)
        reload(parley)
        assert "others may read" in parley.log.read_text()
        assert status_of(parley, second)[0] == 200
        log = parley.log.read_text()
        assert first not in log and second not in log
        assert 'who="admin token"' in log


def test_a_broken_token_file_is_told_at_the_start(tmp_path, database):
    (tmp_path / "admin.token").write_text("short\n")
    (tmp_path / "admin.token").chmod(0o600)
    with pytest.raises(RuntimeError, match="want one line with a token"):
        with running(tmp_path, database):
            pass


def test_what_status_says(tmp_path, database, homeserver):
    with running(tmp_path, database, homeserver.url, node={"name": "one"}) as parley:
        parley.run("admin-token")
        reload(parley)
        token = (tmp_path / "admin.token").read_text().strip()
        assert parley.transaction("1", legacy_call("!r:localhost", "@a:localhost", "@b:localhost", "c1")[:3])[0] == 200
        status, body = status_of(parley, token)
        assert status == 200
        assert {"version", "uptime_ms", "tasks"} <= body.keys() and body["uptime_ms"] > 0
        assert {key: body[key] for key in ("node", "database", "migrated", "live_calls")} == {
            "node": "one", "database": "ok", "migrated": "ok", "live_calls": 1}


def test_status_without_a_database(tmp_path, postgres):
    with running(tmp_path, postgres.url("there_is_none"), wait="live") as parley:
        parley.run("admin-token")
        reload(parley)
        status, body = status_of(parley, (tmp_path / "admin.token").read_text().strip())
        assert status == 200
        assert (body["status"], body["database"], body["live_calls"], body["tasks"]) == (
            "unavailable", "not reachable", None, {})


def test_admins_by_their_access_token(tmp_path, database, homeserver):
    with running(tmp_path, database, homeserver.url, users=["@admin:localhost"]) as parley:
        assert status_of(parley)[0] == 401
        assert status_of(parley, "admins-access-token")[0] == 200
        assert status_of(parley, "admins-access-token")[0] == 200
        assert homeserver.asked.count("admins-access-token") == 1, "a yes is remembered"
        assert status_of(parley, "somebodys-access-token")[0] == 403
        assert status_of(parley, "nobodys")[0] == 403
        assert status_of(parley, "nobodys")[0] == 403
        assert homeserver.asked.count("nobodys") == 2, "a no is not"
        # Taken off the list: at once, remembered or not.
        parley.config.write_text(parley.config.read_text().replace("@admin:localhost", "@other:localhost"))
        reload(parley)
        assert status_of(parley, "admins-access-token")[0] == 403
        log = parley.log.read_text()
        assert "admins-access-token" not in log and "nobodys" not in log


def test_a_silent_homeserver_confirms_nobody(tmp_path, database):
    with running(tmp_path, database, users=["@admin:localhost"]) as parley:
        assert status_of(parley, "admins-access-token")[0] == 503
        parley.run("admin-token")
        reload(parley)
        assert status_of(parley, (tmp_path / "admin.token").read_text().strip())[0] == 200
