"""A bad day between the functions and their database: a proxy that fails a few of the calls."""

import http.client
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LASTING_RATE = 0.25  # of the faults meet every attempt of their call, so that the function fails
FAULTS = ("throttled", "internal error", "closed before", "closed after")
_ERRORS = {
    "throttled": (400, "ThrottlingException"),
    "internal error": (500, "InternalServerError"),
}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Faults:
    """Which call meets which fault, and how many have."""

    def __init__(self, seed: int) -> None:
        self.rate = 0.0
        self.calls = 0
        self.injected: Counter[str] = Counter()
        self._lasting: dict[str, str] = {}
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def of(self, call: str) -> str | None:
        """Return the fault of one attempt of a call; botocore numbers calls, not attempts."""
        with self._lock:
            if call in self._lasting:
                return self._lasting[call]
            self.calls += 1
            if self._random.random() >= self.rate:
                return None
            fault = self._random.choice(FAULTS)
            lasts = self._random.random() < LASTING_RATE
            if lasts:
                self._lasting[call] = fault
            self.injected[f"{fault}, {'each attempt' if lasts else 'once'}"] += 1
            return fault


@contextmanager
def faulty_proxy(upstream: str, faults: Faults) -> Iterator[str]:
    """Pass on what is asked of `upstream`, but for the faults; yield the URL to ask instead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is two writes, and nobody waits for the first

        def setup(self) -> None:
            super().setup()
            self.upstream = http.client.HTTPConnection(upstream.removeprefix("http://"))

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = faults.of(self.headers.get("amz-sdk-invocation-id", ""))
            if fault in _ERRORS:
                status, code = _ERRORS[fault]
                refusal = json.dumps({"__type": code, "message": "injected"}).encode()
                self._answer(status, [("Content-Type", "application/x-amz-json-1.0")], refusal)
                return
            if fault != "closed before":
                self.upstream.request("POST", self.path, body, dict(self.headers))
                answer = self.upstream.getresponse()
                content = answer.read()
                if fault != "closed after":  # the write is committed, and its answer lost
                    self._answer(answer.status, answer.getheaders(), content)
                    return
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass  # a client that has gone is no news here

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
