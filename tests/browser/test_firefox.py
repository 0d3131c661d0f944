"""The page "Your sessions" in Firefox: what everybody comes to it for."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import PASSWORD


@pytest.fixture
def browser(firefox: Browser) -> Browser:
    return firefox


def test_a_person_logs_in_ends_another_session_and_logs_out(browse, service, person):
    person.log_in("tablet")
    page = browse(service.url.removesuffix("api"))
    page.get_by_role("textbox", name="Username or e-mail").fill(person.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    sessions = page.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    expect(sessions.first).to_contain_text("Firefox on Linux")
    expect(sessions.first.get_by_text("This session")).to_be_visible()
    page.get_by_role("button", name="End session tablet").click()
    expect(page.get_by_role("status")).to_contain_text("tablet")
    assert person.names() == ["Firefox on Linux"]
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    assert person.names() == []
