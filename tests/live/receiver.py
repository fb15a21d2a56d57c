"""A receiver of webhooks: keeps what came, and answers as the test wants, also not at all."""

import collections
import http.server
import json
import threading
import time

from parley import free_port

Came = collections.namedtuple("Came", "path headers body raw status at")
HANG_SECONDS = 60


class Receiver:
    """`answers` gives the status for a request: a number, or a function of its JSON; "hang" keeps the sender waiting until `let_go`."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.came = []
        self.answers = 200
        self.released = threading.Event()
        self.server = None

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(raw)
                status = outer.answers(body) if callable(outer.answers) else outer.answers
                outer.came.append(Came(self.path, dict(self.headers), body, raw, status, time.monotonic()))
                if status == "hang":
                    outer.released.wait(HANG_SECONDS)
                    status = 200
                try:
                    self.send_response(status)
                    if 300 <= status <= 399:
                        self.send_header("Location", outer.url + "/elsewhere")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender was killed, or lost patience

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.released.set()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def let_go(self):
        self.answers = 200
        self.released.set()

    def taken(self):
        """What was answered with success, in order."""
        return [came.body for came in self.came if came.status == 200]

    def types(self, call_id=None):
        return [body["type"] for body in self.taken() if call_id in (None, body["call"]["call_id"])]

    def wait(self, enough, what, seconds=40):
        end = time.monotonic() + seconds
        while not enough():
            assert time.monotonic() < end, (what, [(came.status, came.body["type"]) for came in self.came])
            time.sleep(0.03)
