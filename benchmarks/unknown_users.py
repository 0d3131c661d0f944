"""Whether the time of a refused login tells who is a user, with `TellUnknownUsers` "false".

`python -m benchmarks.unknown_users` tries wrong passwords with names of users, of users without a
password and of nobody, in a random order, and prints how well the times tell them apart: the area
under the ROC curve, which is 0.5 for times that say nothing. It ends with 1 where an area is over
0.55. A caller sees the time; that of the CPU is told apart more easily, since nothing else that
runs on the machine is in it.
"""

import argparse
import itertools
import random
import secrets
import statistics
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from benchmarks.service import Observed, Service, running_service
from benchmarks.tables import markdown
from tests.support.events import event_for
from tests.support.leaks import PASSWORD

WIDEST_AREA = 0.55
TRIES = 2_000
# So that no limit is met: 25 tries with each name, each from an address of its own.
USERS, OTHERS, NOBODIES = 20, 20, 40
MEASURES: dict[str, Callable[[Observed], float]] = {
    "time": lambda observed: observed.wall_seconds,
    "CPU": lambda observed: observed.cpu_seconds,
}
USER, OTHER, NOBODY = "a user", "a user without a password", "nobody"


def area(times: Sequence[float], others: Sequence[float]) -> float:
    """Return the area under the ROC curve of times against others, at least 0.5.

    It is how often one of the times is longer than one of the others, ties counted half (the
    Mann-Whitney U test); which of them are longer does not matter to whoever tells them apart.
    """
    ordered = sorted(others)
    below = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in times)
    found = below / 2 / (len(times) * len(others))
    return max(found, 1 - found)


def measure(service: Service, tries: int) -> dict[str, list[Observed]]:
    """Return what each refused login took, by whose name it was."""
    service.load_again("create_session", TELL_UNKNOWN_USERS="false")
    names = {f"u{secrets.token_hex(8)}": kind for kind in _kinds()}
    for name, kind in names.items():
        if kind != NOBODY:
            given = {"password": PASSWORD} if kind == USER else {}
            created = {"username": name, "email": f"{name}@example.com", **given}
            service.invoke("create_user", created)
    taken: dict[str, list[Observed]] = {USER: [], OTHER: [], NOBODY: []}
    addresses = (f"10.0.{number // 256}.{number % 256}" for number in itertools.count())
    for turn in range(1 + tries // len(names)):  # the first warms up
        for name in random.sample([*names], len(names)):
            observed = _try(service, name, next(addresses))
            if turn:
                taken[names[name]].append(observed)
    return taken


def _kinds() -> Iterator[str]:
    yield from [USER] * USERS + [OTHER] * OTHERS + [NOBODY] * NOBODIES


def _try(service: Service, name: str, address: str) -> Observed:
    event = event_for("create_session", body={"user": name, "pass": "a wrong password"})
    event["requestContext"]["identity"]["sourceIp"] = address
    observed = service.invoke("create_session", event)
    if observed.answer["statusCode"] != 401:
        raise RuntimeError(observed)
    return observed


def table(taken: dict[str, list[Observed]]) -> tuple[str, float]:
    """Return the medians and the areas as a table, and the widest area."""
    lines, widest = [], 0.0
    for name, observed in {"both together": taken[USER] + taken[OTHER], **taken}.items():
        cells = []
        for of in MEASURES.values():
            times, of_nobody = ([of(each) for each in every] for every in (observed, taken[NOBODY]))
            found = area(times, of_nobody)
            widest = max(widest, found)
            shown = "" if name == NOBODY else f"{found:.3f}"
            cells += [f"{statistics.median(times) * 1000:.1f}", shown]
        lines.append((name, len(observed), *cells))
    heads = itertools.chain.from_iterable((f"{measure}, ms", "area") for measure in MEASURES)
    return markdown(("whose name", "tries", *heads), lines), widest


def main() -> None:
    """Measure, print the table, and fail if the times tell."""
    parser = argparse.ArgumentParser("python -m benchmarks.unknown_users", description=__doc__)
    parser.add_argument("--tries", type=int, default=TRIES)
    with running_service() as service:
        shown, widest = table(measure(service, parser.parse_args().tries))
    print(shown)
    if widest > WIDEST_AREA:
        sys.exit(f"the times tell who is a user: an area is over {WIDEST_AREA}")


if __name__ == "__main__":
    main()
