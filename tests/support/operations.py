"""The one catalogue of operations, which tests, benchmarks and e2e are parametrized over.

Three tables, by the name of an operation, which is that of its folder in `functions/`:

    ROUTES              a `Route` for each function that clients reach over HTTP
    ACCOUNT_OPERATIONS  an `AccountOperation` for each function that operators invoke
    OPERATIONS          both, the two authorizers and the consumer of the streams

What stands elsewhere is read from there: methods and paths from the template, inputs from
`events/`. A new operation is one entry here; tests/test_operations.py proves that none is missing.

    call(name, token, **ROUTES[name].request(session=iat))
    invoke(name, ACCOUNT_OPERATIONS[name].event(login="joe"))

Nothing here imports a module of the layer that reads the environment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local.functions import logical_id
from tests.support.contract import paths, routes_of
from tests.support.events import load_event
from tests.support.leaks import PASSWORD

RoundTrips = tuple[tuple[str, ...], ...]

# What says of which user an account operation is; by a name to log in with or by ID.
SELECTORS = ("login", "id")


@dataclass(frozen=True)
class Operation:
    """A function.

    Attributes:
        name: the name of its folder, of its event and of its test.
        changes: whether its user or session is not afterwards what it was before.
        again: the error of the same request made again, once it was done.
        in_steps: whether it takes several writes, each of which may be the last.
    """

    name: str
    changes: bool = False
    again: str | None = None
    in_steps: bool = False

    @property
    def function(self) -> str:
        """Return the function's logical ID."""
        return logical_id(self.name)


@dataclass(frozen=True, kw_only=True)
class Route(Operation):
    """An operation that clients reach over HTTP.

    Attributes:
        answers: its own answers by status: what the contract calls the structure or the error, or
            two errors of one status.
        round_trips: what it asks of DynamoDB, in order; what one round trip asks is under way
            together.
        body: its body's name in docs/openapi.yaml; None where it reads none.
    """

    answers: Mapping[int, str]
    round_trips: RoundTrips
    body: str | None = None

    @property
    def method(self) -> str:
        """Return its HTTP method."""
        (method,) = {method for _, method in routes_of(self.function)}
        return method

    @property
    def paths(self) -> list[str]:
        """Return the paths at which it answers, the short one first."""
        return paths(self.name)

    @property
    def needs_token(self) -> bool:
        """Say whether a session's token lets a request in."""
        return all(
            {"SessionAuthorizer": []} in route["security"]
            for route in routes_of(self.function).values()
        )

    @property
    def names_a_session(self) -> bool:
        """Say whether its path names a session."""
        return all("{id}" in path for path in self.paths)

    def request(self, *, session: int = 0, login: str = "", password: str = PASSWORD) -> Any:
        """Return what `event_for` and `call` make its usual request of.

        Args:
            session: the ID of the session that it acts on, if it names one.
            login: the user's name or address, if it takes one.
            password: the user's password.
        """
        named = {"session": session} if self.names_a_session else {}
        if self.body is None:
            return named
        usual = json.loads(load_event(self.name)["body"])
        told = {"user": login, "pass": password, "rememberMe": False, "sessions": [session]}
        return {**named, "body": {name: told.get(name, value) for name, value in usual.items()}}


@dataclass(frozen=True, kw_only=True)
class AccountOperation(Operation):
    """An operation that operators invoke.

    Attributes:
        of_a_user: whether its input says which user it is about.
        volatile: members of its answer that are never twice the same.
        then: the status of a session of its user afterwards.
        audited: members of its input that its line in the log has.
    """

    of_a_user: bool = True
    volatile: frozenset[str] = frozenset()
    then: int = 200
    audited: frozenset[str] = frozenset()

    @property
    def given(self) -> dict[str, Any]:
        """Return its usual input, but for the user."""
        event = load_event(self.name)
        return {name: value for name, value in event.items() if name not in SELECTORS}

    def event(self, **more: Any) -> dict[str, Any]:
        """Return its usual input, with `more`: the user by `login` or `id`, if it is about one."""
        if not self.of_a_user:
            more = {name: value for name, value in more.items() if name not in SELECTORS}
        return {**self.given, **more}


