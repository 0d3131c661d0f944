"""The service in a browser, as its users meet it: chromium or Firefox, and a gateway that runs.

Python's playwright rather than Node's: these tests act on both sides of the browser, and the side
of the service (gateways, accounts) is Python already.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.pages import TOKEN, Browse, expect_login, items, log_in, site
from tests.browser.people import Person, new_person
from tests.support.service import Service, running

CHROMIUM_OPTIONS = [
    "--no-sandbox",  # it cannot have one as root, as which continuous integration runs
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MILLISECONDS = 15_000  # of a test with what it waits for
START_MILLISECONDS = 60_000  # it takes 3 s on a machine with nothing else to do
# How addresses on this machine begin; one test comes by a URL with a password.
OWN = ("http://127.0.0.1:", "http://localhost:", "http://joe:secret@127.0.0.1:", "about:", "data:")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "refused(*words, firefox=()): chromium's console has lines with these words, each, and no "
        "others, and Firefox's with those; chromium writes one itself for each answer of 400 and "
        "above, whatever a page does about it",
    )


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two origins: of a page that may call the service, and of one that may not."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><link rel=icon href=data:,>")
    with site(folder) as allowed, site(folder) as refused:
        yield allowed, refused


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, sites: tuple[str, str]) -> Iterator[Service]:
    """One gateway for all tests; without a rate limit, and for pages of the first site."""
    state = tmp_path_factory.mktemp("service")
    with running(state, "--no-rate-limit", origins=sites[:1]) as service:
        yield service


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS
    ) as browser:
        yield browser


@pytest.fixture(scope="session")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """Debian's, by WebDriver BiDi: without the channel, playwright wants a build of its own."""
    with playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=shutil.which("firefox-esr"),
        timeout=START_MILLISECONDS,
    ) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser of a test, with an empty profile for each; a module may have another."""
    return chromium


@pytest.fixture
def person(service: Service, request: pytest.FixtureRequest) -> Person:
    """A user of the test's own."""
    return new_person(service, re.sub(r"\W+", "-", request.node.name).lower()[-60:].strip("-"))


@pytest.fixture
def browse(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """Open pages; the rules for all of them are looked after at the end.

    The console must be empty, but for the words of the test's marker `refused`; neither it nor a
    requested address may show a token; and nothing was requested that is not on this machine.
    """
    expected: list[str] = []
    for marker in request.node.iter_markers("refused"):
        is_firefox = browser.browser_type.name == "firefox"
        expected += marker.kwargs.get("firefox", ()) if is_firefox else marker.args
    lines: list[str] = []
    addresses: list[str] = []

    def follow(page: Page) -> None:  # also where it goes without a request
        page.on("framenavigated", lambda frame: addresses.append(frame.url))

    with ExitStack() as stack:

        def browse(url: str, **options: Any) -> Page:
            context = browser.new_context(**{"locale": "en-GB", **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            context.on("console", lambda message: lines.append(f"{message.type}: {message.text}"))
            context.on("weberror", lambda error: lines.append(f"uncaught: {error.error}"))
            context.on("request", lambda request: addresses.append(request.url))
            context.on("page", follow)
            page = context.new_page()
            page.goto(url)
            return page

        yield browse
    assert [line for line in lines if not any(word in line for word in expected)] == []
    assert [word for word in expected if not any(word in line for line in lines)] == []
    assert [text for text in (*lines, *addresses) if TOKEN.search(text)] == []
    assert [url for url in addresses if not url.startswith(OWN)] == []


@pytest.fixture
def address(service: Service) -> str:
    """Where the page "Your sessions" is."""
    return service.url.removesuffix("api")


@pytest.fixture
def page(browse: Browse, address: str) -> Iterator[Page]:
    """The page "Your sessions", before anybody has logged in."""
    page = browse(address)
    expect_login(page)
    yield page
    assert not TOKEN.search(page.content())


@pytest.fixture
def others(person: Person) -> dict[str, int]:
    """The IDs of three sessions that the person has elsewhere, the least used first."""
    day = 86_400
    return {
        "old laptop": person.store("old laptop", 20 * day, 12 * day),
        "tablet": person.store("tablet", 25 * day, 3 * day),
        "work phone": person.store("work phone", 2 * day, 1800, address="192.0.2.7", country="FR"),
    }


@pytest.fixture
def open_page(page: Page, person: Person, others: dict[str, int]) -> Page:
    """The page of a person who has logged in on it, as well as elsewhere."""
    log_in(page, person)
    expect(items(page)).to_have_count(4)
    return page
