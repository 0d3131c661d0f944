"""Every operation, while every fault befalls every request that it makes to AWS.

What an operation asks of AWS is found out by running it without a fault; nothing here says it.
What it asks side by side is asked one by one here, in two orders.
"""

import copy
import functools
import hashlib
import json
import secrets
import time
from typing import Any, NamedTuple

import boto3
import pytest
from argon2 import PasswordHasher
from botocore.retries.quota import RetryQuota
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from functions.create_session import app
from sessions import endpoint, passwords, store
from sessions.errors import AccountError, Unavailable
from sessions.tokens import RING_SECONDS, Ring
from tests.support.calls import call, invoke
from tests.support.clock import Clock
from tests.support.contract import SESSION_SECONDS, UNAVAILABLE
from tests.support.faults import EVER, EVERY_FAULT, befalling
from tests.support.forgery import decode
from tests.support.handlers import StoredRing
from tests.support.leaks import PASSWORD
from tests.support.order import ORDERS, in_order
from tests.support.people import log_in, new_person
from tests.support.routes import HEADERS
from tests.support.rows import tables
from tests.support.streams import follow_streams

NEW_PASSWORD = "another horse"
ALONE, *_ = BOTH = tuple(ORDERS)  # what asks nothing side by side is the same in each order
NEWCOMER = {"username": "newcomer", "email": "newcomer@example.com", "password": PASSWORD}
KEYS = {"a": b"a" * 40, "b": b"b" * 40}


class World:
    """People and the tokens that they hold, and all that AWS stores, which can be put back.

    Chance is counted, so that the same steps from the same state end in the same rows.
    """

    def __init__(self, clock):
        self.chances = 0
        self.ring = StoredRing(boto3.client("secretsmanager"))
        self.ring.store(Ring("a", KEYS, "b", 1_700_000_000))
        self.person, stranger, banned = new_person(), new_person(), new_person()
        clock.now -= SESSION_SECONDS
        self.tokens = {"expired": log_in(self.person)}
        clock.now += SESSION_SECONDS
        for name in ("ended", "older", "other", "in use"):
            self.tokens[name] = log_in(self.person)
        call("delete_session", self.tokens["ended"], session=self.iat("ended"))
        self.tokens |= {"a stranger's": log_in(stranger), "a banned user's": log_in(banned)}
        invoke("ban_user", {"id": banned.id})
        clock.now += 60
        self.clock = clock
        self._seen = {}
        # Each row that is put back would bring what has streamed of it along.
        for table in _stores()[0][0].tables.values():
            if table.stream_shard is not None:
                table.stream_shard.items.clear()

    def token_bytes(self, count):
        self.chances += 1
        return hashlib.shake_128(str(self.chances).encode()).digest(count)

    def iat(self, name):
        return decode(self.tokens[name].split(".")[1])["iat"]

    def state(self):
        """Return all that AWS stores."""
        return [copy.deepcopy(vars(backend)[name]) for backend, name in _stores()]

    def put_back(self, state):
        for (backend, name), stored in zip(_stores(), state, strict=True):
            setattr(backend, name, copy.deepcopy(stored))
        self.chances = 1000
        self.ring.forget()

    def rows(self):
        """Return what is stored as a text, to compare."""
        stored, kept = (vars(backend)[name] for backend, name in _stores())
        rows = [item.to_json() for table in stored.values() for item in table.all_items()]
        versions = [version for secret in kept.values() for version in secret.versions.values()]
        return repr((rows, [(it["secret_string"], it["version_stages"]) for it in versions]))

    def secret_texts(self, outcome):
        """Return what no log may show: passwords and their hashes, keys, tokens and their IDs."""
        tokens = [*self.tokens.values(), *([outcome.token] if outcome.token else [])]
        jtis = [decode(token.split(".")[1])["jti"] for token in tokens]
        signatures = [token.split(".")[2] for token in tokens]
        keys = [key.decode() for key in KEYS.values()]
        return [PASSWORD, NEW_PASSWORD, "$argon2", *keys, *jtis, *signatures]

    def seen(self):
        """Return what a new process answers each token and each password with, and the keys."""
        rows = self.rows()
        if rows not in self._seen:
            state, chances = self.state(), self.chances
            self.ring.forget()
            met = {name: call("get_current_session", it).status for name, it in self.tokens.items()}
            names = (self.person.username, self.person.email, "renamed", "newcomer")
            for name in names:
                for password in (PASSWORD, NEW_PASSWORD):
                    answer = call("create_session", body={"user": name, "pass": password})
                    met[f"{name}: {password}"] = answer.status
                    self.put_back(state)
            ring = self.ring.stored()
            met["keys"] = (ring.current, len(ring.keys))
            self.chances = chances
            self._seen[rows] = met
        return self._seen[rows]


