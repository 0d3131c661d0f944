"""The page "Your sessions": each language, each look, and whoever uses it in another way.

The pictures in build/browser/ are of these tests; docs/page.png is one, `list-light.png`.
"""

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import (
    ASKED,
    LOOKS,
    answer,
    assert_is_sound,
    button,
    end_button,
    expect_login,
    items,
    log_in,
    until_answered,
)
from tests.browser.people import PASSWORD, SESSIONS, Person
from tests.support.contract import UNAVAILABLE
from tests.support.events import ROOT

pytestmark = pytest.mark.refused(ASKED)
WORDS = ROOT / "web" / "words"
KEY = re.compile(r"\b(login|list|session|details|end|error|ask)\.[a-z_]+")
EVERYWHERE = "Log out everywhere"
HOUR = 3600
DAY = 24 * HOUR
MANY_COUNTRIES = {"extra_http_headers": {"CloudFront-Viewer-Country": "DE"}}


@pytest.fixture
def devices(person: Person) -> dict[str, int]:
    """Sessions as somebody has them, by their names."""
    return {
        name: person.store(name, began, used, **where)
        for name, began, used, where in (
            ("Safari on iPhone", 9 * DAY, 2000, {"address": "198.51.100.23", "country": "DE"}),
            ("Firefox on Windows", 3 * DAY, 5 * HOUR, {"address": "203.0.113.9", "country": "FR"}),
            ("Safari on iPad", 24 * DAY, DAY, {"address": "2001:db8::7", "country": "DE"}),
            ("curl", 12 * DAY, 6 * DAY, {"address": "192.0.2.81"}),
        )
    }


def log_in_at(page: Page, person: Person, address: str) -> None:
    """Log in, in whatever language, by an address that is not that of this machine."""
    page.locator("#user").fill(person.username)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(items(page).first).to_be_visible()
    own = max(person.sessions(), key=lambda session: session["createdAt"])
    person.service.client("dynamodb").update_item(
        TableName=SESSIONS,
        Key={"user": {"S": person.id}, "iat": {"N": str(own["iat"])}},
        UpdateExpression="SET address = :address",
        ExpressionAttributeValues={":address": {"S": address}},
    )
    page.reload()
    expect(items(page).first).to_contain_text(address)


def expect_no_sideways_scrolling(page: Page) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0


def expect_whole_words(page: Page) -> None:
    broken = """() => {
        const broken = [];
        for (const each of document.querySelectorAll("h1, button")) {
            const texts = document.createTreeWalker(each, NodeFilter.SHOW_TEXT);
            for (let text = texts.nextNode(); text; text = texts.nextNode()) {
                for (const {0: word, index} of text.data.matchAll(/[^\\s-]+/g)) {
                    const range = new Range();
                    range.setStart(text, index);
                    range.setEnd(text, index + word.length);
                    const lines = new Set([...range.getClientRects()].map(({top}) => top));
                    if (each.checkVisibility() && lines.size > 1) broken.push(word);
                }
            }
        }
        return broken;
    }"""
    assert page.evaluate(broken) == []


def details(page: Page, name: str) -> Locator:
    return items(page).filter(has_text=name).locator("details")


@pytest.mark.parametrize(
    ("locale", "zone", "form"),
    [
        ("en-US", "America/New_York", ["%B %-d, %Y", "%-I:%M"]),
        ("de-AT", "Asia/Tokyo", ["%-d. ", "%Y", "%H:%M"]),
        ("fr-FR", "Europe/Paris", ["%-d ", "%Y", "%H:%M"]),
        ("es-MX", "America/Mexico_City", ["%-d de ", "%Y", "%-I:%M"]),
        ("ja-JP", "Pacific/Chatham", ["%Y年%-m月%-d日", "%-H:%M"]),
        ("ar-EG", "Africa/Cairo", []),  # in digits of its own
    ],
)
def test_each_language_is_spoken(browse, address, person, devices, locale, zone, form):
    page = browse(address, locale=locale, timezone_id=zone, **MANY_COUNTRIES)
    language = locale[:2]
    words = json.loads((WORDS / f"{language}.json").read_text())
    expect(page.locator("#login")).to_be_visible()
    expect(page.locator("#login button[type=submit]")).to_have_text(words["login.submit"])
    assert page.evaluate("document.documentElement.lang") == language
    direction = "rtl" if language == "ar" else "ltr"
    assert page.evaluate("getComputedStyle(document.body).direction") == direction
    assert_is_sound(page, f"login-{language}")
    log_in_at(page, person, "203.0.113.42")
    expect(items(page)).to_have_count(5)
    expect(page.locator("h1:visible")).to_have_text(words["title"])
    expect(page).to_have_title(words["title"])
    details(page, "iPhone").locator("summary").click()
    shown = details(page, "iPhone").locator("dd").first
    moment = datetime.fromtimestamp(devices["Safari on iPhone"], ZoneInfo(zone))
    for part in form:
        expect(shown).to_contain_text(moment.strftime(part))
    assert_is_sound(page, f"list-{language}")
    assert not KEY.search(page.locator("body").inner_text())
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        expect_no_sideways_scrolling(page)
        if language != "ja":  # whose writing has no spaces
            expect_whole_words(page)
    assert_is_sound(page, f"phone-{language}")
    button(page, words["list.end_all"]).click()
    expect(page.get_by_role("dialog")).to_contain_text(words["ask.all_text"])
    expect_no_sideways_scrolling(page)


