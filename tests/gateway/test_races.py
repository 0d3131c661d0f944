"""Requests that meet: real threads at the gateway, with ministack behind it.

One race of each kind; that of logins with each other is in test_many_sessions.py. It is run in
several rounds: all sides start together, and in each round the first one waits a little longer, so
that it meets the others at another point. Each assertion holds however they meet; the points that
threads reach rarely are reached one by one in tests/functions/test_interleavings.py.
"""

import itertools
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import pytest

from sessionctl.account_functions import CONFIG, OperationError, invoke
from tests.support.contract import SHORT
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED, ROUTES

CURRENT = ROUTES["get_current_session"].paths[SHORT]
LIST = ROUTES["list_sessions"].paths[SHORT]
SEVERAL = ROUTES["delete_sessions"].paths[SHORT]
ALL = ROUTES["delete_all_sessions"].paths[SHORT]
ONE = ROUTES["delete_session"].paths[SHORT]
LOG_IN = ROUTES["create_session"].paths[SHORT]

LATE_SECONDS = [0.0, 0.01, 0.025, 0.05]

Side = Callable[[], Any]


class Done(NamedTuple):
    """The answer to one side of a race, and the times of its request and of this answer."""

    answer: Any
    began: float
    ended: float


class Races:
    """Starts sides together, and knows whether the first ever met another one."""

    met = 0

    def __call__(self, *sides: Side, late: float = 0.0) -> list[Done]:
        """Run all sides at once, the first of them `late` seconds later."""
        barrier = threading.Barrier(len(sides))

        def run(side: Side) -> Done:
            barrier.wait()
            time.sleep(late if side is sides[0] else 0)
            began = time.monotonic()
            answer = side()
            return Done(answer, began, time.monotonic())

        with ThreadPoolExecutor(len(sides)) as threads:
            first, *others = done = list(threads.map(run, sides))
        self.met += any(first.began < each.ended and each.began < first.ended for each in others)
        return done


@pytest.fixture
def race() -> Iterator[Races]:
    races = Races()
    yield races
    assert races.met, "the sides never met"


class Product(NamedTuple):
    """A product's clients and its operators, at one gateway."""

    http: httpx.Client
    functions: Any

    def operate(self, name: str, **event: Any) -> Any:
        """Invoke an account operation; return its answer, or its error."""
        try:
            return invoke(self.functions, name, event)
        except OperationError as error:
            return error

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.http.post(LOG_IN, json={"user": name, "pass": password})

    def token(self, name: str) -> str:
        answer = self.log_in(name)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def ask(self, token: str, path: str = CURRENT, method: str = "GET", **body: Any) -> Any:
        return self.http.request(method, path, headers={"Authorization": token}, **body)

    def iat(self, token: str) -> int:
        return int(self.ask(token).json()["iat"])

    def end(self, token: str, iats: list[int]) -> Any:
        return self.ask(token, SEVERAL, "DELETE", json={"sessions": iats})

    def statuses(self, *tokens: str) -> list[int]:
        """Return the status of each token's session, which is the same at a second request."""
        first = [self.ask(token).status_code for token in tokens]
        assert [self.ask(token).status_code for token in tokens] == first
        return first


@pytest.fixture(scope="module")
def product(service) -> Iterator[Product]:
    functions = service.client("lambda", config=CONFIG)
    limits = httpx.Limits(max_connections=20)
    with httpx.Client(base_url=service.url, timeout=60, limits=limits) as http:
        yield Product(http, functions)


_numbers = itertools.count(1)


@pytest.fixture
def new_name(product) -> Callable[[], str]:
    def new_name() -> str:
        name = f"racer{next(_numbers)}"
        email = f"{name}@example.com"
        made = product.operate("create_user", username=name, email=email, password=PASSWORD)
        assert made["username"] == name, made
        return name

    return new_name


def bodies(done: list[Done]) -> list[Any]:
    return [each.answer.json() for each in done]


def codes(done: list[Done]) -> list[int]:
    return [each.answer.status_code for each in done]


# --------------------------------------------------------------- logins


