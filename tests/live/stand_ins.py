"""HTTP servers that stand between clients and Parley, or say where it is, and are wrong in the ways asked for: a reverse proxy, the
well-known file.

    with proxy(parley, missing=["/rtc"]) as way:
        way.url
"""

import http.client
import http.server
import json
import threading

class Server:
    """A small HTTP server on the loopback, for as long as the context lasts."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(handler, status, body, *headers):
    data = body if isinstance(body, bytes) else body.encode()
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


DROPPED = ("content-length", "transfer-encoding", "connection", "date", "server")  # of an answer that is sent anew


def proxy(parley, private=(), missing=(), forwarded="append", more=(), port=None, asked=None):
    """A reverse proxy before Parley that is wrong in the ways asked for."""
    def answer(handler):
        if asked is not None:
            asked.append(handler.path)
        if handler.path in missing:
            reply(handler, 404, "nothing here")
            return
        upstream = port or (parley.private_port if handler.path in private else parley.public_port)
        connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
        sent = {name: value for name, value in handler.headers.items() if name.lower() != "x-forwarded-for"}
        came = handler.headers.get("X-Forwarded-For")
        if forwarded == "append":
            sent["X-Forwarded-For"] = f"{came}, 127.0.0.1" if came else "127.0.0.1"
        elif forwarded == "pass" and came:
            sent["X-Forwarded-For"] = came
        connection.request("GET", handler.path, headers=sent)
        got = connection.getresponse()
        body = got.read()
        headers = [(name, value) for name, value in got.getheaders() if name.lower() not in DROPPED]
        reply(handler, got.status, body, *headers, *more)
        connection.close()

    return Server(answer)


FOCUS = "https://calls.parley.test"
ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")


def well_known(base_url=None, foci=(FOCUS,), headers=(ANY_ORIGIN,), status=200, body=None, redirect=None):
    """Serves the well-known file as asked for."""
    content = {"m.homeserver": {"base_url": base_url}} if base_url else {}
    if foci is not None:
        content["org.matrix.msc4143.rtc_foci"] = [{"type": "livekit", "livekit_service_url": url} for url in foci]

    def answer(handler):
        if redirect and handler.path == "/.well-known/matrix/client":
            reply(handler, 302, "", ("Location", "/elsewhere.json"), *redirect)
        else:
            reply(handler, status, json.dumps(content) if body is None else body, *headers)

    return Server(answer)
