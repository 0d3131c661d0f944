"""Pages in a browser: where they come from, how they look, and how they are opened."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.people import PASSWORD, Person
from tests.support.events import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "browser"
TOKEN = re.compile(r"eyJ[\w-]{20}")  # how each begins: base64url of `{"`
API = "**/api/**"
# The page asks who is logged in, which no script can see in the cookie; at first, nobody is.
ASKED = "the server responded with a status of 401"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 896, "height": 560}},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}

Browse = Callable[..., Page]
"""Opens a page by its URL, with options of a playwright context."""


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


def expect_login(page: Page, alert: str = "", status: str | None = None) -> None:
    """Expect the login and no session, and the messages to say this (regular expressions)."""
    expect(button(page, "Log in")).to_be_visible()
    expect(items(page)).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_text(
        re.compile(alert, re.IGNORECASE) if alert else ""
    )
    if status is not None:
        expect(page.get_by_role("status")).to_have_text(
            re.compile(status, re.IGNORECASE) if status else ""
        )


def answer(page: Page, **given: Any) -> None:
    """Have the service give this answer to all requests, until the page unroutes its paths."""
    page.context.route(API, lambda route: route.fulfill(**given))


def let_go(page: Page, held: list[Route]) -> None:
    """Let a request go on that was held, once there is one."""
    end = time.monotonic() + 15
    while not held:
        assert time.monotonic() < end
        page.evaluate("0")  # playwright hears of requests only while it is at work
    held.pop().continue_()


def until_answered(page: Page) -> None:
    """Wait until no request of a session is under way: each holds a lock (web/service.js)."""
    page.evaluate("navigator.locks.request('sessions', () => {})")


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve a folder from a port of its own; yield its origin."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    with server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def assert_is_sound(page: Page, screenshot: str = "") -> None:
    """Hold what a page shows now to axe-core; keep a picture of it if that has a name."""
    if screenshot:
        page.screenshot(path=SCREENSHOTS / f"{screenshot}.png", full_page=True)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    violations = [
        f"{violation['id']}: {node['html']}\n    {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert found["passes"]
    assert not violations, "\n".join(violations)
