"""The page's cookie at the gateway, which plays the edge: same-origin requests alone act by it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.service import SEED
from tests.support.answers import assert_is
from tests.support.contract import INVALID_SESSION
from tests.support.leaks import token_of
from tests.support.service import Service

LOGIN = {"user": SEED["username"], "pass": SEED["password"]}
OWN = {"Sec-Fetch-Site": "same-origin"}
FORGED = {"X-Session-From-Cookie": "true", "X-Page-Secret": "x", "X-Viewer-Address": "192.0.2.1"}
# What browsers say of a request that no script of the page's own origin makes.
SENT_BY: dict[str, dict[str, str]] = {
    "a program": {},
    "a program that forges": FORGED,
    "a typed address": {"Sec-Fetch-Site": "none"},
    "another port": {"Sec-Fetch-Site": "same-site"},
    "another port that is allowed": {
        "Sec-Fetch-Site": "same-site",
        "Origin": "http://localhost:8080",
    },
    "another site": {"Sec-Fetch-Site": "cross-site", **FORGED},
}


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client


def log_in(http: httpx.Client, name: str, **headers: str) -> tuple[str, dict[str, str]]:
    """Log in as the page does; return the token, and what a browser sends back."""
    asked = {**OWN, "X-Session-Cookie": "true", "X-Session-Name": name, **headers}
    answer = http.post("session", json=LOGIN, headers=asked)
    assert (answer.status_code, answer.json().keys()) == (201, {"exp"})
    token = token_of({}, answer.headers["Set-Cookie"])
    assert token is not None
    return token, {"Cookie": f"theme=dark; __Host-session={token}"}


def sessions(http: httpx.Client, token: str) -> Any:
    return http.get("sessions", headers={"Authorization": token}).json()


@pytest.mark.parametrize("sender", SENT_BY)
def test_a_cookie_counts_for_nothing_that_is_not_same_origin(http, sender):
    """Whatever the method; and what is refused does not clear it."""
    token, cookie = log_in(http, sender)
    before = sessions(http, token)
    headers = {**cookie, **SENT_BY[sender], "X-Replace-Session": "true"}
    iat = before["items"][0]["iat"]
    several = {"content": json.dumps({"sessions": [iat]})}
    for method, path, more in (
        ("GET", "session", {}),
        ("GET", f"session/{iat}", {}),
        ("GET", "sessions", {}),
        ("DELETE", f"session/{iat}", {}),
        ("DELETE", "sessions", several),
        ("DELETE", "sessions/all", {}),
    ):
        answer = http.request(method, path, headers=headers, **more)
        assert_is(answer, 401, INVALID_SESSION)
        assert "Set-Cookie" not in answer.headers
    assert sessions(http, token) == before
    asked = {**headers, "X-Session-Cookie": "true"}
    login = http.post("session", json=LOGIN, headers=asked)  # which replaces nothing
    assert login.status_code in (201, 403)
    assert "Set-Cookie" not in login.headers
    left = sessions(http, token)["items"]
    assert [each for each in left if each["iat"] <= iat] == before["items"]


def test_the_page_lists_replaces_and_ends_sessions_by_its_cookie(http):
    token, cookie = log_in(http, "page")
    page = {**cookie, **OWN}
    here = http.get("session", headers=page).json()
    assert here["name"] == "page"
    renewed, cookie = log_in(http, "page again", **page, **{"X-Replace-Session": "true"})
    over = http.get("session", headers=page)
    assert over.status_code == 401
    assert "Max-Age=0" in over.headers["Set-Cookie"]
    page = {**cookie, **OWN}
    iat = http.get("session", headers=page).json()["iat"]
    assert here["iat"] not in [each["iat"] for each in sessions(http, renewed)["items"]]
    ended = http.delete(f"session/{iat}", headers=page)
    assert (ended.status_code, "Max-Age=0" in ended.headers["Set-Cookie"]) == (200, True)
    gone = http.get("session", headers={"Authorization": renewed, **FORGED})
    assert (gone.status_code, "Set-Cookie" in gone.headers) == (401, False)
    assert sessions(http, token)["code"] == INVALID_SESSION["code"]


def test_a_token_takes_precedence_over_the_cookie(http):
    (first, _), (_, cookie) = log_in(http, "first"), log_in(http, "second")
    answer = http.get("session", headers={"Authorization": first, **cookie, **OWN})
    assert answer.json()["name"] == "first"
