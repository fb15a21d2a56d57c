"""`parley doctor` beside a real Synapse and PostgreSQL: all green where all is well; in set-ups that are broken on purpose, one a
test, the first red line names the broken link.

One Synapse with several registrations serves all: what is broken lies on Parley's side, in a copy of its settings or registration.
"""
import contextlib
import email.utils
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from cluster import PostgresCluster
from parley import Parley, build_dir, free_port
from synapse import REPO, Synapse

SERVER_NAME = "parley.test"
FINE, WARNINGS, FAILURES = 0, 1, 2
RED = "fail"
CLOCK_OFF_S = 300


class Findings:
    """What one run of the doctor printed with --json, and how it ended."""

    def __init__(self, done):
        self.printed = done.stdout + done.stderr
        self.code = done.returncode
        self.document = json.loads(done.stdout)
        self.checks = {check["id"]: check for check in self.document["checks"]}

    def first_red(self):
        """(id of the check, sentence, what to paste) of the first failure."""
        for check in self.document["checks"]:
            for finding in check["findings"]:
                if finding["severity"] == RED:
                    return check["id"], finding["sentence"], finding.get("paste", "")
        return None, "", ""

    def sentences(self, check):
        return " / ".join(finding["sentence"] for finding in self.checks[check]["findings"])


class Site:
    """A healthy set-up, and copies of Parley's files in which something is wrong."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.wrong_port = free_port()
        self.cluster = PostgresCluster(self.folder / "postgres").start()
        self.synapse = self.parley = None
        self.silent = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
        self.copies = 0

    def start(self):
        self.cluster.create_database("parley")
        self.synapse = Synapse(self.folder / "synapse", self.cluster, SERVER_NAME)
        self.bare_port = free_port()
        self.synapse.settings = {"listeners": [
            {"port": self.synapse.port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
             "resources": [{"names": ["client", "federation"]}]},
            {"port": self.bare_port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
             "resources": [{"names": ["client"]}]}]}
        self.parley = Parley(self.folder / "parley", self.cluster.url("parley"), self.synapse.url, SERVER_NAME)
        self.synapse.register_appservice(self.parley.registration)
        for name, url in self.urls().items():
            self.synapse.register_appservice(self.registration(name, url=url))
        self.synapse.register_appservice(self.registration("other_hs_token", hs_token=secrets.token_hex(32)))
        self.synapse.start()
        self.parley.run("migrate")
        self.parley.start()
        self.parley.wait_all_ready()

    def urls(self):
        """Registrations that Synapse loads with a wrong url."""
        return {
            "wrong_port": f"http://127.0.0.1:{self.wrong_port}",
            "public_listener": self.parley.public_url,
            "tls": f"https://127.0.0.1:{self.parley.private_port}",
            "no_name": f"http://nowhere.invalid:{self.parley.private_port}",
            "no_url": None,
        }

    def stop(self):
        with contextlib.ExitStack() as order:
            order.callback(self.silent.close)
            order.callback(self.cluster.stop)
            for running in (self.synapse, self.parley):
                if running is not None:
                    order.callback(running.stop)

    # --- files ---

    def registration(self, name, **other):
        """A copy with an id, an as_token and a sender of its own, and what else is to be different."""
        path = self.folder / f"registration_{name}.yaml"
        if not path.exists():
            changes = {"id": name, "as_token": secrets.token_hex(32), "sender_localpart": f"_{name}", **other}
            text = self.parley.registration.read_text()
            for key, value in changes.items():
                text = re.sub(rf"^{key}: .*$", f"{key}: {json.dumps(value)}", text, flags=re.M)
            write_secret(path, text)
        return path

    def copied_registration(self, change):
        """A copy with its text changed, which Synapse does not know of."""
        self.copies += 1
        path = self.folder / f"copy_{self.copies}.yaml"
        write_secret(path, change(self.parley.registration.read_text()))
        return path

    def settings(self, changes):
        """A copy of the settings; `changes` by dotted names."""
        sections = {
            "homeserver": {"url": self.synapse.url, "name": SERVER_NAME},
            "appservice": {"registration": self.parley.registration},
            "http": {"public": [f"127.0.0.1:{self.parley.public_port}"],
                     "private": [f"127.0.0.1:{self.parley.private_port}"]},
            "database": {"url": self.parley.database_url},
            "audit": {"key_file": self.parley.folder / "audit.key"},
        }
        for name, value in changes.items():
            section, key = name.split(".")
            sections.setdefault(section, {})[key] = value
        self.copies += 1
        path = self.folder / f"settings_{self.copies}.yaml"
        lines = []
        for section, keys in sections.items():
            lines.append(f"{section}:")
            lines += [f"  {key}: {json.dumps(value, default=str)}" for key, value in keys.items()]
        write_secret(path, "\n".join(lines) + "\n")
        return path

    # --- the doctor ---

    def run(self, *options, changes=None, before=(), binary=None, environment=None):
        """Runs the doctor with changed settings, as the program `before` says."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
        command = [*before, str(binary or build_dir() / "parley"), "doctor", "--config", str(self.settings(changes or {})), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
                              env={**clean, **(environment or {})})
        for name in ("as_token", "hs_token"):
            assert self.parley.token(name) not in done.stdout + done.stderr
        return done

    def doctor(self, **more):
        return Findings(self.run("--json", **more))


