"""The page of tools/demo: Element Call, as it is delivered, for the demo's users, in a room of theirs.

    page = Page(folder, stack, [alice, bob])     why_not() says what is missing for it
    page.url
    page.check()      loads it; where Chromium is there, both call each other
    page.stop()

It shows the users' passwords to whoever asks on this machine: they are users of the demo alone.
"""

import functools
import http.server
import json
import mimetypes
import pathlib
import subprocess
import threading
import urllib.request

import element_call

HTML = pathlib.Path(__file__).resolve().parent / "demo_page.html"
HOST = element_call.HERE
PACKAGES = HOST / "node_modules"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
# The beginning of a path, and where the rest of it is; the first that fits counts.
FOLDERS = [("/element-call/", PACKAGES / "@element-hq" / "element-call-embedded" / "dist"),
           ("/pkg/", PACKAGES / "@matrix-org" / "matrix-sdk-crypto-wasm" / "pkg")]


def why_not():
    """What the page needs and is not there, or None."""
    if element_call.node() is None:
        return "Node.js"
    return None if (PACKAGES / "stamp").exists() else str(PACKAGES)


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, made, *rest):
        self.made = made
        super().__init__(*rest)

    def find(self):
        """Bytes of what is asked for, or None."""
        path = self.path.split("?")[0]
        if path in self.made:
            return self.made[path]
        for prefix, folder in FOLDERS:
            file = (folder / path[len(prefix):]).resolve()
            if path.startswith(prefix) and file.is_relative_to(folder.resolve()) and file.is_file():
                return file.read_bytes()
        return None

    def do_GET(self):
        body = self.find()
        self.send_response(404 if body is None else 200)
        kind = mimetypes.guess_type(self.path.split("?")[0])[0]
        self.send_header("Content-Type", kind or ("text/html" if body is not None else "text/plain"))
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


class Page:
    def __init__(self, folder, stack, people):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.names = [user.user_id[1:].split(":")[0] for user in people]
        room = people[0].create_room(invite=[user.user_id for user in people[1:]], initial_state=[ENCRYPTION])
        for user in people[1:]:
            user.join(room)
        self.room = room
        who = [{"user": name, "password": user.password} for name, user in zip(self.names, people)]
        demo = {"baseUrl": stack.synapse.url, "roomId": room, "people": who}
        made = {"/": HTML.read_bytes(), "/demo.json": json.dumps(demo).encode(), "/host.bundle.js": self.bundle()}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, made))
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def bundle(self):
        file = self.folder / "host.bundle.js"
        subprocess.run([element_call.node(), str(PACKAGES / "esbuild" / "bin" / "esbuild"), str(HOST / "host.js"), "--bundle", "--format=esm",
                        "--define:global=globalThis", "--log-level=error", f"--outfile={file}"], check=True)
        return file.read_bytes()

    def check(self):
        """Says what was seen; fails where something is missing."""
        for path in ("", "demo.json", "host.bundle.js", "element-call/index.html"):
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                assert answer.read(), path
        if element_call.missing():
            return f"the page is there; whether it calls was not tried, for {element_call.missing()} is missing"
        pages = element_call.Pages(self.folder)
        try:
            for name in self.names:
                pages.visit(name, f"{self.url}?{name}")
            for name in self.names:
                pages.join(name)
            pages.see_and_hear_each_other(self.names)
            for name in self.names:
                pages.do("hangup", name)
        except (AssertionError, RuntimeError, TimeoutError) as error:
            raise AssertionError(f"{error}\n{pages.explain()}") from error
        finally:
            pages.stop()
        return "two pages called, and saw and heard each other"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
