"""The page "Your sessions": each thing that one can do on it, and what is stored after that."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from local.functions import functions_of, shared_environment
from tests.browser.pages import LOOKS, TOKEN, Browse, assert_is_sound
from tests.browser.people import PASSWORD, Person, http
from tests.support.contract import (
    BANNED,
    BODY_TOO_LARGE,
    INTERNAL,
    INVALID_ENDPOINT,
    INVALID_USER,
    RATE_LIMITED,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    TEMPLATE,
    UNAVAILABLE,
    missing,
)
from tests.support.service import Service

MOST_SESSIONS = TEMPLATE.parameters["MaxSessionsPerUser"]
SESSIONS = shared_environment(functions_of(TEMPLATE).values())["SESSIONS_TABLE"]
EVERYWHERE = "Log out everywhere"
ELSEWHERE = "Log out everywhere else"


def log_in(page: Page, person: Person, password: str = PASSWORD, *, remember: bool = False) -> None:
    page.get_by_role("textbox", name="Username or e-mail").fill(person.username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("checkbox", name="Remember me").set_checked(remember)
    button(page, "Log in").click()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def end_button(page: Page, name: str) -> Locator:
    return button(page, f"End session {name}")


def items(page: Page) -> Locator:
    return page.get_by_role("listitem")


def expect_login(page: Page, alert: str = "") -> None:
    """Expect the login and no session, and the alert to say this (a regular expression)."""
    expect(button(page, "Log in")).to_be_visible()
    expect(items(page)).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_text(
        re.compile(alert, re.IGNORECASE) if alert else ""
    )


@pytest.fixture
def address(service: Service) -> str:
    return service.url.removesuffix("api")


@pytest.fixture
def page(browse: Browse, address: str) -> Iterator[Page]:
    """The page, before anybody has logged in."""
    page = browse(address)
    yield page
    assert not TOKEN.search(page.content())


@pytest.fixture
def others(person: Person) -> list[dict[str, Any]]:
    """Three sessions that the person has elsewhere, the oldest first."""
    return [person.log_in(name) for name in ("old laptop", "tablet", "work phone")]


@pytest.fixture
def open_page(page: Page, person: Person, others: list[dict[str, Any]]) -> Page:
    """The page of a person who has logged in on it, as well as elsewhere."""
    log_in(page, person)
    expect(items(page)).to_have_count(4)
    return page


def own_name(person: Person) -> str:
    return person.names()[0]


# ------------------------------------------------------------------ logging in


def test_every_session_is_listed_and_this_one_is_marked(open_page, person):
    listed = items(open_page)
    stored = person.sessions()
    assert listed.count() == len(stored) == 4
    for index, session in enumerate(stored):
        item = listed.nth(index)
        expect(item).to_contain_text(session["name"])
        since, until = (time.get_attribute("datetime") for time in item.locator("time").all())
        for shown, seconds in ((since, session["createdAt"]), (until, session["exp"])):
            assert datetime.fromisoformat(shown) == datetime.fromtimestamp(seconds, UTC)
        expect(item.get_by_text("This session")).to_be_visible(visible=index == 0)
    expect(open_page.get_by_role("heading", level=1)).to_have_text("Your sessions")
    expect(open_page.get_by_role("alert")).to_have_text("")


def test_a_visitor_who_comes_by_a_url_with_a_password_logs_in_all_the_same(browse, address, person):
    page = browse(address.replace("://", "://joe:secret@"))
    log_in(page, person)
    expect(items(page)).to_have_count(1)


@pytest.mark.refused("401")
def test_a_wrong_password_is_shown(page, person):
    """In words that are true where the service does not tell that nobody has the name, too."""
    log_in(page, person, "a guess")
    expect_login(page, "the name or the password is wrong")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert person.names() == []
    log_in(page, person)
    expect(items(page)).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_text("")


@pytest.mark.parametrize("remember", [False, True])
def test_a_session_outlives_a_reload(page, person, remember):
    """And the tab, if it is remembered."""
    log_in(page, person, remember=remember)
    expect(items(page)).to_have_count(1)
    page.reload()
    expect(items(page)).to_have_count(1)
    (stored,) = person.sessions()
    lasts = REMEMBERED_SESSION_SECONDS if remember else SESSION_SECONDS
    assert stored["exp"] - stored["createdAt"] == lasts
    tab = page.context.new_page()
    tab.goto(page.url)
    if remember:
        expect(items(tab)).to_have_count(1)
    else:
        expect_login(tab)


@pytest.mark.parametrize(
    ("status", "body", "wait", "says"),
    [
        pytest.param(status, body, wait, says, marks=pytest.mark.refused(str(status)))
        for status, body, wait, says in (
            (400, missing("user"), None, "Username"),
            (403, BANNED, None, "banned"),
            (404, INVALID_USER, None, "username|e-mail"),
            (404, INVALID_ENDPOINT, None, "request 1-2-3"),
            (413, BODY_TOO_LARGE, None, "more than"),
            (429, RATE_LIMITED, 7, "wait 7 seconds"),
            (429, RATE_LIMITED, 275, "wait 5 minutes"),
            (500, INTERNAL, None, "request 1-2-3"),
            (503, UNAVAILABLE, 7, "wait 7 seconds"),
            (504, UNAVAILABLE, 7, "wait 7 seconds"),
        )
    ],
)
def test_each_refusal_is_said_in_plain_words(page, person, status, body, wait, says):
    headers = {"X-Request-Id": "1-2-3"} | ({"Retry-After": str(wait)} if wait else {})
    page.route("**/api/**", lambda route: route.fulfill(status=status, headers=headers, json=body))
    log_in(page, person)
    expect_login(page, says)
    for technical in (body["code"], body["message"]):
        expect(page.get_by_role("alert")).not_to_contain_text(technical)


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


# ------------------------------------------------------------- ending sessions


def assert_has_ended(session: dict[str, Any], person: Person) -> None:
    token = {"Authorization": session["token"]}
    assert http.get(f"{person.service.url}/session", headers=token).status_code == 401


def test_one_session_is_ended(open_page, person, others):
    end_button(open_page, "tablet").click()
    expect(items(open_page)).to_have_count(3)
    expect(open_page.get_by_role("status")).to_contain_text("tablet")
    expect(items(open_page).filter(has_text="tablet")).to_have_count(0)
    assert person.names()[1:] == ["work phone", "old laptop"]
    assert_has_ended(others[1], person)


def test_ticked_sessions_are_ended(open_page, person):
    for name in ("old laptop", "work phone"):
        open_page.get_by_role("checkbox", name=f"Select {name}").check()
    button(open_page, "End selected sessions").click()
    expect(items(open_page)).to_have_count(2)
    expect(open_page.get_by_role("status")).to_contain_text("2")
    assert person.names()[1:] == ["tablet"]


def test_without_a_tick_no_session_is_ended(open_page, person):
    button(open_page, "End selected sessions").click()
    expect(open_page.get_by_role("alert")).to_have_text(re.compile("tick", re.IGNORECASE))
    assert len(person.names()) == 4


def test_all_other_sessions_are_ended(open_page, person, others):
    button(open_page, ELSEWHERE).click()
    expect(items(open_page)).to_have_count(1)
    expect(items(open_page)).to_contain_text("This session")
    assert len(person.names()) == 1
    assert_has_ended(others[0], person)
    open_page.reload()
    expect(items(open_page)).to_have_count(1)


@pytest.mark.parametrize("how", ["Cancel", "Escape"])
def test_a_question_can_be_cancelled(open_page, person, how):
    """Every session stays as it is."""
    button(open_page, EVERYWHERE).click()
    dialog = open_page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    if how == "Cancel":
        dialog.get_by_role("button", name="Cancel").click()
    else:
        open_page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button(open_page, EVERYWHERE)).to_be_focused()
    expect(items(open_page)).to_have_count(4)
    assert len(person.names()) == 4


def test_all_sessions_are_ended(open_page, person, others):
    button(open_page, EVERYWHERE).click()
    open_page.get_by_role("dialog").get_by_role("button", name=EVERYWHERE).click()
    expect_login(open_page)
    expect(open_page.get_by_role("status")).to_contain_text(re.compile("logged out", re.IGNORECASE))
    assert person.names() == []
    assert_is_forgotten(open_page)


@pytest.mark.parametrize("by", ["Log out", "its own button"])
@pytest.mark.parametrize("remember", [False, True])
def test_a_logout_ends_this_session_alone_and_forgets_it(page, person, others, by, remember):
    log_in(page, person, remember=remember)
    expect(items(page)).to_have_count(4)
    (button(page, by) if by == "Log out" else end_button(page, own_name(person))).click()
    expect_login(page)
    expect(page.get_by_role("status")).to_contain_text(re.compile("logged out", re.IGNORECASE))
    assert person.names() == ["work phone", "tablet", "old laptop"]
    assert_is_forgotten(page)


def assert_is_forgotten(page: Page) -> None:
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    page.reload()
    expect_login(page)


# ------------------------------------------- what others do while it is open


@pytest.mark.parametrize("then", ["End session tablet", ELSEWHERE, "Log out", ""])
@pytest.mark.refused("401")
def test_the_login_says_that_the_session_was_ended_elsewhere(open_page, person, then):
    person.operate("revoke_user_sessions", all=True)
    if then:
        button(open_page, then).click()
    else:
        open_page.reload()
    if then == "Log out":  # is what the person wanted anyway
        expect(button(open_page, "Log in")).to_be_visible()
        expect(items(open_page)).to_have_count(0)
    else:
        expect_login(open_page, "logged out")
    assert_is_forgotten(open_page)
    log_in(open_page, person)
    expect(items(open_page)).to_have_count(1)


@pytest.mark.refused("403")
def test_a_ban_meanwhile_is_shown(open_page, person):
    person.operate("ban_user", reason="spam")
    end_button(open_page, "tablet").click()
    expect_login(open_page, "banned")
    assert "tablet" in person.names()


@pytest.mark.refused("404")
def test_a_session_that_was_ended_meanwhile_leaves_the_list(open_page, person, others):
    person.log_out(others[1])
    end_button(open_page, "tablet").click()
    expect(items(open_page)).to_have_count(3)
    expect(items(open_page).filter(has_text="tablet")).to_have_count(0)
    assert len(person.names()) == 3


@pytest.mark.refused("net::ERR_INTERNET_DISCONNECTED")
def test_without_a_connection_nothing_is_lost(open_page, person):
    open_page.context.set_offline(True)
    end_button(open_page, "tablet").click()
    expect(open_page.get_by_role("alert")).to_contain_text(re.compile("connection|reached"))
    expect(items(open_page)).to_have_count(4)
    open_page.context.set_offline(False)
    button(open_page, "Try again").click()
    expect(items(open_page)).to_have_count(3)
    expect(open_page.get_by_role("alert")).to_have_text("")
    assert "tablet" not in person.names()


@pytest.mark.refused("503")
def test_while_the_service_is_unavailable_nothing_is_lost(open_page, person):
    refusal = {"status": 503, "headers": {"Retry-After": "1"}, "json": UNAVAILABLE}
    open_page.route("**/api/**", lambda route: route.fulfill(**refusal))
    end_button(open_page, "tablet").click()
    expect(open_page.get_by_role("alert")).to_contain_text("wait one second")
    expect(items(open_page)).to_have_count(4)
    open_page.reload()  # it cannot know whether the session is good, and keeps it
    expect(open_page.get_by_role("alert")).to_contain_text("wait one second")
    open_page.unroute("**/api/**")
    button(open_page, "Try again").click()
    expect(open_page.get_by_role("alert")).to_have_text("")
    end_button(open_page, "tablet").click()
    expect(items(open_page)).to_have_count(3)
    assert "tablet" not in person.names()


# ---------------------------------------------------------- how it is shown


@pytest.mark.parametrize(
    ("locale", "zone", "form"),
    [
        ("de-DE", "Asia/Tokyo", ["%-d. ", "%Y", "%H:%M"]),
        ("en-US", "America/New_York", ["%B %-d, %Y", "%-I:%M"]),
        ("ja-JP", "Pacific/Chatham", ["%Y年%-m月%-d日", "%-H:%M"]),
    ],
)
def test_times_are_in_the_readers_language_and_zone(browse, address, person, locale, zone, form):
    session = person.log_in("tablet")
    page = browse(address, locale=locale, timezone_id=zone)
    log_in(page, person)
    shown = items(page).filter(has_text="tablet").locator("time")
    for index, seconds in enumerate((session["createdAt"], session["exp"])):
        moment = datetime.fromtimestamp(seconds, ZoneInfo(zone))
        for part in form:
            expect(shown.nth(index)).to_contain_text(moment.strftime(part))
        expect(shown.nth(index)).to_have_attribute("lang", re.compile(locale[:2]))


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "</li><script>alert(1)</script>", "&lt;b&gt; \"'"]
)
def test_a_name_is_shown_as_text_whatever_is_in_it(page, person, name):
    person.log_in(name)
    log_in(page, person)
    expect(items(page)).to_have_count(2)
    expect(items(page).nth(1).get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_role("checkbox", name=f"Select {name}", exact=True)).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    end_button(page, name).click()
    expect(page.get_by_role("status")).to_contain_text(name)
    expect(items(page)).to_have_count(1)


def test_a_long_list_is_shown_whole_and_newest_first(page, person):
    oldest = person.log_in("the oldest")
    dynamodb = person.service.client("dynamodb")
    row = {
        "user": {"S": person.id},
        "exp": {"N": str(oldest["exp"])},
        "jti_sha256": {"B": bytes(32)},
    }
    for number in range(1, MOST_SESSIONS - 1):  # before the oldest: no ID that a login may allocate
        named = {"iat": {"N": str(oldest["iat"] - number)}, "name": {"S": f"number {number}"}}
        dynamodb.put_item(TableName=SESSIONS, Item=row | named)
    log_in(page, person)
    expect(items(page)).to_have_count(MOST_SESSIONS)
    shown = items(page).all_inner_texts()
    for name, text in zip(person.names(), shown, strict=True):
        assert name in text
    assert_is_sound(page)


def test_everything_can_be_done_with_the_keyboard(page, person, others):
    def tab_to(target: Locator) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"the Tab key does not reach {target}")

    tab_to(page.get_by_role("textbox", name="Username or e-mail"))
    page.keyboard.type(person.username)
    tab_to(page.get_by_label("Password", exact=True))
    page.keyboard.type(PASSWORD)
    tab_to(page.get_by_role("checkbox", name="Remember me"))
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Remember me")).to_be_checked()
    page.keyboard.press("Enter")
    expect(items(page)).to_have_count(4)

    tab_to(end_button(page, "work phone"))
    page.keyboard.press("Enter")
    expect(items(page)).to_have_count(3)
    assert page.evaluate("document.activeElement !== document.body")  # one goes on from there
    tab_to(page.get_by_role("checkbox", name="Select old laptop"))
    page.keyboard.press("Space")
    tab_to(button(page, "End selected sessions"))
    page.keyboard.press("Space")
    expect(items(page)).to_have_count(2)
    assert person.names()[1:] == ["tablet"]
    tab_to(button(page, EVERYWHERE))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    tab_to(dialog.get_by_role("button", name=EVERYWHERE))
    page.keyboard.press("Enter")
    expect_login(page)
    assert person.names() == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.refused("401")
def test_every_state_is_accessible(browse, address, person, others, look):
    page = browse(address, **LOOKS[look])
    expect_login(page)
    assert_is_sound(page, f"login-{look}")
    log_in(page, person, "a guess")
    expect_login(page, "password")
    assert_is_sound(page, f"refused-{look}")
    log_in(page, person)
    expect(items(page)).to_have_count(4)
    assert_is_sound(page, f"list-{look}")
    page.get_by_role("checkbox", name="Select tablet").check()
    button(page, EVERYWHERE).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_is_sound(page, f"dialog-{look}")
    page.keyboard.press("Escape")
    end_button(page, "work phone").click()
    expect(items(page)).to_have_count(3)
    assert_is_sound(page, f"ended-{look}")
    person.operate("revoke_user_sessions", all=True)
    end_button(page, "tablet").click()
    expect_login(page, "logged out")
    assert_is_sound(page, f"ended-elsewhere-{look}")
