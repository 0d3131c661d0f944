"""Files of users, one JSON object in each line: both ways as streams, however long they are."""

import json
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import IO, Any, BinaryIO

import click
from botocore.exceptions import ClientError, HTTPClientError

from sessionctl.account_functions import Call, OperationError
from sessionctl.text import printable

MOST_USERS = 25  # the limit of import_users
LONGEST_LINE = 65_536  # bytes; a user needs some hundreds, and a call of Lambda takes six megabytes
AT_ONCE = 8  # calls, each of which writes several users at once
PAUSES = (0.5, 1, 2, 4, 8)  # seconds, before a call is made again


@dataclass
class Line:
    """A line of a file.

    Attributes:
        number: which one it is; the first is 1.
        size: how many bytes it has.
        user: the user that stands there.
        problem: why there is none, or none was stored.
    """

    number: int
    size: int
    user: object = None
    problem: str | None = None


@dataclass
class Counts:
    """What became of the lines of a file."""

    imported: int = 0
    skipped: int = 0
    problems: int = 0


def import_users(call: Call, file: BinaryIO, *, dry_run: bool) -> Counts:
    """Import the users of a file, and print the problems of its lines in their order.

    A line is read when the calls before it have room for it.

    Args:
        call: calls the operation.
        file: the file.
        dry_run: whether to write nothing.
    """
    counts = Counts()
    send = partial(_send, call, dry_run=dry_run)
    with ThreadPoolExecutor(AT_ONCE) as threads, _bar(file) as bar:
        for batch, imported, skipped in _in_order(threads, send, _batches(file)):
            counts.imported += imported
            counts.skipped += skipped
            for line in batch:
                if line.problem is not None:
                    counts.problems += 1
                    # Over the bar, which is drawn again below.
                    start = "" if bar is None else "\r\x1b[2K"
                    click.echo(f"{start}line {line.number}: {printable(line.problem)}", err=True)
            if bar is not None:
                bar.update(sum(line.size for line in batch))
    return counts


Batch = list[Line]
Sent = tuple[Batch, int, int]
"""A batch, and how many of its users were imported, and how many were there already."""


def _in_order(
    threads: ThreadPoolExecutor, send: Callable[[Batch], Sent], batches: Iterator[Batch]
) -> Iterator[Sent]:
    """Yield what `send` returns of each batch, in order; of few batches nobody has waited for."""
    under_way: deque[Future[Sent]] = deque()
    try:
        for batch in batches:
            under_way.append(threads.submit(send, batch))
            if len(under_way) == 2 * AT_ONCE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)


def _send(call: Call, batch: Batch, *, dry_run: bool) -> Sent:
    """Send a batch; a call that is made again skips the users that it has stored."""
    lines = [line for line in batch if line.problem is None]
    if not lines:
        return batch, 0, 0
    event = {"users": [line.user for line in lines], "dry_run": dry_run}
    answer = _until_answered(partial(call, event))
    for each in answer["problems"]:
        lines[each["index"]].problem = each["problem"]
    return batch, answer["imported"], len(answer["skipped"])


def _until_answered(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    for pause in PAUSES:
        try:
            return call()
        except (OperationError, ClientError, HTTPClientError) as error:
            if not _may_pass(error):
                raise
        time.sleep(pause)
    return call()


def _may_pass(error: Exception) -> bool:
    """Say whether a call that failed may succeed if it is made again."""
    if isinstance(error, OperationError):
        return error.kind in {"Unavailable", "Sandbox.Timedout"}
    if isinstance(error, ClientError):
        status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status == 429 or status >= 500
    return True  # no answer came


def _batches(file: BinaryIO) -> Iterator[Batch]:
    batch: Batch = []
    for line in _lines(file):
        batch.append(line)
        if len(batch) == MOST_USERS:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(file: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a file, but for empty ones, with the users that they are."""
    for number in count(1):
        text = file.readline(LONGEST_LINE)
        if not text:
            return
        line = Line(number, len(text))
        if len(text) == LONGEST_LINE and not text.endswith(b"\n"):
            line.problem = f"it has over {LONGEST_LINE} bytes"
            while text and not text.endswith(b"\n"):
                text = file.readline(LONGEST_LINE)
                line.size += len(text)
        elif text.strip():
            try:
                line.user = json.loads(text)
            except (ValueError, RecursionError):
                line.problem = "it is no JSON"
        else:
            continue
        yield line


def _bar(file: BinaryIO) -> AbstractContextManager[Any]:
    """Return a bar for what is read of a file; None where nobody looks or nobody knows its size."""
    if not sys.stderr.isatty():
        return nullcontext()
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return nullcontext()
    return click.progressbar(length=status.st_size, label="Importing", file=sys.stderr)


def export_users(call: Call, file: IO[str]) -> int:
    """Write every user into a file, page by page, and return how many they are."""
    users = 0
    after: dict[str, Any] = {}
    while True:
        page = call(after)
        for user in page["items"]:
            known = {name: value for name, value in user.items() if value is not None}
            file.write(json.dumps(known) + "\n")
        users += len(page["items"])
        if "next" not in page:
            return users
        after = {"after": page["next"]}


@contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """Yield a file that nobody else may read, and that is gone again if it is not finished.

    A file that is there may be a link to another one, or one that others may read.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink()  # half an export would be taken for all of it
        raise
