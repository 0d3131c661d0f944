"""What the guards do that the programs of examples/ do not show; without a database."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple

import httpx
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test import RequestFactory
from django.views import View
from fastapi import Depends, FastAPI
from flask import Flask, g
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sessions import errors
from sessions.guards import django, fastapi, flask
from sessions.verifier import VerifiedSession

TOKEN = "good"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SESSION = VerifiedSession("joe", 2, 2, 9, "Chrome on Windows", "password")


class Stub:
    """A Verifier that knows one token; or fails, as one with a mistake would."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    def verify(self, token: str, **_: Any) -> VerifiedSession:
        if self.fault:
            raise self.fault
        if token != TOKEN:
            raise errors.InvalidSession
        return SESSION


class Seen(NamedTuple):
    """The status of an answer, and the session of each call of the view."""

    status: int
    sessions: list[Any]


Ask = Callable[..., Seen]


def status_of(app: Starlette, headers: dict[str, str]) -> int:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://product") as client:
            return await client.get("/", headers=headers)

    return asyncio.run(get()).status_code


def ask_fastapi(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    app, sessions = FastAPI(), []
    fastapi.answer_refusals(app)
    protected = Depends(fastapi.protect(verifier, **options))

    @app.get("/")
    async def view(session: Annotated[VerifiedSession, protected]) -> None:
        sessions.append(session)

    return Seen(status_of(app, headers), sessions)


def ask_starlette(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    sessions, verified_session = [], fastapi.protect(verifier, **options)

    def view(request: Request) -> Response:
        sessions.append(verified_session(request))
        return Response()

    app = Starlette(routes=[Route("/", view)])
    fastapi.answer_refusals(app)
    return Seen(status_of(app, headers), sessions)


def ask_flask(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    app, sessions = Flask(__name__), []

    @app.get("/")
    @flask.protect(verifier, **options)
    async def view() -> str:
        sessions.append(g.get("verified_session"))
        return ""

    return Seen(app.test_client(use_cookies=False).get("/", headers=headers).status_code, sessions)


def ask_django(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    sessions = []

    @django.protect(verifier, **options)
    def view(request: Any, key: str) -> HttpResponse:
        sessions.append(getattr(request, "verified_session", None))
        return HttpResponse()

    try:
        return Seen(view(RequestFactory().get("/", headers=headers), key="1").status_code, sessions)
    except ValueError:  # what Django answers with 500
        return Seen(500, sessions)


def asgi_request(*headers: tuple[str, str]) -> ASGIRequest:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers]
    return ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": sent}, None)


def ask_django_in_a_loop(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    sessions = []

    @django.protect(verifier, **options)
    async def view(request: Any, key: str) -> HttpResponse:
        await asyncio.sleep(0)
        sessions.append(getattr(request, "verified_session", None))
        return HttpResponse()

    request = asgi_request(*headers.items())
    try:
        return Seen(asyncio.run(view(request, key="1")).status_code, sessions)
    except ValueError:
        return Seen(500, sessions)


def ask_a_class_of_django(verifier: Any, headers: dict[str, str], **options: Any) -> Seen:
    sessions = []

    class Page(View):
        async def get(self, request: Any) -> HttpResponse:
            sessions.append(getattr(request, "verified_session", None))
            return HttpResponse()

    view = django.protect(verifier, **options)(Page.as_view())
    request = asgi_request(*headers.items())
    try:
        return Seen(asyncio.run(view(request)).status_code, sessions)
    except ValueError:
        return Seen(500, sessions)


@pytest.fixture(
    params=[
        ask_fastapi,
        ask_starlette,
        ask_flask,
        ask_django,
        ask_django_in_a_loop,
        ask_a_class_of_django,
    ]
)
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    settings.configure()
    yield
    settings._wrapped = None


def test_views_that_are_coroutines_are_guarded_too(ask):
    assert ask(Stub(), BEARER) == (200, [SESSION])
    assert ask(Stub(), {"Authorization": "bad"}) == (401, [])
    assert ask(Stub(), {}) == (401, [])


def test_a_mistake_is_500_and_lets_nobody_in(ask):
    assert ask(Stub(ValueError("a damaged row")), BEARER) == (500, [])


def test_each_error_of_the_verifier_lets_nobody_in(ask):
    refusals = [errors.InvalidSession(), errors.Banned(), errors.StaleSession(1)]
    statuses = [ask(Stub(error), BEARER) for error in [*refusals, errors.Unavailable()]]
    assert statuses == [(401, []), (403, []), (401, []), (503, [])]


@pytest.mark.parametrize(
    "cookie", [TOKEN, f"={TOKEN}", f"session={TOKEN}", f"__Host-session={TOKEN}"]
)
def test_without_the_name_of_a_cookie_none_counts(ask, cookie):
    assert ask(Stub(), {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}) == (401, [])


def test_a_cookie_of_the_name_counts(ask):
    headers = {"Cookie": f"__Host-session={TOKEN}", "Sec-Fetch-Site": "same-origin"}
    assert ask(Stub(), headers, cookie="__Host-session") == (200, [SESSION])


def test_fastapi_without_the_answers_lets_nobody_in():
    app = FastAPI()
    app.get("/", dependencies=[Depends(fastapi.protect(Stub()))])(lambda: "in")
    assert status_of(app, {}) == 500
    assert status_of(app, BEARER) == 200


def test_a_header_that_comes_twice_to_django_in_a_loop_is_refused():
    view = django.protect(Stub())(lambda _: HttpResponse())
    assert view(asgi_request(*BEARER.items())).status_code == 200
    assert view(asgi_request(*BEARER.items(), *BEARER.items())).status_code == 401


def test_who_guards_a_route_of_django_keeps_its_marks():
    def view(request: Any) -> HttpResponse:
        """Words."""

    view.csrf_exempt = True
    guarded = django.protect(Stub())(view)
    assert (guarded.__name__, guarded.__doc__, guarded.csrf_exempt) == ("view", "Words.", True)
