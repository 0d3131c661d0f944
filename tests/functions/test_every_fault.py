"""Every operation, while every fault befalls every request that it makes to AWS.

The requests of an operation are found out by running it without a fault; no list here has them.
Concurrent requests are made one by one here, in two orders.
"""

import copy
import functools
import hashlib
import itertools
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

from sessions import dynamodb, event_bus, session_issue, telemetry, user_store
from sessions.errors import AccountError, Unavailable
from sessions.signing_keys import CACHE_SECONDS, KeySet
from tests.support.calls import call, invoke
from tests.support.clock import Clock
from tests.support.contract import HEADERS, SESSION_SECONDS, UNAVAILABLE, name_of_error
from tests.support.faults import EVER, EVERY_FAULT, befalling
from tests.support.forgery import decode
from tests.support.handlers import StoredKeySet
from tests.support.leaks import PASSWORD
from tests.support.operations import ACCOUNT_OPERATIONS, OPERATIONS, ROUTES
from tests.support.order import ORDERS, in_order
from tests.support.people import log_in, new_person
from tests.support.rows import age_session, tables
from tests.support.streams import follow_streams

RENAMED, NEWCOMER, NEW_PASSWORD = (
    ACCOUNT_OPERATIONS[name].given[field]
    for name, field in (
        ("rename_user", "username"),
        ("create_user", "username"),
        ("set_password", "password"),
    )
)
ALONE, *_ = BOTH = tuple(ORDERS)  # without concurrent requests every order is the same
KEYS = {"a": b"first-signing-key-" * 2, "b": b"other-signing-key-" * 2}


class World:
    """Users, their tokens, and all that AWS stores, which can be put back.

    Random bytes are counted, so that the same steps from the same state end in the same rows; those
    of two cases differ, so that no user's ID of one is a secret of the other.
    """

    def __init__(self, clock):
        self.case, self.chances = "", 0
        self.key_set = StoredKeySet(boto3.client("secretsmanager"))
        self.key_set.store(KeySet("a", KEYS, "b", 1_700_000_000))
        self.person, stranger, banned = new_person(), new_person(), new_person()
        clock.now -= SESSION_SECONDS
        self.tokens = {"expired": log_in(self.person)}
        clock.now += SESSION_SECONDS
        for name in ("revoked", "older", "other", "in use"):
            self.tokens[name] = log_in(self.person)
        call("delete_session", self.tokens["revoked"], session=self.iat("revoked"))
        self.tokens |= {"a stranger's": log_in(stranger), "a banned user's": log_in(banned)}
        invoke("ban_user", {"id": banned.id})
        names = self.person.username, self.person.email
        self.logins = [*itertools.product(names, (PASSWORD, NEW_PASSWORD))]
        self.logins += [(RENAMED, PASSWORD), (NEWCOMER, PASSWORD)]
        clock.now += 120  # a login purges no younger rows
        self.clock = clock
        self._seen = {}
        # Each row that is put back would bring its part of the stream along.
        for table in _stores()[0][0].tables.values():
            if table.stream_shard is not None:
                table.stream_shard.items.clear()

    def token_bytes(self, count):
        self.chances += 1
        return hashlib.shake_128(f"{self.case}{self.chances}".encode()).digest(count)

    def iat(self, name):
        return decode(self.tokens[name].split(".")[1])["iat"]

    def state(self):
        """Return all that AWS stores."""
        return [copy.deepcopy(vars(backend)[name]) for backend, name in _stores()]

    def put_back(self, state):
        for (backend, name), stored in zip(_stores(), state, strict=True):
            setattr(backend, name, copy.deepcopy(stored))
        self.chances = 1000
        self.key_set.forget()

    def rows(self):
        """Return what is stored as a text, to compare."""
        stored, kept = (vars(backend)[name] for backend, name in _stores())
        rows = [item.to_json() for table in stored.values() for item in table.all_items()]
        versions = [version for secret in kept.values() for version in secret.versions.values()]
        return repr((rows, [(it["secret_string"], it["version_stages"]) for it in versions]))

    def seen(self):
        """Return the statuses by which a new process answers each token and login, and the keys."""
        rows = self.rows()
        if rows not in self._seen:
            state, chances = self.state(), self.chances
            self.key_set.forget()
            seen = {
                name: call("get_current_session", token).status
                for name, token in self.tokens.items()
            }
            for name, password in self.logins:
                answer = call("create_session", body={"user": name, "pass": password})
                seen[f"{name}: {password}"] = answer.status
                self.put_back(state)
            key_set = self.key_set.stored()
            seen["keys"] = (key_set.current, len(key_set.keys))
            self.chances = chances
            self._seen[rows] = seen
        return self._seen[rows]


