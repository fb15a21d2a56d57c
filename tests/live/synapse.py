"""A private Synapse: its own folder, database and process, ended by its pid; and a small Matrix client.

Standard library only: the live tests, tools/demo and tools/bench use it.

    synapse = Synapse(folder, cluster, server_name="parley.test")
    synapse.register_appservice(path)      (before it starts, or restart it)
    synapse.start()
    alice = synapse.register_user("alice")
    room = alice.create_room()
    synapse.kill(); synapse.start()        -> as after a power cut
    synapse.stop()
"""

import base64
import itertools
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

REPO = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 60
REQUEST_SECONDS = 60
PLENTY = {"per_second": 10000, "burst_count": 10000}
# What anybody may write in a room made here, as clients with calls set it up.
CALL_MEMBERS = ["org.matrix.msc3401.call.member", "m.call.member", "com.famedly.call.member"]


def python_of_venv():
    """The interpreter that has Synapse: of PARLEY_VENV, or of the environment that tools/setup makes."""
    folder = pathlib.Path(os.environ.get("PARLEY_VENV", REPO / ".parley" / "venv"))
    python = folder / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError(f"{python} is missing: run tools/setup all, or set PARLEY_VENV")
    return python


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def request(method, url, body=None, token=None, seconds=REQUEST_SECONDS):
    """One HTTP request with JSON on both sides; gives status and answer."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    ask = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(ask, timeout=seconds) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, text.decode(errors="replace")


class MatrixError(RuntimeError):
    """An answer other than 200."""

    def __init__(self, what, status, answer):
        super().__init__(f"{what}: {status} {answer}")
        self.status = status
        self.errcode = answer.get("errcode", "") if isinstance(answer, dict) else ""


class Federation:
    """How a Synapse is seen by others like it: by TLS on a loopback address of its own, which is its name."""

    PORT = 8448

    def __init__(self, address, authority):
        """`authority`: of strangers.py; whom all of them trust."""
        self.address = address
        self.server_name = f"{address}:{self.PORT}"
        self.certificate = str(authority.certificate([address]))
        self.authorities = str(authority.file)

    def config(self):
        return {
            "public_baseurl": f"https://{self.server_name}/",  # with it there is a well-known file for clients
            "tls_certificate_path": self.certificate,
            "tls_private_key_path": self.certificate,
            "federation_custom_ca_list": [self.authorities],
            "federation_domain_whitelist": None,
            "ip_range_blacklist": [],
        }

    def listener(self):
        return {"port": self.PORT, "type": "http", "tls": True, "bind_addresses": [self.address],
                "resources": [{"names": ["client", "federation"]}]}


class Synapse:
    """One Synapse in `folder` with a database of its own in `cluster`. It speaks to nobody but clients and application
    services; with `federation` to others that have one."""

    def __init__(self, folder, cluster, server_name="parley.test", settings=None, features=None, federation=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cluster = cluster
        self.federation = federation
        self.server_name = federation.server_name if federation else server_name
        self.port = free_port()
        self.database = f"synapse_{secrets.token_hex(4)}"
        self.database_made = False
        self.settings = settings or {}
        self.features = features or {}
        self.appservices = []
        self.process = None
        self.log = self.folder / "synapse.log"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        """The process's, or None."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def register_appservice(self, path):
        """Lists a registration file. Synapse reads it when it starts."""
        if str(path) not in self.appservices:
            self.appservices.append(str(path))

    # --- its files ---

    def _config(self):
        return {
            "server_name": self.server_name,
            "report_stats": False,
            "signing_key_path": str(self.folder / "signing.key"),
            "pid_file": str(self.folder / "synapse.pid"),
            "media_store_path": str(self.folder / "media"),
            "log_config": str(self.folder / "log.yaml"),
            "listeners": [{"port": self.port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
                           "resources": [{"names": ["client", "federation"]}]},
                          *([self.federation.listener()] if self.federation else [])],
            "database": {"name": "psycopg2", "args": {"user": self.cluster.user, "database": self.database,
                                                      "host": self.cluster.host, "port": self.cluster.port,
                                                      "cp_min": 2, "cp_max": 5}},
            "app_service_config_files": self.appservices,
            # Nobody outside: no federation, no key servers.
            "federation_domain_whitelist": [],
            "trusted_key_servers": [],
            "macaroon_secret_key": self._secret("macaroon"),
            "registration_shared_secret": self._secret("registration"),
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "bcrypt_rounds": 4,
            "presence": {"enabled": False},
            # synapse-config/homeserver.yaml: what calls need.
            "max_event_delay_duration": "24h",
            "experimental_features": {"msc4143_enabled": True, "msc4222_enabled": True, "msc4354_enabled": True,
                                      **self.features},
            # Tests hurry.
            "rc_message": PLENTY,
            "rc_registration": PLENTY,
            "rc_joins": {"local": PLENTY, "remote": PLENTY},
            "rc_joins_per_room": PLENTY,
            "rc_invites": {"per_room": PLENTY, "per_user": PLENTY, "per_issuer": PLENTY},
            "rc_login": {"address": PLENTY, "account": PLENTY, "failed_attempts": PLENTY},
            "rc_delayed_event_mgmt": PLENTY,
            "rc_room_creation": PLENTY,
            **(self.federation.config() if self.federation else {}),
            **self.settings,
        }

    def _secret(self, name):
        """A random text that stays the same for this folder."""
        path = self.folder / f"{name}.secret"
        if not path.exists():
            path.write_text(secrets.token_hex(32))
            path.chmod(0o600)
        return path.read_text()

    def _write_files(self):
        key = self.folder / "signing.key"
        if not key.exists():
            seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
            key.write_text(f"ed25519 a_{secrets.token_hex(3)} {seed}\n")
            key.chmod(0o600)
        # JSON is YAML.
        (self.folder / "log.yaml").write_text(json.dumps({
            "version": 1,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"file": {"class": "logging.FileHandler", "formatter": "plain", "filename": str(self.log)}},
            "root": {"level": "INFO", "handlers": ["file"]},
            "disable_existing_loggers": False}))
        config = self.folder / "homeserver.yaml"
        config.write_text(json.dumps(self._config(), indent=1))
        config.chmod(0o600)
        return config

    # --- life ---

    def start(self):
        """Starts the process and waits until it answers."""
        if self.pid:
            return self
        if not self.database_made:
            self.cluster.create_database(self.database)
            self.database_made = True
        config = self._write_files()
        with open(self.folder / "synapse.out", "ab") as out:
            self.process = subprocess.Popen([str(python_of_venv()), "-m", "synapse.app.homeserver", "-c", str(config)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder,
                                            start_new_session=True)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"Synapse ended with code {self.process.returncode}: {self.log_tail()}")
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"Synapse did not answer in {START_SECONDS} s: {self.log_tail()}")

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        """kill -9."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def _end(self, number):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def log_tail(self, lines=30):
        found = [path for path in (self.log, self.folder / "synapse.out") if path.exists()]
        return "\n".join("\n".join(path.read_text(errors="replace").splitlines()[-lines:]) for path in found)

    # --- people ---

    def register_user(self, name, password=None):
        """A new user, logged in."""
        password = password or secrets.token_urlsafe(12)
        status, answer = request("POST", self.url + "/_matrix/client/v3/register",
                                 {"auth": {"type": "m.login.dummy"}, "username": name, "password": password})
        if status != 200:
            raise MatrixError(f"registering {name}", status, answer)
        return MatrixClient(self.url, answer["user_id"], answer["access_token"], answer["device_id"], password)

    def login(self, name, password):
        """Another device of a user."""
        status, answer = request("POST", self.url + "/_matrix/client/v3/login",
                                 {"type": "m.login.password", "password": password,
                                  "identifier": {"type": "m.id.user", "user": name}})
        if status != 200:
            raise MatrixError(f"logging {name} in", status, answer)
        return MatrixClient(self.url, answer["user_id"], answer["access_token"], answer["device_id"], password)


class MatrixClient:
    """One device of a user: what the tests do as one."""

    _transactions = itertools.count(1)

    def __init__(self, url, user_id, token, device_id="", password=""):
        self.url = url
        self.user_id = user_id
        self.token = token
        self.device_id = device_id
        self.password = password

    def call(self, method, path, body=None, **query):
        """One call below /_matrix/client; MatrixError unless it answers 200."""
        url = f"{self.url}/_matrix/client{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        status, answer = request(method, url, body, self.token)
        if status != 200:
            raise MatrixError(f"{method} {path} by {self.user_id}", status, answer)
        return answer

    @staticmethod
    def part(text):
        return urllib.parse.quote(text, safe="")

    def _room(self, room, *rest):
        return "/v3/rooms/" + "/".join(self.part(text) for text in (room, *rest))

    # --- rooms ---

    def create_room(self, invite=(), **options):
        """A private room in which everybody may write call members; gives its id. `options` as in createRoom."""
        levels = {"events": {kind: 0 for kind in CALL_MEMBERS}}
        body = {"preset": "private_chat", "invite": list(invite), "power_level_content_override": levels, **options}
        return self.call("POST", "/v3/createRoom", body)["room_id"]

    def invite(self, room, user_id):
        self.call("POST", self._room(room, "invite"), {"user_id": user_id})

    def join(self, room):
        self.call("POST", self._room(room, "join"), {})

    def leave(self, room):
        self.call("POST", self._room(room, "leave"), {})

    def kick(self, room, user_id, reason=None):
        self.call("POST", self._room(room, "kick"), {"user_id": user_id, **({"reason": reason} if reason else {})})

    def ban(self, room, user_id):
        self.call("POST", self._room(room, "ban"), {"user_id": user_id})

    # --- events: each gives the event id ---

    def _send_path(self, room, kind):
        return self._room(room, "send", kind, f"t{os.getpid()}.{next(self._transactions)}")

    def send(self, room, kind, content):
        return self.call("PUT", self._send_path(room, kind), content)["event_id"]

    def send_sticky(self, room, kind, content, duration_ms):
        """MSC4354."""
        return self.call("PUT", self._send_path(room, kind), content,
                         **{"org.matrix.msc4354.sticky_duration_ms": duration_ms})["event_id"]

    def put_state(self, room, kind, state_key, content, delay_ms=None):
        """With `delay_ms` a delayed event (MSC4140), of which this gives the delay id."""
        path = self._room(room, "state", kind, state_key)
        if delay_ms is None:
            return self.call("PUT", path, content)["event_id"]
        return self.call("PUT", path, content, **{"org.matrix.msc4140.delay": delay_ms})["delay_id"]

    def redact(self, room, event_id, reason=None):
        path = self._room(room, "redact", event_id, f"t{os.getpid()}.{next(self._transactions)}")
        return self.call("PUT", path, {"reason": reason} if reason else {})["event_id"]

    # --- reading ---

    def state(self, room):
        return self.call("GET", self._room(room, "state"))

    def state_event(self, room, kind, state_key=""):
        return self.call("GET", self._room(room, "state", kind, state_key))

    def sync(self, since=None, timeout_ms=0):
        query = {"timeout": timeout_ms, **({"since": since} if since else {})}
        return self.call("GET", "/v3/sync", **query)

    def openid_token(self):
        """Proves to others who this is; good for an hour."""
        return self.call("POST", f"/v3/user/{self.part(self.user_id)}/openid/request_token", {})

    def whoami(self):
        return self.call("GET", "/v3/account/whoami")
