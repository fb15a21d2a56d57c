"""A TURN client that says what was answered: Allocate, CreatePermission, Send. Over UDP, TCP or TLS (RFC 8656, RFC 8489). And the least
of a server, for those who only want it to answer."""

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import threading
import time

MAGIC = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION = 3, 4, 6, 7, 8
INDICATION = 0x10
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, XOR_PEER, DATA_BYTES, REALM, NONCE, XOR_RELAYED, FAMILY, TRANSPORT = \
    6, 8, 9, 0x0D, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19
PATIENCE_S = 20


def credential(secret, user, lifetime_s=3600):
    """User name and password as the homeserver makes them."""
    name = f"{int(time.time()) + lifetime_s}:{user}"
    return name, base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


class TurnClient:
    """One allocation, or what is said instead of it."""

    def __init__(self, address, username, password, tcp=False, tls=None, tls_name=None):
        self.username, self.password = username, password
        self.realm = self.nonce = b""
        self.stream = tcp or tls is not None
        if self.stream:
            self.socket = socket.create_connection(address, timeout=PATIENCE_S)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=tls_name)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(address)
        self.relayed = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # --- messages ---

    def _send(self, kind, attributes, transaction, integrity=True):
        if integrity and self.nonce:
            attributes += attribute(USERNAME, self.username.encode()) + attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
            key = hashlib.md5(b":".join([self.username.encode(), self.realm, self.password.encode()])).digest()
            head = struct.pack(">HHI", kind, len(attributes) + 24, MAGIC) + transaction
            attributes += attribute(INTEGRITY, hmac.new(key, head + attributes, hashlib.sha1).digest())
        self.socket.sendall(struct.pack(">HHI", kind, len(attributes), MAGIC) + transaction + attributes)

    def _bytes(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            assert more, "the server hung up"
            got += more
        return got

    def _receive(self):
        """Type, transaction and attributes of the next message."""
        if self.stream:
            head = self._bytes(20)
            message = head + self._bytes(struct.unpack(">H", head[2:4])[0])
        else:
            message = self.socket.recv(65536)
        kind, length = struct.unpack(">HH", message[:4])
        found, at = {}, 20
        while at < 20 + length:
            name, size = struct.unpack(">HH", message[at:at + 4])
            found[name] = message[at + 4:at + 4 + size]
            at += 4 + size + (-size % 4)
        return kind, message[8:20], found

    def _ask(self, method, attributes, transaction=None):
        """The error code, 0 for success; authenticates when asked to."""
        transaction = transaction or os.urandom(12)
        for _ in range(2):
            self._send(method, attributes, transaction)
            while True:
                kind, answered, found = self._receive()
                if answered == transaction:
                    break
            code = 0 if kind & 0x0110 == 0x0100 else found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3]
            if code not in (401, 438) or found.get(NONCE) == self.nonce or (code == 401 and self.nonce):
                break
            self.realm, self.nonce = found[REALM], found[NONCE]
        return code, found

    # --- what a client does ---

    def allocate(self, ipv6=False):
        family = attribute(FAMILY, b"\x02\0\0\0") if ipv6 else b""
        code, found = self._ask(ALLOCATE, attribute(TRANSPORT, b"\x11\0\0\0") + family)  # UDP
        if code == 0 and not ipv6:
            self.relayed = self._address(found[XOR_RELAYED])
        return code

    def permit(self, address):
        transaction = os.urandom(12)
        return self._ask(CREATE_PERMISSION, attribute(XOR_PEER, self._peer(address, 1, transaction)), transaction)[0]

    def send(self, address, payload):
        """Sends by the relay; nothing answers it."""
        transaction = os.urandom(12)
        peer = attribute(XOR_PEER, self._peer(*address, transaction))
        self._send(SEND | INDICATION, peer + attribute(DATA_BYTES, payload), transaction, integrity=False)

    def receive(self):
        """What a peer has sent by the relay."""
        while True:
            kind, _, found = self._receive()
            if kind == DATA | INDICATION:
                return found[DATA_BYTES]

    def release(self):
        return self._ask(REFRESH, attribute(LIFETIME, b"\0\0\0\0"))[0]

    @staticmethod
    def _address(value):
        port = struct.unpack(">H", value[2:4])[0] ^ (MAGIC >> 16)
        return str(ipaddress.ip_address(struct.unpack(">I", value[4:8])[0] ^ MAGIC)), port

    @staticmethod
    def _peer(address, port, transaction):
        number = ipaddress.ip_address(address)
        mask = (struct.pack(">I", MAGIC) + transaction)[:len(number.packed)]
        hidden = bytes(a ^ b for a, b in zip(number.packed, mask))
        return struct.pack(">HH", 1 if number.version == 4 else 2, port ^ (MAGIC >> 16)) + hidden


@contextlib.contextmanager
def stun_server():
    """Answers Binding requests as a TURN server does (the real one: test_homeserver_part); gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer():
            while True:
                question, asker = server.recvfrom(1500)
                if not question:
                    return
                server.sendto(b"\x01\x01\0\0" + question[4:20], asker)
        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        server.sendto(b"", server.getsockname())
        thread.join()
