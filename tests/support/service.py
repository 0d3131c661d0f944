"""The service as a developer starts it, `python -m local` with ministack behind it: a plugin."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx
import pytest

from local.state import claim
from tests.support.events import ALLOWED_ORIGINS, ROOT
from tests.support.leaks import PASSWORD, Watch, token_of

START_SECONDS = 60

# It sees every answer to a test, and what a service has written once it ends.
watch = Watch(PASSWORD)


class Service(NamedTuple):
    """A gateway that runs: where it answers, and where its database does."""

    url: str
    database: str
    environment: dict[str, str]

    def client(self, name: str, **options: Any) -> Any:
        """Return a client of what is emulated here: Lambda by the gateway, else by the database."""
        gateway = self.url.removesuffix("/api")
        return boto3.client(
            name,
            endpoint_url=gateway if name == "lambda" else self.database,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            **options,
        )

    def operate(self, operation: str, **given: Any) -> Any:
        """Carry out an account operation, as operators do, and return its answer."""
        payload = json.dumps(given).encode()
        answer = self.client("lambda").invoke(FunctionName=operation, Payload=payload)
        result = json.load(answer["Payload"])
        assert "FunctionError" not in answer, result
        return result


@contextmanager
def running(
    state: Path, *options: str, origins: Sequence[str] = ALLOWED_ORIGINS
) -> Iterator[Service]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(state)}
    claim(state)  # which must be empty for it
    output = state / "output"
    allowed = [word for origin in origins for word in ("--origin", origin)]
    command = [sys.executable, "-m", "local", "--port", "0", "--state", str(state)]
    with output.open("w") as file:
        process = subprocess.Popen(
            [*command, *allowed, *options], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
    try:
        end = time.monotonic() + START_SECONDS
        while "Ctrl-C to stop" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.05)
        found = re.search(r"(http\S+/api)\n[^$]*?(http://127\S+) \(region", output.read_text())
        assert found, output.read_text()
        yield Service(found[1], found[2], environment)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0, output.read_text()


@contextmanager
def watched(state: Path, *options: str) -> Iterator[Service]:
    """Run a service; at its end no secret may stand in anything that it answered or wrote."""
    with running(state, *options) as service:
        yield service
        secrets = service.client("secretsmanager")
        key_set = secrets.get_secret_value(SecretId=os.environ["SIGNING_KEYS_SECRET"])
        for key in json.loads(key_set["SecretString"]).values():
            if isinstance(key, str):
                watch.keep("signing key", key)
    assert look_through(state) == []


def look_through(state: Path) -> list[str]:
    """Return what a service's files show that nobody may see."""
    for line in (state / "functions.log").read_text().removesuffix("\n").split("\n"):
        watch.logged(line)
    for name in ("access.log", "engine.log", "output"):
        watch.wrote((state / name).read_text())
    return watch.leaks()


@pytest.fixture(scope="session")
def watched_answers() -> Iterator[None]:
    """Have the watch see every answer, and know the token in it."""
    send = httpx.Client.send

    def send_and_tell(client: httpx.Client, request: httpx.Request, **options: Any) -> Any:
        answer = send(client, request, **options)
        # Not an answer that a test made up itself, of which the watch can know nothing.
        if not options.get("stream") and "network_stream" in answer.extensions:
            is_log_in = answer.status_code == 201
            cookie = answer.headers.get("Set-Cookie")
            token = token_of(answer.json(), cookie) if is_log_in else None
            if token is not None:
                watch.keep_token(token)
            watch.answered(f"{answer.headers}\n{answer.text}", token)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", send_and_tell)
        yield


Start = Callable[..., Service]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, watched_answers: None) -> Iterator[Start]:
    """Start services with options of the test's own; they end with the tests of its module.

    A service that nobody asks works on: it follows its streams.
    """
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(
            watched(tmp_path_factory.mktemp("service"), *options)
        )


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, watched_answers: None) -> Iterator[Service]:
    """One service for all tests that need no rate limit."""
    with watched(tmp_path_factory.mktemp("service"), "--no-rate-limit") as service:
        yield service
