"""The page "Your sessions": the list, and how sessions are ended; and what is stored after that."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.pages import (
    ASKED,
    assert_is_sound,
    button,
    end_button,
    expect_login,
    items,
    let_go,
    log_in,
    until_answered,
)
from tests.browser.people import Person
from tests.support.contract import RATE_LIMITED, TEMPLATE, UNAVAILABLE

pytestmark = pytest.mark.refused(ASKED)
MOST_SESSIONS = TEMPLATE.parameters["MaxSessionsPerUser"]
EVERYWHERE = "Log out everywhere"
ELSEWHERE = "Log out everywhere else"
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def own_name(person: Person) -> str:
    return person.names()[0]


def row(page: Page, name: str) -> Locator:
    return items(page).filter(has_text=name)


def confirm(page: Page, name: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def leave_list(page: Page) -> None:
    """Take the pointer and the focus out of the list, after which rows may move."""
    page.mouse.move(0, 0)
    page.get_by_role("heading", level=1).locator("visible=true").focus()


# ------------------------------------------------------------------ what it says


def test_a_row_says_what_where_and_when(open_page, person, others):
    listed = items(open_page)
    expect(listed.nth(0)).to_contain_text(own_name(person))
    expect(listed.nth(0)).to_contain_text("Active now")
    phone = listed.nth(1)
    for words in ("work phone", "Used within the last hour", "France", "192.0.2.7"):
        expect(phone).to_contain_text(words)
    began = datetime.fromtimestamp(others["work phone"], UTC)
    expect(phone).to_contain_text(f"Logged in {began:%-d %B}")
    expect(listed.nth(2)).to_contain_text("Used 3 days ago")
    kinds = listed.locator("use[href^='#kind']:visible")
    shown = [use.get_attribute("href") for use in kinds.all()]
    assert shown[1:] == ["#kind-phone", "#kind-tablet", "#kind-desktop"]
    for index in range(4):
        badge = listed.nth(index).get_by_text("This session", exact=True)
        expect(badge).to_be_visible(visible=index == 0)
    expect(open_page.get_by_role("heading", level=1)).to_have_text("Your sessions")
    expect(open_page.get_by_role("alert")).to_have_text("")


def test_details_say_all_that_is_known(page, person):
    person.store("desk", 2 * HOUR, HOUR, method="support", by="ann", until=2**31, exp=2**31 - DAY)
    log_in(page, person)
    details = row(page, "desk").locator("details")
    expect(details.get_by_role("definition")).to_have_count(0)
    details.locator("summary").click()
    terms = ["Logged in", "Last used", "Ends", "Ends if not used until", "Logged in with"]
    expect(details.get_by_role("term")).to_have_text([*terms, "Logged in by"])
    expect(details.get_by_role("definition").nth(2)).to_contain_text("19 January 2038")
    expect(details.get_by_role("definition").nth(3)).to_contain_text("18 January 2038")
    expect(details.get_by_role("definition").nth(4)).to_have_text("support")
    expect(details.get_by_role("definition").nth(5)).to_have_text("ann")


def test_a_long_list_stays_usable_in_its_order(page, person):
    """This session first, then by last use; what acts on many is in view wherever one is."""
    for number in range(MOST_SESSIONS - 1):
        used = (number * 37 % 100) * HOUR  # in another order than they began in
        person.store(f"number {number:02}", 5 * DAY + MINUTE * number, used + 2 * HOUR)
    log_in(page, person)
    expect(items(page)).to_have_count(MOST_SESSIONS)
    expect(items(page).nth(0)).to_contain_text("This session")
    stored = sorted(person.sessions()[1:], key=lambda session: -session["usedAt"])
    shown = items(page).all_inner_texts()[1:]
    for session, text in zip(stored, shown, strict=True):
        assert session["name"] in text

    items(page).last.scroll_into_view_if_needed()
    every = page.get_by_role("checkbox", name="Select all")
    expect(every).to_be_in_viewport()
    expect(button(page, ELSEWHERE)).to_be_in_viewport()
    every.check()
    count = page.get_by_text(re.compile("^[0-9]+ of [0-9]+ selected$"))
    expect(count).to_have_text(f"{MOST_SESSIONS} of {MOST_SESSIONS} selected")
    last = items(page).last.get_by_role("checkbox")
    last.uncheck()
    expect(count).to_have_text(f"{MOST_SESSIONS - 1} of {MOST_SESSIONS} selected")
    assert every.evaluate("all => all.indeterminate")
    assert_is_sound(page)
    every.check()
    every.uncheck()
    expect(count).to_have_count(0)
    for index in (-1, -2, -3):
        items(page).nth(index).get_by_role("checkbox").check()
    expect(count).to_have_text(f"3 of {MOST_SESSIONS} selected")
    button(page, "End selected sessions").click()
    expect(page.get_by_role("status")).to_have_text("Ended 3 sessions.")
    left = {session["name"] for session in person.sessions()}
    assert left == {own_name(person), *(session["name"] for session in stored[:-3])}


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "</li><script>alert(1)</script>", "&lt;b&gt; \"'"]
)
def test_a_name_is_shown_as_text_whatever_is_in_it(page, person, name):
    person.store(name, DAY, DAY)
    log_in(page, person)
    expect(items(page)).to_have_count(2)
    expect(items(page).nth(1).get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_role("checkbox", name=f"Select {name}", exact=True)).to_be_visible()
    assert page.locator("li img, li script").count() == 0
    end_button(page, name).click()
    expect(page.get_by_role("status")).to_contain_text(name)
    assert len(person.names()) == 1


# ----------------------------------------------------------------- ending one


@pytest.mark.parametrize("answered", ["between the clicks", "after both"])
def test_a_double_click_ends_one_session_every_time(page, person, answered):
    """The one below it may not come under the pointer, however soon the service answers."""
    for number in range(9):
        person.store(f"number {number}", DAY + MINUTE * number, DAY + number)
    log_in(page, person)
    expect(items(page)).to_have_count(10)
    requests: list[str] = []
    page.on("request", lambda sent: sent.method == "DELETE" and requests.append(sent.url))
    for number in range(8):
        place = end_button(page, f"number {number}").bounding_box()
        assert place
        at = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
        if answered == "after both":
            page.mouse.dblclick(*at)
        else:
            page.mouse.click(*at)
            expect(page.get_by_role("status")).to_contain_text(f"number {number}")
            page.mouse.down(click_count=2)
            page.mouse.up(click_count=2)
        until_answered(page)
        expect(page.get_by_role("status")).to_contain_text(f"number {number}")
        assert len(requests) == number + 1
        assert len(person.names()) == 9 - number
        leave_list(page)
        expect(items(page)).to_have_count(9 - number)


@pytest.mark.parametrize("answered", ["between", "after both"])
def test_enter_pressed_twice_ends_one_session(open_page, person, answered):
    end_button(open_page, "tablet").focus()
    open_page.keyboard.press("Enter")
    if answered == "between":
        expect(open_page.get_by_role("status")).to_contain_text("tablet")
    open_page.keyboard.press("Enter")
    until_answered(open_page)
    expect(open_page.get_by_role("status")).to_contain_text("tablet")
    assert person.names()[1:] == ["work phone", "old laptop"]


def test_a_row_stays_until_nobody_is_at_it(open_page, person):
    """It is marked as ending, then as ended, and nothing moves."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    open_page.route(re.compile("/session/"), hold)
    before = row(open_page, "old laptop").bounding_box()
    end_button(open_page, "tablet").click()
    tablet = row(open_page, "tablet")
    expect(tablet).to_contain_text("Ending")
    expect(tablet).to_have_attribute("aria-busy", "true")
    let_go(open_page, held)
    expect(tablet).to_contain_text("Ended")
    expect(tablet).to_have_attribute("aria-busy", "false")
    expect(tablet.get_by_role("button", name=re.compile("tablet"))).to_be_disabled()
    assert row(open_page, "old laptop").bounding_box() == before
    button(open_page, "Refresh").hover()
    expect(tablet).to_be_visible()  # the focus is still there
    button(open_page, "Refresh").focus()
    expect(tablet).to_have_count(0)
    assert person.names()[1:] == ["work phone", "old laptop"]


