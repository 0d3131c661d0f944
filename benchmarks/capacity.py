"""What each operation costs in DynamoDB: calls, round trips and units, by the sessions of the user.

`python -m benchmarks.capacity` prints a table. Calls under way at once are one round trip.
"""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.service import Observed, Service, round_trips, running_service
from benchmarks.tables import markdown
from benchmarks.workload import WORKLOAD, Subjects, Work

SIZES = (1, 10, 100, 1_000, 10_000)
LATENCY_SECONDS = 0.005  # about DynamoDB's: on one machine calls side by side might just miss
LIFTED = 20_000  # sessions a user may have, where more are measured than the default allows

NOTES = f"""\
Read units are those of strongly consistent reads. Reads are worked out from the sizes of what came
back, by DynamoDB's documented rules; writes are what the engine reports. No table has an index.
Rows of more than 100 sessions are measured with `MaxSessionsPerUser` at {LIFTED:,}; at 100 the
login revokes the oldest session, as the default has it. *100 named*: IDs that are no session's are
named with them, where the user has fewer. Calls of other services, Secrets Manager and EventBridge,
are in a column of their own."""


class Row(NamedTuple):
    """Work that was done for a subject with so many sessions."""

    work: Work
    sessions: int
    observed: Observed


def rows(service: Service, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Do all work for a subject of each size, and return what it took."""
    most = int(service.functions["create_session"].environment["MAX_SESSIONS_PER_USER"])
    subjects = Subjects(service)
    found = []
    for work in WORKLOAD:
        for size in sizes:
            if work.operation.name == "create_session":
                cap = most if size <= most else LIFTED
                service.load_again("create_session", MAX_SESSIONS_PER_USER=cap)
            observed = subjects.observe(work, size, latency_seconds=LATENCY_SECONDS)
            found.append(Row(work, size, observed))
    return found


def table(found: Iterable[Row]) -> str:
    """Return the rows as a table, sizes of the same cost in one line."""
    lines = []
    for (work, cost), alike in itertools.groupby(found, lambda row: (row.work, _cost(row))):
        sizes = [row.sessions for row in alike]
        many = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
        lines.append((work.name, many, *cost))
    head = ("operation", "sessions", "calls", "round trips", "read units", "write units", "others")
    return markdown(head, lines)


def _cost(row: Row) -> tuple[float, ...]:
    calls = [call for call in row.observed.calls if call.service == "dynamodb"]
    others = len(row.observed.calls) - len(calls)
    return (
        *(len(calls), round_trips(calls)),
        *(row.observed.read_units, row.observed.write_units, others),
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=SIZES, metavar="NUMBER")
    options = parser.parse_args()
    with running_service() as service:
        found = rows(service, options.sessions)
    print(f"{table(found)}\n\n{NOTES}")


if __name__ == "__main__":
    main()
