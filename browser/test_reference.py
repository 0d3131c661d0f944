"""The reference at `/docs`: it shows every operation, and "try it" calls the service behind it."""

import json
import re

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from browser.conftest import LOOKS, ROOT, Browse, assert_is_accessible, operate
from tests.support.service import Service

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
METHODS = {"get", "post", "put", "patch", "delete"}
OPERATIONS = [
    (method.upper(), path, operation["summary"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]


@pytest.fixture
def reference(browse: Browse, service: Service) -> Page:
    return browse(address_of(service))


def address_of(service: Service) -> str:
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


def test_every_operation_is_shown(reference):
    shown = reference.locator(".opblock-summary")
    expect(shown).to_have_count(len(OPERATIONS))
    texts = [re.sub(r"\s+", " ", text) for text in shown.all_text_contents()]
    assert sorted(texts) == sorted(
        f"{method}{path}{summary}" for method, path, summary in OPERATIONS
    )


def test_whoever_tries_it_logs_in_and_uses_the_token(reference, service):
    status, body = answer_of(opened(reference, "Log in"))
    assert status == "201"
    authorize(reference, json.loads(body)["token"])
    status, body = answer_of(opened(reference, "Get the session in use"))
    assert status == "200"
    stored = operate(service, "ListUserSessionsFunction", user="joe")["items"]
    assert json.loads(body) == stored[0]


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_is_accessible(browse, service, look):
    page = browse(address_of(service), **LOOKS[look])
    expect(page.locator(".opblock-summary")).to_have_count(len(OPERATIONS))
    assert_is_accessible(page, f"docs-{look}")
    status, body = answer_of(opened(page, "Log in"))
    assert status == "201"
    assert_is_accessible(page, f"docs-tried-{look}")
    authorize(page, json.loads(body)["token"])
    assert_is_accessible(page)