@pytest.mark.refused("404")
def test_a_session_that_was_ended_meanwhile_is_shown_as_ended(open_page, person, others):
    person.operate("revoke_user_sessions", sessions=[others["tablet"]])
    end_button(open_page, "tablet").click()
    expect(row(open_page, "tablet")).to_contain_text("Ended")
    expect(open_page.get_by_role("status")).to_contain_text("had ended already")
    leave_list(open_page)
    expect(items(open_page)).to_have_count(3)


# ---------------------------------------------------------------- ending several


def test_selected_sessions_are_ended(open_page, person):
    button(open_page, "End selected sessions").click()
    expect(open_page.get_by_role("alert")).to_contain_text(re.compile("select", re.IGNORECASE))
    assert len(person.names()) == 4
    for name in ("old laptop", "work phone"):
        open_page.get_by_role("checkbox", name=f"Select {name}").check()
    button(open_page, "End selected sessions").click()
    expect(open_page.get_by_role("status")).to_have_text("Ended 2 sessions.")
    assert person.names()[1:] == ["tablet"]
    button(open_page, "Refresh").click()
    expect(items(open_page)).to_have_count(2)


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("Select all", "Escape"),
        (ELSEWHERE, "Cancel"),
        (EVERYWHERE, "Cancel"),
        (EVERYWHERE, "a double click"),
    ],
)
def test_what_ends_many_asks_first(open_page, person, what, how):
    """Every session stays as it is until the answer; the end of a double click is none."""
    opener = button(open_page, what)
    if what == "Select all":
        open_page.get_by_role("checkbox", name=what).check()
        opener = button(open_page, "End selected sessions")
    opener.click()
    dialog = open_page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    if how == "a double click":  # where the answer comes under the pointer
        dialog.get_by_role("button", name=what, exact=True).hover()
        open_page.mouse.down(click_count=2)
        open_page.mouse.up(click_count=2)
        expect(dialog).to_be_visible()
    if how == "Escape":
        open_page.keyboard.press("Escape")
    else:
        confirm(open_page, "Cancel")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    until_answered(open_page)
    assert len(person.names()) == 4


