"""Warm requests: the CPU time of one, beside the same calls of DynamoDB made by boto3 alone.

Runs of a function and of its floor alternate, each in a process of its own; a figure is the median
of batches, and a ratio the median over the rounds. For the login, the floor checks the same
password. benchmarks/money.py reads the file that `--json` names.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.bundle import Bundle, Case, bundle
from benchmarks.tables import markdown, median_ratio

BATCHES = 16
ROUNDS = 5
ROUTES = (
    *("get_current_session", "get_session", "list_sessions", "delete_session", "delete_sessions"),
    *("delete_all_sessions", "create_session", "authorize"),
)


class Request(NamedTuple):
    """What one request took, in microseconds of CPU: of the function, and of its floor."""

    function: float
    floor: float


def measure(made: Bundle, names: list[str], rounds: int) -> dict[str, list[Request]]:
    """Return what a request took, by the name of the function, one a round."""
    requests: dict[str, list[Request]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, measured in requests.items():
            floor = _microseconds(made, made.floors[name])
            measured.append(Request(_microseconds(made, made.cases[name]), floor))
    return requests


def _microseconds(made: Bundle, case: Case) -> float:
    made.play(case)
    batches: list[float] = json.loads(made.run("warm_calls", case, str(BATCHES)))
    return statistics.median(batches)


def table(requests: dict[str, list[Request]], made: Bundle) -> str:
    """Return the medians as a table."""
    lines = []
    for name, measured in requests.items():
        calls = [
            target.partition(".")[2]
            for target, _ in made.cases[name].tape.requests
            if target.startswith("DynamoDB")
        ]
        functions, floors = zip(*measured, strict=True)
        shown = ", ".join(f"{calls.count(call)} {call}" for call in dict.fromkeys(calls))
        if name == "create_session":
            shown += ", and argon2"
        lines.append(
            (
                *(name, f"{statistics.median(functions):.0f}", shown),
                f"{statistics.median(floors):.0f}",
                median_ratio(functions, floors) if calls else "",
            )
        )
    return markdown(("", "CPU µs", "its DynamoDB calls by boto3", "µs", "ratio"), lines)


def main() -> None:
    """Measure warm requests and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warm", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that runs them")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("names", nargs="*", default=ROUTES, help="functions; every route if none")
    arguments = parser.parse_args()
    with bundle(arguments.python, tls=False) as made:
        requests = measure(made, list(arguments.names), arguments.rounds)
        print(table(requests, made))
    if arguments.json:
        figures = {
            name: {"cpu_ms": statistics.median(each.function for each in measured) / 1000}
            for name, measured in requests.items()
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
