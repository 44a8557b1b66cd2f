"""A register store of the test's own: one process, HTTP, a log that is flushed before each answer."""
import http.server
import json
import os
import sys
import threading

address, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
log_path = os.path.join(folder, "log")
values, lock = {}, threading.Lock()
if os.path.exists(log_path):
    for line in open(log_path):
        if line.endswith("\n"):
            key, value = json.loads(line)
            values[key] = value
log = open(log_path, "a")


class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"ready": True})
        with lock:
            self.answer(200, {"value": values.get(self.path)})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            if "old" in body and values.get(self.path) != body["old"]:
                return self.answer(409, {})
            values[self.path] = body["new"]
            log.write(json.dumps([self.path, body["new"]]) + "\n")
            log.flush()
            os.fsync(log.fileno())
        self.answer(200, {})

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer((address, port), Store).serve_forever()
