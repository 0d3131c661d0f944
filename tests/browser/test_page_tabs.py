"""The page "Your sessions": logging out without the service, and in several tabs."""

import json
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import (
    ASKED,
    button,
    end_button,
    expect_login,
    items,
    log_in,
    until_answered,
)
from tests.browser.people import Person, new_person
from tests.support.contract import INTERNAL, RATE_LIMITED, UNAVAILABLE
from tests.support.service import Service

pytestmark = pytest.mark.refused(ASKED)
ELSEWHERE = "Log out everywhere else"
PENDING = "localStorage.getItem('sessions.pending')"
WAITING = "logged out on this device"


@pytest.fixture
def another(service: Service, person: Person) -> Person:
    """Another user, who has a session elsewhere."""
    another = new_person(service, f"another-{person.username}"[:60])
    another.store("their phone", 2 * 86_400, 86_400)
    return another


def refuse(page: Page, status: int, path: str = "**/api/**", method: str = "") -> None:
    """Have the service refuse requests, as long as the page's context does not unroute them."""
    body = {429: RATE_LIMITED, 500: INTERNAL, 503: UNAVAILABLE}[status]
    headers = {} if status == 500 else {"Retry-After": "1"}
    page.context.route(
        path,
        lambda route: (
            route.fulfill(status=status, headers=headers, json=body)
            if method in ("", route.request.method)
            else route.continue_()
        ),
    )


def come_back(page: Page) -> None:
    """The connection is there again, of which the browser tells the page."""
    page.context.unroute_all()
    page.context.set_offline(True)
    page.context.set_offline(False)


def tab_of(context: BrowserContext, url: str) -> Page:
    tab = context.new_page()
    tab.goto(url)
    return tab


# ---------------------------------------------------------------- logging out


@pytest.mark.parametrize("by", ["Log out", "its own button"])
def test_a_logout_ends_this_session_alone_and_forgets_it(open_page, person, by):
    own = button(open_page, by) if by == "Log out" else end_button(open_page, person.names()[0])
    own.click()
    expect_login(open_page, status="logged out")
    until_answered(open_page)
    assert person.names() == ["work phone", "old laptop", "tablet"]
    assert open_page.context.cookies() == []
    assert open_page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    open_page.reload()
    expect_login(open_page)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("offline", marks=pytest.mark.refused("ERR_INTERNET_DISCONNECTED")),
        pytest.param(429, marks=pytest.mark.refused("429")),
        pytest.param(500, marks=pytest.mark.refused("500")),
        pytest.param(503, marks=pytest.mark.refused("503")),
    ],
)
def test_a_logout_works_on_this_device_whatever_the_service_does(open_page, person, how):
    """It shows the login at once, and ends the session when it can."""
    own = person.names()[0]
    if how == "offline":
        open_page.context.set_offline(True)
    else:
        refuse(open_page, how)
    button(open_page, "Log out").click()
    expect_login(open_page, status=WAITING)
    expect(open_page.get_by_role("status")).to_contain_text(own)
    assert set(json.loads(open_page.evaluate(PENDING))) == {"id", "user", "name"}
    if how != "offline":
        open_page.reload()
        expect_login(open_page, status=WAITING)
        tab = tab_of(open_page.context, open_page.url)
        expect_login(tab, status=WAITING)  # it does not use the session either
        tab.close()
    assert own in person.names()
    come_back(open_page)
    expect_login(open_page, status=f"{own} has ended")
    assert person.names() == ["work phone", "old laptop", "tablet"]
    assert open_page.context.cookies() == []
    assert open_page.evaluate(PENDING) is None
    log_in(open_page, person)
    expect(items(open_page)).to_have_count(4)


@pytest.mark.refused("503")
def test_a_logout_is_tried_again_when_the_service_said(open_page, person):
    refuse(open_page, 503)
    button(open_page, "Log out").click()
    expect_login(open_page, status=WAITING)
    open_page.context.unroute_all()
    expect_login(open_page, status="has ended")
    assert person.names() == ["work phone", "old laptop", "tablet"]


