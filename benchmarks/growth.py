"""How what an operation takes grows with the sessions of its user, and with the users there are.

`python -m benchmarks.growth` prints tables, and ends with 1 if anything grows that must not: calls
and the bytes of their bodies are bounded, times are only printed. Our own time is the CPU time of
this process, in which the functions run; the engine's is part of the wall time alone.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.service import Observed, Service, running_service
from benchmarks.tables import markdown
from benchmarks.workload import (
    WORKLOAD,
    Subjects,
    new_subject,
    session_row,
    store_rows,
    stored_row,
)

SESSIONS = (1, 10, 100, 1_000, 10_000)
USERS = (10, 1_000, 100_000)
SESSIONS_OF_ONE = 10  # of the subject that is measured among many users
ROUNDS = 9

NOTES = """\
Times are milliseconds at the smallest size, and multiples of these at the others. CPU time is that
of the functions, in this process; until the answer there is also the engine, which goes through all
rows of a user at each query: where the second figure grows and the first does not, the growth is
the engine's. *create_session* is measured at the default `MaxSessionsPerUser`: at 1,000 sessions
and more it meets rows that no login could have left, and revokes a batch. Times by users are
not interleaved, as one database holds them all; with many, the engine is slower at everything, also
where no table is read (*list_signing_keys*)."""

# More than this is growth. A session is some 240 bytes as JSON.
BYTES = 1_024
# What reads all sessions of its user, or ends them one by one, and so may grow with these.
MAY_GROW = frozenset(
    {
        "list_sessions",
        "delete_sessions, 1 named",
        "delete_sessions, 100 named",
        "delete_all_sessions",
        "publish_events, up to 100 revoked",
        "publish_events, all revoked",
        "list_user_sessions",
        "export_user",
        "revoke_user_sessions, all",
        "revoke_user_sessions, 1 named",
        "delete_user",
    }
)
# The login looks at as many sessions as a user may have, and a batch; not at what is beyond.
BOUNDED = "create_session"
# These take seconds each at the largest size, and nobody waits for their answers.
UNTIMED = frozenset({"publish_events, all revoked", "delete_user", "revoke_everyone"})


@dataclass
class Growth:
    """What an operation took at one size, in each round."""

    operation: str
    size: int
    seen: list[Observed] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """Return the calls of all services, of the round that made most."""
        return max(len(observed.calls) for observed in self.seen)

    @property
    def bytes(self) -> int:
        """Return the bytes sent and received, of the round that had most."""
        return max(
            sum(call.sent_bytes + call.received_bytes for call in observed.calls)
            for observed in self.seen
        )

    @property
    def cpu_ms(self) -> float:
        """Return the median CPU time of this process, in milliseconds."""
        return 1000 * statistics.median(observed.cpu_seconds for observed in self.seen)

    @property
    def wall_ms(self) -> float:
        """Return the median time until the answer, in milliseconds."""
        return 1000 * statistics.median(observed.wall_seconds for observed in self.seen)


def by_sessions(
    service: Service, sizes: Sequence[int] = SESSIONS, rounds: int = ROUNDS
) -> list[Growth]:
    """Return what each operation takes by the sessions of its user, the sizes interleaved."""
    found: list[Growth] = []
    subjects = Subjects(service)
    for work in WORKLOAD:
        growths = {size: Growth(work.name, size) for size in sizes}
        for _ in range(1 if work.name in UNTIMED else rounds):
            for size in sizes:
                growths[size].seen.append(subjects.observe(work, size))
        found += growths.values()
    return found


def by_users(
    service: Service, sizes: Sequence[int] = USERS, rounds: int = ROUNDS
) -> tuple[list[Growth], list[str]]:
    """Return what each operation takes by the users in the tables, and how these were filled.

    The sizes come one after the other, since one database holds them.
    """
    found: list[Growth] = []
    filled: list[str] = []
    users = 0
    for size in sizes:
        began = time.monotonic()
        fill(service, range(users, size))
        took = time.monotonic() - began
        filled.append(f"{size - users:,} more users stored in {took:.1f} s")
        users = size
        subjects = Subjects(service)
        for work in WORKLOAD:
            times = range(1 if work.name in UNTIMED else rounds)
            seen = [subjects.observe(work, SESSIONS_OF_ONE) for _ in times]
            found.append(Growth(work.name, size, seen))
    return found, filled


def fill(service: Service, numbers: range) -> None:
    """Store users with a session and both names to log in with each, as the functions store one."""
    subject = new_subject(service, 1)
    user = stored_row(service, "USERS_TABLE", id={"S": subject.id})
    login = stored_row(service, "LOGINS_TABLE", login={"S": subject.username})
    (iat,) = subject.iats
    session = stored_row(service, "SESSIONS_TABLE", user={"S": subject.id}, iat={"N": str(iat)})
    ids = [f"filling{number:015}" for number in numbers]  # as long as the IDs of users
    names = [(each, name) for each in ids for name in (each, f"{each}@example.com")]
    store_rows(
        service,
        "USERS_TABLE",
        (
            user | {"id": {"S": each}, "username": {"S": each}, "email": {"S": f"{each}@e.com"}}
            for each in ids
        ),
    )
    store_rows(
        service,
        "LOGINS_TABLE",
        (login | {"login": {"S": name}, "user": {"S": each}} for each, name in names),
    )
    store_rows(service, "SESSIONS_TABLE", (session_row(session, iat, each) for each in ids))


# ---------------------------------------------------------------- what must not


def grown(growths: Iterable[Growth], may_grow: frozenset[str] = MAY_GROW) -> list[str]:
    """Return what grew that must not, in words.

    Args:
        growths: what was measured, of each operation from the smallest size to the largest.
        may_grow: operations that may.
    """
    wrong = []
    for operation, sizes in _by_operation(growths).items():
        if operation in may_grow:
            continue
        first, last = sizes[0], sizes[-1]
        if operation == BOUNDED and may_grow:
            # Up to the cap it grows; beyond that it has the surplus to end, a batch at a time.
            first = next(each for each in sizes if each.size >= 1_000 or each is last)
        if last.calls > first.calls or last.bytes > first.bytes + BYTES:
            wrong.append(
                f"{operation}: {first.calls} calls and {first.bytes:,} bytes at {first.size:,}, "
                f"{last.calls} and {last.bytes:,} at {last.size:,}"
            )
    return wrong


def _by_operation(growths: Iterable[Growth]) -> dict[str, list[Growth]]:
    sizes: dict[str, list[Growth]] = {}
    for growth in growths:
        sizes.setdefault(growth.operation, []).append(growth)
    return sizes


# ----------------------------------------------------------------------- tables


def counts(growths: Iterable[Growth], of: str) -> str:
    """Return calls and kilobytes by size."""
    return _table(growths, of, lambda each, _: f"{each.calls:,} · {each.bytes / 1000:,.1f}")


def times(growths: Iterable[Growth], of: str) -> str:
    """Return CPU and wall time: milliseconds at the smallest size, then multiples of these."""
    timed = [growth for growth in growths if growth.operation not in UNTIMED]

    def cell(each: Growth, first: Growth) -> str:
        if each is first:
            return f"{each.cpu_ms:.1f} · {each.wall_ms:.1f} ms"
        return f"{each.cpu_ms / first.cpu_ms:.1f} · {each.wall_ms / first.wall_ms:.1f}"

    return _table(timed, of, cell)


def _table(growths: Iterable[Growth], of: str, cell: Callable[[Growth, Growth], str]) -> str:
    by_operation = _by_operation(growths)
    sizes = [each.size for each in next(iter(by_operation.values()))]
    lines = [
        (operation, *(cell(each, found[0]) for each in found))
        for operation, found in by_operation.items()
    ]
    return markdown((f"operation, by {of}", *(f"{size:,}" for size in sizes)), lines)


def main() -> int:
    """Measure, print the tables, and return the exit code."""
    parser = argparse.ArgumentParser("python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sessions", type=int, nargs="+", default=SESSIONS, metavar="NUMBER")
    parser.add_argument("--users", type=int, nargs="+", default=USERS, metavar="NUMBER")
    options = parser.parse_args()
    with running_service() as service:
        users, filled = by_users(service, options.users, options.rounds)
        sessions = by_sessions(service, options.sessions, options.rounds)
    for growths, of in ((sessions, "sessions"), (users, "users")):
        print(f"Calls · kilobytes sent and received\n\n{counts(growths, of)}\n")
        print(f"CPU of the functions · until the answer\n\n{times(growths, of)}\n")
    print("\n".join(f"- {each}" for each in filled), end=f"\n\n{NOTES}\n\n")
    wrong = grown(sessions) + grown(users, frozenset())
    print("\n".join(f"GREW: {each}" for each in wrong) or "Nothing grew that must not.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