def test_delete_all_meets_logins(product, race, new_name):
    """It ends every session that began before it, and none that began after it."""
    name = new_name()
    log_in = [lambda: product.log_in(name) for _ in range(3)]
    for late, all_but_self in zip(LATE_SECONDS, itertools.cycle([False, True]), strict=False):
        path = f"{ALL}?allButSelf={json.dumps(all_but_self)}"
        here, *before = (product.token(name) for _ in range(3))
        deleted, *logged_in = race(
            lambda t=here, p=path: product.ask(t, p, "DELETE"), *log_in, late=late
        )
        assert codes([deleted, *logged_in]) == [200, 201, 201, 201]
        after = product.token(name)

        tokens = [body["token"] for body in bodies(logged_in)]
        found = product.statuses(*tokens)
        assert set(found) <= {200, 401}
        for status, login in zip(found, logged_in, strict=True):
            if login.ended <= deleted.began:
                assert status == 401, "it was answered before the deletion began"
            if login.began >= deleted.ended:
                assert status == 200, "it began after the deletion was answered"
        ended = len(before) + (not all_but_self)
        assert ended <= deleted.answer.json()["count"] <= ended + found.count(401)
        kept = 200 if all_but_self else 401
        assert product.statuses(*before, here, after) == [401, 401, kept, 200]
        assert product.ask(after, LIST).json()["count"] == found.count(200) + all_but_self + 1
        product.ask(after, ALL, "DELETE")
        assert product.statuses(*before, here, after, *tokens) == [401] * 7


def test_a_ban_meets_logins(product, race, new_name):
    """No login gets past a ban; its end brings back all sessions that it covered, or none."""
    for late, revoke in zip(LATE_SECONDS, itertools.cycle([False, True]), strict=False):
        name = new_name()
        before = product.token(name)
        log_in = [lambda n=name: product.log_in(n) for _ in range(3)]
        banned, *logged_in = race(
            lambda n=name: product.operate("ban_user", login=n), *log_in, late=late
        )
        assert banned.answer["banned_at"]
        assert set(codes(logged_in)) <= {201, 403}
        assert all(
            login.answer.status_code == 403 for login in logged_in if login.began >= banned.ended
        )
        tokens = [each.answer.json()["token"] for each in logged_in if each.answer.is_success]
        assert product.statuses(before, *tokens) == [403] * (1 + len(tokens))
        assert product.log_in(name).status_code == 403
        product.operate("unban_user", login=name, revoke_sessions=revoke)
        left = 401 if revoke else 200
        assert product.statuses(before, *tokens) == [left] * (1 + len(tokens))
        count = product.ask(product.token(name), LIST).json()["count"]
        assert count == 1 + (0 if revoke else 1 + len(tokens)), "each session has a token"


# ---------------------------------------------------------------- deletes


def test_overlapping_deletes_count_each_session_once(product, race, new_name):
    name = new_name()
    callers = [product.token(name) for _ in range(2)]
    for late in LATE_SECONDS:
        tokens = [product.token(name) for _ in range(6)]
        iats = [product.iat(token) for token in tokens]
        single, revoked, *several = race(
            lambda i=iats: product.ask(callers[0], ONE.format(id=i[2]), "DELETE"),
            lambda i=iats: product.operate("revoke_user_sessions", login=name, sessions=i[1:3]),
            lambda i=iats: product.end(callers[0], i[:4]),
            lambda i=iats: product.end(callers[1], i[5:1:-1]),
            late=late,
        )
        counts = [body["count"] for body in bodies(several)]
        assert single.answer.status_code in {200, 404}
        assert (single.answer.status_code == 200) + revoked.answer["count"] + sum(counts) == 6
        assert product.statuses(*tokens, *callers) == [401] * 6 + [200] * 2


def test_of_two_callers_of_all_but_self_one_is_left(product, race, new_name):
    name = new_name()
    for late in LATE_SECONDS:
        one, other, *rest = tokens = [product.token(name) for _ in range(4)]
        done = race(
            *[lambda t=t: product.ask(t, f"{ALL}?allButSelf", "DELETE") for t in (one, other)],
            late=late,
        )
        assert sorted(codes(done)) == [200, 401]
        winner = codes(done).index(200)
        assert done[winner].answer.json()["count"] == 3
        assert product.statuses(one, other) == codes(done)
        assert product.statuses(*rest) == [401, 401]
        product.ask(tokens[winner], ALL, "DELETE")
        assert product.statuses(*tokens) == [401] * 4


def test_some_and_all_at_once_end_all_and_count_each(product, race, new_name):
    name = new_name()
    for late in LATE_SECONDS:
        one, other, *rest = tokens = [product.token(name) for _ in range(5)]
        iats = [product.iat(token) for token in rest]
        everything, several = race(
            lambda t=one: product.ask(t, ALL, "DELETE"),
            lambda t=other, i=iats: product.end(t, i),
            late=late,
        )
        assert everything.answer.status_code == 200
        assert several.answer.status_code in {200, 401}
        # A session may be counted by both (docs/decisions/0005).
        some = several.answer.json().get("count", 0)
        assert some <= 3
        assert 5 - some <= everything.answer.json()["count"] <= 5
        assert product.statuses(*tokens) == [401] * 5


