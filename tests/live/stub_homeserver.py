"""A homeserver's door for the benches: answers what Parley asks at once, so that only Parley and PostgreSQL are measured.

Run as a program: prints its port, serves until standard input ends. The live tests use the real Synapse instead.
"""

import asyncio
import json
import pathlib
import subprocess
import sys

ANSWERS = [
    (b"/account/whoami", {"user_id": "@_calls:load"}),
    (b"/joined_members", {"joined": {"@one:load": {}, "@two:load": {}}}),
    (b"/m.room.join_rules", {"join_rule": "invite"}),
    (b"/versions", {"versions": ["v1.11"], "unstable_features": {}}),
    (b"/ping", {"duration_ms": 1}),
]


def answer(target):
    body = json.dumps(next((made for part, made in ANSWERS if part in target), {})).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """Keep-alive requests whose bodies end with their head or with Content-Length bytes."""

    def connection_made(self, transport):
        self.transport = transport
        self.waiting = b""

    def data_received(self, data):
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, rest = self.waiting.split(b"\r\n\r\n", 1)
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                           if line.lower().startswith(b"content-length:")), 0)
            if len(rest) < length:
                return
            self.waiting = rest[length:]
            self.transport.write(answer(head.split(b" ")[1]))


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class StubHomeserver:
    """The same as a child process; a context."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).resolve())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


if __name__ == "__main__":
    asyncio.run(serve())
