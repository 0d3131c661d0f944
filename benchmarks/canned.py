"""AWS with canned answers: an engine's recorded answers are played again, byte by byte.

So a function can be run a thousand times on one event, even one that revokes a session, and all
the time that is measured is its own. The answers carry the headers that DynamoDB's carry.
"""

import http.client
import json
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Call = tuple[str, str]
"""The target of a call, and its tables or its secret."""


class Tape:
    """The answers to each call, in order; played from the start again after the last one.

    Attributes:
        requests: the calls by their target, in order.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self._answers: dict[Call, list[bytes]] = {}
        self._played: dict[Call, int] = {}
        self._lock = threading.Lock()

    def record(self, call: Call, request: Any, answer: bytes) -> None:
        """Keep an answer behind those that there are."""
        with self._lock:
            self.requests.append((call[0], request))
            self._answers.setdefault(call, []).append(answer)

    def play(self, call: Call) -> bytes | None:
        """Return the next answer to a call, None if it was never made."""
        with self._lock:
            answers = self._answers.get(call)
            if answers is None:
                return None
            turn = self._played.get(call, 0)
            self._played[call] = turn + 1
            return answers[turn % len(answers)]

    def rewind(self) -> None:
        """Play from the start."""
        with self._lock:
            self._played.clear()


class Canned:
    """The tape that is on, and whether it is played or recorded from the engine.

    Attributes:
        unrecorded: calls that were not on the tape that was played.
    """

    def __init__(self) -> None:
        self.url = ""
        self.tape: Tape | None = None
        self.is_recording = False
        self.unrecorded: list[Call] = []


@contextmanager
def canned(engine: str, certificate: Path | None = None) -> Iterator[Canned]:
    """Emulate AWS for as long as the block lasts; without a tape, pass all calls on to the engine.

    Args:
        engine: the URL of a database.
        certificate: a file of `make_certificate`, with which AWS speaks TLS.
    """
    state = Canned()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = json.loads(body)
            call = self.headers["X-Amz-Target"], _subject(request)
            if state.tape is not None and not state.is_recording:
                answer = state.tape.play(call)
                if answer is None:
                    state.unrecorded.append(call)
                    answer = _answer(500, b'{"__type":"InternalServerError"}')
                self.wfile.write(answer)
                return
            upstream = http.client.HTTPConnection(engine.removeprefix("http://"))
            upstream.request("POST", self.path, body, dict(self.headers))
            response = upstream.getresponse()
            answer = _answer(response.status, response.read())
            upstream.close()
            if state.tape is not None:
                state.tape.record(call, request, answer)
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            if context is not None:
                # The handshake is its thread's business: it is made by the first read.
                connection = context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            return connection, address

        def handle_error(self, *_: Any) -> None:
            pass  # processes that are measured end without closing connections

    context: ssl.SSLContext | None = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        scheme = "http" if context is None else "https"
        state.url = f"{scheme}://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def make_certificate(file: Path) -> None:
    """Make a key and its certificate for 127.0.0.1, signed by itself, of the kind AWS uses."""
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(  # noqa: S603 - our own words
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names),
            *("-keyout", str(file), "-out", str(file.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    with file.open("a") as both:
        both.write(file.with_suffix(".crt").read_text())


def _subject(request: dict[str, Any]) -> str:
    parts = request.get("TransactItems", [])
    tables = {write["TableName"] for part in parts for write in part.values()}
    tables |= request.get("RequestItems", {}).keys()
    return request.get("TableName") or request.get("SecretId") or " ".join(sorted(tables))


def _answer(status: int, content: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {http.client.responses[status]}\r\n"
        "Server: Server\r\n"
        "Date: Wed, 25 Nov 2026 00:00:00 GMT\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(content)}\r\n"
        "Connection: keep-alive\r\n"
        "x-amzn-RequestId: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF\r\n"
        f"x-amz-crc32: {zlib.crc32(content)}\r\n\r\n"
    )
    return head.encode() + content
