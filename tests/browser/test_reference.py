"""The reference at `/docs`: it shows every operation, and "try it" calls the service behind it."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import LOOKS, Browse, assert_is_sound
from tests.support.openapi import OPERATIONS
from tests.support.service import Service


@pytest.fixture
def address(service: Service) -> str:
    return service.url.removesuffix("api") + "docs"


def opened(page: Page, summary: str) -> Locator:
    """Open the first operation of this summary, ready to be tried; return its part of the page."""
    part = page.locator(".opblock", has_text=summary).first
    part.get_by_role("button", name=summary).click()
    part.get_by_role("button", name="Try it out").click()
    return part


def answer_of(part: Locator) -> tuple[str, str]:
    """Execute an operation; return the status and the body that the page shows."""
    part.get_by_role("button", name="Execute").click()
    answer = part.locator(".live-responses-table")
    status = answer.locator("tbody .response-col_status").first
    expect(status).to_have_text(re.compile(r"\d{3}"))
    return status.inner_text().strip(), answer.locator("pre").first.inner_text()


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill(token)
    dialog.get_by_role("button", name="Authorize").first.click()
    dialog.get_by_role("button", name="Close").last.click()


@pytest.mark.parametrize("look", LOOKS)
def test_every_operation_is_shown_and_can_be_tried(
    browse: Browse, service: Service, address: str, look: str
):
    page = browse(address, **LOOKS[look])
    shown = page.locator(".opblock-summary")
    expect(shown).to_have_count(len(OPERATIONS))
    texts = [re.sub(r"\s+", " ", text) for text in shown.all_text_contents()]
    assert sorted(texts) == sorted(
        f"{method.upper()}{path}{operation['summary']}"
        for (method, path), operation in OPERATIONS.items()
    )
    assert_is_sound(page, f"docs-{look}")

    status, body = answer_of(opened(page, "Log in"))
    assert status == "201"
    assert_is_sound(page, f"docs-tried-{look}")
    authorize(page, json.loads(body)["token"])
    status, body = answer_of(opened(page, "Get the session in use"))
    assert status == "200"
    assert json.loads(body) == service.operate("list_user_sessions", login="joe")["items"][0]
    assert_is_sound(page)