def _stores():
    region = tables().meta.region_name
    stores = (("dynamodb", "tables"), ("secretsmanager", "secrets"))
    return [(get_backend(it)[DEFAULT_ACCOUNT_ID][region], name) for it, name in stores]


@pytest.fixture(scope="module")
def world(aws):
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sessions.clock.epoch_seconds", lambda: clock.now)
        patch.setattr(time, "sleep", lambda _: None)
        # A process that has met thousands of faults tries nothing again, for a while.
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        # Few rows take several batches and transactions, and a login clears up or evicts.
        patch.setattr(dynamodb, "LARGEST_TRANSACTION", 2)
        patch.setattr(dynamodb, "LARGEST_BATCH_WRITE", 2)
        patch.setattr(event_bus, "LARGEST_PUT", 2)
        patch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 5)
        world = World(clock)
        patch.setattr(secrets, "token_bytes", world.token_bytes)
        yield world


# ------------------------------------------------ requests, and their answers


class Outcome(NamedTuple):
    """The end of a request: it was done, failed or was refused.

    `answer` is that of a request that was done, or the name of the error; `token` the one in it.
    """

    kind: str
    answer: Any = None
    token: str | None = None


def route(name, token=None, **given):
    """Return a function that calls a route."""

    def act():
        answer = call(name, token, **given)
        if answer.status >= 500:
            assert (answer.status, answer.body) == (503, UNAVAILABLE)
            assert answer.headers == {**HEADERS, "Retry-After": "1"}
            return Outcome("failed")
        if answer.status >= 400:
            return Outcome("refused", name_of_error(answer.status, answer.body))
        issued = answer.body.get("token")
        # A token is never twice the same, nor the time of a use.
        body = {} if issued else {k: v for k, v in answer.body.items() if k != "usedAt"}
        return Outcome("done", (answer.status, body), issued)

    return act


def account(name, **event):
    """Return a function that invokes an account operation."""

    def act():
        try:
            answer = invoke(name, event)
        except Unavailable:
            return Outcome("failed")
        except AccountError as error:
            return Outcome("refused", type(error).__name__)
        volatile = ACCOUNT_OPERATIONS[name].volatile
        issued = answer.get("token")
        told = {k: v for k, v in answer.items() if k not in volatile and not issued}
        return Outcome("done", told, issued)

    return act


# ---------------------------------------------------------- the operations


class Case(NamedTuple):
    """A request: `prepare` makes it, and the rest bounds its ends.

    `again` is the error of the request if it was done before, but every answer lost.
    `in_steps` says that it takes several writes, each of which may be the last.
    `may_close` are tokens that a request made twice may revoke, and one made once does not.
    `orders` are those in which its concurrent requests are made.
    """

    prepare: Any
    again: str | None = None
    in_steps: bool = False
    may_close: tuple[str, ...] = ()
    orders: tuple[str, ...] = (ALONE,)


def case(name, prepare=None, **given):
    """Return the usual case of an operation, or another one that `prepare` prepares."""
    operation = OPERATIONS[name]
    is_concurrent = name in ROUTES and max(map(len, ROUTES[name].round_trips)) > 1
    usual = Case(
        prepare or (requesting(name) if name in ROUTES else operating(name)),
        operation.again,
        operation.in_steps,
        orders=BOTH if is_concurrent else (ALONE,),
    )
    return usual._replace(**given)


def requesting(name, session="other", **more):
    """Prepare the request of a route."""

    def prepare(world):
        usual = ROUTES[name].request(session=world.iat(session), login=world.person.username)
        token = world.tokens["in use"] if ROUTES[name].needs_token else None
        return route(name, token, **usual, **more)

    return prepare


def operating(name, **more):
    """Prepare an account operation, on the user by name: that takes one request more than by ID."""

    def prepare(world):
        event = ACCOUNT_OPERATIONS[name].event(login=world.person.username, **more)
        return account(name, **event)

    return prepare


def logging_in_with_an_old_hash(world):
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD, salt=b"s" * 16)
    user_store.replace_password_hash(user_store.find_login(world.person.username), old)
    return requesting("create_session")(world)


def once_too_often(prepare):
    def prepare_too(world):
        for _ in range(2):
            log_in(world.person)
        return prepare(world)

    return prepare_too


def replacing(name):
    def prepare(world):
        usual = ROUTES["create_session"].request(login=world.person.username)
        headers = {"X-Replace-Session": "true"}
        return route("create_session", world.tokens[name], **usual, headers=headers)

    return prepare


def issuing_by_id(world):
    return account("issue_session", **ACCOUNT_OPERATIONS["issue_session"].event(id=world.person.id))


def using(name):
    """Prepare a request of a session of which a use is due."""

    def prepare(world):
        age_session(world.person, world.iat("in use"))
        return requesting(name)(world)

    return prepare