def test_all_other_sessions_are_ended(open_page, person):
    token = person.log_in("one with a token")["token"]
    button(open_page, ELSEWHERE).click()
    confirm(open_page, ELSEWHERE)
    expect(open_page.get_by_role("status")).to_have_text("Ended 4 sessions.")
    assert len(person.names()) == 1
    assert person.status_of(token) == 401
    open_page.reload()
    expect(items(open_page)).to_have_count(1)
    expect(items(open_page)).to_contain_text("This session")


@pytest.mark.parametrize("what", ["Select all", EVERYWHERE])
def test_all_sessions_are_ended(open_page, person, what):
    if what == "Select all":
        open_page.get_by_role("checkbox", name=what).check()
        what = "End selected sessions"
    button(open_page, what).click()
    confirm(open_page, what)
    expect_login(open_page, status="logged out")
    assert person.names() == []
    assert open_page.context.cookies() == []
    open_page.reload()
    expect_login(open_page)


# ---------------------------------------------------- what others do while it is open


@pytest.mark.refused("net::ERR_INTERNET_DISCONNECTED")
def test_without_a_connection_nothing_is_lost(open_page, person):
    open_page.context.set_offline(True)
    end_button(open_page, "tablet").click()
    expect(open_page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(end_button(open_page, "tablet")).to_be_enabled()
    open_page.context.set_offline(False)
    button(open_page, "Try again").click()
    expect(open_page.get_by_role("status")).to_contain_text("tablet")
    expect(open_page.get_by_role("alert")).to_have_text("")
    assert "tablet" not in person.names()


@pytest.mark.parametrize(("status", "body"), [(429, RATE_LIMITED), (503, UNAVAILABLE)])
@pytest.mark.refused("the server responded with a status of")
def test_a_refusal_counts_down_and_lets_nobody_press(open_page, person, status, body):
    open_page.clock.install()
    refusal = {"status": status, "headers": {"Retry-After": "7"}, "json": body}
    asked: list[str] = []
    open_page.route("**/api/**", lambda route: asked.append("") or route.fulfill(**refusal))
    end_button(open_page, "tablet").click()
    alert = open_page.get_by_role("alert")
    expect(alert).to_contain_text("7 seconds")
    for name in ("End session work phone", "End session tablet", "Refresh", ELSEWHERE):
        expect(button(open_page, name)).to_be_disabled()
        button(open_page, name).click(force=True)
    expect(open_page.get_by_role("dialog")).to_be_hidden()
    until_answered(open_page)
    assert len(asked) == 1
    open_page.clock.fast_forward(5000)
    expect(alert).to_contain_text(re.compile("[12] seconds?"))
    open_page.clock.fast_forward(3000)
    expect(alert).to_have_text("You can try again now.")
    open_page.unroute("**/api/**")
    expect(end_button(open_page, "tablet")).to_be_enabled()
    button(open_page, "Try again").click()
    expect(open_page.get_by_role("status")).to_contain_text("tablet")
    assert person.names()[1:] == ["work phone", "old laptop"]
