"""Other homeservers, as far as one sees them from outside: a name server, a certificate authority, and https servers
on loopback addresses of their own. All ends with the test's process at the latest.

    with Strangers(folder) as strangers:
        strangers.address("hs.test", "127.1.2.3")
        server = strangers.serve("127.1.2.3", 8448, ["hs.test"], lambda ask: (200, {}, b"{}"))
        server.heard                      -> [Ask(host, path, …), …]
"""

import dataclasses
import datetime
import http.server
import ipaddress
import random
import select
import socket
import ssl
import struct
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

A, AAAA, SRV = 1, 28, 33


@dataclasses.dataclass
class Ask:
    """What a server was asked."""
    host: str
    path: str
    headers: dict


class Authority:
    """A certificate authority of the test's own; its file is what Parley is told to trust."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
        self.file = folder / "authority.pem"
        cert = self._build(self.name, self.key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())
        self.file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, public_key, expired=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        end = now - datetime.timedelta(days=1) if expired else now + datetime.timedelta(days=1)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public_key)
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=2))
                .not_valid_after(end))

    def certificate(self, names, expired=False):
        """A file with key and certificate of a server that is called by these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        said = []
        for name in names:
            try:
                said.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                said.append(x509.DNSName(name))
        cert = (self._build(x509.Name([]), key.public_key(), expired)
                .add_extension(x509.SubjectAlternativeName(said), critical=True).sign(self.key, hashes.SHA256()))
        path = self.folder / f"server-{cert.serial_number:x}.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()) +
                         cert.public_bytes(serialization.Encoding.PEM))
        return path

    def context(self, names, **options):
        """The same, to serve with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(names, **options))
        return context


def _labels(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


class NameServer:
    """Answers from `records`: (name, type) -> list of data, or None for silence. What is not there does not exist."""

    def __init__(self):
        self.records = {}
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.where = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.ending, self._wake = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select([self.socket, self.ending], [], [])
            if self.ending in ready:
                return
            message, peer = self.socket.recvfrom(4096)
            answer = self._answer(message)
            if answer:
                self.socket.sendto(answer, peer)

    def _answer(self, message):
        at, parts = 12, []
        while message[at]:
            parts.append(message[at + 1:at + 1 + message[at]].decode().lower())
            at += message[at] + 1
        name, kind = ".".join(parts), struct.unpack_from(">H", message, at + 1)[0]
        self.asked.append((name, kind))
        known = [key for key in self.records if key[0] == name]
        data = self.records.get((name, kind), [])
        if data is None:
            return None
        if data and callable(data[0]):
            data = data[0]()
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one
                        for one in (self._data(kind, text) for text in data))
        code = 0x8180 if known else 0x8183
        return message[:2] + struct.pack(">HHHHH", code, 1, len(data), 0, 0) + message[12:at + 5] + body

    @staticmethod
    def _data(kind, text):
        if kind == SRV:
            priority, weight, port, target = text
            return struct.pack(">HHH", priority, weight, port) + _labels(target)
        return ipaddress.ip_address(text).packed

    def stop(self):
        self._wake.send(b".")
        self.thread.join()
        for one in (self.socket, self.ending, self._wake):
            one.close()


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that refuses a certificate is what tests are for."""


class Server:
    """One https server. `answer(ask)` gives status, headers and body; None: says nothing and waits for the end."""

    def __init__(self, context, address, port, answer):
        server = self
        self.heard, self.connections, self.most, self.now = [], 0, 0, 0
        self.lock, self.ending = threading.Lock(), threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self):
                server.connections += 1
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self):
                with server.lock:
                    server.heard.append(Ask(self.headers["Host"], self.path, dict(self.headers)))
                    server.now += 1
                    server.most = max(server.most, server.now)
                try:
                    self.give(answer(server.heard[-1]))
                finally:
                    with server.lock:
                        server.now -= 1

            def give(self, answered):
                if answered is None:
                    server.ending.wait(60)
                    self.close_connection = True
                    return
                status, headers, body = answered
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = _Quiet((address, port), Handler)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.ending.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


class Strangers:
    """The outside world of one test."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.names = NameServer()
        self.servers = []
        # Addresses that nobody else on this machine uses; the block is what tests allow.
        self.net = f"127.{random.randint(16, 250)}.{random.randint(0, 255)}"
        self.block = f"{self.net}.0/24"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
        self.names.stop()

    def address(self, name, *addresses):
        self.names.records[(name, A)] = list(addresses)

    def service(self, name, *rows):
        """Rows of priority, weight, port, target."""
        self.names.records[(name, SRV)] = list(rows)

    def serve(self, address, port, names, answer, **options):
        server = Server(self.authority.context(names, **options), address, port, answer)
        self.servers.append(server)
        return server