def write_secret(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    running = Site(tmp_path_factory.mktemp("doctor"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


# --- all is well ---

def test_all_is_well(site):
    found = site.doctor()
    assert found.first_red()[0] is None, found.printed
    mine = ["config", "secrets", "registration", "database", "schema", "audit-key", "homeserver", "clock", "version",
            "server-name", "as-token", "service", "hs-token", "openid"]
    assert {name: found.checks[name]["severity"] for name in mine} == {name: "ok" for name in mine}, found.printed
    assert "Synapse 1." in found.sentences("version")


def test_the_page_and_the_fixes(site):
    """A line a check, the sum at the end; --fix prints the same advice and nothing else."""
    changes = {"appservice.registration": site.registration("wrong_port")}
    page = site.run(changes=changes)
    fixes = site.run("--fix", changes=changes)
    assert page.returncode == fixes.returncode == FAILURES
    reds = [line for line in page.stdout.splitlines() if line.startswith("FAIL")]
    assert len(reds) == 1 and "homeserver to us" in reds[0]
    assert "Begin with the first FAIL" in page.stdout
    assert all(len(line) <= 100 for line in page.stdout.splitlines() if not line.startswith(" " * 30))
    pasted = f'url: "{site.parley.private_url}"'
    assert pasted in page.stdout and pasted in fixes.stdout
    assert fixes.stdout.startswith("# ") and "ok  " not in fixes.stdout


def test_changes_nothing(site):
    """Not even the first key of an empty audit is recorded."""
    url = site.cluster.create_database("fresh")
    fresh = Parley(site.folder / "fresh", url, site.synapse.url, SERVER_NAME)
    fresh.run("migrate")
    site.cluster.sql("SET session_replication_role = replica; DELETE FROM audit_keys", "fresh")
    found = site.doctor(changes={"database.url": url, "audit.key_file": fresh.folder / "audit.key"})
    assert found.checks["audit-key"]["severity"] == "ok"
    assert "still empty" in found.sentences("audit-key")
    assert site.cluster.sql("SELECT count(*) FROM audit_keys", "fresh") == "0"


# --- broken on purpose: what is changed, which check is red first, words of its sentence and of its advice ---

def database(site, name):
    return site.cluster.url(name, tcp=True)


def swapped(site):
    def swap(text):
        text = text.replace("as_token:", "x_token:").replace("hs_token:", "as_token:")
        return text.replace("x_token:", "hs_token:")
    return site.copied_registration(swap)


def unmigrated(site):
    site.cluster.drop_database("unmigrated")
    return site.cluster.create_database("unmigrated")


def wrong_key(site):
    path = site.folder / "wrong.key"
    write_secret(path, secrets.token_hex(32) + "\n")
    return path


def open_key(site):
    path = site.folder / "open.key"
    shutil.copy(site.parley.folder / "audit.key", path)
    path.chmod(0o644)
    return path


def key_with_open_copy(site):
    folder = site.folder / "rotated"
    folder.mkdir()
    for name, mode in (("audit.key", 0o600), ("audit.key.1", 0o604)):
        shutil.copy(site.parley.folder / "audit.key", folder / name)
        (folder / name).chmod(mode)
    return folder / "audit.key"


def open_registration(site):
    path = site.copied_registration(lambda text: text)
    path.chmod(0o644)
    return path


def unlisted(site):
    return site.copied_registration(lambda text: text.replace(site.parley.token("as_token"), secrets.token_hex(32)))


def with_exclusive_people(site):
    return site.copied_registration(lambda text: text.replace("exclusive: false", "exclusive: true"))


BROKEN = {
    "unknown setting": (lambda site: {"calls.max_durations": "1h"}, "config", [r"\.yaml:\d+: ", "max_durations"], "config sample"),
    "bad value": (lambda site: {"http.connections_max": "many"}, "config", [r"\.yaml:\d+: ", "connections_max"], "config sample"),
    "no server name": (lambda site: {"homeserver.name": ""}, "config", ["homeserver.name"], ""),
    "registration open to all": (lambda site: {"appservice.registration": open_registration(site)}, "secrets",
                                 ["0644", "every account"], "chmod o= "),
    "audit key open to all": (lambda site: {"audit.key_file": open_key(site)}, "secrets", ["0644", "audit"], "chmod 600 "),
    "copy of the key open to all": (lambda site: {"audit.key_file": key_with_open_copy(site)}, "secrets",
                                    [r"audit\.key\.1", "0604"], "chmod 600 "),
    "no registration": (lambda site: {"appservice.registration": "/nowhere/registration.yaml"}, "registration",
                        ["/nowhere/registration.yaml"], "parley register --config "),
    "exclusive people": (lambda site: {"appservice.registration": with_exclusive_people(site)}, "registration",
                         [r"\.yaml:\d+: ", "exclusive"], ""),
    "database refuses": (lambda site: {"database.url": f"postgresql://127.0.0.1:{site.wrong_port}/parley"}, "database",
                         ["nobody listens there"], "systemctl start postgresql"),
    "database is silent": (lambda site: {"database.url": f"postgresql://127.0.0.1:{site.silent.getsockname()[1]}/parley",
                                         "database.connect_timeout": "1s"}, "database", ["no answer"], ""),
    "no socket": (lambda site: {"database.url": "postgresql:///parley?host=/nowhere"}, "database", ["there is no socket"], ""),
    "no such host": (lambda site: {"database.url": "postgresql://nowhere.invalid/parley"}, "database",
                     ["host name has no address"], ""),
    "no such role": (lambda site: {"database.url": database(site, "parley").replace("postgres@", "stranger@")}, "database",
                     ["does not let us in", "stranger"], "createuser"),
    "no such database": (lambda site: {"database.url": database(site, "nowhere")}, "database", ["no such database"], "createdb"),
    "not migrated": (lambda site: {"database.url": unmigrated(site)}, "schema", ["version 0", "run parley migrate"],
                     "parley migrate --config "),
    "wrong key": (lambda site: {"audit.key_file": wrong_key(site)}, "audit-key", ["another key", "fingerprint"], ""),
    "key lost": (lambda site: {"audit.key_file": "/nowhere/audit.key"}, "audit-key", ["is missing", "from its copy"], ""),
    "homeserver away": (lambda site: {"homeserver.url": f"http://127.0.0.1:{site.wrong_port}"}, "homeserver",
                        ["nobody listening"], "matrix-synapse"),
    "homeserver unknown": (lambda site: {"homeserver.url": "http://nowhere.invalid"}, "homeserver", ["no name server"], ""),
    "homeserver is Parley": (lambda site: {"homeserver.url": site.parley.private_url}, "homeserver",
                             ["no Matrix homeserver", "404"], ""),
    "homeserver by TLS": (lambda site: {"homeserver.url": site.parley.private_url.replace("http:", "https:")}, "homeserver", ["TLS"], ""),
    "other server name": (lambda site: {"homeserver.name": "other.test",
                                        "appservice.registration": site.copied_registration(
                                            lambda text: text.replace(r"parley\.test", r"other\.test"))}, "server-name",
                          ["other.test", "calls itself parley.test"], "name: parley.test"),
    "not listed": (lambda site: {"appservice.registration": unlisted(site)}, "as-token",
                   ["does not know our as_token", "app_service_config_files"], "app_service_config_files"),
    "swapped tokens": (lambda site: {"appservice.registration": swapped(site)}, "as-token", ["swapped"], "restart"),
    "Parley does not run": (lambda site: {"http.private": [f"127.0.0.1:{site.wrong_port}"]}, "service",
                            ["does not run", "nobody listening"], "systemctl start parley"),
    "another program there": (lambda site: {"http.private": [f"127.0.0.1:{site.synapse.port}"]}, "service",
                              ["another program"], "ss -ltnp"),
    "wrong port": (lambda site: {"appservice.registration": site.registration("wrong_port")}, "hs-token",
                   ["nobody listens", "wrong port"], "our private listener"),
    "public listener": (lambda site: {"appservice.registration": site.registration("public_listener")}, "hs-token",
                        ["something else answers", "404"], "our private listener"),
    "TLS to our listener": (lambda site: {"appservice.registration": site.registration("tls")}, "hs-token",
                            ["do not understand each other"], "our private listener"),
    "host unknown": (lambda site: {"appservice.registration": site.registration("no_name")}, "hs-token",
                     ["cannot look up"], "our private listener"),
    "url null over there": (lambda site: {"appservice.registration": site.copied_registration(
        lambda text: site.registration("no_url").read_text().replace("url: null", 'url: "http://127.0.0.1:1"'))}, "hs-token",
                            ["null"], "our private listener"),
    "other id": (lambda site: {"appservice.registration": site.copied_registration(
        lambda text: re.sub("^id: .*$", "id: another", text, flags=re.M))}, "hs-token", ["another id"], "app_service_config_files"),
    "no OpenID": (lambda site: {"homeserver.url": f"http://127.0.0.1:{site.bare_port}",
                                "rtc.public_url": "https://calls.example.com", "rtc.sfu": "external"}, "openid", ["federation", "openid"],
                  "names: [client, federation]"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_first_red_line(site, name):
    change, check, words, pasted = BROKEN[name]
    found = site.doctor(changes=change(site))
    red, sentence, paste = found.first_red()
    assert red == check, found.printed
    for word in words:
        assert re.search(word, sentence), sentence
    assert pasted in paste, paste
    assert found.code == FAILURES


def test_another_hs_token(site):
    """Synapse has loaded another hs_token than the one that lies here and that Parley runs with."""
    theirs = site.registration("other_hs_token").read_text()
    ours = re.sub("^hs_token: .*$", f'hs_token: "{site.parley.token("hs_token")}"', theirs, flags=re.M)
    found = site.doctor(changes={"appservice.registration": site.copied_registration(lambda _: ours)})
    red, sentence, _ = found.first_red()
    assert red == "hs-token" and "another hs_token" in sentence, found.printed


def test_parley_started_with_an_older_registration(site):
    found = site.doctor(changes={"appservice.registration": site.registration("other_hs_token")})
    red, sentence, paste = found.first_red()
    assert red == "service" and "another registration" in sentence, found.printed
    assert "systemctl restart parley" in paste


@pytest.mark.parametrize("url", ["{start}postgres:hidden@{end}", "{start}postgres@{end}?password=hidden"])
def test_a_password_in_open_settings(site, url):
    start, end = site.cluster.url("parley", tcp=True).split("postgres@")
    url = url.format(start=start, end=end)
    path = site.settings({"database.url": url})
    path.chmod(0o644)
    done = subprocess.run([str(build_dir() / "parley"), "doctor", "--json", "--config", str(path)], capture_output=True,
                          text=True, timeout=120, check=False)
    red, sentence, _ = Findings(done).first_red()
    assert red == "secrets" and "password" in sentence
    assert "hidden" not in done.stdout + done.stderr


# --- what the homeserver says about itself ---

@contextlib.contextmanager
def homeserver_that_says(site, clock_s=0, edit=None):
    """Stands before Synapse, moves its Date header and lets `edit` change answers (path, JSON); gives the url."""
    class Relay(http.server.BaseHTTPRequestHandler):
        def relay(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
            request = urllib.request.Request(site.synapse.url + self.path, data=body, method=self.command)
            for name in ("Authorization", "Content-Type"):
                if name in self.headers:
                    request.add_header(name, self.headers[name])
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.answer(answer.status, answer.headers["Date"], answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    self.answer(error.code, error.headers["Date"], error.read())

        do_GET = do_POST = do_PUT = relay

        def answer(self, status, date, body):
            if edit:
                content = json.loads(body)
                edit(self.path, content)
                body = json.dumps(content).encode()
            there = email.utils.parsedate_to_datetime(date).timestamp() + clock_s
            self.send_response_only(status)
            self.send_header("Date", email.utils.formatdate(there, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("flag, focus, severity, words, pasted", [
    ("org.matrix.msc4140", False, "warn", "delayed events are off", "max_event_delay_duration: 24h"),
    ("org.matrix.msc4143", True, "warn", "MISSING_MATRIX_RTC_FOCUS", "msc4143_enabled: true"),
    ("org.matrix.msc4143", False, "note", "MISSING_MATRIX_RTC_FOCUS", "msc4143_enabled: true"),
    ("org.matrix.msc4354", False, "note", "sticky events are off", "msc4354_enabled: true")])
def test_a_missing_flag(site, flag, focus, severity, words, pasted):
    def edit(path, content):
        if path == "/_matrix/client/versions":
            content["unstable_features"][flag] = False
    with homeserver_that_says(site, edit=edit) as url:
        found = site.doctor(changes={"homeserver.url": url,
                                     **({"rtc.public_url": "https://calls.example.com", "rtc.sfu": "external"} if focus else {})})
    assert found.checks["features"]["severity"] == severity, found.printed
    assert words in found.sentences("features")
    assert pasted in found.checks["features"]["findings"][0]["paste"]


@pytest.mark.parametrize("name, version, severity, words", [
    ("Synapse", "1.98.0", "warn", "no delayed events"), ("Synapse", "1.116.0", "note", "9 minutes"),
    ("Synapse", "1.156.0", "note", "1.157"), ("Synapse", "1.157.0", "ok", "Synapse 1.157.0"),
    ("Dendrite", "0.13.7", "note", "made and tested with Synapse"), ("\x1b[31m", "\n1.200", "note", "?[31m")])
def test_an_old_homeserver(site, name, version, severity, words):
    def edit(path, content):
        if path == "/_matrix/federation/v1/version":
            content["server"] = {"name": name, "version": version}
    with homeserver_that_says(site, edit=edit) as url:
        found = site.doctor(changes={"homeserver.url": url})
    assert found.checks["version"]["severity"] == severity, found.printed
    assert words in found.sentences("version")
    assert "\x1b" not in found.printed


def test_tokens_that_are_being_changed(site):
    """The homeserver still knows the earlier token; Parley accepts both, so nothing is lost, but it is not over."""
    new = site.copied_registration(
        lambda text: text.replace(site.parley.token("as_token"), secrets.token_hex(32)))
    write_secret(pathlib.Path(f"{new}.old"), site.parley.registration.read_text())
    found = site.doctor(changes={"appservice.registration": new})
    assert found.first_red()[0] is None, found.printed
    assert found.checks["as-token"]["severity"] == "warn" and found.code == WARNINGS
    assert "still knows the earlier" in found.sentences("as-token")
    assert found.checks["hs-token"]["severity"] == "ok"


# --- clocks ---

@pytest.mark.parametrize("seconds, severity, words", [
    (CLOCK_OFF_S, "fail", "5 min 0 s ahead of ours"), (-CLOCK_OFF_S, "fail", "behind ours"), (45, "warn", "ahead of ours"),
    (10, "note", "ahead of ours")])
def test_the_homeservers_clock(site, seconds, severity, words):
    with homeserver_that_says(site, clock_s=seconds) as url:
        found = site.doctor(changes={"homeserver.url": url})
    assert found.checks["clock"]["severity"] == severity
    sentence = found.sentences("clock")
    assert "the clock of the homeserver is" in sentence
    # A second more or less is the header's.
    assert words in sentence or re.search(r"5 min 1 s ahead|4 min 59 s ahead", sentence), sentence
    if severity == RED:
        assert found.first_red()[0] == "clock" and found.code == FAILURES


def test_our_clock(site):
    """Homeserver and database agree, so it is ours that is wrong."""
    # A sanitizer of clang and libfaketime wait for each other for ever: a build without one is taken, which tools/test has.
    plain = next(path for path in (build_dir() / "parley", REPO / "build" / "parley")
                 if path.exists() and b"__asan_init" not in path.read_bytes())
    found = site.doctor(before=["faketime", "-f", f"-{CLOCK_OFF_S}s"], binary=plain,
                        environment={"FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    red, sentence, paste = found.first_red()
    assert red == "clock", found.printed
    assert "our clock is wrong" in sentence and "behind those of homeserver and database" in sentence
    assert "timedatectl" in paste
