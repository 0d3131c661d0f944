"""The programs of examples/ in Python, each with its guard, in front of a service that runs."""

import os
import re
import secrets
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.examples.conftest import Start
from tests.support.contract import INVALID_SESSION
from tests.support.events import ROOT
from tests.support.leaks import PASSWORD
from tests.support.service import Service

PROGRAMS = {path.parent.name: path for path in sorted((ROOT / "examples").glob("*/app.py"))}
COOKIE = "__Host-session"
MOST_LINES = 6
STALE = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="A more recent login is needed", max_age="300"'
)


class Person(NamedTuple):
    """A user with one session."""

    service: Service
    username: str
    id: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture(scope="session", params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Path:
    return PROGRAMS[request.param]


@pytest.fixture(scope="session")
def http(program: Path, here: Path, start_program: Start) -> httpx.Client:
    return start_program(program, here)


@pytest.fixture
def person(service: Service) -> Person:
    name = f"u{secrets.token_hex(8)}"
    made = service.operate(
        "create_user", username=name, email=f"{name}@example.com", password=PASSWORD
    )
    answer = httpx.post(f"{service.url}/session", json={"user": name, "pass": PASSWORD})
    return Person(service, name, made["id"], answer.json()["token"])


def refused(answer: httpx.Response) -> tuple[Any, ...]:
    """Return the status, the words and the challenge of a refusal, which no cache may keep."""
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json().keys() - {"reason"} == {"code", "message"}
    return answer.status_code, answer.json()["code"], answer.headers.get("WWW-Authenticate")


INVALID = (401, INVALID_SESSION["code"], "Bearer")


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer "])
def test_a_session_is_let_in_and_handed_on(http, person, scheme):
    answer = http.get("/me", headers={"Authorization": f"{scheme}{person.token}"})
    assert answer.status_code == 200
    session = answer.json()
    parts = {"user", "id", "created", "expires", "name", "method", "by", "idle_expires"}
    assert session.keys() == parts
    assert session["user"] == person.id


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer garbage")],
        [("Authorization", "Basic {token}")],
        [("Authorization", "Bearer {token}x")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "")],
        [("Authorization", ""), ("Authorization", "Bearer {token}")],
        [("Authorization", "{token}"), ("Authorization", "{token}")],
        [("Authorization", "Bearer"), ("Authorization", "{token}")],
        [("Authorization", "{token}, {token}")],
        [("X-Authorization", "{token}")],
    ],
    ids=str,
)
def test_what_is_no_token_or_comes_twice_is_refused(http, person, headers):
    sent = [(name, value.format(token=person.token)) for name, value in headers]
    assert refused(http.get("/me", headers=sent)) == INVALID


def test_a_revocation_counts_at_the_very_next_call(http, person):
    assert http.get("/me", headers=person.bearer).status_code == 200
    ended = httpx.delete(f"{person.service.url}/sessions/all", headers=person.bearer)
    assert ended.status_code == 200
    answer = http.get("/me", headers=person.bearer)
    assert refused(answer) == INVALID
    # Once publish_events has purged the row, a Verifier cannot tell.
    assert answer.json().get("reason") in {"all", None}


def test_a_banned_user_is_told_so(http, person):
    person.service.operate("ban_user", login=person.username)
    assert refused(http.get("/me", headers=person.bearer)) == (403, "BANNED_ERROR", None)


def test_a_route_that_asks_for_a_fresh_login_refuses_an_older_one(http, person):
    session = http.get("/me", headers=person.bearer).json()
    person.service.client("dynamodb").update_item(
        TableName=os.environ["SESSIONS_TABLE"],
        Key={"user": {"S": person.id}, "iat": {"N": str(session["id"])}},
        UpdateExpression="SET created_at = :earlier",
        ExpressionAttributeValues={":earlier": {"N": str(session["created"] - 301)}},
    )
    answer = http.delete("/me", headers=person.bearer)
    assert refused(answer) == (401, "STALE_SESSION_ERROR", STALE)
    assert http.get("/me", headers=person.bearer).status_code == 200


def test_a_route_that_asks_for_a_fresh_login_takes_one(http, person):
    assert http.delete("/me", headers=person.bearer).json() == {"closed": person.id}


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_cookie_counts_where_our_own_page_sends_it(http, person, site):
    cookie = {"Cookie": f"other=x; {COOKIE}={person.token}"}
    assert http.get("/me", headers={**cookie, "Sec-Fetch-Site": site}).json()["user"] == person.id
    closed = http.delete("/me", headers={**cookie, "Sec-Fetch-Site": site})
    assert closed.json() == {"closed": person.id}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", None, "cross-site,same-origin"])
def test_a_cookie_counts_nowhere_else(http, person, site):
    headers = {"Cookie": f"{COOKIE}={person.token}"}
    headers |= {} if site is None else {"Sec-Fetch-Site": site}
    assert refused(http.get("/me", headers=headers)) == INVALID
    assert refused(http.delete("/me", headers=headers)) == INVALID


@pytest.mark.parametrize("cookie", ["session={token}", "{token}"])
def test_a_cookie_of_another_name_is_none(http, person, cookie):
    headers = {"Cookie": cookie.format(token=person.token), "Sec-Fetch-Site": "same-origin"}
    assert refused(http.get("/me", headers=headers)) == INVALID


def test_an_outage_lets_nobody_in_and_is_no_refusal(program, person, in_an_outage, start_program):
    http = start_program(program, in_an_outage)
    answer = http.get("/me", headers=person.bearer)
    assert refused(answer) == (503, "SERVICE_UNAVAILABLE_ERROR", None)
    assert answer.headers["Retry-After"] == "1"
    assert refused(http.get("/me")) == INVALID  # nothing is read for that
    written = (in_an_outage / f"{program.parent.name}.log").read_text()
    assert "EndpointConnectionError" in written  # the operator learns why
    assert person.token not in written


def test_a_route_needs_at_most_six_lines(program):
    lines = program.read_text().split('"""', 2)[2].splitlines()
    numbered = [line for line in lines if re.search(r"  # \d+$", line)]
    assert [line.rsplit("# ")[-1] for line in numbered] == [
        str(number) for number in range(1, len(numbered) + 1)
    ]
    assert len(numbered) <= MOST_LINES
    # The second route is another one; all else that is ours has a number.
    first = [line for line in lines if "max_age" not in line and "closed" not in line]
    ours = re.compile(r"\bsessions\.|Verif|verif|protect|refusals|create_client|Current")
    assert [line for line in first if ours.search(line) and line not in numbered] == []
