"""Every test runs against the template's own tables, environment and secret.

moto plays AWS for the handlers, in this process, and is asked one thing at a time; what is about
concurrency or capacity goes through the development gateway (tests/gateway), and what the store
promises is held to on several engines (tests/conformance). What DynamoDB would refuse, no engine
need know: each request that the layer makes is checked before it is sent
(tests/dynamodb_limits.py).
"""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import moto  # first: it hooks into botocore only for clients that are made after it
import pytest
from hypothesis import HealthCheck, settings
from moto.core.models import BotocoreStubber

from local.create_resources import create_resources
from local.functions import functions_of, runtime_environment, shared_environment
from sessions import clients
from tests import dynamodb_limits
from tests.calls import Clock, watch
from tests.contract import TEMPLATE

# The layer reads its settings at import, as it does on Lambda; so they stand before that.
os.environ.update(shared_environment(functions_of(TEMPLATE).values()))
# Where it is AWS that has to conform, region and credentials stay the caller's.
_aws = os.environ.get("CONFORMANCE_ENDPOINT") == "aws"
os.environ.update(runtime_environment("" if _aws else "http://127.0.0.1", os.environ))
os.environ["AWS_ENDPOINT_URL"] = ""

# Of the session that makes every client of the layer, and before it makes the first.
clients._session.register("before-parameter-build.dynamodb", dynamodb_limits.hold)

settings.register_profile(
    "sessions",
    deadline=None,  # a timed test fails on a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("sessions")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let moto answer one request at a time: of updates made at once it loses some.

    Up to there, whatever handlers do side by side is under way together.
    """
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def answer_alone(*given: Any, **named: Any) -> Any:
        with lock:
            return answer(*given, **named)

    with mock.patch.object(BotocoreStubber, "__call__", answer_alone):
        yield


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """AWS, played by moto, with the template's tables and secret; tests use their own users.

    Each module has its own: what one does to everybody (a generation, a signing key) reaches no
    other, and moto walks through all rows at most calls.
    """
    import boto3  # noqa: PLC0415 - after the environment stands

    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    with moto.mock_aws(), one_at_a_time():
        create_resources(TEMPLATE, boto3.client("dynamodb"), boto3.client("secretsmanager"))
        endpoint.signing_keys.__init__(endpoint.signing_keys._read)  # as cold as a new process
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that handlers read: it stands still until the test moves it."""
    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    clock = Clock()
    monkeypatch.setattr(endpoint, "epoch_seconds", lambda: clock.now)
    return clock


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[socket.socket]:
    """A server whose address tokens give away, and that must not hear from anybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


# --------------------------------------------------------------- nothing leaks


class Listener(logging.Handler):
    """Gives the watch every line that is logged, whoever logs it."""

    def emit(self, record: logging.LogRecord) -> None:
        from sessions import endpoint  # noqa: PLC0415 - after the environment stands

        if record.name == endpoint.logger.name:
            watch.logged(endpoint.logger.registered_handler.format(record))
        else:
            watch.wrote(self.format(record))


@pytest.fixture(scope="session", autouse=True)
def watched() -> Iterator[None]:
    """Let the watch know each token and key that comes up, and hear all that is logged.

    At DEBUG, and of everybody: a developer who turns the level up sees no secret either.
    """
    from sessions import endpoint, rotation, tokens  # noqa: PLC0415 - after the environment stands

    def keep_keys(ring: tokens.Ring) -> None:
        for key in ring.keys.values():
            watch.keep("signing key", key.decode())

    def issue(*given: Any) -> str:
        token: str = issued(*given)
        watch.keep_token(token)
        return token

    def parse_ring(secret: str) -> tokens.Ring:
        ring = parsed(secret)
        keep_keys(ring)
        return ring

    def ring_text(ring: tokens.Ring) -> str:
        keep_keys(ring)
        return written(ring)

    issued, parsed, written = tokens.issue, tokens.parse_ring, rotation.ring_text
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "issue", issue)
        patch.setattr(tokens, "parse_ring", parse_ring)
        patch.setattr(rotation, "parse_ring", parse_ring)
        patch.setattr(rotation, "ring_text", ring_text)
        endpoint.logger.setLevel(logging.DEBUG)
        logging.root.setLevel(logging.DEBUG)
        logging.root.addHandler(listener)
        yield
        logging.root.removeHandler(listener)


@pytest.fixture(autouse=True)
def nothing_leaks(watched: None) -> Iterator[None]:
    """No test may have made a handler show a secret."""
    yield
    assert watch.leaks() == []