def deleting_several(*names):
    def prepare(world):
        body = {"sessions": [world.iat(name) for name in names]}
        return route("delete_sessions", world.tokens["in use"], body=body)

    return prepare


def unbanning(**more):
    def prepare(world):
        invoke("ban_user", {"id": world.person.id})
        return operating("unban_user", **more)(world)

    return prepare


def revoking_some(world):
    iats = [world.iat(name) for name in ("older", "other", "in use")]
    event = {"login": world.person.username, "sessions": iats}
    return account("revoke_user_sessions", **event)


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


REQUESTS = {
    **{name: case(name) for name in ROUTES},
    # The other order is the usual login's: it has the same concurrent requests.
    "create_session, with an outdated hash": case(
        "create_session", logging_in_with_an_old_hash, orders=(ALONE,)
    ),
    # A login whose answer was lost has a session, which counts towards the limit.
    "create_session, once too often": case(
        "create_session",
        once_too_often(requesting("create_session")),
        orders=(ALONE,),
        may_close=("other",),
    ),
    "create_session, replacing one": case("create_session", replacing("other"), orders=(ALONE,)),
    **{
        f"{name}, and a use is due": case(name, using(name), in_steps=True)
        for name in ("get_current_session", "delete_sessions", "delete_all_sessions")
    },
    "issue_session": case("issue_session"),
    "issue_session, by ID": case("issue_session", issuing_by_id),
    "issue_session, once too often": case(
        "issue_session", once_too_often(operating("issue_session")), may_close=("other",)
    ),
    "delete_session, the one in use": case(
        "delete_session", requesting("delete_session", "in use"), again="InvalidSession"
    ),
    "delete_sessions": case("delete_sessions", deleting_several("older", "other", "expired")),
    "delete_sessions, and the one in use": case(
        "delete_sessions", deleting_several("older", "other", "in use"), again="InvalidSession"
    ),
    "delete_all_sessions, but the one in use": case(
        "delete_all_sessions",
        requesting("delete_all_sessions", query={"allButSelf": ["true"]}),
        again=None,
    ),
}
CASES = {
    **REQUESTS,
    **{name: case(name) for name in ACCOUNT_OPERATIONS if name not in REQUESTS},
    "set_password, keeping sessions": case(
        "set_password", operating("set_password", keep_sessions=True)
    ),
    "unban_user": case("unban_user", unbanning()),
    "unban_user, revoking sessions": case("unban_user", unbanning(revoke_sessions=True)),
    "revoke_user_sessions, some": case("revoke_user_sessions", revoking_some, in_steps=True),
    "rename_user": case("rename_user", operating("rename_user", email="renamed@example.com")),
    "rotate_signing_key, at once": case(
        "rotate_signing_key", lambda _: account("rotate_signing_key")
    ),
    "rotate_signing_key, dropping one": case(
        "rotate_signing_key", lambda _: account("rotate_signing_key", drop="a")
    ),
    "publish_events, of a login": case(
        "publish_events", publishing(lambda world: log_in(world.person))
    ),
    "publish_events, of all sessions revoked": case(
        "publish_events",
        publishing(lambda world: operating("revoke_user_sessions")(world)()),
        orders=BOTH,
    ),
}


# --------------------------------------------------------------- the table


class Scene:
    """A request that is prepared, and its effect without a fault."""

    def __init__(self, world, start, operation):
        world.put_back(start)
        self.request = operation.prepare(world)
        self.start, self.before = world.state(), world.seen()
        world.put_back(self.start)
        self.rows = world.rows()
        self.repeated = {self.rows}  # a request on the same rows is the one without a fault
        with befalling() as sent:
            self.outcome = self.request()
        self.sent, self.published = [each.operation for each in sent], published(sent)
        self.after = world.seen()
        assert self.outcome.kind == "done"


@pytest.fixture(scope="module")
def scene_of(world):
    start = world.state()
    # Once for each order, which the test has set.
    scene = functools.cache(lambda name, _: Scene(world, start, CASES[name]))

    def scene_of(name, order):
        world.case = name
        return scene(name, order)

    return scene_of


@pytest.fixture
def ordered(order):
    with in_order(order):
        yield


def let_in(seen):
    return {name for name, status in seen.items() if status in {200, 201}}


def published(sent):
    """Return the events that the bus has taken."""
    taken = [each.body["Entries"] for each in sent if each.operation == "PutEvents" and each.done]
    return {entry["Detail"] for entries in taken for entry in entries}


def forget_lines():
    """Let `logged` return only the lines from here on."""
    stream = telemetry.logger.registered_handler.stream
    stream.seek(0)
    stream.truncate()


def releases_an_attempt(request):
    return request.body.get("UpdateExpression", "").startswith("DELETE ")


