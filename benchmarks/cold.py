"""Cold starts: a fresh process imports a function and answers its first event.

With `--runtime` it does so under Lambda's own runtime client, with AWS's emulator of the Lambda
service: from the first call, at which the emulator starts the function, to its answer.

Runs are interleaved, and a figure is the median over the rounds; a ratio, the median of ratios to
the floor in the same round.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundle import FLOOR, Bundle, Case, bundle
from benchmarks.tables import markdown, median_ratio
from tests.e2e.built import BARE
from tests.e2e.runtime import copy_emulator, link_client, running

BARE_PYTHON = "bare Python"
ROUNDS = 15
# Of each kind of function one; the emulator takes its time.
UNDER_RUNTIME = [
    *("get_current_session", "list_sessions", "delete_sessions", "create_session", "create_user"),
]


class Start(NamedTuple):
    """What one start took, in milliseconds, and its peak memory in megabytes, if known."""

    cpu: float
    wall: float
    memory: float = 0.0


def in_a_bare_process(made: Bundle, case: Case) -> Start:
    """Start a function once."""
    return _spawn(made.command("cold_start", case), case.environ, str(case.folder))


def _spawn(command: list[str], environ: dict[str, str], folder: str) -> Start:
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        pid = os.posix_spawn(
            command[0],
            command,
            {**environ, "PWD": folder},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, answer.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        answer.seek(0)
        output = answer.read()
        if status:
            log.seek(0)
            sys.exit(log.read().decode())
    memory = json.loads(output)[0] / 1024 if output else 0.0
    return Start((used.ru_utime + used.ru_stime) * 1000, wall * 1000, memory)


def under_the_runtime_client(folder: Path, case: Case) -> Start:
    """Start a function once, and stop it.

    Args:
        folder: one that has the emulator, and the runtime client in another.
        case: the function.
    """
    environ = {**case.environ, "PYTHONPATH": f"{case.environ['PYTHONPATH']}:{folder / 'client'}"}
    emulator, log = folder / "emulator", folder / "log"
    with running(emulator, case.handler, case.folder, environ, log) as runtime:
        event = json.loads(case.event.read_text())
        began = time.perf_counter()
        answer = runtime.call(event)
        wall = time.perf_counter() - began
        assert "errorType" not in (answer or {}), answer
        return Start(runtime.cpu_seconds() * 1000, wall * 1000)


def measure(
    made: Bundle, names: list[str], rounds: int, start: Callable[[Case], Start]
) -> dict[str, list[Start]]:
    """Return what each start took, by the name of the case, one a round."""
    bare = [made.python, *BARE, "-c", "import os; os._exit(0)"]
    starts: dict[str, list[Start]] = {name: [] for name in (BARE_PYTHON, FLOOR, *names)}
    for _ in range(rounds):
        for name, measured in starts.items():
            if name == BARE_PYTHON:
                measured.append(_spawn(bare, {}, "/"))
            else:
                made.play(made.cases[name])
                measured.append(start(made.cases[name]))
    return starts


def table(starts: dict[str, list[Start]]) -> str:
    """Return the medians, and the ratios to the floor, as a table."""

    def ratio(name: str, field: str, floor: str) -> str:
        values, floors = ([getattr(each, field) for each in starts[of]] for of in (name, floor))
        return median_ratio(values, floors)

    lines = []
    for name, measured in starts.items():
        cpu, wall, memory = (statistics.median(values) for values in zip(*measured, strict=True))
        of_boto3, of_bare = ratio(name, "cpu", FLOOR), ratio(name, "cpu", BARE_PYTHON)
        figures = (f"{cpu:.0f}", of_boto3, of_bare, f"{wall:.0f}", ratio(name, "wall", FLOOR))
        lines.append((name, *figures, f"{memory:.0f}" if memory else ""))
    head = ("", "CPU ms", "of boto3", "of bare Python", "wall ms", "of boto3", "peak MB")
    return markdown(head, lines)


def main() -> None:
    """Measure cold starts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that runs them")
    parser.add_argument("--runtime", action="store_true", help="under Lambda's runtime client")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("names", nargs="*", help="functions; all of them if none is named")
    arguments = parser.parse_args()
    if arguments.runtime and arguments.python != sys.executable:
        parser.error("the runtime client is installed for this Python alone")
    with bundle(arguments.python) as made, ExitStack() as stack:
        names = arguments.names or [name for name in made.cases if name != FLOOR]
        start = partial(in_a_bare_process, made)
        if arguments.runtime:
            names = arguments.names or UNDER_RUNTIME
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            copy_emulator(folder)
            (folder / "client").mkdir()
            link_client(folder / "client")
            start = partial(under_the_runtime_client, folder)
        print(table(measure(made, names, arguments.rounds, start)))


if __name__ == "__main__":
    main()
