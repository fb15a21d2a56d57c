"""The few answers of a homeserver that Parley needs to be ready, from a thread of the test. The real one is in test_legacy_calls and
test_rtc_calls."""

import http.server
import json
import threading


class KindHomeserver:
    def __init__(self):
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = outer.reply(self.path, self.headers.get("Authorization", "").removeprefix("Bearer "))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def reply(self, path, token):
        """Status and body of the answer; a test may know better."""
        return 200, {"user_id": "@_calls:localhost", "versions": ["v1.11"], "duration_ms": 1}

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
