"""The programs of examples/, started as they say, on a service that runs.

A program finds the service by a folder that looks like a checkout in which `make run` runs.
"""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from tests.support.events import ROOT
from tests.support.service import Service

START_SECONDS = 60
NOWHERE = "http://127.0.0.1:1"

Start = Callable[[Path, Path], httpx.Client]


def checkout(folder: Path, told: str) -> Path:
    """Make what a program sees of a checkout whose service is told so."""
    (folder / ".local").mkdir()
    (folder / ".local" / "sessions-service.json").write_text(told)
    for part in ("examples", "layers"):
        (folder / part).symlink_to(ROOT / part)
    return folder


@pytest.fixture(scope="session")
def here(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service runs."""
    told = (Path(service.environment["HOME"]) / "sessions-service.json").read_text()
    return checkout(tmp_path_factory.mktemp("here"), told)


@pytest.fixture(scope="session")
def in_an_outage(here: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its database cannot be reached."""
    told = json.loads((here / ".local" / "sessions-service.json").read_text())
    told["Parameters"]["AWS_ENDPOINT_URL"] = NOWHERE
    return checkout(tmp_path_factory.mktemp("in_an_outage"), json.dumps(told))


@pytest.fixture(scope="session")
def start_program() -> Iterator[Start]:
    """Start a program by the first command that its head comment shows, on a port of its own."""
    with ExitStack() as stack:

        def start(program: Path, place: Path) -> httpx.Client:
            with closing(socket.create_server(("127.0.0.1", 0))) as free:
                port = free.getsockname()[1]
            shown = re.search(r"^    \.venv/bin/python (.*)$", program.read_text(), re.MULTILINE)
            command = [sys.executable, *shown[1].replace("8000", str(port)).split()]
            output = place / f"{program.parent.name}.log"
            with output.open("w") as file:
                process = subprocess.Popen(command, cwd=place, stdout=file, stderr=file)
            stack.callback(process.wait, timeout=30)
            stack.callback(process.terminate)
            end = time.monotonic() + START_SECONDS
            while not listens(port):
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < end, output.read_text()
                time.sleep(0.05)
            url = f"http://127.0.0.1:{port}"
            return stack.enter_context(httpx.Client(base_url=url, timeout=30))

        yield start


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