def test_a_request_whose_session_is_ended_as_it_runs_is_its_last(product, race, new_name):
    name = new_name()
    for late, route in itertools.product(LATE_SECONDS[:2], map(ROUTES.get, AUTHENTICATED)):
        ending, ended = product.token(name), product.token(name)
        iat, own = product.iat(ending), product.iat(ended)
        path = route.paths[SHORT].format(id=iat)
        body = {} if route.body is None else {"json": route.request(session=iat)["body"]}
        deleted, ran = race(
            lambda e=ending, o=own: product.ask(e, ONE.format(id=o), "DELETE"),
            lambda e=ended, m=route.method, p=path, b=body: product.ask(e, p, m, **b),
            late=late,
        )
        assert ran.answer.status_code in {200, 401}
        if route.changes and ran.answer.status_code == 200:
            # It may have ended the other's session, before or after that was let in.
            assert deleted.answer.status_code in {200, 401, 404}
            assert product.statuses(ending) == [401]
        else:
            assert deleted.answer.status_code == 200
            assert product.statuses(ending) == [200]
        if deleted.answer.status_code == 200:
            assert product.statuses(ended) == [401]


# -------------------------------------------------------------- operations


@pytest.fixture(scope="module")
def secrets(service) -> Any:
    return service.client("secretsmanager")


def test_the_database_keeps_a_version_of_a_secret_as_it_is(secrets):
    """As Secrets Manager does."""
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    secrets.create_secret(Name="any", SecretString="first")
    for token in (one, two, one):  # the retry after a lost answer does nothing
        secrets.put_secret_value(SecretId="any", ClientRequestToken=token, SecretString=token)
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        secrets.put_secret_value(SecretId="any", ClientRequestToken=two, SecretString="other")
    assert secrets.get_secret_value(SecretId="any")["SecretString"] == two


def test_of_three_rotations_at_once_one_rotates(product, race, new_name, secrets):
    """The key set keeps every key, and each token counts."""
    name = new_name()
    token = product.token(name)

    def key_set() -> dict[str, Any]:
        answer = secrets.get_secret_value(SecretId=os.environ["SIGNING_KEYS_SECRET"])
        members: dict[str, Any] = json.loads(answer["SecretString"])
        return members

    product.operate("rotate_signing_key")  # a new key set has no next key yet
    for late in LATE_SECONDS:
        # As if the next key had been known for an hour: a younger one may not sign.
        before = key_set() | {"next_since": int(time.time()) - 3600}
        secrets.put_secret_value(
            SecretId=os.environ["SIGNING_KEYS_SECRET"], SecretString=json.dumps(before)
        )
        *rotations, logged_in = race(
            *[lambda: product.operate("rotate_signing_key") for _ in range(3)],
            lambda: product.log_in(name),
            late=late,
        )
        assert [each.answer["rotated"] for each in rotations].count(True) == 1
        after = key_set()
        assert {each.answer["current"] for each in rotations} == {after["current"]}
        assert {each.answer["next"] for each in rotations} == {after["next"]}
        assert after["current"] == before["next"]
        assert after["retired"].keys() - before["retired"].keys() == {before["current"]}
        assert after.keys() - before.keys() == {after["next"]}
        assert before.keys() - after.keys() == set()
        assert product.statuses(token, logged_in.answer.json()["token"]) == [200, 200]


def test_of_two_users_of_one_name_one_is_made(product, race):
    """Nothing of the other is left."""
    for late, shared in itertools.product(LATE_SECONDS[:2], ("username", "email", "both")):
        number = next(_numbers)
        names = [f"{shared}{number}{side}" for side in "ab"]
        emails = [f"{name}@example.com" for name in names]
        if shared in {"username", "both"}:
            names[1] = names[0]
        if shared in {"email", "both"}:
            emails[1] = emails[0]
        given = list(zip(names, emails, strict=True))
        done = race(
            *[
                lambda n=name, e=email: product.operate(
                    "create_user", username=n, email=e, password=PASSWORD
                )
                for name, email in given
            ],
            late=late,
        )
        made = [each.answer for each in done if isinstance(each.answer, dict)]
        refused = [each.answer.kind for each in done if isinstance(each.answer, OperationError)]
        assert (len(made), refused) == (1, ["UserTaken"])
        winner = (made[0]["username"], made[0]["email"])
        assert winner in given
        for name in winner:
            assert product.ask(product.token(name)).json()["sub"] == made[0]["id"]
        for name in {*names, *emails} - set(winner):
            assert product.log_in(name).status_code == 404
