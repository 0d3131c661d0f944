"""The folder of a service on this machine: whether it is ours, and where its service runs.

One file in it is the mark of ours, is locked while a service runs, and says where that answers.
`sam local invoke --env-vars` takes it, too: it asks for an object of objects.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

SERVICE_FILE = "sessions-service.json"
EARLIER = {"engine.lock", "engine.log"}  # what versions before the mark have left
RELEASE_SECONDS = 3.0  # how long a child whose parent was killed may take to save its state


class StateError(Exception):
    """The folder cannot be used: it is another's, it is in use, or what is in it is damaged."""


@dataclass(frozen=True)
class Running:
    """A service that runs: its database, and its gateway if it has one."""

    database: str
    url: str | None


def claim(folder: Path) -> None:
    """Make a folder ours that is missing or empty; touch nothing in one that is another's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = {file.name for file in folder.iterdir()}
        if found and SERVICE_FILE not in found and not found >= EARLIER:
            raise StateError(
                f"{folder} holds files of others, and is left alone; "
                "name a folder with --state that is empty or does not exist yet"
            )
        (folder / SERVICE_FILE).touch()
        if not found:
            (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise StateError(f"the state cannot be kept in {folder}: {error.strerror}") from error


@contextmanager
def held(folder: Path) -> Iterator[IO[str]]:
    """Hold a folder for as long as the block lasts, as one process at a time may.

    Two would overwrite each other's state.
    """
    claim(folder)
    with (folder / SERVICE_FILE).open("r+") as file:
        _acquire(file, folder)
        try:
            yield file
        finally:
            file.truncate(0)


def tell(
    folder: Path,
    database: str,
    url: str | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write where the service of a folder answers, and the environment of its functions."""
    told = {
        "Service": {} if url is None else {"url": url},
        "Parameters": {**environment, "AWS_ENDPOINT_URL": database},
    }
    (folder / SERVICE_FILE).write_text(json.dumps(told, indent=2) + "\n")


def running(folder: Path) -> Running | None:
    """Return where the service runs that holds the folder, if one does."""
    try:
        with (folder / SERVICE_FILE).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _told(file.read())
    except OSError:
        pass
    return None


def _told(text: str) -> Running | None:
    try:
        told: Any = json.loads(text)
    except ValueError:  # it starts, or ends
        return None
    return Running(told["Parameters"]["AWS_ENDPOINT_URL"], told["Service"].get("url"))


def _acquire(file: IO[str], folder: Path) -> None:
    """Take the folder, once the child of a parent that was killed has let go of it."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                there = _told(file.read())
                use = f", or use its database: --endpoint {there.database}" if there else ""
                raise StateError(
                    f"{folder} is in use by another gateway; stop that one{use}"
                ) from None
            time.sleep(0.1)