def _stores():
    region = tables().meta.region_name
    stores = (("dynamodb", "tables"), ("secretsmanager", "secrets"))
    return [(get_backend(it)[DEFAULT_ACCOUNT_ID][region], name) for it, name in stores]


@pytest.fixture(scope="module")
def world(aws):
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "epoch_seconds", lambda: clock.now)
        patch.setattr(time, "sleep", lambda _: None)
        # A process that has met thousands of faults tries nothing again, for a while.
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        # Few rows take several batches and transactions, and a log-in clears up or evicts.
        patch.setattr(store, "LARGEST_TRANSACTION", 2)
        patch.setattr(store, "LARGEST_BATCH_WRITE", 2)
        patch.setattr(app, "MAX_SESSIONS_PER_USER", 5)
        world = World(clock)
        patch.setattr(secrets, "token_bytes", world.token_bytes)
        yield world


# ------------------------------------------------- requests, and what they say


class Outcome(NamedTuple):
    """What came of a request: it was done, it failed or it was refused; and what was said.

    `token` is the one that it gave out, if any.
    """

    kind: str
    says: Any = None
    token: str | None = None


def route(name, token=None, *, volatile=(), **given):
    """Return what calls a route; `volatile` members of its answer are never twice the same."""

    def act():
        answer = call(name, token, **given)
        if answer.status >= 500:
            assert (answer.status, answer.body) == (503, UNAVAILABLE)
            assert answer.headers == {**HEADERS, "Retry-After": "1"}
            return Outcome("failed")
        if answer.status >= 400:
            return Outcome("refused", (answer.status, answer.body["code"]))
        says = {k: v for k, v in answer.body.items() if k not in volatile}
        return Outcome("done", (answer.status, says), answer.body.get("token"))

    return act


def account(name, *, volatile=(), **event):
    """Return what invokes an account operation."""

    def act():
        try:
            answer = invoke(name, event)
        except Unavailable:
            return Outcome("failed")
        except AccountError as error:
            return Outcome("refused", type(error).__name__)
        return Outcome("done", {k: v for k, v in answer.items() if k not in volatile})

    return act


# ---------------------------------------------------------- the operations


class Operation(NamedTuple):
    """What prepares a request and returns it, and what may become of it.

    `again` is what the request is refused with if it was done before, but every answer lost:
    who asks again is told so by nothing else, and what was asked for is so.
    `in_steps` says that it takes several writes, each of which may be the last.
    `may_close` are tokens that a request made twice may end, and one made once does not.
    `orders` are those in which what it asks side by side is asked.
    """

    prepare: Any
    again: Any = None
    in_steps: bool = False
    may_close: tuple[str, ...] = ()
    orders: tuple[str, ...] = (ALONE,)


def logging_in(world):
    body = {"user": world.person.username, "pass": PASSWORD}
    return route("create_session", body=body, volatile={"token", "exp"})


def logging_in_with_an_old_hash(world):
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD, salt=b"s" * 16)
    store.replace_password_hash(store.find_login(world.person.username), old)
    return logging_in(world)


def logging_in_once_too_often(world):
    for _ in range(2):
        log_in(world.person)
    return logging_in(world)


def deleting(*names):
    def prepare(world):
        iats = [world.iat(name) for name in names]
        if len(names) == 1:
            return route("delete_session", world.tokens["in use"], session=iats[0])
        return route("delete_sessions", world.tokens["in use"], body={"sessions": iats})

    return prepare


def deleting_all(**query):
    return lambda world: route("delete_all_sessions", world.tokens["in use"], query=query)


def reading(name, session=None):
    def prepare(world):
        iat = world.iat(session) if session else None
        return route(name, world.tokens["in use"], session=iat)

    return prepare


def of_the_user(name, *, volatile=(), **given):
    """An operation on the user, by name: that takes one request more than by ID."""
    return lambda world: account(name, volatile=volatile, user=world.person.username, **given)


def unbanning(**given):
    def prepare(world):
        invoke("ban_user", {"id": world.person.id})
        return of_the_user("unban_user", **given)(world)

    return prepare


def revoking_some(world):
    iats = [world.iat(name) for name in ("older", "other", "in use")]
    return of_the_user("revoke_user_sessions", sessions=iats)(world)


def of_everybody(name, *, volatile=(), **given):
    return lambda _: account(name, volatile=volatile, **given)


def publishing(act):
    def prepare(world):
        changes = follow_streams()
        changes(world.clock.now)
        act(world)
        records = changes(world.clock.now)

        def publish():
            failures = invoke("publish_events", {"Records": records})["batchItemFailures"]
            return Outcome("failed" if failures else "done")

        return publish

    return prepare


INVALID_SESSION = (401, "INVALID_SESSION_ERROR")
SESSION_NOT_FOUND = (404, "SESSION_NOT_FOUND_ERROR")