@pytest.mark.parametrize("who", ["the same user", "another one"])
@pytest.mark.refused("503")
def test_a_login_while_a_logout_is_pending(open_page, person, another, who):
    """It takes the place of the user's own session, and touches no one else's."""
    own = person.sessions()[0]
    refuse(open_page, 503, "**/api/session/*", "DELETE")
    button(open_page, "Log out").click()
    expect_login(open_page, status=WAITING)
    if who == "the same user":
        log_in(open_page, person)
        expect(items(open_page)).to_have_count(4)
        left = [session["iat"] for session in person.sessions()]
        assert (own["iat"] in left, len(left)) == (False, 4)
    else:
        log_in(open_page, another)
        expect(items(open_page)).to_have_count(2)
        expect(items(open_page).nth(1)).to_contain_text("their phone")
        expect(open_page.get_by_role("status")).to_contain_text("could not be ended")
        assert own in person.sessions()
    assert open_page.evaluate(PENDING) is None
    before = person.sessions(), another.sessions()
    come_back(open_page)
    open_page.reload()
    expect(items(open_page).first).to_contain_text("This session")
    assert (person.sessions(), another.sessions()) == before


# ----------------------------------------------------------------------- tabs


def test_tabs_agree_without_a_reload(page, person, another):
    """Who logs in or out in one has done it in all."""
    person.store("tablet", 86_400, 86_400)
    tab = tab_of(page.context, page.url)
    expect_login(tab)
    log_in(page, person)
    expect(items(tab)).to_have_count(2)
    expect(items(tab).nth(1)).to_contain_text("tablet")
    button(tab, "Log out").click()
    expect_login(page, status="logged out")
    expect_login(tab, status="logged out")
    log_in(page, another)
    expect(items(tab)).to_have_count(2)
    expect(items(tab).nth(1)).to_contain_text("their phone")
    # The browser has one session, also where a tab does not know of it.
    tab.evaluate("document.body.dataset.view = 'login'")
    log_in(tab, person)
    expect(items(page).nth(1)).to_contain_text("tablet")
    expect(page.get_by_role("status")).to_contain_text("in another tab")


@pytest.mark.parametrize(
    "act",
    ["End session tablet", "End selected sessions", ELSEWHERE, "Log out everywhere", "Log out"],
)
def test_a_tab_that_heard_nothing_acts_on_no_other_user(browse, address, person, another, act):
    """Even where it shows the sessions of the one before, and an ID of theirs is another's, too."""
    stale = browse("about:blank")
    stale.add_init_script("delete globalThis.BroadcastChannel")
    stale.goto(address)
    tablet = person.store("tablet", 86_400, 86_400)
    another.store("their tablet", 0, 0, iat=tablet)
    log_in(stale, person)
    expect(items(stale)).to_have_count(2)
    own = person.sessions()[0]
    tab = tab_of(stale.context, address)
    button(tab, "Log out").click()
    expect_login(tab)
    log_in(tab, another)
    expect(items(tab)).to_have_count(3)
    before = another.sessions()
    if act == "End selected sessions":
        stale.get_by_role("checkbox", name="Select tablet").check()
    button(stale, act).click()
    if act in (ELSEWHERE, "Log out everywhere"):
        stale.get_by_role("dialog").get_by_role("button", name=act, exact=True).click()
    if act == "Log out":
        expect_login(stale)
    else:
        expect(items(stale).filter(has_text="their phone")).to_be_visible()
    until_answered(stale)
    assert another.sessions() == before
    assert own not in person.sessions()


def test_a_list_is_made_new_when_it_comes_into_view_and_by_a_button(open_page, person):
    show = """({hidden}) => {
        Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    open_page.evaluate(show, {"hidden": True})
    person.store("a thief", 10, 0)
    open_page.clock.install()
    open_page.clock.fast_forward(60_000)
    open_page.evaluate(show, {"hidden": False})
    expect(items(open_page).filter(has_text="a thief")).to_be_visible()
    person.store("another thief", 20, 0)
    button(open_page, "Refresh").click()
    expect(items(open_page).filter(has_text="another thief")).to_be_visible()
    expect(open_page.get_by_role("status")).to_have_text(re.compile("up to date"))
