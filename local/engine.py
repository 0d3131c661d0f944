"""The database on this machine: ministack, as a child process that keeps its state in a folder."""

import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from local.database_process import DAMAGED
from local.state import StateError, held, tell

PORT = 4566  # ministack's own
START_SECONDS = 60.0
STOP_SECONDS = 25.0  # longer than the child's own patience
HEALTH = "/_ministack/health"
ROOT = Path(__file__).parents[1]


class EngineError(Exception):
    """The database could not be started."""


@contextmanager
def engine(folder: Path, *, fresh: bool = False) -> Iterator[str]:
    """Run the database for as long as the block lasts; yield its endpoint.

    Args:
        folder: where its state is; one process at a time may have it.
        fresh: whether it begins with no state.
    """
    with held(folder) as lock:
        if fresh:
            for file in (folder / "state").glob("*.json"):
                file.unlink()
        with ExitStack() as stack:
            with _one_at_a_time():
                port = free_port(PORT)
                endpoint = f"http://127.0.0.1:{port}"
                tell(folder, endpoint)
                child = _start(folder, port, lock)
                stack.callback(stop, child)
                _wait_until_healthy(child, endpoint, folder)
            yield endpoint


def is_healthy(endpoint: str) -> bool:
    """Say whether ministack answers; by `http.client`, which asks no proxy for the way."""
    connection = HTTPConnection(endpoint.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", HEALTH)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_port(preferred: int) -> int:
    """Return the preferred port if it is free, else any that is."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EngineError("no port is free on 127.0.0.1")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let no other engine start meanwhile: both would find the same port free, and take it."""
    with (Path(tempfile.gettempdir()) / f"sessions-engine-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(folder: Path, port: int, lock: IO[str]) -> subprocess.Popen[bytes]:
    settings = {
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",  # else it looks for containers to tidy up
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "1",
        "SERVICES": "dynamodb,dynamodbstreams,events,secretsmanager",
        "STATE_DIR": str(folder / "state"),
    }
    with (folder / "engine.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "local.database_process"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,  # it ends with us, and tells the child
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],  # the folder stays taken until the child is gone too
            start_new_session=True,  # Ctrl-C must not stop the child before its clients
        )


def _wait_until_healthy(child: subprocess.Popen[bytes], endpoint: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if is_healthy(endpoint):
            return
        time.sleep(0.05)
    log = folder / "engine.log"
    if child.returncode == DAMAGED:
        *_, reason = log.read_text(errors="replace").splitlines()
        raise StateError(f"{reason}; put it right, or begin with an empty database: --fresh")
    raise EngineError(f"ministack did not start; {log} says why")


def stop(child: subprocess.Popen[bytes]) -> None:
    """End an engine, with time to save its state."""
    child.terminate()  # SIGTERM saves the state; SIGKILL would lose it
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()
