"""Calling handlers as API Gateway does: with the events of `events/`, changed where it matters."""

import copy
import importlib
import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

EVENTS = Path(__file__).parents[1] / "events"
ALLOWED_ORIGINS = ["https://app.example.com", "http://localhost:8080"]
PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)


class Clock:
    """A clock that stands still; `now` is epoch seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000


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
    return handler_of(name)(copy.deepcopy(event), None)


def call(
    name: str,
    token: str | None = None,
    *,
    session: object = None,
    body: Any = None,
    raw_body: str | None = None,
    query: dict[str, list[str]] | None = None,
    headers: dict[str, str | None] | None = None,
    is_base64: bool = False,
) -> Answer:
    """Call the handler of a route.

    Args:
        name: the function's folder; its event is the one of that name.
        token: the header `Authorization`, if any.
        session: the path's `id`.
        body: sent as JSON.
        raw_body: sent as it is, instead.
        query: names and values; none, if not given.
        headers: more headers; None takes one away.
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
    event["headers"] = sent
    event["multiValueHeaders"] = {header: [value] for header, value in sent.items()}
    if session is not None:
        event["pathParameters"] = {"id": str(session)}
    event["multiValueQueryStringParameters"] = query
    event["queryStringParameters"] = {k: v[-1] for k, v in query.items()} if query else None
    event["body"] = json.dumps(body) if body is not None else raw_body
    event["isBase64Encoded"] = is_base64
    answer = invoke(name, event)
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def new_person() -> Person:
    """Create a user of the test's own."""
    number = next(_numbers)
    username, email = f"user{number}", f"user{number}@example.com"
    made = invoke("create_user", {"username": username, "email": email, "password": PASSWORD})
    return Person(made["id"], username, email)


def log_in(person: Person, **body: Any) -> str:
    """Log in and return the token."""
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD, **body})
    assert answer.status == 201, answer
    token: str = answer.body["token"]
    return token


def stored_sessions(person: Person) -> dict[int, dict[str, Any]]:
    """Return every session row of the user, by ID, whether it counts or not."""
    from sessions import store  # noqa: PLC0415 - it needs the environment that conftest sets

    return {session.iat: session._asdict() for session in store.query_sessions(person.id)}


def stored_user(person: Person) -> Any:
    """Return the user's row."""
    from sessions import store  # noqa: PLC0415 - it needs the environment that conftest sets

    return store.read_user_and_sessions(person.id, {1})[0]
