"""Who is a user: what a login tells of it, with `TellUnknownUsers` "false" and as it is by default.

That the time does not tell either is measured: benchmarks/unknown_users.py.
"""

import json
import re
from typing import Any

import argon2
import pytest

from functions.create_session import app
from local.functions import functions_of, load_handler
from local.template import load_template
from sessions import login_throttle, passwords
from sessions.dynamodb import ATTEMPTS, USERS
from tests.support.calls import Answer, call, invoke
from tests.support.contract import (
    INVALID_PASSWORD,
    INVALID_USER,
    RATE_LIMITED,
    TEMPLATE,
    UNAUTHORIZED_HEADERS,
)
from tests.support.events import event_for
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import tables

pytestmark = pytest.mark.usefixtures("aws", "clock")

PER_NAME_AND_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
WRONG = "a wrong pass\u00a0word"
HOME = "198.51.100.1"


def deleted() -> str:
    person = new_person()
    invoke("delete_user", {"id": person.id})
    return person.username


def banned() -> str:
    person = new_person()
    invoke("ban_user", {"id": person.id})
    return person.username


def without_password() -> str:
    invoke("create_user", {"username": "keys-only", "email": "keys-only@example.com"})
    return "keys-only"


NAMES = {
    "a user": lambda: new_person().username,
    "an address of a user": lambda: new_person().email,
    "a banned user": banned,
    "a user without a password": without_password,
    "a deleted user": deleted,
    "nobody": lambda: "nobody-has-this",
    "nobody's address": lambda: "nobody@example.com",
    "nobody can have it": lambda: "\u200b",
}


@pytest.fixture(scope="module")
def handler_that_does_not_tell() -> Any:
    """The login's handler as a deployment with the parameter "false" loads it."""
    template = load_template(parameters={"TellUnknownUsers": "false"})
    function = functions_of(template)["CreateSessionFunction"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in function.environment.items():
            patch.setenv(name, value)
        return load_handler(function)


@pytest.fixture
def untold(monkeypatch, handler_that_does_not_tell) -> None:
    """Tell nobody who is a user."""
    monkeypatch.setattr(app, "handler", handler_that_does_not_tell)


@pytest.fixture
def hashed(monkeypatch) -> list[tuple[argon2.Parameters, str]]:
    """The parameters of each hash that was computed, and the password."""
    made: list[tuple[argon2.Parameters, str]] = []

    class Hasher(argon2.PasswordHasher):
        def hash(self, password: Any, *, salt: bytes | None = None) -> str:
            made_now = super().hash(password, salt=salt)
            made.append((argon2.extract_parameters(made_now), password))
            return made_now

        def verify(self, hash: Any, password: Any) -> Any:  # noqa: A002 - its name there
            made.append((argon2.extract_parameters(hash), password))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Hasher(1, 8, 1))
    return made


def attempts() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tables().scan(TableName=ATTEMPTS)["Items"]
    return rows


def attempt(user: str, password: str = WRONG, address: str = HOME) -> Answer:
    event = event_for("create_session", body={"user": user, "pass": password})
    event["requestContext"]["identity"]["sourceIp"] = address
    answer = invoke("create_session", event)
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    """Forget what other tests have tried from the same address."""
    forget_attempts()


def forget_attempts() -> None:
    for row in attempts():
        tables().delete_item(TableName=ATTEMPTS, Key={"key": row["key"]})


def alike(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows of Attempts without what differs between two names, and between two attempts."""
    text = [json.dumps(row, sort_keys=True) for row in rows]
    text = [re.sub(r"name#[0-9a-f]{32}#", "name#", row) for row in text]
    return sorted(re.sub(r'"[\w-]{8}"', '"attempt"', row) for row in text)


def seen(name: str, hashed: list[Any], logged: Any, capsys: Any) -> dict[str, Any]:
    """Return all that tries with a wrong password make, one more than are allowed."""
    hashed.clear()
    lines = len(logged())
    capsys.readouterr()
    answers = [attempt(name) for _ in range(PER_NAME_AND_ADDRESS + 1)]
    told = [
        {key: line.get(key) for key in ("message", "status", "code", "limit", "level")}
        for line in logged()[lines:]
    ]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for each in metrics:
        each["_aws"].pop("Timestamp")
    return {
        "answers": answers,
        "stored": alike(attempts()),
        "hashed": [*hashed],
        "logged": told,
        "metrics": metrics,
    }


@pytest.mark.usefixtures("untold")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_nobody_has_is_in_all_respects_a_wrong_password(hashed, logged, capsys, name):
    """The answers, what is stored and counted, and what is hashed, up to the limit and over it."""
    known, other = new_person().username, NAMES[name]()
    expected = seen(known, hashed, logged, capsys)
    first, *_, last = expected["answers"]
    assert first == (401, UNAUTHORIZED_HEADERS, INVALID_PASSWORD)
    assert (last.status, last.body) == (429, RATE_LIMITED)
    assert [password for _, password in expected["hashed"]].count("a wrong pass word") == 5
    assert len(expected["stored"]) == 2
    forget_attempts()
    assert seen(other, hashed, logged, capsys) == expected


@pytest.mark.usefixtures("untold")
def test_the_log_tells_operators_that_a_wrong_password_is_of_no_user(logged):
    person = new_person()
    for name in (person.username, "nobody-has-this"):
        attempt(name)
    known, unknown = logged()[-2:]
    assert known["user"] == person.id
    assert "user" not in unknown


@pytest.mark.usefixtures("untold")
def test_guesses_from_everywhere_are_refused_alike_after_the_same_calls(
    monkeypatch, dynamodb_calls
):
    """A known user's trusted addresses are read; an answer without that would come sooner."""
    monkeypatch.setattr(login_throttle, "PER_NAME", 3)
    person, refused = new_person(), []
    log_in(person)
    for name in (person.username, "nobody-has-this"):
        for number in range(3):
            assert attempt(name, address=f"10.0.0.{number}").status == 401
        dynamodb_calls.clear()
        refused.append((attempt(name), [call for call, _ in dynamodb_calls]))
    known, unknown = refused
    assert known == unknown
    assert known[0].headers["X-RateLimit-Limit"] == "3"
    assert known[1].count("BatchGetItem") == 2


@pytest.mark.usefixtures("untold")
def test_the_right_password_logs_in_and_a_ban_is_told_as_ever():
    person = new_person()
    token = log_in(person)
    assert call("get_current_session", token).body["sub"] == person.id
    invoke("ban_user", {"id": person.id})
    assert attempt(person.username, PASSWORD).status == 403
    assert [row for row in attempts() if row.keys() != {"key", "expires"}] == []


@pytest.mark.parametrize("tells", [True, False])
def test_a_user_that_is_deleted_while_the_password_is_checked_is_nobody(request, tells):
    if not tells:
        request.getfixturevalue("untold")
    person = new_person()
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    answer = attempt(person.username, PASSWORD)
    expected = (404, INVALID_USER) if tells else (401, INVALID_PASSWORD)
    assert (answer.status, answer.body) == expected


def test_by_default_an_unknown_name_is_told_and_costs_no_hash(hashed):
    answer = attempt("nobody-has-this")
    assert (answer.status, answer.body, hashed) == (404, INVALID_USER, [])