_Kind = TypeVar("_Kind", bound=Operation)


def _by_name(*operations: _Kind) -> dict[str, _Kind]:
    return {operation.name: operation for operation in operations}


ROUTES = _by_name(
    Route(
        "create_session",
        changes=True,
        in_steps=True,
        body="Credentials",
        answers={
            201: "SuccessfulAuth",
            400: "MissingFields",
            401: "InvalidPassword",
            403: "BannedOrOriginNotAllowed",
            404: "InvalidUser",
        },
        round_trips=(
            ("BatchGetItem", "UpdateItem", "UpdateItem"),
            ("UpdateItem", "UpdateItem", "UpdateItem"),
            ("PutItem",),
            ("Query",),
        ),
    ),
    Route("get_current_session", answers={200: "Session"}, round_trips=(("BatchGetItem",),)),
    Route(
        "get_session",
        answers={200: "Session", 404: "InvalidSession"},
        round_trips=(("BatchGetItem",),),
    ),
    Route(
        "list_sessions",
        answers={200: "SessionList", 400: "MissingFields"},
        round_trips=(("BatchGetItem",), ("Query",)),
    ),
    Route(
        "delete_session",
        changes=True,
        answers={200: "Generic", 404: "SessionMissing"},
        again="SessionMissing",
        round_trips=(("BatchGetItem",), ("UpdateItem",)),
    ),
    Route(
        "delete_sessions",
        changes=True,
        in_steps=True,
        body="SessionIds",
        answers={200: "BulkDelete", 400: "MissingFields"},
        round_trips=(("BatchGetItem",), ("Query",), ("TransactWriteItems",)),
    ),
    Route(
        "delete_all_sessions",
        changes=True,
        answers={200: "BulkDelete", 400: "MissingFields"},
        again="InvalidSession",
        round_trips=(("BatchGetItem",), ("Query", "UpdateItem")),
    ),
)
ACCOUNT_OPERATIONS = _by_name(
    AccountOperation("create_user", of_a_user=False, again="UserTaken", volatile=frozenset({"id"})),
    # By its old name, which is nobody's any more; by ID it can be asked for again.
    AccountOperation("rename_user", changes=True, again="UnknownUser"),
    AccountOperation("set_password", changes=True, in_steps=True, then=401),
    AccountOperation(
        "issue_session",
        in_steps=True,
        volatile=frozenset({"token"}),
        audited=frozenset({"method"}),
    ),
    AccountOperation("ban_user", changes=True, then=403),
    AccountOperation("unban_user"),
    AccountOperation("list_users", of_a_user=False),
    AccountOperation(
        "import_users", of_a_user=False, volatile=frozenset({"imported", "skipped"}), in_steps=True
    ),
    AccountOperation("export_users", of_a_user=False),
    AccountOperation("unlock_user"),
    AccountOperation("list_user_sessions"),
    AccountOperation("export_user"),
    AccountOperation("revoke_user_sessions", changes=True, then=401),
    AccountOperation("delete_user", changes=True, in_steps=True, again="UnknownUser", then=401),
    AccountOperation("rotate_signing_key", of_a_user=False, volatile=frozenset({"next"})),
    AccountOperation("list_signing_keys", of_a_user=False),
    # The last, since it is about everybody.
    AccountOperation("revoke_everyone", of_a_user=False, changes=True, then=401),
)
AUTHORIZER, STREAM_CONSUMER = Operation("authorize"), Operation("publish_events")
SESSION_AUTHORIZER = Operation("verify_session")  # of other APIs
OPERATIONS: dict[str, Operation] = {
    **ROUTES,
    **_by_name(AUTHORIZER, STREAM_CONSUMER, SESSION_AUTHORIZER),
    **ACCOUNT_OPERATIONS,
}

# The names of those that are alike.
AUTHORIZERS = [AUTHORIZER.name, SESSION_AUTHORIZER.name]
AUTHENTICATED = [name for name, route in ROUTES.items() if route.needs_token]
ON_A_USER = [name for name, operation in ACCOUNT_OPERATIONS.items() if operation.of_a_user]