ROUTES = {
    "log in": Operation(logging_in, in_steps=True, orders=BOTH),
    "log in with an outdated hash": Operation(
        logging_in_with_an_old_hash, in_steps=True, orders=BOTH
    ),
    # A log-in whose answer was lost has a session, which counts though nobody has its token.
    "log in once too often": Operation(
        logging_in_once_too_often, in_steps=True, may_close=("other",), orders=BOTH
    ),
    "get the session in use": Operation(reading("get_current_session")),
    "get a session": Operation(reading("get_session", "other")),
    "list sessions": Operation(reading("list_sessions")),
    "delete a session": Operation(deleting("other"), SESSION_NOT_FOUND),
    "log out": Operation(deleting("in use"), INVALID_SESSION),
    "delete several sessions": Operation(deleting("older", "other", "expired"), in_steps=True),
    "delete several and the one in use": Operation(
        deleting("older", "other", "in use"), INVALID_SESSION, in_steps=True
    ),
    "delete all sessions": Operation(deleting_all(), INVALID_SESSION, orders=BOTH),
    "delete all sessions but the one in use": Operation(
        deleting_all(allButSelf=["true"]), orders=BOTH
    ),
}
ACCOUNT_OPERATIONS = {
    "create_user": Operation(of_everybody("create_user", volatile={"id"}, **NEWCOMER), "UserTaken"),
    "set_password": Operation(of_the_user("set_password", password=NEW_PASSWORD)),
    "set_password, keeping sessions": Operation(
        of_the_user("set_password", password=NEW_PASSWORD, keep_sessions=True)
    ),
    "ban_user": Operation(of_the_user("ban_user", reason="spam")),
    "unban_user": Operation(unbanning()),
    "unban_user, ending sessions": Operation(unbanning(revoke_sessions=True)),
    "list_user_sessions": Operation(of_the_user("list_user_sessions")),
    "revoke_user_sessions, some": Operation(revoking_some, in_steps=True),
    "revoke_user_sessions, all": Operation(of_the_user("revoke_user_sessions", all=True)),
    "revoke_everyone": Operation(of_everybody("revoke_everyone", everyone=True)),
    "export_user": Operation(of_the_user("export_user")),
    # Its old name says nothing any more; by ID the request can be made again.
    "rename_user": Operation(
        of_the_user("rename_user", username="renamed", email="renamed@example.com"), "UnknownUser"
    ),
    "delete_user": Operation(of_the_user("delete_user"), "UnknownUser", in_steps=True),
    "list_signing_keys": Operation(of_everybody("list_signing_keys")),
    "rotate_signing_key": Operation(of_everybody("rotate_signing_key", volatile={"next"})),
    "rotate_signing_key, dropping one": Operation(
        of_everybody("rotate_signing_key", volatile={"next"}, drop="a"), "UnknownKey"
    ),
}


PUBLISHING = {
    "publish a log-in": Operation(publishing(lambda world: log_in(world.person))),
    "publish the end of all sessions": Operation(
        publishing(lambda world: of_the_user("revoke_user_sessions", all=True)(world)())
    ),
}
OPERATIONS = ROUTES | ACCOUNT_OPERATIONS | PUBLISHING


# --------------------------------------------------------------- the table


class Scene:
    """An operation about to be asked for, and what it does where nothing fails."""

    def __init__(self, world, start, operation):
        world.put_back(start)
        self.request = operation.prepare(world)
        self.start, self.before = world.state(), world.seen()
        world.put_back(self.start)
        self.rows = world.rows()
        self.repeated = {self.rows}  # a request on the same rows is the one without a fault
        with befalling() as asked:
            self.outcome = self.request()
        self.asked, self.told = [each.operation for each in asked], told(asked)
        self.after = world.seen()
        assert self.outcome.kind == "done"


@pytest.fixture(scope="module")
def scene_of(world):
    start = world.state()
    # For each order once, which the test has set.
    return functools.cache(lambda name, _: Scene(world, start, OPERATIONS[name]))


IN_EACH_ORDER = pytest.mark.parametrize(
    ("name", "order"), [(name, order) for name, it in OPERATIONS.items() for order in it.orders]
)


@pytest.fixture
def ordered(order):
    with in_order(order):
        yield


def lets_in(met):
    return {name for name, status in met.items() if status in {200, 201}}


def told(asked):
    """Return what the event bus has taken."""
    taken = [each.body["Entries"] for each in asked if each.operation == "PutEvents" and each.done]
    return {entry["Detail"] for entries in taken for entry in entries}


def takes_an_attempt_back(request):
    return request.body.get("UpdateExpression", "").startswith("DELETE ")


