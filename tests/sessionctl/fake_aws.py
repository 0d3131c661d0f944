"""STS, CloudFormation and Lambda on this machine, with the answers that a test gives."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

CALLER = "arn:aws:iam::123456789012:user/olivia"
IDENTITY = f"""<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{CALLER}</Arn>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
RESOURCE = """<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>
<PhysicalResourceId>{0}</PhysicalResourceId>
</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"""
NO_STACK = """<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>
<Message>Stack 'nothing' does not exist</Message></Error></ErrorResponse>"""


class FakeAws(ThreadingHTTPServer):
    """The server.

    Attributes:
        answers: what each function answers.
        errors: the exception of each function that raises one: its name and its message.
        calls: the calls of functions, with what was sent.
        probes: the functions of which was only asked whether they may be called.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, Any] = {}
        self.errors: dict[str, tuple[str, str]] = {}
        self.calls: list[tuple[str, Any]] = []
        self.probes: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: FakeAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", self.path)
        if path and self.headers["X-Amz-Invocation-Type"] == "DryRun":
            self.server.probes.append(path[1])
            self.answer(204 if path[1] in self.server.answers else 404, "")
        elif path:
            self.invoke(path[1], json.loads(body))
        else:
            self.query({name: values[0] for name, values in parse_qs(body).items()})

    def invoke(self, name: str, event: Any) -> None:
        self.server.calls.append((name, event))
        if name in self.server.errors:
            kind, message = self.server.errors[name]
            failure = json.dumps({"errorType": kind, "errorMessage": message})
            self.answer(200, failure, {"X-Amz-Function-Error": "Unhandled"})
        else:
            self.answer(200, json.dumps(self.server.answers[name]))

    def query(self, fields: dict[str, str]) -> None:
        if fields["Action"] == "GetCallerIdentity":
            self.answer(200, IDENTITY)
        elif fields["StackName"] == "nothing":
            self.answer(400, NO_STACK)
        else:
            name = f"{fields['StackName']}-{fields['LogicalResourceId']}-X1"
            self.answer(200, RESOURCE.format(name))

    def answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def fake_aws() -> Iterator[FakeAws]:
    """Run the server."""
    with FakeAws() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
