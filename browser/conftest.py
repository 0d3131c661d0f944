"""The service in a browser, as its users meet it: chromium, and a gateway that runs.

Python's playwright rather than Node's: these tests act on both sides of the browser, and the side
of the service (gateways, accounts, faults) is Python already.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.service import ROOT, Service, running

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "browser"
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
PASSWORD = "a long sentence of their own"  # noqa: S105 - of people that do not exist
TOKEN = re.compile(r"eyJ[\w-]{20}")  # how each begins: base64url of `{"`
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}

http = httpx.Client(timeout=60)  # one for all: to make one takes longer than most answers


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "refused(*words): chromium's console has lines with these words, each, and no others; "
        "it writes one itself for each answer of 400 and above, whatever a page does about it",
    )


class Person(NamedTuple):
    """A user of one test's own, seen from outside the browser."""

    service: Service
    id: str
    username: str

    def log_in(self, name: str, **more: object) -> dict[str, Any]:
        """Log in on another device of this name; return that session, with its `token`."""
        body = {"user": self.username, "pass": PASSWORD, **more}
        url = f"{self.service.url}/session"
        answer = http.post(url, json=body, headers={"X-Session-Name": name})
        assert answer.status_code == 201, answer.text
        token = answer.json()["token"]
        return {**http.get(url, headers={"Authorization": token}).json(), "token": token}

    def end(self, session: dict[str, Any]) -> None:
        """End a session from the device that it is on."""
        answer = http.delete(
            f"{self.service.url}/session/{session['iat']}",
            headers={"Authorization": session["token"]},
        )
        assert answer.status_code == 200, answer.text

    def names(self) -> list[str]:
        """Return the names of the sessions that are stored and live, newest first."""
        stored = operate(self.service, "ListUserSessionsFunction", id=self.id)
        return [session["name"] for session in stored["items"]]


def operate(service: Service, function: str, **given: object) -> dict[str, Any]:
    """Do what an operator does: invoke a function that has no route."""
    answer = service.client("lambda").invoke(FunctionName=function, Payload=json.dumps(given))
    told: dict[str, Any] = json.load(answer["Payload"])
    assert "FunctionError" not in answer, told
    return told


def person_of(service: Service, username: str) -> Person:
    """Create a user of this name."""
    email = f"{username}@example.com"
    made = operate(service, "CreateUserFunction", username=username, email=email, password=PASSWORD)
    return Person(service, made["id"], username)


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


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two origins: of a page that may call the service, and of one that may not."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><link rel=icon href=data:,>")
    with site(folder) as allowed, site(folder) as refused:
        yield allowed, refused


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, sites: tuple[str, str]) -> Iterator[Service]:
    """One gateway for all tests that need no rate limit and no fault."""
    state = tmp_path_factory.mktemp("service")
    with running(state, "--no-rate-limit", origins=sites[:1]) as service:
        yield service


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, with an empty profile for each test."""
    expect.set_options(PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS
        )
        yield browser
        browser.close()


@pytest.fixture
def person(service: Service, request: pytest.FixtureRequest) -> Person:
    return person_of(service, re.sub(r"\W+", "-", request.node.name).lower()[-60:].strip("-"))


Browse = Callable[..., Page]


@pytest.fixture
def browse(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """Open a page, with options of a playwright context.

    At the end chromium's console must be empty, but for what the test's marker `refused` says;
    neither it nor an address that was asked for may show a token; and nothing was asked for that
    is not on this machine.
    """
    marker = request.node.get_closest_marker("refused")
    expected: tuple[str, ...] = marker.args if marker else ()
    said: list[str] = []
    asked: list[str] = []

    def follow(page: Page) -> None:  # also where it goes without a request
        page.on("framenavigated", lambda frame: asked.append(frame.url))

    with ExitStack() as stack:

        def browse(url: str, **options: Any) -> Page:
            context = chromium.new_context(**{"locale": "en-GB", **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            context.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
            context.on("weberror", lambda error: said.append(f"uncaught: {error.error}"))
            context.on("request", lambda sent: asked.append(sent.url))
            context.on("page", follow)
            page = context.new_page()
            page.goto(url)
            return page

        yield browse
    assert [line for line in said if not any(word in line for word in expected)] == []
    assert [word for word in expected if not any(word in line for line in said)] == []
    assert [text for text in (*said, *asked) if TOKEN.search(text)] == []
    assert [
        url for url in asked if not url.startswith(("http://127.0.0.1:", "about:", "data:"))
    ] == []


def assert_is_accessible(page: Page, screenshot: str = "") -> None:
    """Hold what a page shows now to axe-core, and keep a picture of it if that has a name."""
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
