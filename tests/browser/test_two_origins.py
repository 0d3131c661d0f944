"""Pages of every allowed origin, not of the first one alone, can read why they are refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.pages import Browse
from tests.browser.people import PASSWORD, Person
from tests.support.clock import wait_for_window
from tests.support.contract import (
    BANNED,
    INVALID_ENDPOINT,
    INVALID_PASSWORD,
    INVALID_SESSION,
    RATE_LIMITED,
    TEMPLATE,
    session_over,
)
from tests.support.forgery import decode, sign, signing_key
from tests.support.service import Service, running

LIMIT = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
# What a page can see of an answer; where the browser refuses it one, the error instead.
SEEN = """([url, options]) => fetch(url, options).then(
    async answer => [answer.status, await answer.json(), answer.headers.get("Retry-After")],
    error => error.name,
)"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sites: tuple[str, str]) -> Iterator[Service]:
    """A gateway for pages of both sites, with its limits."""
    with running(tmp_path_factory.mktemp("service"), origins=sites) as service:
        yield service


@pytest.fixture(params=[0, 1], ids=["first", "second"])
def page(request: pytest.FixtureRequest, browse: Browse, sites: tuple[str, str]) -> Page:
    """A page of an allowed origin."""
    return browse(sites[request.param])


def get(page: Page, person: Person, path: str, token: str) -> Any:
    headers = {"Authorization": token}
    return page.evaluate(SEEN, [person.service.url + path, {"headers": headers}])


def log_in(page: Page, person: Person, password: str) -> Any:
    form = f"user={person.username}&pass={password}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    options = {"method": "POST", "headers": headers, "body": form}
    return page.evaluate(SEEN, [f"{person.service.url}/session", options])


@pytest.mark.refused("401")
def test_a_page_reads_that_its_token_is_invalid_revoked_or_expired(page, person):
    session = person.log_in("here")
    header, claims = map(decode, session["token"].split(".")[:2])
    key = signing_key(person.service.client("secretsmanager"))
    expired = sign(header, {**claims, "iat": claims["iat"] - 9, "exp": claims["iat"] - 1}, key)
    assert get(page, person, "/session", session["token"])[0] == 200
    person.log_out(session)
    for token, body in (
        ("a.b.c", INVALID_SESSION),
        (session["token"], session_over("deleted")),
        (expired, session_over("expired")),
    ):
        assert get(page, person, "/session", token) == [401, body, None]


@pytest.mark.refused("403")
def test_a_page_reads_that_its_user_is_banned(page, person):
    token = person.log_in("here")["token"]
    person.operate("ban_user")
    assert get(page, person, "/session", token) == [403, BANNED, None]


@pytest.mark.refused("404")
def test_a_page_reads_that_there_is_no_such_session_or_path(page, person):
    token = person.log_in("here")["token"]
    assert get(page, person, "/session/7", token) == [404, INVALID_SESSION, None]
    for path in ("/nope", "/sessions/all"):  # the second has another method
        assert get(page, person, path, token) == [404, INVALID_ENDPOINT, None]


@pytest.mark.refused("401", "429")
def test_a_page_reads_when_to_try_the_next_password(page, person):
    wait_for_window(TEMPLATE.parameters["LoginAttemptsSeconds"])
    for _ in range(LIMIT):
        assert log_in(page, person, "wrong") == [401, INVALID_PASSWORD, None]
    status, body, retry_after = log_in(page, person, PASSWORD)
    assert (status, body) == (429, RATE_LIMITED)
    assert int(retry_after) > 0
