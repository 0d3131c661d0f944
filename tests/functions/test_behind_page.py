"""On the page's own domain a login's token is a cookie that no script can read."""

from typing import Any

import pytest

from functions.create_session import app as create_session
from sessions import endpoint
from tests.support.calls import Answer, call, call_route, invoke, watch
from tests.support.contract import (
    BANNED,
    HEADERS,
    INVALID_PASSWORD,
    INVALID_SESSION,
    SESSION_MISSING,
    SESSION_SECONDS,
    UNAUTHORIZED_HEADERS,
)
from tests.support.faults import NOT_DONE, inject
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED
from tests.support.people import Person, begin_session, log_in, new_person, statuses
from tests.support.rows import stored_sessions

pytestmark = pytest.mark.usefixtures("aws", "page")

SECRET = "SecretofthePage" + "x" * 49
DAY = 86_400
# What CloudFront and a browser say of a request of the page's own script.
OWN = {"X-Page-Secret": SECRET, "Sec-Fetch-Site": "same-origin"}
ASKED = {**OWN, "X-Session-Cookie": "true"}
BY_COOKIE = {**OWN, "X-Session-From-Cookie": "true"}
CLEARED = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"

Headers = dict[str, str | list[str] | None]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy with the page, whose secret no line and no answer may show."""
    watch.keep("page secret", SECRET)
    monkeypatch.setattr(endpoint, "PAGE_SECRET", SECRET)


def try_login(person: Person, headers: Headers, token: str | None = None, **more: Any) -> Answer:
    body = {"user": person.username, "pass": PASSWORD, **more}
    return call("create_session", token, body=body, headers=headers)


def token_in(answer: Answer) -> str:
    """Return the token in a cookie, whose other words must be these."""
    cookie, rest = answer.headers["Set-Cookie"].split("; ", 1)
    assert rest.startswith("Path=/; Secure; HttpOnly; SameSite=Strict")
    return cookie.removeprefix("__Host-session=")


def test_the_token_is_in_the_cookie_and_nowhere_else(clock):
    person = new_person()
    answer = try_login(person, ASKED)
    token = token_in(answer)
    cookie = f"__Host-session={token}; Path=/; Secure; HttpOnly; SameSite=Strict"
    headers = {**HEADERS, "Set-Cookie": cookie}
    assert answer == (201, headers, {"exp": clock.now + SESSION_SECONDS})
    assert statuses(token) == [200]
    assert list(stored_sessions(person)) == [clock.now]


@pytest.mark.parametrize(
    ("seconds", "kept"), [(90 * DAY, 90 * DAY), (400 * DAY, 400 * DAY), (401 * DAY, 400 * DAY)]
)
def test_a_remembered_session_is_kept_as_long_as_browsers_do(clock, monkeypatch, seconds, kept):
    monkeypatch.setattr(create_session.session_issue, "REMEMBERED_SESSION_SECONDS", seconds)
    answer = try_login(new_person(), ASKED, rememberMe=True)
    assert answer.body == {"exp": clock.now + seconds}
    assert answer.headers["Set-Cookie"].endswith(f"; SameSite=Strict; Max-Age={kept}")


NOT_ASKED: dict[str, Headers] = {
    "nobody asked for a cookie": OWN,
    "it asked otherwise": {**ASKED, "X-Session-Cookie": "1"},
    "it came not by the page": {**ASKED, "X-Page-Secret": None},
    "it only says that it came by the page": {**ASKED, "X-Page-Secret": SECRET[:-1]},
    "no browser says so, or an old one": {**ASKED, "Sec-Fetch-Site": None},
    "another page of the site": {**ASKED, "Sec-Fetch-Site": "same-site"},
    "a page of another site": {**ASKED, "Sec-Fetch-Site": "cross-site"},
    "a user typed it": {**ASKED, "Sec-Fetch-Site": "none"},
}


@pytest.mark.parametrize("headers", NOT_ASKED.values(), ids=NOT_ASKED)
def test_any_other_login_is_answered_as_ever(clock, headers):
    answer = try_login(new_person(), headers)
    assert (answer.status, answer.headers) == (201, HEADERS)
    assert answer.body.keys() == {"token", "exp"}
    assert statuses(answer.body["token"]) == [200]


def test_a_fresh_login_replaces_the_cookies_session(clock):
    person = new_person()
    old = token_in(try_login(person, ASKED))
    replacing: Headers = {**ASKED, **BY_COOKIE, "X-Replace-Session": "true"}
    refused = try_login(person, replacing, old, **{"pass": "wrong"})
    assert refused == (401, UNAUTHORIZED_HEADERS, INVALID_PASSWORD)
    new = token_in(try_login(person, replacing, old))
    assert statuses(old, new) == [401, 200]


# ---------------------------------------------------------- how it is cleared


@pytest.mark.parametrize("route", AUTHENTICATED)
def test_a_cookie_whose_session_is_over_is_cleared(clock, route):
    person = new_person()
    token = log_in(person)
    clock.now += SESSION_SECONDS
    headers = {**UNAUTHORIZED_HEADERS, "Set-Cookie": CLEARED}
    for gone in (token, "no token"):
        answer = call_route(route, gone, session=1, headers=BY_COOKIE)
        assert answer[:2] == (401, headers)
        assert answer.body["code"] == INVALID_SESSION["code"]


NOT_BY_COOKIE: dict[str, Headers] = {
    "a token of the page's script": OWN,
    "a client that says so itself": {**BY_COOKIE, "X-Page-Secret": "x" * 64},
    "one that says it otherwise": {**BY_COOKIE, "X-Session-From-Cookie": "false"},
}


@pytest.mark.parametrize("headers", NOT_BY_COOKIE.values(), ids=NOT_BY_COOKIE)
def test_no_cookie_is_cleared_where_none_was_used(clock, headers):
    token = log_in(new_person())
    assert call("delete_session", token, session=clock.now, headers=headers).headers == HEADERS
    answer = call("delete_session", token, session=clock.now, headers=headers)
    assert (answer.status, answer.headers) == (401, UNAUTHORIZED_HEADERS)


ENDS = {
    "delete_session": lambda own: {"session": own},
    "delete_sessions": lambda own: {"body": {"sessions": [own - 1, own]}},
    "delete_all_sessions": lambda _: {},
}
KEEPS = {
    "delete_session": lambda own: {"session": own - 1},
    "delete_sessions": lambda own: {"body": {"sessions": [own - 1]}},
    "delete_all_sessions": lambda _: {"query": {"allButSelf": [""]}},
    "list_sessions": lambda _: {},
    "get_current_session": lambda _: {},
    "get_session": lambda own: {"session": own},
}


def called_by_cookie(operation, given):
    """Call an operation by the cookie of a second session; return the token, and the answer."""
    person = new_person()
    log_in(person)
    token = token_in(try_login(person, ASKED))
    return token, call(operation, token, headers=BY_COOKIE, **given)


@pytest.mark.parametrize("operation", ENDS)
def test_the_end_of_ones_own_session_clears_its_cookie(clock, operation):
    token, answer = called_by_cookie(operation, ENDS[operation](clock.now + 1))
    assert (answer.status, answer.headers) == (200, {**HEADERS, "Set-Cookie": CLEARED})
    assert statuses(token) == [401]


@pytest.mark.parametrize("operation", KEEPS)
def test_whatever_else_is_done_leaves_the_cookie(clock, operation):
    token, answer = called_by_cookie(operation, KEEPS[operation](clock.now + 1))
    assert (answer.status, answer.headers) == (200, HEADERS)
    assert statuses(token) == [200]


def test_a_session_that_may_end_itself_alone_clears_its_cookie(clock):
    token = begin_session(new_person(), by="support")
    answer = call("delete_all_sessions", token, headers=BY_COOKIE)
    assert (answer.status, answer.headers["Set-Cookie"]) == (200, CLEARED)


def test_a_refusal_of_a_live_session_leaves_the_cookie(clock, dynamodb):
    person = new_person()
    token = log_in(person)
    missing = call("delete_session", token, session=1, headers=BY_COOKIE)
    assert missing == (404, HEADERS, SESSION_MISSING)
    nothing = call("get_session", token, session=1, headers=BY_COOKIE)
    assert nothing == (404, HEADERS, INVALID_SESSION)
    invoke("ban_user", {"id": person.id})
    banned = call("get_current_session", token, headers=BY_COOKIE)
    assert banned == (403, HEADERS, BANNED)


@pytest.mark.usefixtures("pauses")
def test_a_fault_leaves_the_cookie(clock, dynamodb):
    token = log_in(new_person())
    inject(dynamodb, "BatchGetItem", next(iter(NOT_DONE.values())))
    answer = call("get_current_session", token, headers=BY_COOKIE)
    assert answer.status == 503
    assert "Set-Cookie" not in answer.headers