def assert_logged(lines, outcome, *, keys_unread):
    """A failure has one line with its cause; that no line has a secret, the plugin secrecy sees."""
    assert NEW_PASSWORD not in json.dumps(lines)
    errors = [line for line in lines if line["level"] == "ERROR"]
    if outcome.kind == "failed":
        line = errors.pop()
        assert line["message"] in {"RequestFailed", "OperationFailed", "RecordPostponed"}
        causes = ("botocore.", "MalformedKeySet", "Unavailable: ")
        assert any(cause in line["exception"] for cause in causes)
    expected = ["SigningKeysUnreadable"] * (keys_unread and outcome.kind == "failed")
    assert [line["message"] for line in errors] == expected


def assert_true(world, scene, operation, outcome, lines):
    """A request that was done is in force; one that failed is so too, or in part, or not at all."""
    assert outcome.kind != "refused", outcome.answer
    seen = world.seen()
    is_cleaned_up = "CleanUpFailed" not in [line["message"] for line in lines]
    if outcome.kind == "done":
        assert outcome.answer == scene.outcome.answer
    if outcome.token is not None:
        assert call("get_current_session", outcome.token).status == 200
    if outcome.kind == "done" and is_cleaned_up:
        assert seen == scene.after
    elif operation.in_steps:
        before, after = let_in(scene.before), let_in(scene.after)
        assert before & after <= let_in(seen) <= before | after
    else:
        assert outcome.kind == "failed", "there is nothing to clean up"
        assert seen in (scene.before, scene.after)


def assert_can_be_made_again(world, scene, operation):
    """Once nothing fails any more, the same request ends as it would have ended."""
    was_done = world.seen() == scene.after
    outcome = scene.request()
    if outcome.kind == "refused":
        assert was_done
        assert outcome.answer == operation.again
    else:
        assert outcome.kind == "done"
    seen = world.seen() | {name: scene.after[name] for name in operation.may_close}
    assert seen == scene.after
    if outcome.token is not None:
        assert call("get_current_session", outcome.token).status == 200


def assert_survived(world, scene, operation, fault, first, times, logged):
    """The fault befalls the request some times from its `first` call of AWS on."""
    world.put_back(scene.start)
    forget_lines()
    with befalling(EVERY_FAULT[fault], first, times) as sent:
        outcome = scene.request()
    lines, left = logged(), world.rows()
    last = [each for each in sent if not releases_an_attempt(each)][-1].operation
    keys_unread = operation in REQUESTS.values() and last == "GetSecretValue"
    assert_logged(lines, outcome, keys_unread=keys_unread)
    assert_true(world, scene, operation, outcome, lines)
    if times == 1 and EVER in EVERY_FAULT[fault].times:
        assert [line["level"] for line in lines] == ["INFO"], "a retry hides it"
    # No row is purged before the bus has taken its event.
    if outcome.kind == "done" or left != scene.rows:
        assert published(sent) == scene.published
    if outcome.kind == "failed" and left not in scene.repeated:
        assert_can_be_made_again(world, scene, operation)
        scene.repeated.add(left)


@pytest.mark.parametrize(
    ("name", "order"), [(name, order) for name, it in CASES.items() for order in it.orders]
)
def test_the_answer_is_true_and_the_request_can_be_made_again(
    world, scene_of, ordered, logged, name, order
):
    scene = scene_of(name, order)
    for fault, (first, sent) in itertools.product(EVERY_FAULT, enumerate(scene.sent)):
        if not EVERY_FAULT[fault].can_befall(sent):
            continue
        for times in EVERY_FAULT[fault].times:
            try:
                assert_survived(world, scene, CASES[name], fault, first, times, logged)
            except Exception as error:
                error.add_note(f"{fault}, {times} times from request {first} of {scene.sent} on")
                raise


@pytest.mark.parametrize("order", [ALONE])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_warm_function_goes_on_with_its_keys_whatever_fails(
    world, scene_of, ordered, logged, monkeypatch, name, order
):
    scene, now = scene_of(name, order), world.clock.now
    for fault in EVERY_FAULT.values():
        if not fault.can_befall("GetSecretValue"):
            continue
        world.put_back(scene.start)
        assert call("get_current_session", world.tokens["a stranger's"]).status == 200
        monkeypatch.setattr(world.clock, "now", now + CACHE_SECONDS)
        forget_lines()
        with befalling(fault._replace(operations={"GetSecretValue"}), times=EVER) as sent:
            outcome = scene.request()
        monkeypatch.setattr(world.clock, "now", now)
        assert "GetSecretValue" in [each.operation for each in sent]
        assert (outcome.kind, outcome.answer) == ("done", scene.outcome.answer)
        errors = [line["message"] for line in logged() if line["level"] == "ERROR"]
        assert errors == ["SigningKeysUnreadable"]
