"""Users of a test's own, made and logged in through the handlers."""

import itertools
from typing import Any, NamedTuple

from tests.support.calls import call, invoke
from tests.support.leaks import PASSWORD

_numbers = itertools.count(1)


class Person(NamedTuple):
    """A user that a test made for itself."""

    id: str
    username: str
    email: str


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


def statuses(*tokens: str) -> list[int]:
    """Return how each token is answered now."""
    return [call("get_current_session", token).status for token in tokens]
