"""The files of synapse-config/ as an admin would use them, and the programs that read them: nginx, Caddy, coturn.

`Site` makes a copy with names put in by the very commands of its README; what a test must change besides (ports, certificates, folders)
is changed by whole lines, and a line that is not there is an error.
"""

import datetime
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from parley import REPO, free_port

START_SECONDS = PATIENCE_S = 30
DOMAIN = "parley.test"
CALLS, TURN = f"calls.{DOMAIN}", f"turn.{DOMAIN}"
SAMPLES = REPO / "synapse-config"


def free_udp_port():
    """Free for TCP too."""
    while True:
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def has_ipv6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        try:
            s.bind(("::1", 0))
            return True
        except OSError:
            return False


def public_paths():
    """synapse-config/public-paths: what a proxy passes, and what it does not though it is served."""
    words = [line.split()[0] for line in (SAMPLES / "public-paths").read_text().splitlines() if line and line[0] != "#"]
    return [word for word in words if word[0] != "!"], [word[1:] for word in words if word[0] == "!"]


class Site:
    """A copy of synapse-config with our names, and a certificate for them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.copytree(SAMPLES, self.folder / "config")
        self.config = self.folder / "config"
        self._put_names_in()
        self.certificate, self.key = self.folder / "site.crt", self.folder / "site.key"
        self._make_certificate()
        self.www = self.folder / "www"
        shutil.copytree(self.config / ".well-known", self.www / ".well-known")

    def _put_names_in(self):
        """Runs what README.md tells to run."""
        readme = (SAMPLES / "README.md").read_text()
        block = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)[1]
        script = "\n".join(line.strip() for line in block.splitlines()).replace("your.domain", DOMAIN)
        subprocess.run(["bash", "-euc", script], cwd=self.config, check=True, timeout=30)

    def _make_certificate(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
        now = datetime.datetime.now(datetime.timezone.utc)
        names = x509.SubjectAlternativeName([x509.DNSName(n) for n in (DOMAIN, CALLS, TURN, f"matrix.{DOMAIN}")])
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=2)).add_extension(names, critical=False)
                       .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                       .sign(key, hashes.SHA256()))
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))

    def tls(self, alpn=()):
        context = ssl.create_default_context(cafile=self.certificate)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def text(self, name, *changes):
        """A file of the copy with whole pieces replaced."""
        text = (self.config / name).read_text()
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        return text


class Program:
    """A process that listens, ended by its pid."""

    def __init__(self, site, name):
        self.site = site
        self.folder = site.folder / name
        self.folder.mkdir()
        self.log = self.folder / "out.log"
        self.process = None

    def _start(self, command, port, environment=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            env=dict(os.environ, **(environment or {})))
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.output()
                assert time.monotonic() < end, f"nobody listens on port {port}: {self.output()}"
                time.sleep(0.05)

    def output(self):
        """All it wrote, its log files included."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.rglob("*.log")))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Nginx(Program):
    """nginx before a Parley (or what stands for one) on 127.0.0.1:`upstream`."""

    def __init__(self, site, upstream):
        super().__init__(site, f"nginx-{upstream}")
        self.port, self.plain_port = free_port(), free_port()
        (self.folder / "snippets").mkdir()
        logs = ("/var/log/nginx/", f"{self.folder}/")
        for name in ("paths", "proxy"):
            changes = [logs] if name == "proxy" else [("/etc/nginx/snippets/", f"{self.folder}/snippets/")]
            (self.folder / "snippets" / f"parley-{name}.conf").write_text(site.text(f"nginx-{name}.conf", *changes))
        (self.folder / "parley").write_text(site.text(
            "nginx.conf", logs, ("/etc/nginx/snippets/", f"{self.folder}/snippets/"),
            ("server 127.0.0.1:8089;", f"server 127.0.0.1:{upstream};"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
            ("    listen [::]:443 ssl http2;\n", ""), ("    listen [::]:80;\n", ""),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            (f"/etc/letsencrypt/live/{CALLS}/fullchain.pem", str(site.certificate)),
            (f"/etc/letsencrypt/live/{CALLS}/privkey.pem", str(site.key)),
            (f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem", str(site.certificate)),
            (f"/etc/letsencrypt/live/{DOMAIN}/privkey.pem", str(site.key)), ("/var/www/matrix", str(site.www))))
        # Around it what Debian's nginx.conf has; sites-enabled are included inside http.
        user = "user root;" if os.geteuid() == 0 else ""  # who else may enter a test's folder?
        (self.folder / "nginx.conf").write_text(f"""
{user}
worker_processes 1;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {self.folder}/access.log;
    client_body_temp_path {self.folder}/body;
    proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/fastcgi;
    uwsgi_temp_path {self.folder}/uwsgi;
    scgi_temp_path {self.folder}/scgi;
    include {self.folder}/parley;
}}
""")
        self.command = ["/usr/sbin/nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e",
                        str(self.folder / "error.log")]

    def check(self):
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 and "[warn]" not in done.stderr, done.stderr

    def start(self):
        self._start([*self.command, "-g", "daemon off;"], self.port)
        return self


class Caddy(Program):
    def __init__(self, site, upstream):
        super().__init__(site, f"caddy-{upstream}")
        self.port = free_port()
        tls = f" {{\n\tbind 127.0.0.1\n\ttls {site.certificate} {site.key}\n"
        # Ports and certificates of the test's own; without its admin endpoint, which listens on a fixed port.
        self.file = self.folder / "Caddyfile"
        self.file.write_text(site.text(
            "Caddyfile", ("reverse_proxy 127.0.0.1:8089", f"reverse_proxy 127.0.0.1:{upstream}"),
            (f"\n{CALLS} {{\n", f"\nhttps://{CALLS}:{self.port}{tls}"),
            (f"\n{DOMAIN} {{\n", f"\nhttps://{DOMAIN}:{self.port}{tls}"),
            ("/var/www/matrix", str(site.www)), ("\n{\n", "\n{\n\tadmin off\n\tauto_https disable_redirects\n")))
        self.environment = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        self.arguments = ["--config", str(self.file), "--adapter", "caddyfile"]

    def check(self):
        done = subprocess.run(["caddy", "validate", *self.arguments], capture_output=True, text=True, check=False, timeout=60,
                              env=dict(os.environ, **self.environment))
        assert done.returncode == 0 and "Valid configuration" in done.stdout + done.stderr, done.stderr

    def start(self):
        self._start(["caddy", "run", *self.arguments], self.port, self.environment)
        return self


class Coturn(Program):
    """coturn with the sample as it is but for addresses and certificates, which the command line replaces."""

    def __init__(self, site, *extra_lines, name="coturn", ports=None):
        super().__init__(site, name)
        self.port, self.tls_port = ports or (free_udp_port(), free_udp_port())
        self.file = self.folder / "turnserver.conf"
        self.file.write_text(site.text(
            "turnserver.conf", ("listening-port=3478", f"listening-port={self.port}"),
            ("tls-listening-port=5349", f"tls-listening-port={self.tls_port}"),
            ("/etc/coturn/turn.parley.test.crt", str(site.certificate)),
            ("/etc/coturn/turn.parley.test.key", str(site.key))) + "\n".join(extra_lines) + "\n")
        self.ipv6 = has_ipv6()
        self.secret = re.search(r"^static-auth-secret=(.*)$", self.file.read_text(), re.MULTILINE)[1]

    def start(self):
        self._start(["turnserver", "-c", str(self.file), "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", *(["--relay-ip", "::1"] if self.ipv6 else []),
                     "--pidfile", str(self.folder / "pid"), "--userdb", str(self.folder / "turndb")], self.tls_port)
        return self