def assert_logged(lines, outcome, secret_texts, *, keys_unread):
    """A failure has one line that names its cause, and no line says what is secret."""
    assert not [text for text in secret_texts if text in json.dumps(lines)]
    errors = [line for line in lines if line["level"] == "ERROR"]
    if outcome.kind == "failed":
        line = errors.pop()
        assert line["message"] in {"RequestFailed", "OperationFailed", "RecordPostponed"}
        causes = ("botocore.", "MalformedRing", "Unavailable: ")
        assert any(cause in line["exception"] for cause in causes)
    told_before = keys_unread and outcome.kind == "failed"
    assert [line["message"] for line in errors] == ["SigningKeysUnreadable"] * told_before


def assert_true(world, scene, operation, outcome, lines):
    """What was done is so; what failed has happened as a whole or not at all, or in part."""
    assert outcome.kind != "refused", outcome.says
    met = world.seen()
    is_cleared_up = "CleanUpFailed" not in [line["message"] for line in lines]
    if outcome.kind == "done":
        assert outcome.says == scene.outcome.says
    if outcome.token is not None:
        assert call("get_current_session", outcome.token).status == 200
    if outcome.kind == "done" and is_cleared_up:
        assert met == scene.after
    elif operation.in_steps:
        before, after = lets_in(scene.before), lets_in(scene.after)
        assert before & after <= lets_in(met) <= before | after
    else:
        assert outcome.kind == "failed", "nothing is left to clear up"
        assert met in (scene.before, scene.after)


def assert_can_be_made_again(world, scene, operation):
    """Once nothing fails any more, the same request ends as it would have ended."""
    was_done = world.seen() == scene.after
    outcome = scene.request()
    if outcome.kind == "refused":
        assert was_done
        assert outcome.says == operation.again
    else:
        assert outcome.kind == "done"
    met = world.seen() | {name: scene.after[name] for name in operation.may_close}
    assert met == scene.after
    if outcome.token is not None:
        assert call("get_current_session", outcome.token).status == 200


def assert_met(world, scene, operation, fault, first, times, logged):
    """Have a fault befall an operation some times from a request on, and look at what comes."""
    world.put_back(scene.start)
    known = len(logged())
    with befalling(EVERY_FAULT[fault], first, times) as asked:
        outcome = scene.request()
    lines, left = logged()[known:], world.rows()
    asked_last = [each for each in asked if not takes_an_attempt_back(each)][-1].operation
    keys_unread = operation in ROUTES.values() and asked_last == "GetSecretValue"
    assert_logged(lines, outcome, world.secret_texts(outcome), keys_unread=keys_unread)
    assert_true(world, scene, operation, outcome, lines)
    if times == 1 and EVER in EVERY_FAULT[fault].times:
        assert [line["level"] for line in lines] == ["INFO"], "it passes, and nobody notices"
    # No row is cleared away before the bus has taken what it tells.
    if outcome.kind == "done" or left != scene.rows:
        assert told(asked) == scene.told
    if outcome.kind == "failed" and left not in scene.repeated:
        assert_can_be_made_again(world, scene, operation)
        scene.repeated.add(left)


@pytest.mark.parametrize("fault", EVERY_FAULT)
@IN_EACH_ORDER
def test_whatever_fails_the_answer_is_true_and_the_request_can_be_made_again(
    world, scene_of, ordered, logged, name, order, fault
):
    scene = scene_of(name, order)
    for first, operation in enumerate(scene.asked):
        if not EVERY_FAULT[fault].can_befall(operation):
            continue
        for times in EVERY_FAULT[fault].times:
            try:
                assert_met(world, scene, OPERATIONS[name], fault, first, times, logged)
            except Exception as error:
                error.add_note(f"{fault}, {times} times from request {first} of {scene.asked} on")
                raise


# ------------------------------------------------------- keys that are known


@pytest.mark.parametrize("order", [ALONE])
@pytest.mark.parametrize("name", ROUTES)
def test_a_warm_function_goes_on_with_the_keys_that_it_has_whatever_fails(
    world, scene_of, ordered, logged, monkeypatch, name, order
):
    scene, now = scene_of(name, order), world.clock.now
    for fault in EVERY_FAULT.values():
        if not fault.can_befall("GetSecretValue"):
            continue
        world.put_back(scene.start)
        assert call("get_current_session", world.tokens["a stranger's"]).status == 200
        monkeypatch.setattr(world.clock, "now", now + RING_SECONDS)
        known = len(logged())
        with befalling(fault._replace(operations={"GetSecretValue"}), times=EVER) as asked:
            outcome = scene.request()
        monkeypatch.setattr(world.clock, "now", now)
        assert "GetSecretValue" in [each.operation for each in asked]
        assert (outcome.kind, outcome.says) == ("done", scene.outcome.says)
        errors = [line["message"] for line in logged()[known:] if line["level"] == "ERROR"]
        assert errors == ["SigningKeysUnreadable"]
