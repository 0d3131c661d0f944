"""A request that each function does, one that it refuses, and how the answers look."""

import base64
import itertools
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from sessions import errors
from tests.support.contract import INVALID_SESSION, INVALID_USER
from tests.support.events import event_for, load_event
from tests.support.leaks import PASSWORD
from tests.support.openapi import DOCUMENT
from tests.support.operations import (
    ACCOUNT_OPERATIONS,
    AUTHORIZER,
    AUTHORIZERS,
    ON_A_USER,
    ROUTES,
    SESSION_AUTHORIZER,
    STREAM_CONSUMER,
)

Call = Callable[[str, Any], Any]
"""Calls the function of a name with an event; an exception is a dict with `errorType`."""

_numbers = itertools.count(1)


class Person(NamedTuple):
    """A user who is logged in."""

    id: str
    username: str
    token: str
    iat: int


NOBODY = Person("nobody", "nobody", "no token", 1)


def new_person(call: Call) -> Person:
    """Create a user and log in, by the functions themselves."""
    name = f"user{next(_numbers)}"
    made = call("create_user", _new_user(name))
    answer = call("create_session", request("create_session", NOBODY._replace(username=name)))
    assert answer["statusCode"] == 201, answer
    token = json.loads(answer["body"])["token"]
    claims = token.split(".")[1]
    iat = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iat"]
    return Person(made["id"], name, token, iat)


def request(name: str, person: Person) -> Any:
    """Return the function's usual event, of this person."""
    if name in ROUTES:
        usual = ROUTES[name].request(session=person.iat, login=person.username)
        token = person.token if ROUTES[name].needs_token else None
        return event_for(name, token, **usual)
    if name in AUTHORIZERS:
        return event_for(name, person.token)
    if name == STREAM_CONSUMER.name:
        return load_event(name)
    if name == "create_user":
        return _new_user(f"{person.username}-2")
    changes = {"username": f"{person.username}-3"} if name == "rename_user" else {}
    return ACCOUNT_OPERATIONS[name].event(id=person.id, **changes)


def refused_request(name: str) -> Any:
    """Return an event that the function must refuse."""
    if name == STREAM_CONSUMER.name:
        return {"Records": [{"eventID": "of nothing"}]}
    if name in ACCOUNT_OPERATIONS and name not in ON_A_USER:
        return {"actor": 5}
    return request(name, NOBODY)


def check(name: str, answer: Any, person: Person, usage_plan_key: str) -> None:
    """Hold the answer to `request` to what the function promises."""
    if name in ROUTES:
        status, structure = min(ROUTES[name].answers.items())
        assert answer["statusCode"] == status, answer
        body = json.loads(answer["body"])
        required = DOCUMENT["components"]["schemas"][structure]["required"]
        assert set(required) <= body.keys(), body
        # The session is the only one that its user has.
        assert (body.get("iat", person.iat), body.get("count", 1)) == (person.iat, 1), body
    elif name == AUTHORIZER.name:
        assert (_effect(answer), answer["principalId"]) == ("Allow", person.id), answer
        assert re.fullmatch(rf"{usage_plan_key}\d\d", answer["usageIdentifierKey"])
    elif name == SESSION_AUTHORIZER.name:
        assert (_effect(answer), answer["principalId"]) == ("Allow", person.id), answer
        context = {"user": person.id, "session": str(person.iat)}
        assert context.items() <= answer["context"].items()
    elif name == STREAM_CONSUMER.name:
        assert answer == {"batchItemFailures": []}
    else:
        assert "errorType" not in answer, answer
        assert name not in ON_A_USER or answer["id"] == person.id, answer
        if name == "issue_session":
            assert (answer["token"].count("."), answer["session"]["sub"]) == (2, person.id)


def check_refusal(name: str, answer: Any) -> None:
    """Hold the answer to `refused_request` to the refusal that fits."""
    if name in ROUTES:
        status, body = (401, INVALID_SESSION) if ROUTES[name].needs_token else (404, INVALID_USER)
        assert (answer["statusCode"], json.loads(answer["body"])) == (status, body)
    elif name == AUTHORIZER.name:
        assert (_effect(answer), answer["principalId"]) == ("Allow", "203.0.113.7"), answer
    elif name == SESSION_AUTHORIZER.name:  # what API Gateway answers 401 to
        assert (answer["errorType"], answer["errorMessage"]) == ("Unauthorized", "Unauthorized")
    elif name == STREAM_CONSUMER.name:  # a record that nobody can read holds up no others
        assert answer == {"batchItemFailures": []}
    else:
        error = errors.UnknownUser if name in ON_A_USER else errors.InvalidInput
        assert answer["errorType"] == error.__name__, answer


def _new_user(username: str) -> Any:
    names = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    return ACCOUNT_OPERATIONS["create_user"].event(**names)


def _effect(policy: Any) -> str:
    (statement,) = policy["policyDocument"]["Statement"]
    effect: str = statement["Effect"]
    return effect
