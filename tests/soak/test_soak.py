"""`make soak`: everything at once for ten minutes, with faults; then every session is looked up.

Customers do all that the API lets them, and operators do what revokes sessions. A few of the
database's calls fail, and the signing key rotates as often as it may. At the end each session that
a customer holds as live must work, and each that was revoked must be refused.
"""

import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import jwt
import pytest
from botocore.config import Config

from local.engine import engine
from sessionctl.account_functions import CONFIG, OperationError, invoke
from tests.soak.customer import SETTLED_SECONDS, Customer, Found, Operate, Tally
from tests.soak.faulty_proxy import Faults, faulty_proxy
from tests.support.service import Service, running

CUSTOMERS = 50
THREADS = 8
RECONCILE_SECONDS = 60.0
MOST_ACTIONS = 500_000  # in all: it ends by itself, whatever the clock does

Start = Callable[[float, int], Service]


class Group:
    """The customers of one thread."""

    def __init__(self, number: int, url: str, operate: Operate, seed: int) -> None:
        # Each from an address of its own, where the machine has them: logins are counted by it.
        address = f"127.0.0.{number + 2}" if sys.platform == "linux" else "127.0.0.1"
        transport = httpx.HTTPTransport(local_address=address)
        self.http = httpx.Client(base_url=url, transport=transport, timeout=60)
        self.tally = Tally()
        self.customers = [
            Customer(f"customer{each}", self.http, operate, self.tally, seed + each)
            for each in range(number, CUSTOMERS, THREADS)
        ]
        self.checked = 0
        self._random = random.Random(seed + number)

    def sign_up(self) -> None:
        """Create the users."""
        for customer in self.customers:
            customer.sign_up()

    def act(self, end: float) -> None:
        """Do one thing after another, and check each minute that all is as it must be."""
        reconciled = time.monotonic()
        for _ in range(MOST_ACTIONS // THREADS):
            if time.monotonic() > end:
                return
            self._random.choice(self.customers).act()
            if time.monotonic() > reconciled + RECONCILE_SECONDS:
                reconciled = time.monotonic()
                self.checked += sum(customer.reconcile().total() for customer in self.customers)

    def reconcile(self) -> Found:
        """Look up every session that one of them ever had."""
        found: Found = Counter()
        for customer in self.customers:
            customer.set_ban(is_banned=False)
            found += customer.reconcile(all_of_them=True)
        return found


@pytest.mark.timeout(0)  # --seconds says how long it lasts
def test_every_session_is_what_its_customer_holds_it_for(tmp_path, pytestconfig):
    seconds, rate, seed = map(pytestconfig.getoption, ("seconds", "fault_rate", "seed"))
    faults = Faults(seed)
    with (
        engine(tmp_path) as database,
        faulty_proxy(database, faults) as proxy,
        running(tmp_path, "--no-rate-limit", "--endpoint", proxy) as service,
        ThreadPoolExecutor(THREADS + 1) as threads,
    ):
        print(f"\n{CUSTOMERS} customers, {seconds:g} s, seed {seed}: {service.url}")
        config = CONFIG.merge(Config(max_pool_connections=2 * THREADS))
        operate = partial(_operate, service.client("lambda", config=config))
        groups = [Group(number, service.url, operate, seed) for number in range(THREADS)]
        # The first call only makes the next key, which must then be known for a minute.
        operate("rotate_signing_key")
        list(threads.map(Group.sign_up, groups))
        faults.rate = rate
        end = time.monotonic() + seconds
        rotating = threads.submit(_rotate, operate, end)
        list(threads.map(lambda group: group.act(end), groups))
        rotating.result()
        faults.rate = 0.0
        time.sleep(SETTLED_SECONDS)
        found: Found = sum(threads.map(Group.reconcile, groups), Counter())
        for group in groups:
            group.http.close()
        _report(groups, faults, found)

    assert [text for group in groups for text in group.tally.wrong] == []
    assert found


def _operate(functions, name, **event):
    return invoke(functions, name, event)


def _rotate(operate: Operate, end: float) -> None:
    """Rotate as soon as the next key may sign, and drop the one after; what fails is done again.

    No session is signed with it, so none may end.
    """
    while time.monotonic() < end:
        with contextlib.suppress(OperationError):
            answer = operate("rotate_signing_key")
            if answer["rotated"]:
                operate("rotate_signing_key", drop=answer["next"])
        time.sleep(1)


def _report(groups: list[Group], faults: Faults, found: Found) -> None:
    requests = sum((group.tally.requests for group in groups), Counter())
    print(f"\n{requests.total()} requests and operations, by how they were answered")
    for operation in sorted({name for name, _ in requests}):
        answers = sorted((answer, n) for (name, answer), n in requests.items() if name == operation)
        print(f"  {operation:<22}" + "".join(f"{answer:>5}: {n:<7}" for answer, n in answers))
    print(f"\n{faults.injected.total()} faults injected in {faults.calls} calls of the database")
    for fault, number in sorted(faults.injected.items()):
        print(f"  {fault:<30}{number:>6}")
    held = [each for group in groups for customer in group.customers for each in customer.held]
    kids = {jwt.get_unverified_header(each.token)["kid"] for each in held}
    print(f"\nSessions were signed by {len(kids)} keys")
    checked = sum(group.checked for group in groups)
    print(f"\nReconciliation: {found.total()} sessions at the end, {checked} meanwhile")
    for (before, now), number in sorted(found.items(), key=str):
        print(f"  held as {before.value:<8} found {now.value:<8}{number:>6}")
