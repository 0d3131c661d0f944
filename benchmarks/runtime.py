"""Cold starts under Lambda's own runtime client, with AWS's emulator of the Lambda service.

From the first call, at which the emulator starts the function, to its answer. The runtime client
is in every figure, and so is what it imports of the standard library.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundle import FLOOR, Bundle, Case, bundle
from benchmarks.tables import markdown, median_ratio
from tests.e2e.runtime import copy_emulator, link_client, running

ROUNDS = 9
NAMES = ("get_current_session", "list_sessions", "delete_sessions", "create_session", "create_user")


class Start(NamedTuple):
    """What one start took, in milliseconds."""

    cpu: float
    wall: float


def start(made: Bundle, case: Case, emulator: Path, client: Path, log: Path) -> Start:
    """Start a function once, and stop it."""
    made.play(case)
    environ = {**case.environ, "PYTHONPATH": f"{case.environ['PYTHONPATH']}:{client}"}
    with running(emulator, case.handler, case.folder, environ, log) as runtime:
        event = json.loads(case.event.read_text())
        began = time.perf_counter()
        answer = runtime.call(event)
        wall = time.perf_counter() - began
        assert "errorType" not in (answer or {}), answer
        return Start(runtime.cpu_seconds() * 1000, wall * 1000)


def measure(made: Bundle, rounds: int, folder: Path) -> dict[str, list[Start]]:
    """Return what each start took, by the name of the case, one a round."""
    emulator = copy_emulator(folder)
    (folder / "client").mkdir()
    client = link_client(folder / "client")
    starts: dict[str, list[Start]] = {name: [] for name in (FLOOR, *NAMES)}
    for _ in range(rounds):
        for name, measured in starts.items():
            measured.append(start(made, made.cases[name], emulator, client, folder / "log"))
    return starts


def table(starts: dict[str, list[Start]]) -> str:
    """Return the medians, and the ratios to the floor in the same round, as a table."""
    lines = []
    for name, measured in starts.items():
        told = [name]
        for field in Start._fields:
            values = [getattr(each, field) for each in measured]
            floors = [getattr(each, field) for each in starts[FLOOR]]
            told += [f"{statistics.median(values):.0f}", f"{median_ratio(values, floors):.2f}"]
        lines.append(told)
    return markdown(("", "CPU ms", "of boto3", "wall ms", "of boto3"), lines)


def main() -> None:
    """Measure cold starts under the runtime client and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    # The runtime client is installed for this Python alone.
    with bundle(sys.executable) as made, tempfile.TemporaryDirectory() as folder:
        print(table(measure(made, arguments.rounds, Path(folder))))


if __name__ == "__main__":
    main()
