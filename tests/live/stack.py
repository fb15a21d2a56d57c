"""Everything at once: PostgreSQL, Synapse with Parley registered, Parley. The live tests share one; tools/demo starts one."""

import contextlib
import http.server
import pathlib
import threading
import time

from cluster import PostgresCluster
from parley import Parley
from synapse import Synapse

WAIT_SECONDS = 40
SERVER_NAME = "parley.test"
PROXY_FEATURES = {"msc4502_enabled": True, "msc4512_enabled": True}
PROXY_KEYS = """
io.element.msc4502.scopes: ["urn:matrix:client:io.element.msc4502:rooms:is_joined"]
io.element.msc4512.proxy_prefix: "rtc/livekit"
io.element.msc4512.proxy_url: "{url}"
"""


class Stack:
    def __init__(self, folder, settings=None, database_url=None, proxied=False, focus=False, federation=None, homeserver=None):
        """`federation`: of synapse.py. `database_url`: of a database for Parley; without one it gets its own in the private PostgreSQL.
        `proxied`: the homeserver hands token requests on to Parley (MSC4512) and tells who is in a room (MSC4502).
        `focus`: the homeserver tells clients that calls are at Parley.
        `homeserver`: more of its settings, instead of those that tests have."""
        folder = pathlib.Path(folder)
        self.cluster = PostgresCluster(folder / "postgres")
        self.cluster.start()
        self.synapse = self.parley = None
        try:
            if database_url is None:
                self.cluster.create_database("parley")
                database_url = self.cluster.url("parley")
            self.synapse = Synapse(folder / "synapse", self.cluster, server_name=SERVER_NAME, settings=homeserver,
                                   features=PROXY_FEATURES if proxied else None, federation=federation)
            self.parley = Parley(folder / "parley", database_url, self.synapse.url, self.synapse.server_name, settings)
            if focus:
                self.parley.set("rtc", public_url=self.parley.public_url)
                self.synapse.settings["matrix_rtc"] = {
                    "transports": [{"type": "livekit", "livekit_service_url": self.parley.public_url}]}
            if proxied:
                with open(self.parley.registration, "a", encoding="utf-8") as registration:
                    registration.write(PROXY_KEYS.format(url=self.parley.private_url))
            self.synapse.register_appservice(self.parley.registration)
            self.synapse.start()
            self.parley.run("migrate")
            self.parley.start()
        except BaseException:
            self.stop()
            raise
        self.users = {}

    def stop(self):
        """Stops what runs, last started first."""
        with contextlib.ExitStack() as order:
            order.callback(self.cluster.stop)
            if self.synapse is not None:
                order.callback(self.synapse.stop)
            if self.parley is not None:
                order.callback(self.parley.stop)

    def user(self, name):
        """A user of that name, registered at the first call."""
        if name not in self.users:
            self.users[name] = self.synapse.register_user(name)
        return self.users[name]

    def room(self, *people):
        """A room of these people, made by the first; everybody may write call members (as Element's rooms allow)."""
        room = people[0].create_room(invite=[person.user_id for person in people[1:]])
        for person in people[1:]:
            person.join(room)
        return room

    def wait(self, ask, enough, what, seconds=WAIT_SECONDS):
        """Asks until the answer is enough; gives it."""
        end = time.monotonic() + seconds
        while True:
            answer = ask()
            if enough(answer):
                return answer
            if time.monotonic() > end:
                raise AssertionError(f"no {what} in {seconds} s, but {answer}\n{self.parley.log_tail()}")
            time.sleep(0.1)

    def wait_call(self, room, **want):
        """The newest call of the room that is as wanted."""
        def fits(call):
            return all(call[key] == value for key, value in want.items())
        calls = self.wait(lambda: self.parley.audit("calls", "--room", room),
                          lambda calls: any(fits(call) for call in calls), f"call with {want}")
        return next(call for call in calls if fits(call))

    def swallow(self, act):
        """Does something while a stranger answers in Parley's place, so that Parley never learns of it; Parley is not running."""
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                swallowed.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")  # without it Synapse takes the answer for a broken one and tries again
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT

            def log_message(self, *_):
                pass

        swallowed = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.parley.private_port), Answer)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            act()
            self.wait(lambda: swallowed, lambda got: any(b"call.member" in body for body in got), "swallowed transaction")
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