@pytest.mark.parametrize("names", [["en-US@posix"], ["C"], ["C", "de_CH.UTF-8"], []])
def test_a_browser_that_names_no_language_sees_the_page(browse, address, person, names):
    page = browse("about:blank")
    given = f"Object.defineProperty(navigator, 'languages', {{get: () => {names}}})"
    page.add_init_script(given)
    page.goto(address)
    is_german = len(names) == 2
    expect(page.locator("#login button[type=submit]")).to_have_text(
        "Anmelden" if is_german else "Log in"
    )
    page.locator("#user").fill(person.username)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(items(page)).to_have_count(1)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.refused("503")
def test_every_state_is_accessible(browse, address, person, devices, look):
    page = browse(address, **LOOKS[look], **MANY_COUNTRIES)
    expect_login(page)
    assert_is_sound(page, f"login-{look}")
    log_in(page, person, "a guess")
    expect_login(page, "password")
    assert_is_sound(page, f"refused-{look}")
    log_in_at(page, person, "203.0.113.42")
    expect(items(page)).to_have_count(5)
    if look == "phone":  # a row has two lines
        assert max(row.bounding_box()["height"] for row in items(page).all()) <= 80
    assert_is_sound(page, f"list-{look}")
    details(page, "iPhone").locator("summary").click()
    page.get_by_role("checkbox", name="Select curl").check()
    assert_is_sound(page, f"details-{look}")
    button(page, EVERYWHERE).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_is_sound(page, f"dialog-{look}")
    page.keyboard.press("Escape")
    end_button(page, "Firefox on Windows").click()
    expect(page.get_by_role("status")).to_contain_text("Firefox")
    assert_is_sound(page, f"ended-{look}")
    answer(page, status=503, headers={"Retry-After": "20"}, json=UNAVAILABLE)
    end_button(page, "Safari on iPad").click()
    expect(page.get_by_role("alert")).to_contain_text("seconds")
    assert_is_sound(page, f"waiting-{look}")
    button(page, "Log out").click()
    expect_login(page, status="logged out on this device")
    assert_is_sound(page, f"pending-{look}")


@pytest.mark.parametrize(
    "size",
    [
        {"viewport": {"width": 320, "height": 640}},  # WCAG 2.2, 1.4.10
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},  # 200 % of 1280
    ],
)
def test_nothing_is_wider_than_a_small_screen(browse, address, person, size):
    page = browse(address, **size)
    person.store("An-unusually-long-name-without-any-space-in-it-" * 3, DAY, DAY)
    expect_login(page)
    expect_no_sideways_scrolling(page)
    log_in(page, person)
    expect(items(page)).to_have_count(2)
    for summary in page.locator("summary").all():
        summary.click()
    expect_no_sideways_scrolling(page)
    button(page, EVERYWHERE).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect_no_sideways_scrolling(page)
    page.keyboard.press("Escape")
    end = page.get_by_role("button", name=re.compile("End session An-unusually"))
    end.click()
    expect(page.get_by_role("status")).to_contain_text("unusually")
    expect_no_sideways_scrolling(page)


def test_the_readers_own_colours_and_stillness_are_kept(browse, address, person, devices):
    wishes: dict[str, Any] = {"forced_colors": "active", "reduced_motion": "reduce"}
    page = browse(address, **wishes)
    log_in(page, person)
    expect(items(page)).to_have_count(5)
    badge = items(page).first.get_by_text("This session", exact=True)
    assert badge.evaluate("badge => getComputedStyle(badge).borderTopStyle") == "solid"
    assert_is_sound(page, "list-forced-colours")
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter(each => {
        const {animationDuration, transitionDuration} = getComputedStyle(each);
        return [animationDuration, transitionDuration].some(time => parseFloat(time) > 0);
    }).length""")
    assert moving == 0


def test_everything_can_be_done_with_the_keyboard(page, person, devices):
    def tab_to(target: Locator) -> None:
        for _ in range(30):
            if target.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"the Tab key does not reach {target}")

    tab_to(page.get_by_role("textbox", name="Username or e-mail"))
    page.keyboard.type(person.username)
    tab_to(page.get_by_label("Password", exact=True))
    page.keyboard.type(PASSWORD)
    tab_to(page.get_by_role("checkbox", name="Remember me"))
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Remember me")).to_be_checked()
    page.keyboard.press("Enter")
    expect(items(page)).to_have_count(5)

    tab_to(end_button(page, "Safari on iPhone"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("iPhone")
    assert page.evaluate("document.activeElement !== document.body")  # one goes on from there
    tab_to(details(page, "iPad").locator("summary"))
    page.keyboard.press("Enter")
    expect(details(page, "iPad")).to_contain_text("2001:db8::7")
    button(page, "Refresh").focus()
    tab_to(page.get_by_role("checkbox", name="Select curl"))
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Select all").focus()
    tab_to(button(page, "End selected sessions"))
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Ended one session.")
    assert set(person.names()[1:]) == {"Safari on iPad", "Firefox on Windows"}
    tab_to(button(page, EVERYWHERE))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    tab_to(dialog.get_by_role("button", name=EVERYWHERE))
    page.keyboard.press("Enter")
    expect_login(page)
    until_answered(page)
    assert person.names() == []
