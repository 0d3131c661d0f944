"""`make soak`: everything at once for ten minutes, with faults; then every session is looked up.

Customers do all that the API lets them, and operators do what revokes sessions. A few of the
database's calls fail, the signing key rotates as often as it may, and keys are dropped. At the end
each session that a customer holds as live must work, and each that was revoked must be refused, and
of these alone the bus has been told that they ended. Then all are ended: every end must be told.
"""

import contextlib
import itertools
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from botocore.config import Config

from local.engine import engine
from sessionctl.account_functions import CONFIG, OperationError, invoke
from tests.soak.customer import (
    SETTLED_SECONDS,
    Customer,
    Deaths,
    Found,
    Held,
    Operate,
    State,
    Tally,
)
from tests.soak.faulty_proxy import Faults, faulty_proxy
from tests.support.events import ROOT
from tests.support.service import Service, running

CUSTOMERS = 50
THREADS = 8
RECONCILE_SECONDS = 60.0
TOLD_SECONDS = 120  # for the events of what was done last, also after a batch that failed
MOST_ACTIONS = 500_000  # in all: it ends by itself, whatever the clock does

Start = Callable[[float, int], Service]


class Group:
    """The customers of one thread."""

    def __init__(self, number: int, url: str, operate: Operate, deaths: Deaths, seed: int) -> None:
        # Each from an address of its own, where the machine has them: logins are counted by it.
        address = f"127.0.0.{number + 2}" if sys.platform == "linux" else "127.0.0.1"
        transport = httpx.HTTPTransport(local_address=address)
        self.http = httpx.Client(base_url=url, transport=transport, timeout=60)
        self.tally = Tally()
        self.customers = [
            Customer(f"customer{each}", self.http, operate, self.tally, deaths, seed + each)
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

    def end_all(self) -> None:
        """End every session."""
        for customer in self.customers:
            customer.end_all()


class Told:
    """What the bus has been told."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def sessions(self, kind: str) -> set[tuple[str, int]]:
        """Return the sessions that began, or those that ended for good: each user's with its ID."""
        return {
            (event["user"], event["session"])
            for event in _documents(self._output.read_text())
            if event.get("type") == kind and event.get("reason") != "banned"
        }

    def untold(self, ended: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return those of the sessions `ended` whose end is not told, when it should be."""
        end = time.monotonic() + TOLD_SECONDS
        while (left := ended - self.sessions("SessionEnded")) and time.monotonic() < end:
            time.sleep(1)
        return left


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in what several threads have printed, also without a line end."""
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        try:
            found, place = decoder.raw_decode(text, place)
        except ValueError:
            place += 1
        else:
            yield found


@contextlib.contextmanager
def following(endpoint: str, folder: Path) -> Iterator[Told]:
    """Have the events of what happens behind the endpoint published."""
    output = folder / "follower"
    command = [sys.executable, "-m", "tests.soak.follower", endpoint]
    with (
        output.open("w") as file,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=file, stderr=file
        ) as process,
    ):
        while "following" not in output.read_text():
            assert process.poll() is None, output.read_text()
            time.sleep(0.1)
        yield Told(output)


@pytest.mark.timeout(0)  # --seconds says how long it lasts
def test_every_session_is_what_its_customer_holds_it_for(tmp_path, pytestconfig):
    seconds, rate, seed = map(pytestconfig.getoption, ("seconds", "fault_rate", "seed"))
    faults = Faults(seed)
    with (
        engine(tmp_path) as database,
        faulty_proxy(database, faults) as proxy,
        running(tmp_path, "--no-rate-limit", "--endpoint", proxy) as service,
        ThreadPoolExecutor(THREADS + 1) as threads,
        contextlib.ExitStack() as watching,
    ):
        print(f"\n{CUSTOMERS} customers, {seconds:g} s, seed {seed}: {service.url}")
        config = CONFIG.merge(Config(max_pool_connections=2 * THREADS))
        operate = partial(_operate, service.client("lambda", config=config))
        deaths: Deaths = {}
        groups = [Group(number, service.url, operate, deaths, seed) for number in range(THREADS)]
        told = watching.enter_context(following(proxy, tmp_path))
        # The first call only makes the next key, which must then be known for a minute.
        signing = operate("rotate_signing_key")["current"]
        list(threads.map(Group.sign_up, groups))
        faults.rate = rate
        end = time.monotonic() + seconds
        rotating = threads.submit(_rotate, operate, signing, deaths, end)
        list(threads.map(lambda group: group.act(end), groups))
        rotating.result()
        faults.rate = 0.0
        time.sleep(SETTLED_SECONDS)
        found: Found = sum(threads.map(Group.reconcile, groups), Counter())
        held = [each for group in groups for customer in group.customers for each in customer.held]
        untold = told.untold(_sessions(held, State.REVOKED))
        too_early = _sessions(held, State.LIVE) & told.sessions("SessionEnded")
        list(threads.map(Group.end_all, groups))
        began = told.sessions("SessionCreated") | {(each.user, each.iat) for each in held}
        untold |= told.untold(began)
        for group in groups:
            group.http.close()
        _report(groups, faults, found)
        ended = told.sessions("SessionEnded")
        print(f"\nEvents: {len(began)} sessions began, and the end of {len(ended)} was told")

    assert [text for group in groups for text in group.tally.wrong] == []
    assert found
    assert untold == set()
    assert too_early == set()
    assert ended == began


def _sessions(held: list[Held], state: State) -> set[tuple[str, int]]:
    return {(each.user, each.iat) for each in held if each.state is state}


def _operate(functions, name, **event):
    return invoke(functions, name, event)


def _rotate(operate: Operate, signing: str, deaths: Deaths, end: float) -> None:
    """Rotate as soon as the next key may sign, then drop a key; what fails is done again.

    By turns it is the one that signed until now, by which the service still signs where it has read
    the key set before; the one that signs, which has to wait for the next, too; and the next.
    """
    turns = itertools.cycle(("former", "current", "next"))
    kids = {"current": signing}
    drop = {}
    while time.monotonic() < end:
        with contextlib.suppress(OperationError):
            answer = operate("rotate_signing_key", **drop)
            deaths |= {
                each["kid"]: time.time() + each["dead_after_seconds"] for each in answer["dropped"]
            }
            if answer["rotated"]:
                kids = {
                    "former": kids["current"],
                    "current": answer["current"],
                    "next": answer["next"],
                }
            drop = {"drop": kids[next(turns)]} if answer["rotated"] and not drop else {}
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
