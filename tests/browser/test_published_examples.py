"""The `fetch` examples of the published documentation, run in pages of other origins.

In chromium and in Firefox, since browsers differ in what a page may send.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.browser.people import PASSWORD, Person, http
from tests.support.contract import INVALID_SESSION, SESSION_MISSING, session_over

PUBLISHED = (Path(__file__).parent / "published.js").read_text()
EXAMPLES = dict(re.findall(r"// (\w+ /[^\n]*)\n(fetch\(.+?\n\}\));\n", PUBLISHED, re.DOTALL))
HOST = "https://alekeagle.me/api"
LOG_IN = "POST /user/session"
WITH_A_TOKEN = [operation for operation in EXAMPLES if operation != LOG_IN]
# What a session is called after what each browser says of itself.
NAMES = {"chromium": "Chrome on Linux", "firefox": "Firefox on Linux"}

# What a page can see of an answer; where the browser refuses it one, the error instead.
SEEN = """%s.then(
    async answer => ({
        status: answer.status,
        body: await answer.json(),
        id: answer.headers.get('X-Request-Id'),
        hidden: answer.headers.get('Strict-Transport-Security'),
    }),
    error => error.name,
)"""


class Given(NamedTuple):
    """A person, the session in use and two others, which the examples can name."""

    person: Person
    here: dict[str, Any]
    first: dict[str, Any]
    second: dict[str, Any]

    def seen(self, page: Any, operation: str, *, ids: bool = True) -> Any:
        """Run an example; without `ids`, those in it stay as they are written."""
        example = EXAMPLES[operation].replace(HOST, self.person.service.url)
        example = example.replace("'token'", f"'{self.here['token']}'")
        if ids:
            example = example.replace("'sid1'", f"'{self.first['iat']}'")
            example = example.replace("'sid2'", f"'{self.second['iat']}'")
            example = re.sub(r"/(1234567890|sid)'", f"/{self.first['iat']}'", example)
        return page.evaluate(SEEN % example)

    def requests(self) -> list[str]:
        """Return the methods of all requests that the gateway has had, as its access log has it."""
        log = Path(self.person.service.environment["HOME"]) / "access.log"
        return [json.loads(line)["method"] for line in log.read_text().splitlines()]


@pytest.fixture(params=NAMES)
def browser(request: pytest.FixtureRequest) -> Browser:
    browser: Browser = request.getfixturevalue(request.param)
    return browser


@pytest.fixture
def given(person: Person) -> Given:
    return Given(person, *(person.log_in(name) for name in ("here", "first", "second")))


def shown(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session.items() if name != "token"}


def ended(count: int) -> dict[str, Any]:
    return {"count": count, "type": "session"}


def test_every_example_is_found():
    assert len(EXAMPLES) == PUBLISHED.count("\nfetch(") == 7


@pytest.mark.parametrize("operation", WITH_A_TOKEN)
def test_an_allowed_page_gets_the_documented_answer(sites, browse, given, operation):
    deleted = {"code": "GENERIC_SUCCESS", "message": "Session Deleted"}
    body, left = {
        "GET /user/session": (shown(given.here), ["second", "first", "here"]),
        "GET /user/session/:id": (shown(given.first), ["second", "first", "here"]),
        # What it calls is the operation above: so it is published.
        "GET /user/sessions": (shown(given.here), ["second", "first", "here"]),
        "DELETE /user/session/:id": (deleted, ["second", "here"]),
        "DELETE /user/sessions": (ended(2), ["here"]),
        "DELETE /user/sessions/all": (ended(2), ["here"]),
    }[operation]
    answer = given.seen(browse(sites[0]), operation)
    assert (answer["status"], answer["body"]) == (200, body)
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["id"])
    assert answer["hidden"] is None  # no page may read what is not exposed
    assert given.person.names() == left


def test_an_allowed_page_logs_in(sites, browse, browser, given):
    answer = given.seen(browse(sites[0]), LOG_IN)
    assert answer["status"] == 201
    token = {"Authorization": answer["body"]["token"]}
    current = http.get(f"{given.person.service.url}/session", headers=token).json()
    assert current["exp"] == answer["body"]["exp"]
    assert current["name"] == NAMES[browser.browser_type.name]


@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        ("GET /user/session/:id", INVALID_SESSION),
        ("DELETE /user/session/:id", SESSION_MISSING),
    ],
)
@pytest.mark.refused("404")
def test_an_allowed_page_can_read_that_no_session_has_an_id(
    sites, browse, given, operation, refusal
):
    answer = given.seen(browse(sites[0]), operation, ids=False)
    assert (answer["status"], answer["body"]) == (404, refusal)
    assert answer["id"]


@pytest.mark.refused("401")
def test_an_allowed_page_can_read_that_its_session_is_revoked(sites, browse, given):
    given.person.log_out(given.here)
    answer = given.seen(browse(sites[0]), "GET /user/session")
    assert (answer["status"], answer["body"]) == (401, session_over("deleted"))


@pytest.mark.parametrize("operation", EXAMPLES)
@pytest.mark.refused("blocked by CORS policy", "net::ERR_FAILED", firefox=["Same Origin Policy"])
def test_the_browser_refuses_a_page_that_is_not_allowed(sites, browse, given, operation):
    page = browse(sites[1])
    before = given.requests()
    assert given.seen(page, operation) == "TypeError"
    assert given.requests() == [*before, "OPTIONS"]  # it asked, and that was all
    assert given.person.names() == ["second", "first", "here"]


FORM = """([url, user]) => fetch(url, {
    method: 'POST', mode: 'no-cors', body: new URLSearchParams({user, pass: 'wrong'}),
}).then(answer => answer.type)"""


@pytest.mark.refused("403")
def test_a_form_of_a_page_that_is_not_allowed_is_no_wrong_password(sites, browse, given):
    """It comes without a preflight, from the address of its visitor, and is not 401."""
    login = [f"{given.person.service.url}/session", given.person.username]
    assert browse(sites[1]).evaluate(FORM, login) == "opaque"
    assert given.requests()[-1] == "POST"


CLIENT = """([url, token]) => fetch(url, {headers: {
    Authorization: token, 'X-Token-Name': 'here', 'User-Agent': 'client/3',
}}).then(answer => answer.status)"""


def test_a_page_may_send_the_headers_of_the_services_earlier_clients(sites, browse, given):
    session = [f"{given.person.service.url}/session", given.here["token"]]
    assert browse(sites[0]).evaluate(CLIENT, session) == 200


NAMED = """([url, user, pass]) => fetch(url, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', 'User-Agent': 'TheirClient/3'},
    body: JSON.stringify({user, pass}),
}).then(answer => answer.status)"""


def test_a_page_names_its_session_by_the_user_agent_that_it_sets(sites, browse, browser, given):
    """As earlier clients did; chromium sends its own, whatever a page sets (its issue 40450316)."""
    login = [f"{given.person.service.url}/session", given.person.username, PASSWORD]
    assert browse(sites[0]).evaluate(NAMED, login) == 201
    sets = browser.browser_type.name == "firefox"
    assert given.person.names()[0] == ("TheirClient" if sets else NAMES["chromium"])


# Firefox asks again each time where only the ports of page and service differ.
@pytest.mark.parametrize("browser", ["chromium"], indirect=True)
def test_a_preflight_is_sent_once(sites, browse, given):
    page = browse(sites[0])
    before = given.requests()
    assert given.seen(page, "GET /user/session")["status"] == 200
    asked_at = page.evaluate("performance.now()")
    assert given.seen(page, "GET /user/session")["status"] == 200
    # Five seconds are what a browser remembers a preflight for that does not say how long (Fetch
    # Standard, "CORS-preflight fetch").
    page.wait_for_function("asked => performance.now() > asked + 5500", arg=asked_at)
    assert given.seen(page, "GET /user/session")["status"] == 200
    assert given.requests() == [*before, "OPTIONS", "GET", "GET", "GET"]
