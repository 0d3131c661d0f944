"""What each operation costs in DynamoDB: calls, round trips and units, by the sessions of the user.

`python -m benchmarks.capacity` prints a table. Calls under way at once are one round trip.
"""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.service import Observed, Service, round_trips, running_service
from benchmarks.tables import markdown
from benchmarks.workload import OPERATIONS, Person, done, new_person

SIZES = (1, 10, 100, 1_000, 10_000)
LATENCY_SECONDS = 0.005  # about DynamoDB's: on one machine calls side by side might just miss
LIFTED = 20_000  # sessions a user may have, where more are measured than the default allows

NOTES = f"""\
Read units are those of strongly consistent reads. Reads are worked out from the sizes of what came
back, by DynamoDB's documented rules; writes are what the engine reports, which
`python -m benchmarks.engine_units` compares with the rules. No table has an index. Rows of more
than 100 sessions are measured with `MaxSessionsPerUser` at {LIFTED:,}; at 100 the login ends the
oldest session, as the default has it. *100 named*: IDs that are no session's are named with them,
where the user has fewer. Calls of other services, Secrets Manager and EventBridge, are in a column
of their own."""


@dataclass(frozen=True)
class Cost:
    """What one call of an operation takes of DynamoDB, and of what it writes and answers."""

    calls: int
    round_trips: int
    read_units: float
    write_units: float
    other_calls: int


@dataclass(frozen=True)
class Row:
    """An operation of a user with so many sessions."""

    operation: str
    function: str
    sessions: int
    cost: Cost
    observed: Observed


def cost_of(observed: Observed) -> Cost:
    """Return what an invocation took of DynamoDB."""
    calls = observed.database_calls
    return Cost(
        len(calls),
        round_trips(calls),
        sum(call.read_units for call in calls),
        sum(call.write_units for call in calls),
        len(observed.calls) - len(calls),
    )


def rows(service: Service, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Invoke each operation for a user of each size, and return what it took."""
    most = int(service.functions["CreateSessionFunction"].environment["MAX_SESSIONS_PER_USER"])
    lasting: dict[int, Person] = {}
    found = []
    for operation in OPERATIONS:
        for size in sizes:
            if operation.function == "CreateSessionFunction":
                cap = most if size <= most else LIFTED
                service.load_again("CreateSessionFunction", MAX_SESSIONS_PER_USER=cap)
            person = lasting.get(size)
            if person is None or operation.changes:
                person = new_person(service, size)
            if not operation.changes:
                lasting[size] = person
            event = operation.event(person)
            service.latency_seconds = LATENCY_SECONDS
            observed = service.invoke(operation.function, event)
            service.latency_seconds = 0.0
            done(observed)
            cost = cost_of(observed)
            found.append(Row(operation.name, operation.function, size, cost, observed))
    return found


def table(found: Iterable[Row]) -> str:
    """Return the rows as a table, sizes of the same cost in one line."""
    head = ("operation", "sessions", "calls", "round trips", "read units", "write units", "others")
    lines = []
    for (operation, cost), alike in itertools.groupby(found, lambda row: (row.operation, row.cost)):
        sizes = [row.sessions for row in alike]
        many = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
        units = (cost.read_units, cost.write_units)
        lines.append(
            (operation, many, cost.calls, cost.round_trips, *map(float, units), cost.other_calls)
        )
    return markdown(head, lines)


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
