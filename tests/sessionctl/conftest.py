"""The command as a person runs it, against an AWS of the test's own on this machine."""

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest

from sessionctl.__main__ import main

ROOT = Path(__file__).parents[2]
CALLER = "arn:aws:iam::123456789012:user/olivia"
NO_STACK = """<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>
<Message>Stack 'nothing' does not exist</Message></Error></ErrorResponse>"""
IDENTITY = f"""<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{CALLER}</Arn>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Fake:
    """STS, CloudFormation and Lambda: it keeps what functions were sent, and answers as told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Any] = {}
        self.errors: dict[str, tuple[str, str]] = {}
        self.calls: list[tuple[str, Any]] = []

    def invoked(self, name: str, event: Any) -> tuple[dict[str, str], Any]:
        self.calls.append((name, event))
        if name in self.errors:
            kind, message = self.errors[name]
            failure = {"errorType": kind, "errorMessage": message}
            return {"X-Amz-Function-Error": "Unhandled"}, failure
        return {}, self.answers[name]

    def query(self, asked: dict[str, list[str]]) -> tuple[int, str]:
        if asked["Action"] == ["GetCallerIdentity"]:
            return 200, IDENTITY
        if asked["StackName"] == ["nothing"]:
            return 400, NO_STACK
        name = f"{asked['StackName'][0]}-{asked['LogicalResourceId'][0]}-X1"
        detail = f"<PhysicalResourceId>{name}</PhysicalResourceId>"
        found = f"<StackResourceDetail>{detail}</StackResourceDetail>"
        result = f"<DescribeStackResourceResult>{found}</DescribeStackResourceResult>"
        return 200, f"<DescribeStackResourceResponse>{result}</DescribeStackResourceResponse>"


@pytest.fixture
def fake() -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, headers = 200, {}
            path = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations\?.*", self.path)
            if path:
                headers, answer = made.invoked(path[1], json.loads(body))
                text = json.dumps(answer)
            else:
                status, text = made.query(parse_qs(body))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Fake(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command with an environment of its own: nobody's AWS settings, UTC."""

    def run(*arguments: str, given: str = "", **environment: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "sessionctl", *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "UTC", **environment},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def local(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run the command in this process, against the fake as the development gateway."""

    def local(*arguments: str, given: str = "", **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        try:
            code = main(["--local", fake.url, *arguments])
        except SystemExit as ended:  # argparse's way to refuse
            code = int(str(ended.code))
        return Ended(code, *capsys.readouterr())

    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield local
    time.tzset()
