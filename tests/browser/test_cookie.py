"""The cookie that has the page's token: no script reads it, and no other origin can use it."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.pages import Browse
from tests.browser.people import PASSWORD, Person, new_person

PLAIN = "<!doctype html><link rel=icon href=data:,>"
# The same request may be made by any page; what a script sees of the answer, if it sees any.
MAKE = """async ([url, method, mode, credentials, headers, body]) => {
    try {
        const answer = await fetch(url, {method, mode, credentials, headers, body});
        return answer.type === "opaque" ? "opaque" : answer.status;
    } catch (error) {
        return error.name;
    }
}"""
SUBMIT = """([url, method, fields]) => {
    const form = Object.assign(document.createElement("form"), {action: url, method});
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), {name, value}));
    }
    document.documentElement.append(form);
    form.submit();
}"""
# Wherever a script of the page's own origin could look for a token.
FOUND = """() => JSON.stringify([
    document.cookie, {...localStorage}, {...sessionStorage}, Object.keys(window).map(String),
])"""
REPLACING = {"X-Session-Cookie": "true", "X-Replace-Session": "true"}
MODES = [("no-cors", "include"), ("cors", "omit"), ("cors", "same-origin"), ("cors", "include")]


@pytest.fixture
def here(browse: Browse, person: Person) -> Page:
    """A page of the service's own origin, whose user is logged in by the cookie."""
    page = browse("about:blank")
    page.route("**/plain", lambda route: route.fulfill(body=PLAIN, content_type="text/html"))
    page.goto(person.service.url.removesuffix("api") + "plain")
    body = json.dumps({"user": person.username, "pass": PASSWORD, "name": "here"})
    headers = {"Content-Type": "application/json", "X-Session-Cookie": "true"}
    answer = page.evaluate(
        """async ([url, headers, body]) => {
            const answer = await fetch(url, {method: "POST", headers, body});
            return [answer.status, Object.keys(await answer.json())];
        }""",
        [f"{person.service.url}/session", headers, body],
    )
    assert answer == [201, ["exp"]]
    return page


def make(page: Page, method: str, url: str) -> Any:
    return page.evaluate(MAKE, [url, method, "cors", "include", {}, None])


def token_of(page: Page) -> str:
    """Return the token in the browser's cookie, which must be as safe as it can."""
    (cookie,) = page.context.cookies()
    assert cookie["name"] == "__Host-session"
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert cookie["path"] == "/"
    return cookie["value"]


@pytest.mark.refused("401")
def test_no_script_reads_the_token_and_the_page_uses_it(here, person):
    signature = token_of(here).split(".")[2]
    assert here.evaluate("document.cookie") == ""
    assert signature not in here.evaluate(FOUND)
    api = person.service.url
    assert make(here, "GET", f"{api}/session") == 200
    person.log_in("another")
    assert make(here, "DELETE", f"{api}/sessions/all?allButSelf") == 200
    assert person.names() == ["here"]
    assert make(here, "DELETE", f"{api}/sessions/all") == 200
    assert (person.names(), here.context.cookies()) == ([], [])
    assert make(here, "GET", f"{api}/session") == 401


@pytest.mark.refused("401")
def test_a_cookie_whose_session_another_device_ended_is_cleared(here, person):
    (session,) = person.sessions()
    person.operate("revoke_user_sessions", sessions=[session["iat"]])
    assert make(here, "GET", f"{person.service.url}/session") == 401
    assert here.context.cookies() == []


FOREIGN = pytest.mark.refused("401", "403", "404", "CORS", "ERR_FAILED")


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("allowed", marks=pytest.mark.refused("401", "404")),
        pytest.param("refused", marks=FOREIGN),
        pytest.param("another site", marks=FOREIGN),
    ],
)
def test_nothing_that_another_origin_sends_acts(here, person, sites, service, origin):
    """GET, POST and DELETE, as navigation or by a script, with all that a script may ask for."""
    thief = new_person(service, f"thief-{origin.replace(' ', '-')}")
    allowed, refused = sites
    foreign = {
        "allowed": allowed,
        "refused": refused,
        "another site": refused.replace("127.0.0.1", "localhost"),
    }[origin]
    before, token, api = person.sessions(), token_of(here), person.service.url
    there = here.context.new_page()
    login = {"user": thief.username, "pass": PASSWORD}
    requests = 0

    def held(path: str) -> None:
        """Nothing that is stored of the user has changed, nor the cookie."""
        nonlocal requests
        requests += 1
        assert person.sessions() == before, path
        assert token_of(here) == token, path

    for method, path, fields in (
        ("GET", "/session", {}),
        ("GET", "/sessions", {}),
        ("POST", "/session", login),
        ("POST", "/sessions/all", {}),
    ):
        there.goto(foreign)
        with there.expect_navigation():
            there.evaluate(SUBMIT, [api + path, method, fields])
        held(f"navigation: {method} {path}")
    there.goto(foreign)
    for mode, credentials in MODES:
        headers = {} if mode == "no-cors" else REPLACING
        for method, path, body in (
            ("GET", "/session", None),
            ("GET", "/sessions", None),
            ("POST", "/session", "&".join(f"{k}={v}" for k, v in login.items())),
            ("DELETE", "/sessions/all", None),
            ("DELETE", f"/session/{before[0]['iat']}", None),
        ):
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            given = [api + path, method, mode, credentials, {**headers, **form}, body]
            seen = there.evaluate(MAKE, given)
            is_login_of_its_own = method == "POST" and origin == "allowed" and mode == "cors"
            assert seen in ([201] if is_login_of_its_own else [401, 403, "opaque", "TypeError"])
            held(f"{mode}, {credentials}: {method} {path}")
    assert requests == 24
    assert make(here, "GET", f"{api}/session") == 200
