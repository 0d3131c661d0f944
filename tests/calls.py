"""Calling handlers as API Gateway does: with the events of `events/`, changed where it matters."""

import contextlib
import copy
import functools
import importlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.leaks import Watch, token_of

EVENTS = Path(__file__).parents[1] / "events"
ALLOWED_ORIGINS = ["https://app.example.com", "http://localhost:8080"]
PASSWORD = "correct horse battery staple"  # a canary: no test may see it come back

watch = Watch(PASSWORD)

_numbers = itertools.count(1)


class Clock:
    """A clock that stands still; `now` is epoch seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000


@contextlib.contextmanager
def at(now: int) -> Iterator[None]:
    """Let handlers read this time, in epoch seconds, where no test holds the clock yet."""
    from sessions import endpoint  # noqa: PLC0415 - it needs the environment that conftest sets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "epoch_seconds", lambda: now)
        yield


class Answer(NamedTuple):
    """What a client would see."""

    status: int
    headers: dict[str, str]
    body: Any


class Person(NamedTuple):
    """A user that a test made for itself."""

    id: str
    username: str
    email: str


def load_event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def handler_of(name: str) -> Any:
    """Return the handler of the folder `functions/<name>`."""
    return importlib.import_module(f"functions.{name}.app").handler


def invoke(name: str, event: Any) -> Any:
    """Invoke a function, as Lambda does: the event is the function's own copy."""
    handler = handler_of(name)
    with watch.listening():
        try:
            answer = handler(copy.deepcopy(event), None)
        except Exception as error:
            watch.answered(f"{type(error).__name__}: {error}")
            raise
    is_log_in = name == "create_session" and answer["statusCode"] == 201
    token = token_of(json.loads(answer["body"])) if is_log_in else None
    watch.answered(json.dumps(answer), token)
    return answer


def call(name: str, token: str | None = None, **changes: Any) -> Answer:
    """Call the handler of a route; the arguments are those of `event_for`."""
    answer = invoke(name, event_for(name, token, **changes))
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def event_for(
    name: str,
    token: str | None = None,
    *,
    session: object = None,
    body: Any = None,
    raw_body: str | None = None,
    query: dict[str, list[str]] | None = None,
    headers: dict[str, str | list[str] | None] | None = None,
    is_base64: bool = False,
) -> Any:
    """Return the event that API Gateway makes of a request.

    Args:
        name: the function's folder; its event is the one of that name.
        token: the header `Authorization`, if any.
        session: the path's `id`.
        body: sent as JSON.
        raw_body: sent as it is, instead.
        query: names and values; none, if not given.
        headers: more headers; None takes one away, a list sends one several times.
        is_base64: what `isBase64Encoded` says.
    """
    event = load_event(name)
    sent = {k: v for k, v in event["headers"].items() if k.lower() != "authorization"}
    if token is not None:
        sent["Authorization"] = token
    for header, value in (headers or {}).items():
        sent.pop(header, None)
        if value is not None:
            sent[header] = value
    lists = {name: [value] if isinstance(value, str) else value for name, value in sent.items()}
    event["headers"] = {name: values[-1] for name, values in lists.items()}
    event["multiValueHeaders"] = lists
    if session is not None:
        event["pathParameters"] = {"id": str(session)}
    event["multiValueQueryStringParameters"] = query
    event["queryStringParameters"] = {k: v[-1] for k, v in query.items()} if query else None
    event["body"] = json.dumps(body) if body is not None else raw_body
    event["isBase64Encoded"] = is_base64
    return event


def new_person(prefix: str = "user", password: str = PASSWORD) -> Person:
    """Create a user of the test's own."""
    number = next(_numbers)
    username, email = f"{prefix}{number}", f"{prefix}{number}@example.com"
    made = invoke("create_user", {"username": username, "email": email, "password": password})
    return Person(made["id"], username, email)


def log_in(person: Person, **body: Any) -> str:
    """Log in and return the token."""
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD, **body})
    assert answer.status == 201, answer
    token: str = answer.body["token"]
    return token


def stored_sessions(person: Person) -> dict[int, dict[str, Any]]:
    """Return every session row of the user that nobody ended by itself, by ID."""
    from sessions import store  # noqa: PLC0415 - it needs the environment that conftest sets

    rows = store.query_sessions(person.id)
    return {session.iat: session._asdict() for session in rows if session.ended is None}


def stored_user(person: Person) -> Any:
    """Return the user's row."""
    from sessions import store  # noqa: PLC0415 - it needs the environment that conftest sets

    return store.read_user_and_sessions(person.id, {1})[0]


@functools.cache
def tables() -> Any:
    """Return a client to look into the tables with, and to put there what no handler would."""
    import boto3  # noqa: PLC0415 - it needs the environment

    return boto3.client("dynamodb")


def stored_rows(person: Person, dynamodb: Any = None) -> dict[str, Any]:
    """Return all rows about the user, as the tables hold them, or those of another client."""
    from sessions import model, store  # noqa: PLC0415 - it needs the environment

    dynamodb = dynamodb or tables()
    names = [model.login_key(name) for name in (person.username, person.email)]
    found = dynamodb.batch_get_item(
        RequestItems={
            store.USERS: {"Keys": [{"id": {"S": person.id}}]},
            store.LOGINS: {"Keys": [{"login": {"S": name}} for name in names]},
        }
    )["Responses"]
    logins = {row["login"]["S"]: row for row in found[store.LOGINS]}
    return {
        "user": next(iter(found[store.USERS]), None),
        "logins": [logins.get(name) for name in names],
        "sessions": dynamodb.query(
            TableName=store.SESSIONS,
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": person.id}},
        )["Items"],
    }


def add_sessions(person: Person, iats: range) -> None:
    """Store sessions that last, without the cost of so many log-ins; nobody has their tokens."""
    from sessions import store  # noqa: PLC0415 - it needs the environment

    rest = {"exp": {"N": "99999999999"}, "name": {"S": "Added"}, "jti_sha256": {"B": bytes(32)}}
    puts = [
        {"PutRequest": {"Item": {"user": {"S": person.id}, "iat": {"N": str(iat)}, **rest}}}
        for iat in iats
    ]
    for start in range(0, len(puts), 25):
        tables().batch_write_item(RequestItems={store.SESSIONS: puts[start : start + 25]})
