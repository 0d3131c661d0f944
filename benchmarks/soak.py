"""`make soak`: everything at once for ten minutes, with faults; then every session is asked for.

Fifty people do all that the API lets them, and operators what ends sessions; one in a hundred of
the calls of the database fails, and the signing key rotates as often as it may. At the end each
session that a client holds as live must work, and each that was ended must be refused. Exit code 1
if not.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import jwt
from botocore.config import Config

from benchmarks.faulty_proxy import Faults, faulty_proxy
from benchmarks.people import SETTLED_SECONDS, Operate, Person, State, Tally
from local.engine import engine
from sessionctl.account_functions import CONFIG, OperationError, invoke
from tests.support.service import Service, running

PEOPLE = 50
THREADS = 8
RECONCILE_SECONDS = 60.0
MOST_ACTIONS = 500_000  # in all: it ends by itself, whatever the clock does
SHOWN = 20  # of what went wrong

Found: TypeAlias = Counter[tuple[State, State]]


def main() -> int:
    """Run it, print what was seen, and return the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        faults = Faults(options.seed)
        with (
            engine(state) as database,
            faulty_proxy(database, faults) as proxy,
            running(state, "--no-rate-limit", "--endpoint", proxy) as service,
        ):
            print(f"{PEOPLE} people, {options.seconds} s, seed {options.seed}: {service.url}")
            return _soak(service, faults, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--fault-rate", type=float, default=0.01, help="of the database's calls")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return parser.parse_args()


class Group:
    """The people of one thread."""

    def __init__(self, number: int, url: str, operate: Operate, seed: int) -> None:
        # Each from an address of its own, where the machine has them: logins are counted by it.
        address = f"127.0.0.{number + 2}" if sys.platform == "linux" else "127.0.0.1"
        transport = httpx.HTTPTransport(local_address=address)
        self.http = httpx.Client(base_url=url, transport=transport, timeout=60)
        self.tally = Tally()
        self.people = [
            Person(f"person{each}", self.http, operate, self.tally, seed + each)
            for each in range(number, PEOPLE, THREADS)
        ]
        self.checked = 0
        self._operate = operate
        self._random = random.Random(seed + number)

    def sign_up(self) -> None:
        """Create the users."""
        for person in self.people:
            name, password = person.name, person.password
            email = f"{name}@example.com"
            self._operate("create_user", username=name, email=email, password=password)

    def live(self, end: float) -> None:
        """Do one thing after another, and look each minute whether all is as it must be."""
        reconciled = time.monotonic()
        for _ in range(MOST_ACTIONS // THREADS):
            if time.monotonic() > end:
                return
            self._random.choice(self.people).act()
            if time.monotonic() > reconciled + RECONCILE_SECONDS:
                reconciled = time.monotonic()
                self.checked += sum(person.reconcile().total() for person in self.people)

    def reconcile(self) -> Found:
        """Ask for every session that anybody of them ever had."""
        found: Found = Counter()
        for person in self.people:
            person.set_ban(is_banned=False)
            found += person.reconcile(all_of_them=True)
        return found


def _soak(service: Service, faults: Faults, options: argparse.Namespace) -> int:
    config = CONFIG.merge(Config(max_pool_connections=2 * THREADS))
    functions = service.client("lambda", config=config)

    def operate(name: str, **event: Any) -> dict[str, Any]:
        return invoke(functions, name, event)

    groups = [Group(number, service.url, operate, options.seed) for number in range(THREADS)]
    # The first call only makes the next key, which must then be known for a minute.
    operate("rotate_signing_key")
    with ThreadPoolExecutor(THREADS + 1) as threads:
        list(threads.map(Group.sign_up, groups))
        faults.rate = options.fault_rate
        end = time.monotonic() + options.seconds
        rotating = threads.submit(_rotate, operate, end)
        list(threads.map(lambda group: group.live(end), groups))
        rotating.result()
        faults.rate = 0.0
        time.sleep(SETTLED_SECONDS)
        found = sum(threads.map(Group.reconcile, groups), Counter())
    for group in groups:
        group.http.close()
    retired = [key for key in operate("list_signing_keys")["keys"] if key["role"] == "retired"]
    _report(groups, faults, len(retired), found)
    return 1 if any(group.tally.wrong for group in groups) or not found else 0


def _rotate(operate: Operate, end: float) -> None:
    """Rotate as soon as the next key may sign; what fails is done again."""
    while time.monotonic() < end:
        with contextlib.suppress(OperationError):
            operate("rotate_signing_key")
        time.sleep(1)


def _report(groups: list[Group], faults: Faults, rotations: int, found: Found) -> None:
    requests = sum((group.tally.requests for group in groups), Counter())
    print(f"\n{requests.total()} requests and operations, by how they were answered")
    for operation in sorted({name for name, _ in requests}):
        answers = sorted((answer, n) for (name, answer), n in requests.items() if name == operation)
        print(f"  {operation:<22}" + "".join(f"{answer:>5}: {n:<7}" for answer, n in answers))
    print(f"\n{faults.injected.total()} faults injected in {faults.calls} calls of the database")
    for fault, number in sorted(faults.injected.items()):
        print(f"  {fault:<30}{number:>6}")
    held = [each for group in groups for person in group.people for each in person.held]
    kids = {jwt.get_unverified_header(each.token)["kid"] for each in held}
    print(f"\n{rotations} rotations of the signing key; sessions were signed by {len(kids)} keys")
    checked = sum(group.checked for group in groups)
    print(f"\nReconciliation: {found.total()} sessions at the end, {checked} meanwhile")
    for (before, now), number in sorted(found.items(), key=str):
        print(f"  held as {before.value:<8}found {now.value:<8}{number:>6}")
    wrong = [text for group in groups for text in group.tally.wrong]
    print(f"\n{len(wrong)} discrepancies" + "".join(f"\n  {text}" for text in wrong[:SHOWN]))


if __name__ == "__main__":
    sys.exit(main())
