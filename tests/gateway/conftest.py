"""The service as a developer starts it: `python -m local`, with ministack behind it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.calls import ALLOWED_ORIGINS

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


class Service(NamedTuple):
    """A gateway that runs: where it answers, and where its database does."""

    url: str
    database: str
    environment: dict[str, str]


@contextmanager
def running(state: Path, *options: str) -> Iterator[Service]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(state)}
    output = state / "output"
    origins = [word for origin in ALLOWED_ORIGINS for word in ("--origin", origin)]
    command = [sys.executable, "-m", "local", "--port", "0", "--state", str(state)]
    with output.open("w") as file:
        process = subprocess.Popen(
            [*command, *origins, *options], cwd=ROOT, env=environment, stdout=file, stderr=file
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


Start = Callable[..., Service]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start services with options of the test's own; they end with the session."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(
            running(tmp_path_factory.mktemp("service"), *options)
        )


@pytest.fixture(scope="session")
def service(start: Start) -> Service:
    """One service for all tests that need no rate limit."""
    return start("--no-rate-limit")
