"""The page "Your sessions": logging in, what it says when that fails, and where the token is."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.pages import (
    ASKED,
    answer,
    button,
    end_button,
    expect_login,
    items,
    let_go,
    log_in,
    until_answered,
)
from tests.browser.people import PASSWORD
from tests.support.contract import (
    BANNED,
    BODY_TOO_LARGE,
    INTERNAL,
    INVALID_ENDPOINT,
    INVALID_USER,
    RATE_LIMITED,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    UNAVAILABLE,
    missing,
    session_over,
)
from tests.support.events import ROOT

pytestmark = pytest.mark.refused(ASKED)
WORDS = json.loads((ROOT / "web" / "words" / "en.json").read_text())
REASONS = {key.partition(".")[2]: text for key, text in WORDS.items() if key.startswith("reason.")}
LONGEST_COOKIE_SECONDS = 400 * 86_400  # RFC 6265bis, section 5.5
HUNT = (Path(__file__).parent / "hunt.js").read_text()
SHIFTS = """
    globalThis.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) globalThis.shifts.push(entry.value);
    }).observe({type: "layout-shift", buffered: true});
"""
# The hue of whatever colours an element has, where they are no greys: green is from 75 to 165.
HUES = """element => {
    const hues = [];
    for (let each = element; each; each = each.parentElement) {
        const style = getComputedStyle(each);
        for (const name of ["color", "backgroundColor", "borderTopColor"]) {
            const [r, g, b, alpha = 1] = style[name].match(/[\\d.]+/g).map(Number);
            const most = Math.max(r, g, b), range = most - Math.min(r, g, b);
            if (alpha === 0 || range < 24) continue;
            const hue = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range
                : 4 + (r - g) / range;
            hues.push((hue * 60 + 360) % 360);
        }
    }
    return hues;
}"""


def alert_of(page: Page) -> Locator:
    return page.get_by_role("alert")


# ------------------------------------------------------------------ logging in


def test_a_visitor_who_comes_by_a_url_with_a_password_logs_in_all_the_same(browse, address, person):
    page = browse(address.replace("://", "://joe:secret@"))
    log_in(page, person)
    expect(items(page)).to_have_count(1)


def test_a_wrong_password_is_shown(page, person):
    """In words that are true where the service does not tell that nobody has the name, too."""
    expect(page.get_by_role("textbox", name="Username or e-mail")).to_be_focused()
    log_in(page, person, "a guess")
    expect_login(page, "the name or the password is wrong")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert person.names() == []
    log_in(page, person)
    expect(items(page)).to_have_count(1)
    expect(alert_of(page)).to_have_text("")


@pytest.mark.parametrize("remember", [False, True])
def test_a_session_outlives_a_reload(page, person, remember):
    """And the browser, if it is remembered; other tabs have it, too."""
    log_in(page, person, remember=remember)
    expect(items(page)).to_have_count(1)
    page.reload()
    expect(items(page)).to_have_count(1)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(items(tab)).to_have_count(1)
    (stored,) = person.sessions()
    lasts = REMEMBERED_SESSION_SECONDS if remember else SESSION_SECONDS
    assert stored["exp"] - stored["createdAt"] == lasts
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["path"]) == ("__Host-session", "/")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    if remember:
        assert 0 < cookie["expires"] - time.time() <= LONGEST_COOKIE_SECONDS
    else:
        assert cookie["expires"] == -1  # with the browser


def test_a_password_is_shown_on_demand(page):
    field = page.locator("#password")
    field.fill("secret")
    expect(field).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    hide = page.get_by_role("button", name="Hide password")
    expect(hide).to_have_attribute("aria-pressed", "true")
    hide.click()
    expect(field).to_have_attribute("type", "password")


def test_the_product_is_named_and_has_its_page_for_forgotten_passwords(browse, address):
    page = browse("about:blank")
    config = {"product": "Shoe shop", "forgotPassword": "https://shoes.example.com/forgot"}
    page.route("**/config.json", lambda route: route.fulfill(json=config))
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Shoe shop")
    expect(page).to_have_title(re.compile("Shoe shop"))
    link = page.get_by_role("link", name="Forgot password?")
    expect(link).to_have_attribute("href", config["forgotPassword"])


def test_without_a_config_the_page_works(page, person):
    page.route("**/config.json", lambda route: route.fulfill(body="{"))
    page.reload()
    expect(page.get_by_role("link")).to_have_count(0)
    log_in(page, person)
    expect(items(page)).to_have_count(1)


def test_loading_is_neutral_and_nothing_moves(browse, address, person):
    for number in range(5):
        person.store(f"number {number}", 1000 + 60 * number, 1000)
    page = browse("about:blank")
    page.add_init_script(SHIFTS)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route) if route.request.method == "GET" else route.continue_()

    def expect_loading() -> None:
        status = page.get_by_role("status")
        expect(status).to_have_text("Loading your sessions…")
        assert [hue for hue in status.evaluate(HUES) if 75 < hue < 165] == []
        let_go(page, held)
        expect(items(page)).to_have_count(6)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        assert sum(page.evaluate("globalThis.shifts")) < 0.01

    page.goto(address)
    expect_login(page)
    page.route("**/api/session", hold)
    log_in(page, person)
    expect_loading()
    page.reload()
    expect_loading()


# ---------------------------------------------------------------- what it says


REFUSALS = [
    (400, missing("user"), None, "Username"),
    (403, BANNED, None, "banned"),
    (404, INVALID_USER, None, "username|e-mail"),
    (404, INVALID_ENDPOINT, None, "request 1-2-3"),
    (413, BODY_TOO_LARGE, None, "more than"),
    (429, RATE_LIMITED, 7, "[67] seconds"),
    (429, RATE_LIMITED, 275, "5 minutes"),
    (500, INTERNAL, None, "request 1-2-3"),
    (503, UNAVAILABLE, 7, "[67] seconds"),
    (504, UNAVAILABLE, 7, "[67] seconds"),
]


@pytest.mark.refused(*{f"status of {status}" for status, *_ in REFUSALS})
def test_each_refusal_is_said_in_plain_words(page, person):
    for status, body, wait, says in REFUSALS:
        headers = {"X-Request-Id": "1-2-3"} | ({"Retry-After": str(wait)} if wait else {})
        refusal = {"status": status, "headers": headers, "json": body}
        page.goto(page.url)  # which forgets what was said before
        expect_login(page)
        answer(page, **refusal)
        log_in(page, person)
        expect_login(page, says)
        for technical in (body["code"], body["message"]):
            expect(alert_of(page)).not_to_contain_text(technical)
        page.context.unroute_all()


@pytest.mark.refused("status of 429")
def test_too_many_tries_count_down_and_let_nobody_try_before(page, person):
    page.clock.install()
    refusal = {"status": 429, "headers": {"Retry-After": "90"}, "json": RATE_LIMITED}
    asked: list[str] = []
    page.route("**/api/**", lambda route: asked.append("") or route.fulfill(**refusal))
    log_in(page, person)
    expect(alert_of(page)).to_contain_text("90 seconds")
    expect(button(page, "Log in")).to_be_disabled()
    button(page, "Log in").click(force=True)
    page.get_by_label("Password", exact=True).press("Enter")
    page.clock.fast_forward(80_000)
    expect(alert_of(page)).to_contain_text(re.compile("([89]|10) seconds"))
    page.get_by_label("Password", exact=True).press("Enter")
    until_answered(page)
    assert len(asked) == 1
    page.clock.fast_forward(11_000)
    expect(alert_of(page)).to_have_text("You can try again now.")
    page.unroute("**/api/**")
    button(page, "Log in").click()
    expect(items(page)).to_have_count(1)


@pytest.mark.refused("403")
def test_a_ban_says_why_and_until_when_only_where_it_is_told(open_page, person):
    until = int(time.time()) + 400 * 86_400  # of another year, which is said
    person.operate("ban_user", reason="spam in reviews", until=until)
    end_button(open_page, "tablet").click()
    expect_login(open_page, "banned")
    expect(alert_of(open_page)).not_to_contain_text("spam")
    assert "tablet" in person.names()
    person.operate("ban_user", reason="spam in reviews", until=until, tell_user=True)
    log_in(open_page, person)
    expect_login(open_page, "spam in reviews")
    day = datetime.fromtimestamp(until, UTC)
    expect(alert_of(open_page)).to_contain_text(f"{day:%-d %B %Y}")


def test_the_login_says_why_the_session_is_over(page):
    assert len(REASONS) >= 10
    for reason, text in REASONS.items():
        answer(page, status=401, json=session_over(reason))
        page.reload()
        expect_login(page, re.escape(text))
        page.context.unroute_all()


@pytest.mark.parametrize("then", ["reload", "End session tablet", "Log out everywhere else"])
def test_the_login_says_that_the_password_was_changed(open_page, person, then):
    person.operate("set_password", password="another long sentence")
    if then == "reload":
        open_page.reload()
    else:
        button(open_page, then).click()
    if then == "Log out everywhere else":
        open_page.get_by_role("dialog").get_by_role("button", name=then, exact=True).click()
    expect_login(open_page, re.escape(REASONS["password_changed"]))
    assert open_page.context.cookies() == []
    open_page.reload()
    expect_login(open_page)
    log_in(open_page, person, "another long sentence")
    expect(items(open_page)).to_have_count(1)


# --------------------------------------------------------- what scripts can do


def test_no_script_finds_the_token(browse, address, person):
    """Not one that is there before the page's own, at any step of a session's life."""
    page = browse("about:blank")
    page.add_init_script(HUNT)
    page.goto(address)

    def hunt() -> set[str]:
        return set(page.evaluate("hunt()"))

    expect_login(page)
    log_in(page, person, remember=True)
    expect(items(page)).to_have_count(1)
    assert hunt() == set()
    page.reload()
    expect(items(page)).to_have_count(1)
    assert hunt() == set()
    person.log_in("tablet")
    button(page, "Refresh").click()
    expect(items(page)).to_have_count(2)
    end_button(page, "tablet").click()
    expect(page.get_by_role("status")).to_contain_text("tablet")
    assert hunt() == set()
    button(page, "Log out").click()
    expect_login(page)
    until_answered(page)
    assert hunt() == set()
    # It would have found one.
    page.evaluate(
        """async ([user, pass]) => {
            const body = JSON.stringify({user, pass});
            const headers = {"Content-Type": "application/json"};
            const answer = await fetch("api/session", {method: "POST", headers, body});
            globalThis.kept = [new Map([["here", {token: (await answer.json()).token}]])];
        }""",
        [person.username, PASSWORD],
    )
    assert {"Response.json", "globals"} <= hunt()


@pytest.mark.refused("Content Security Policy")
def test_markup_that_got_in_could_run_nothing(page):
    page.evaluate("""() => {
        const seen = event => { globalThis.refused = event.effectiveDirective; };
        document.addEventListener('securitypolicyviolation', seen);
        const image = '<img src=icon.svg onload="globalThis.ran = true">';
        document.body.insertAdjacentHTML('beforeend', image);
    }""")
    page.wait_for_function("globalThis.refused || globalThis.ran")
    assert page.evaluate("[globalThis.refused, globalThis.ran]") == ["script-src-attr", None]
