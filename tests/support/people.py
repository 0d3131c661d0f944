"""Users of a test's own, made and logged in through the handlers."""

import itertools
from typing import Any, NamedTuple

from sessions.errors import AccountError, ApiError, ChangedMeanwhile, UnknownUser, UserBanned
from tests.support.calls import Answer, call, invoke
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


def try_to_log_in(person: Person, **body: Any) -> Answer:
    """Log in by the password, and return the answer."""
    return call("create_session", body={"user": person.username, "pass": PASSWORD, **body})


def try_to_issue(person: Person, **given: Any) -> Answer:
    """Begin a session as a back end does, and return what would be the answer to a login."""
    event = {"login": person.username, "method": "passkey", **given}
    try:
        answer = invoke("issue_session", event)
    except AccountError as error:
        return Answer(AS_AT_A_LOGIN[type(error)], {}, {})
    except ApiError as error:
        return Answer(error.status, {}, error.body())
    return Answer(201, {}, {"token": answer["token"], "exp": answer["exp"]})


def try_to_issue_by_id(person: Person, **given: Any) -> Answer:
    """Do as `try_to_issue`: the operation reads another row then."""
    return try_to_issue(person, login=None, id=person.id, **given)


AS_AT_A_LOGIN: dict[type[AccountError], int] = {
    UnknownUser: 404,
    ChangedMeanwhile: 401,
    UserBanned: 403,
}


def begin_session(person: Person, **given: Any) -> str:
    """Begin a session as a back end does, and return the token."""
    answer = try_to_issue(person, **given)
    assert answer.status == 201, answer
    token: str = answer.body["token"]
    return token


# What must hold of each beginning of a session is tested of all of these.
BEGINNINGS = {
    "a login": try_to_log_in,
    "issued by name": try_to_issue,
    "issued by ID": try_to_issue_by_id,
}


def statuses(*tokens: str) -> list[int]:
    """Return how each token is answered now."""
    return [call("get_current_session", token).status for token in tokens]
