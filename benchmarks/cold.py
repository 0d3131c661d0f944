"""Cold starts: a fresh process imports a function and answers its first event.

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
from typing import NamedTuple

from benchmarks.bundle import FLOOR, Bundle, Case, bundle
from benchmarks.tables import markdown, median_ratio
from tests.e2e.built import BARE

BARE_PYTHON = "bare Python"
ROUNDS = 15


class Start(NamedTuple):
    """What one start took, in milliseconds, and its peak memory in megabytes."""

    cpu: float
    wall: float
    memory: float


def start(bundle: Bundle, case: Case) -> Start:
    """Start a function once."""
    bundle.play(case)
    return _spawn(bundle.command("cold_start", case), case.environ, str(case.folder))


def _spawn(command: list[str], environ: dict[str, str], folder: str) -> Start:
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        pid = os.posix_spawn(
            command[0],
            command,
            {**environ, "PWD": folder},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, told.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        told.seek(0)
        output = told.read()
        if status:
            log.seek(0)
            sys.exit(log.read().decode())
    memory = json.loads(output)[0] / 1024 if output else used.ru_maxrss / 1024
    return Start((used.ru_utime + used.ru_stime) * 1000, wall * 1000, memory)


def measure(bundle: Bundle, names: list[str], rounds: int) -> dict[str, list[Start]]:
    """Return what each start took, by the name of the case, one a round."""
    bare = [bundle.python, *BARE, "-c", "import os; os._exit(0)"]
    starts: dict[str, list[Start]] = {name: [] for name in (BARE_PYTHON, FLOOR, *names)}
    for _ in range(rounds):
        for name, measured in starts.items():
            if name == BARE_PYTHON:
                measured.append(_spawn(bare, {}, "/"))
            else:
                measured.append(start(bundle, bundle.cases[name]))
    return starts


def table(starts: dict[str, list[Start]]) -> str:
    """Return the medians, and the ratios to the floor, as a table."""
    head = ("", "CPU ms", "of boto3", "of bare Python", "wall ms", "of boto3", "peak MB")
    lines = []
    for name, measured in starts.items():
        cpu, wall, memory = (statistics.median(values) for values in zip(*measured, strict=True))
        of_boto3, of_bare, wall_of_boto3 = (
            median_ratio(
                (getattr(each, field) for each in measured),
                (getattr(each, field) for each in starts[other]),
            )
            for field, other in (("cpu", FLOOR), ("cpu", BARE_PYTHON), ("wall", FLOOR))
        )
        lines.append(
            (
                *(name, f"{cpu:.0f}", f"{of_boto3:.2f}", f"{of_bare:.1f}"),
                *(f"{wall:.0f}", f"{wall_of_boto3:.2f}", f"{memory:.0f}"),
            )
        )
    return markdown(head, lines)


def main() -> None:
    """Measure cold starts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that runs them")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("names", nargs="*", help="functions; all of them if none is named")
    arguments = parser.parse_args()
    with bundle(arguments.python) as made:
        names = arguments.names or [name for name in made.cases if name != FLOOR]
        print(table(measure(made, names, arguments.rounds)))


if __name__ == "__main__":
    main()
