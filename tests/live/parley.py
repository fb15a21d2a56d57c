"""A private Parley: its registration, configuration, database and process.

Standard library only: the live tests, tools/demo and tools/bench use it.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

REPO = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 60


def build_dir():
    """Where the programs under test are."""
    return pathlib.Path(os.environ.get("PARLEY_BUILD", REPO / "build")).resolve()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Parley:
    """One Parley in `folder`, with the database at `database_url` beside the homeserver at `homeserver_url`.

    The object makes files at once; `start` starts the process, which may be killed and started again. PUBLIC_URL in a setting
    becomes the address of its public listener.
    """

    def __init__(self, folder, database_url, homeserver_url="http://127.0.0.1:1", server_name="localhost",
                 settings=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = build_dir() / "parley"
        self.database_url = database_url
        self.homeserver_url = homeserver_url
        self.server_name = server_name
        self.public_port = free_port()
        self.private_port = free_port()
        self.registration = self.folder / "registration.yaml"
        self.config = self.folder / "parley.yaml"
        self.log = self.folder / "parley.log"
        # Settings in the environment of whoever runs this are not for this Parley.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
        self.environment = dict(outside, **(environment or {}))
        self.process = None
        self.settings = {section: dict(keys) for section, keys in (settings or {}).items()}
        self._write_config(self.settings)
        if not self.registration.exists():
            self.run("register", "--url", self.private_url, "--server-name", server_name,
                     "--out", str(self.registration))

    @property
    def private_url(self):
        return f"http://127.0.0.1:{self.private_port}"

    @property
    def public_url(self):
        return f"http://127.0.0.1:{self.public_port}"

    def _write_config(self, settings):
        sections = {
            "homeserver": {"url": self.homeserver_url, "name": self.server_name},
            "appservice": {"registration": self.registration},
            "http": {"public": f"[127.0.0.1:{self.public_port}]", "private": f"[127.0.0.1:{self.private_port}]"},
            "database": {"url": f'"{self.database_url}"'},
            "audit": {"key_file": self.folder / "audit.key", "spool_file": self.folder / "audit.spool"},
            "admin": {"token_file": self.folder / "admin.token"},
            "log": {"level": "debug"},
        }
        for section, keys in settings.items():
            sections.setdefault(section, {}).update(keys)
        lines = []
        for section, keys in sections.items():
            lines.append(f"{section}:")
            lines += [f"  {key}: {value}".replace("PUBLIC_URL", self.public_url) for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def set(self, section, **keys):
        """Changes settings in the file; the process learns of them by SIGHUP or a new start."""
        self.settings.setdefault(section, {}).update(keys)
        self._write_config(self.settings)

    # --- the command line ---

    def run(self, *arguments, check=True):
        """Runs a subcommand; gives what it printed."""
        done = subprocess.run([str(self.binary), arguments[0], "--config", str(self.config), *arguments[1:]]
                              if arguments[0] != "audit" else
                              [str(self.binary), "audit", arguments[1], "--config", str(self.config), *arguments[2:]],
                              capture_output=True, text=True, timeout=120, env=self.environment)
        if check and done.returncode != 0:
            raise RuntimeError(f"parley {' '.join(arguments)}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    def audit(self, report, *arguments):
        """The rows of `parley audit …` as dictionaries."""
        text = self.run("audit", report, "--format", "jsonl", *arguments)
        return [json.loads(line) for line in text.splitlines()]

    # --- the process ---

    def start(self, wait="ready"):
        """Starts the process; waits until it lives ("live"), or is ready to take transactions ("ready")."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(self.binary), "serve", "--config", str(self.config)],
                                            stdout=log, stderr=log, env=self.environment)
        self.wait("/readyz" if wait == "ready" else "/livez")

    def wait(self, path, status=200, seconds=START_SECONDS):
        end = time.monotonic() + seconds
        while self.status(path) != status:
            if self.process.poll() is not None:
                raise RuntimeError(f"parley ended with code {self.process.returncode}: {self.log_tail()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{path} did not answer {status} in {seconds} s: {self.log_tail()}")
            time.sleep(0.05)

    def wait_all_ready(self, seconds=START_SECONDS):
        """Waits until /readyz is 200, with the homeserver."""
        end = time.monotonic() + seconds
        while self.get("/readyz")[0] != 200:
            if time.monotonic() > end:
                raise RuntimeError(f"not ready in {seconds} s: {self.get('/readyz')} {self.log_tail()}")
            time.sleep(0.05)

    def status(self, path):
        """The HTTP status of a path; of /readyz as if a homeserver answered, which most tests do without."""
        status, body = self.get(path)
        if path == "/readyz" and isinstance(body, dict) and body.get("homeserver", "ok") != "ok":
            others = [value for key, value in body.items() if key not in ("status", "homeserver")]
            return 200 if all(value == "ok" for value in others) else 503
        return status

    def stop(self, seconds=60):
        """SIGTERM, then the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"parley did not stop in {seconds} s: {self.log_tail()}") from None
        self.process = None
        return code

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def log_tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # --- its doors ---

    def token(self, name):
        """as_token or hs_token of the registration."""
        for line in self.registration.read_text().splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip().strip('"')
        raise KeyError(name)

    def request(self, method, path, body=None, token=None, base=None, seconds=60):
        """(status, parsed JSON or text) of one request to the private listener; (0, reason) without an answer."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request((base or self.private_url) + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _parsed(error.read())
        except (OSError, urllib.error.URLError) as error:
            return 0, str(error)

    def get(self, path):
        return self.request("GET", path, seconds=5)

    def transaction(self, txn_id, events, token=None):
        """PUTs a transaction as a homeserver would."""
        return self.request("PUT", f"/_matrix/app/v1/transactions/{txn_id}", {"events": events},
                            token or self.token("hs_token"))


def _parsed(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
