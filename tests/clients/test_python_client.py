"""The Python clients, both held to the same, against a service that runs."""

import asyncio
import copy
import itertools
import json
import os
import pickle
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from _pytest._io.saferepr import saferepr

from sessions_client import (
    AsyncSessionsClient,
    Banned,
    Internal,
    InvalidEndpoint,
    InvalidPassword,
    InvalidSession,
    MissingFields,
    NetworkError,
    Page,
    RateLimited,
    SessionsClient,
    SessionsError,
    Token,
    Unavailable,
)
from tests.support.contract import REMEMBERED_SESSION_SECONDS, SESSION_SECONDS
from tests.support.leaks import PASSWORD
from tests.support.service import Service

PACKAGE = Path(__file__).parents[2] / "clients" / "python"
NOWHERE = "http://127.0.0.1:1/api"

_numbers = itertools.count(1)


class Awaited:
    """An async client, called as if it were the other one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: AsyncSessionsClient) -> None:
        self.__dict__.update(loop=loop, client=client)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.client, name)
        if name == "all_sessions":
            return lambda *given: self._stepping(member(*given))
        if not callable(member):
            return member
        return lambda *given, **named: self.loop.run_until_complete(member(*given, **named))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.client, name, value)

    def _stepping(self, iterator: Any) -> Iterator[Any]:
        while True:
            try:
                yield self.loop.run_until_complete(anext(iterator))
            except StopAsyncIteration:
                return


Make = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, service: Service) -> Iterator[Make]:
    """Make clients of either kind; `answer` takes the service's place, `waits` hears of waits."""
    clients = []
    with asyncio.Runner() as runner:

        def make(
            url: str = service.url,
            *,
            answer: Callable[[httpx.Request], httpx.Response] | None = None,
            waits: list[float] | None = None,
            **options: Any,
        ) -> Any:
            is_async = request.param == "async"
            if answer is not None:
                own = httpx.AsyncClient if is_async else httpx.Client
                options["http_client"] = own(transport=httpx.MockTransport(answer))
            heard = [] if waits is None else waits

            async def hear(seconds: float) -> None:
                heard.append(seconds)

            if is_async:
                sleep = {} if waits is None else {"sleep": hear}
                client = AsyncSessionsClient(url, **sleep, **options)
                clients.append(client)
                return Awaited(runner.get_loop(), client)
            sleep = {} if waits is None else {"sleep": heard.append}
            clients.append(SessionsClient(url, **sleep, **options))
            return clients[-1]

        yield make
        for client in clients:
            if isinstance(client, AsyncSessionsClient):
                runner.run(client.aclose())
            else:
                client.close()


@pytest.fixture
def new_user(service: Service) -> Callable[..., str]:
    def new_user() -> str:
        user = f"py{next(_numbers)}"
        person = {"username": user, "email": f"{user}@example.com", "password": PASSWORD}
        service.operate("create_user", **person)
        return user

    return new_user


@pytest.fixture
def logged_in(make: Make, new_user: Callable[..., str]) -> Callable[..., Any]:
    """Return a client that is logged in, as a new user or once more as one."""

    def logged_in(user: str | None = None) -> Any:
        client = make()
        client.log_in(user or new_user(), PASSWORD)
        return client

    return logged_in


# -------------------------------------------------------------- operations


def test_logs_in_with_a_name_sees_the_session_and_logs_out(make, new_user):
    client = make()
    assert client.token is None
    token = client.log_in(new_user(), PASSWORD, name=" نوت\u200cبوک\xa0👩\u200d💻")
    assert client.token == token.token
    here = client.current_session()
    assert here.name == "نوت\u200cبوک 👩\u200d💻"
    assert here.exp == token.exp == here.created_at + SESSION_SECONDS
    assert here.began == datetime.fromtimestamp(here.created_at, UTC)
    assert here.ends == token.ends == datetime.fromtimestamp(token.exp, UTC)
    assert abs(here.created_at - time.time()) < 60
    assert client.session(here.iat) == here
    assert client.end_session(here.iat) is None
    with pytest.raises(InvalidSession):
        client.current_session()


def test_logs_in_by_address_to_be_remembered(make, new_user):
    client = make()
    client.log_in(f"{new_user()}@example.com", PASSWORD, remember_me=True)
    session = client.current_session()
    assert session.exp - session.created_at == REMEMBERED_SESSION_SECONDS


def test_takes_a_token_and_logs_in_anew_with_a_stale_one(make, new_user, logged_in):
    user = new_user()
    client = make(token=logged_in(user).token)
    stale = client.current_session()
    client.end_session(stale.iat)
    client.log_in(user, PASSWORD)
    assert client.current_session() != stale
    client.token = None
    with pytest.raises(InvalidSession):
        client.current_session()


def test_logs_in_afresh_in_the_place_of_the_session_in_use(make, new_user):
    user, client = new_user(), make()
    client.log_in(user, PASSWORD, remember_me=True, name="my laptop")
    before = client.current_session()
    with pytest.raises(InvalidPassword):
        client.reauthenticate("wrong")
    assert client.current_session() == before
    token = client.reauthenticate(PASSWORD)
    assert client.token == token.token
    (session,) = client.sessions().items
    assert (session.iat > before.iat, session.name) == (True, "my laptop")
    assert session.exp - session.created_at == REMEMBERED_SESSION_SECONDS


def test_logs_in_afresh_with_a_token_of_before_if_it_is_told_whose_it_is(make, new_user, logged_in):
    user = new_user()
    client = make(token=logged_in(user).token)
    with pytest.raises(ValueError, match="name it"):
        client.reauthenticate(PASSWORD)
    client.reauthenticate(PASSWORD, user=user, name="again")
    assert [session.name for session in client.sessions().items] == ["again"]


def test_lists_the_sessions_by_pages_newest_first(new_user, logged_in):
    user = new_user()
    client, *_ = [logged_in(user) for _ in range(3)]
    page = client.sessions()
    assert page.count == len(page.items) == 3
    assert page.items == tuple(sorted(page.items, key=lambda session: -session.iat))
    assert client.sessions(limit=1, offset=1) == Page(3, page.items[1:2])
    assert client.sessions(offset=3) == Page(3, ())


def test_iterates_over_every_session_whatever_the_size_of_pages(new_user, logged_in):
    user = new_user()
    client, *_ = [logged_in(user) for _ in range(5)]
    sessions = client.sessions().items
    for size in (1, 2, 3, 4, 5, 6, 1000):
        assert tuple(client.all_sessions(size)) == sessions
    assert tuple(client.all_sessions()) == sessions


def test_iterates_over_every_session_while_each_is_ended_as_it_comes(new_user, logged_in):
    user = new_user()
    client, *_ = [logged_in(user) for _ in range(7)]
    here = client.current_session()
    ended = [
        client.end_session(session.iat) for session in client.all_sessions(3) if session != here
    ]
    assert len(ended) == 6
    assert client.sessions() == Page(1, (here,))


def test_iterates_over_each_session_once_while_somebody_logs_in(new_user, logged_in):
    user = new_user()
    client, *_ = [logged_in(user) for _ in range(4)]
    sessions = client.sessions().items
    seen = []
    for session in client.all_sessions(2):
        seen.append(session)
        if len(seen) == 1:
            logged_in(user)
    assert tuple(seen) == sessions


def test_ends_several_sessions_and_all_but_this_one_and_all(new_user, logged_in):
    user = new_user()
    client, *_ = [logged_in(user) for _ in range(5)]
    first, second, *_ = client.sessions().items
    assert client.end_sessions(iat for iat in (first.iat, second.iat, 1)) == 2
    assert client.end_sessions([]) == 0
    assert client.end_all_sessions(except_this=True) == 2
    assert client.sessions().items == (client.current_session(),)
    logged_in(user)
    assert client.end_all_sessions() == 2
    with pytest.raises(InvalidSession):
        client.current_session()


# ------------------------------------------------------------------ errors


def test_says_which_fields_are_missing_or_wrong(make, logged_in):
    with pytest.raises(MissingFields, match=r"^Missing Fields$") as raised:
        logged_in().sessions(limit=0, offset=-1)
    error = raised.value
    assert error.fields == ("limit", "offset")
    assert (error.status, error.code) == (400, "MISSING_FIELDS_ERROR")
    assert re.fullmatch(r"[0-9a-f-]{36}", error.request_id)
    with pytest.raises(MissingFields) as raised:
        make().log_in("", "")
    assert raised.value.fields == ("user", "pass")


@pytest.mark.parametrize("token", [None, "", "none", "nöne"])
def test_knows_that_a_token_is_none(make, token):
    with pytest.raises(InvalidSession) as raised:
        make(token=token).sessions()
    assert (raised.value.status, raised.value.code) == (401, "INVALID_SESSION_ERROR")
    assert raised.value.reason is None


def test_says_why_a_session_is_over(logged_in):
    client = logged_in()
    client.end_all_sessions()
    with pytest.raises(InvalidSession) as raised:
        client.current_session()
    assert raised.value.reason == "all"


@pytest.mark.parametrize("no_id", ["..", ".", "", "../sessions/all", "1/../..", "1?x"])
def test_asks_for_nothing_with_what_cannot_be_an_id(make, no_id):
    client = make(NOWHERE)  # where asking would be a NetworkError
    with pytest.raises(ValueError, match="invalid literal"):
        client.session(no_id)
    with pytest.raises(ValueError, match="invalid literal"):
        client.end_session(no_id)


def test_knows_a_wrong_base_url_and_does_not_mind_a_slash_at_its_end(service, make):
    with pytest.raises(InvalidEndpoint):
        make(f"{service.url}/nowhere").current_session()
    with pytest.raises(InvalidSession):
        make(f"{service.url}/").current_session()


def shown_of(error: BaseException | None) -> str:
    """Return all that tools show of an error and of each that led to it.

    Its words, what it holds, and the variables of every function but those of this test.
    """
    shown = []
    while error is not None:
        shown += traceback.format_exception_only(error)
        shown.append(repr(vars(error)))
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown.append(f"{frame.f_code.co_filename}:{line}")
                shown += map(saferepr, frame.f_locals.values())
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def test_shows_no_token_in_what_it_prints(make, new_user):
    client = make()
    token = client.log_in(new_user(), PASSWORD)
    plain = getattr(client, "client", client)
    assert token.token not in f"{plain!r} {vars(plain)} {token!r} {token}"
    client.end_all_sessions()
    with pytest.raises(InvalidSession) as raised:
        client.current_session()
    assert token.token not in shown_of(raised.value)


SECRET = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
AROUND = ["{}\n", "{}\r\n", " {} ", "\t{}\x0b\x0c", "\x85{}\u2028"]
INSIDE = ["{}\nx", "{}\r\nX-Evil: 1", "{}\0", "\ufeff{}", "x\x7f{}", "{}\u200b", "{}\ud800"]


@pytest.mark.parametrize("written", AROUND)
def test_drops_white_space_around_a_token(make, written):
    canned = Canned(DONE, DONE)
    client = make(answer=canned, token=written.format(SECRET))
    client.sessions()
    client.token = written.format("other")
    client.sessions()
    sent = [request.headers["Authorization"] for request in canned.requests]
    assert (sent, client.token) == ([SECRET, "other"], "other")


@pytest.mark.parametrize("written", INSIDE)
def test_refuses_a_token_that_no_header_can_hold_and_shows_nothing_of_it(make, written):
    client = make(NOWHERE)  # where asking would be a NetworkError
    client.token = written.format(SECRET)
    with pytest.raises(
        SessionsError, match=r"^The token is none: no header can hold it$"
    ) as raised:
        client.sessions()
    assert SECRET not in shown_of(raised.value)


def test_shows_no_token_and_no_password_where_nothing_answers(make):
    client = make(NOWHERE, token=SECRET)
    with pytest.raises(NetworkError) as raised:
        client.sessions()
    assert SECRET not in shown_of(raised.value)
    with pytest.raises(NetworkError) as raised:
        client.log_in("joe", PASSWORD)
    assert PASSWORD not in shown_of(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError)


def test_shows_no_token_beside_a_wrong_base_url(make):
    with pytest.raises(SessionsError) as raised:
        make("http://joe:secret@service", token=SECRET)
    assert SECRET not in shown_of(raised.value)


@pytest.mark.parametrize("body", [{"token": SECRET}, {"token": SECRET, "exp": SECRET}])
def test_shows_no_token_of_an_answer_that_lacks_something(make, body):
    with pytest.raises(SessionsError) as raised:
        make(answer=Canned(httpx.Response(201, json=body))).log_in("joe", "joe")
    assert SECRET not in shown_of(raised.value)


def test_shows_no_token_that_was_taken_for_an_id(make):
    with pytest.raises(ValueError, match="whole number") as raised:
        make(NOWHERE).session(SECRET)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


# --------------------------------------------- what the service seldom answers

SESSION = {"iat": 5, "exp": 6, "sub": "u", "name": "n", "createdAt": 4, "method": "password"}
UNAVAILABLE = {"code": "SERVICE_UNAVAILABLE_ERROR", "message": "Service Unavailable"}
LIMITED = {"code": "RATELIMITED_ERROR", "message": "You Have Been Ratelimited."}
MISTAKE = {"code": "INTERNAL_SERVER_ERROR", "message": "Internal Server Error"}
DONE = httpx.Response(200, json={"count": 0, "items": []})


def busy(seconds: int, status: int = 503, body: Any = UNAVAILABLE) -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": str(seconds)}, json=body)


class Canned:
    """Gives these answers in turn, and keeps the requests."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if not self.answers:
            raise httpx.ReadError("the connection was closed", request=request)
        return copy.copy(self.answers.pop(0))


def test_a_session_began_when_it_says_though_its_id_is_ahead(make):
    session = make(answer=Canned(httpx.Response(200, json=SESSION))).current_session()
    assert (session.iat, session.began) == (5, datetime.fromtimestamp(4, UTC))


def test_iterates_in_pages_of_the_size_it_is_told(make):
    canned = Canned(DONE)
    assert list(make(answer=canned).all_sessions(7)) == []
    assert [request.url.query for request in canned.requests] == [b"limit=7&offset=0"]


@pytest.mark.parametrize("ended", range(13))
def test_iterates_over_every_session_that_is_left_when_several_end_at_once(make, ended):
    """It goes back by whole pages, so this takes few requests."""
    left = [SESSION | {"iat": iat} for iat in range(12, 0, -1)]
    requests = []

    def page(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        offset, limit = (int(request.url.params[name]) for name in ("offset", "limit"))
        return httpx.Response(200, json={"count": len(left), "items": left[offset:][:limit]})

    seen = []
    for session in make(answer=page).all_sessions(3):
        seen.append(session.iat)
        if len(seen) == 7:  # with the last of the third page
            del left[:ended]
    assert seen == [*range(12, 5, -1), *range(min(5, 12 - ended), 0, -1)]
    assert len(requests) < 10


def test_tries_again_after_the_time_that_the_answer_names(make):
    canned = Canned(busy(7, 429, LIMITED), busy(30), httpx.Response(503, text="a page"), DONE)
    waits = []
    assert make(answer=canned, waits=waits).sessions(limit=5) == Page(0, ())
    assert waits == [7, 30, 1]
    assert {request.url.query for request in canned.requests} == {b"limit=5"}


def test_tries_a_login_again_that_was_answered_since_nothing_came_of_it(make):
    canned = Canned(busy(1), httpx.Response(201, json={"token": "t", "exp": 5}))
    client = make(answer=canned, waits=[])
    assert client.log_in("joe", "joe") == Token("t", 5)
    bodies = [json.loads(request.content) for request in canned.requests]
    assert bodies == [{"user": "joe", "pass": "joe", "rememberMe": False}] * 2


def test_tries_three_times_more_or_as_often_as_it_is_told(make):
    waits = []
    with pytest.raises(Unavailable) as raised:
        make(answer=Canned(*[busy(2)] * 9), waits=waits).current_session()
    assert (raised.value.status, raised.value.retry_after) == (503, 2)
    assert waits == [2, 2, 2]
    once = Canned(*[busy(2)] * 9)
    with pytest.raises(Unavailable):
        make(answer=once, retries=0).current_session()
    assert len(once.requests) == 1


def test_does_not_wait_longer_than_half_a_minute(make):
    waits = []
    headers = {"Retry-After": "31", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}
    answers = [httpx.Response(429, headers=headers, json=LIMITED), DONE]
    with pytest.raises(RateLimited) as raised:
        make(answer=Canned(*answers), waits=waits).sessions()
    error = raised.value
    assert (error.retry_after, error.limit, error.remaining) == (31, 5, 0)
    assert waits == []


THEN = "Thu, 01 Jan 2026 00:00:00 GMT"  # long ago: our own clock does not matter


def named(moment: str, now: str | None = THEN, status: int = 503) -> httpx.Response:
    headers = {"Retry-After": moment} | ({} if now is None else {"Date": now})
    return httpx.Response(status, headers=headers, json=LIMITED if status == 429 else UNAVAILABLE)


def test_waits_until_the_date_that_the_answer_names_by_the_clock_of_who_sent_it(make):
    waits = []
    soon = named("Thu, 01 Jan 2026 00:00:20 GMT", status=429)
    canned = Canned(soon, named("Wed, 31 Dec 2025 23:59:59 GMT"), DONE)
    assert make(answer=canned, waits=waits).sessions() == Page(0, ())
    assert waits == [20, 1]
    late = Canned(named("Thu, 01 Jan 2026 00:00:31 GMT", status=429), DONE)
    with pytest.raises(RateLimited) as raised:
        make(answer=late, waits=waits).sessions()
    assert (raised.value.retry_after, waits) == (31, [20, 1])


def test_reads_a_date_by_its_own_clock_where_it_is_told_no_other(make):
    in_an_hour = named(formatdate(time.time() + 3600, usegmt=True), now=None, status=429)
    with pytest.raises(RateLimited) as raised:
        make(answer=Canned(in_an_hour, DONE)).sessions()
    assert abs(raised.value.retry_after - 3600) < 60


@pytest.mark.parametrize(
    "moment", ["9999999999999999", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"], ids=len
)
def test_does_not_wait_for_a_moment_after_half_a_minute_however_it_is_written(make, moment):
    waits = []
    with pytest.raises(Unavailable) as raised:
        make(answer=Canned(named(moment), DONE), waits=waits).sessions()
    assert raised.value.retry_after >= 2**31
    assert waits == []


@pytest.mark.parametrize("moment", ["", "soon", "-5", "7.5", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_waits_a_second_where_the_header_names_no_moment(make, moment):
    waits = []
    answer = named("")
    answer.headers["Retry-After"] = moment
    assert make(answer=Canned(answer, DONE), waits=waits).sessions() == Page(0, ())
    assert waits == [1]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(busy(1, 504), Unavailable), (httpx.Response(500, json=MISTAKE), Internal)],
)
def test_does_not_try_again_what_may_be_at_work_or_was_answered_otherwise(make, answer, error):
    canned = Canned(answer, DONE)
    with pytest.raises(error):
        make(answer=canned, waits=[]).sessions()
    assert len(canned.requests) == 1


def test_does_not_try_again_what_got_no_answer(make):
    canned = Canned()
    client = make(answer=canned, waits=[])
    with pytest.raises(NetworkError) as raised:
        client.log_in("joe", "joe")
    error = raised.value
    assert client.token is None
    assert isinstance(error.__cause__, httpx.ReadError)
    assert (error.status, error.code, error.request_id) == (None, None, None)
    assert len(canned.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(502, text="<html>Bad Gateway</html>"), None),
        (httpx.Response(200, text="<html>Log in to this network</html>"), None),
        (httpx.Response(200, text="null"), None),
        (httpx.Response(200, json={"hello": "world"}), None),
        (httpx.Response(200, json={"count": 1, "items": [{"iat": 5}]}), None),
        (httpx.Response(307, headers={"Location": "http://elsewhere"}), None),
        (httpx.Response(403, json={"message": "Forbidden"}), None),
        (httpx.Response(403, json={"code": 5, "message": {"no": "words"}}), None),
        (httpx.Response(400, json=["no", "object"]), None),
        (httpx.Response(418, json={"code": "TEAPOT", "message": "short and stout"}), "TEAPOT"),
    ],
)
def test_knows_what_is_no_answer_of_the_service(make, answer, code):
    canned = Canned(answer)
    with pytest.raises(SessionsError) as raised:
        make(answer=canned).sessions()
    assert type(raised.value) is SessionsError
    assert (raised.value.status, raised.value.code) == (answer.status_code, code)
    said = f"Not an answer of the session service: HTTP status {answer.status_code}"
    assert str(raised.value) in (said, "Forbidden", "short and stout")
    assert len(canned.requests) == 1


DEEP = "[" * 200_000
CALLS: dict[str, tuple[Any, ...]] = {
    "log_in": ("j", "j"),
    "end_sessions": ([1],),
    "end_session": (1,),
}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        *[("log_in", body) for body in ({}, {"token": None, "exp": 5}, {"token": 5, "exp": 5})],
        *[("log_in", body) for body in ({"token": "t"}, [], DEEP)],
        *[("current_session", SESSION | wrong) for wrong in ({"iat": "5"}, {"createdAt": None})],
        *[("current_session", SESSION | wrong) for wrong in ({"method": 5}, {"by": None})],
        *[("current_session", SESSION | wrong) for wrong in ({"usedAt": "4"}, {"idleExp": None})],
        *[("current_session", SESSION | wrong) for wrong in ({"address": 5}, {"country": None})],
        *[("current_session", body) for body in ({}, DEEP)],
        *[("sessions", body) for body in ({}, {"count": 1}, {"count": 1, "items": [{}]})],
        *[("sessions", body) for body in ({"count": "1", "items": []}, [], DEEP)],
        *[("end_sessions", body) for body in ({}, {"count": None}, {"count": True}, DEEP)],
        *[("end_all_sessions", body) for body in ({}, {"count": "1"}, DEEP)],
        *[("end_session", body) for body in ([], "5", DEEP)],
    ],
    ids=lambda value: str(value)[:60],
)
def test_knows_that_a_success_which_lacks_what_it_must_hold_is_none(make, call, body):
    status = 201 if call == "log_in" else 200
    text = body if body == DEEP else json.dumps(body)
    client = make(answer=Canned(httpx.Response(status, text=text), DONE), token="old", waits=[])
    with pytest.raises(SessionsError) as raised:
        getattr(client, call)(*CALLS.get(call, ()))
    assert (type(raised.value), raised.value.status) == (SessionsError, status)
    assert client.token == "old"


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_knows_an_error_that_is_nested_too_deeply(make, status):
    canned = Canned(*[httpx.Response(status, text=DEEP)] * 9)
    with pytest.raises(SessionsError) as raised:
        make(answer=canned, waits=[]).sessions()
    assert (type(raised.value), raised.value.status) == (SessionsError, status)


@pytest.mark.parametrize("items", [[], [SESSION]])
def test_ends_its_way_through_sessions_where_a_page_has_too_few_of_them(make, items):
    canned = Canned(httpx.Response(200, json={"count": 9, "items": items}), DONE)
    assert [each.iat for each in make(answer=canned).all_sessions()] == [5] * len(items)
    assert len(canned.requests) == 1


def test_says_why_and_for_how_long_its_user_is_banned(make):
    body = {"code": "BANNED_ERROR", "message": "Account Banned", "reason": "spam", "until": 9}
    with pytest.raises(Banned) as raised:
        make(answer=Canned(httpx.Response(403, json=body))).sessions()
    assert (raised.value.reason, raised.value.until) == ("spam", 9)


@pytest.mark.parametrize("wrong", [None, True, 5.5, ["spam"], {"spam": 1}])
@pytest.mark.parametrize(("status", "kind"), [(401, InvalidSession), (403, Banned)])
def test_takes_from_an_error_only_reasons_that_are_words_and_ends_that_are_times(
    make, status, kind, wrong
):
    code = {401: "INVALID_SESSION_ERROR", 403: "BANNED_ERROR"}[status]
    body = {"code": code, "message": "No", "reason": wrong, "until": wrong}
    with pytest.raises(kind) as raised:
        make(answer=Canned(httpx.Response(status, json=body))).sessions()
    assert (raised.value.reason, getattr(raised.value, "until", None)) == (None, None)


@pytest.mark.parametrize("fields", [None, "user", 5, {"user": 1}, ["user", 5, None]])
def test_takes_from_an_error_only_fields_that_are_words(make, fields):
    body = {"code": "MISSING_FIELDS_ERROR", "message": "Missing Fields", "fields": fields}
    with pytest.raises(MissingFields) as raised:
        make(answer=Canned(httpx.Response(400, json=body))).sessions()
    assert raised.value.fields == (("user",) if isinstance(fields, list) else ())


@pytest.mark.parametrize(
    "url",
    [
        "http://joe:secret@service/api",
        "//joe@service/api",
        "http://:secret@service",
        "http://joe:secret@[/",
    ],
)
def test_takes_no_base_url_with_a_password_which_would_go_in_the_tokens_place(make, url):
    with pytest.raises(SessionsError) as raised:
        make(url)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


def test_is_refused_by_the_service_what_is_far_too_long_or_no_text(make):
    long = "9" * 200_000
    for credentials in ((long, "joe"), ("\ud800", "\ud800")):
        with pytest.raises(SessionsError):
            make().log_in(*credentials)
    for token in (long, "\ud800", "a\nb"):
        with pytest.raises(SessionsError):
            make(token=token).sessions()


@pytest.mark.parametrize("of_our_own", [httpx.Client, httpx.AsyncClient])
def test_takes_a_password_to_nowhere_else_even_if_others_follow(of_our_own):
    canned = Canned(httpx.Response(307, headers={"Location": "http://elsewhere"}), DONE)

    async def log_in() -> None:
        http = of_our_own(transport=httpx.MockTransport(canned), follow_redirects=True)
        if isinstance(http, httpx.Client):
            SessionsClient(NOWHERE, http_client=http).log_in("joe", "joe")
        else:
            await AsyncSessionsClient(NOWHERE, http_client=http).log_in("joe", "joe")

    with pytest.raises(SessionsError):
        asyncio.run(log_in())
    assert len(canned.requests) == 1


def test_sends_the_token_only_where_it_is_needed(make):
    canned = Canned(httpx.Response(201, json={"token": "new", "exp": 5}), DONE)
    client = make(answer=canned, token="old")
    client.log_in("joe", "joe")
    client.sessions()
    login, listed = canned.requests
    assert "Authorization" not in login.headers
    assert listed.headers["Authorization"] == "new"
    assert listed.headers["Accept"] == "application/json"


def test_waits_by_itself_where_it_is_given_nothing_to_wait_with(make):
    before = time.monotonic()
    make(answer=Canned(busy(1), DONE)).sessions()
    assert time.monotonic() - before >= 0.99


def test_closes_its_own_connections_and_not_those_it_was_given():
    with httpx.Client() as given:
        with SessionsClient(NOWHERE, http_client=given), SessionsClient(NOWHERE) as own:
            pass
        assert (given.is_closed, own._http.is_closed) == (False, True)


def test_closes_its_own_connections_and_not_those_it_was_given_when_awaited():
    async def open_and_close() -> list[bool]:
        async with httpx.AsyncClient() as given:
            async with (
                AsyncSessionsClient(NOWHERE, http_client=given),
                AsyncSessionsClient(NOWHERE) as own,
            ):
                pass
            return [given.is_closed, own._http.is_closed]

    assert asyncio.run(open_and_close()) == [False, True]


# -------------------------------------------------------------- back ends


def test_verifies_the_token_of_a_caller_and_leaves_its_own_alone(make, new_user, logged_in):
    caller = logged_in()
    here = caller.current_session()
    for back_end in (make(), logged_in()):
        own = back_end.token
        assert back_end.verify(caller.token) == here
        assert back_end.verify(f" Bearer {caller.token}\n") == here
        assert back_end.token == own
    caller.end_session(here.iat)
    with pytest.raises(InvalidSession):
        back_end.verify(caller.token)
    assert back_end.current_session() != here


@pytest.mark.parametrize("answer", [429, 503])
def test_asks_only_once_whether_a_token_is_one(make, answer):
    canned, waits = Canned(busy(1, answer, LIMITED if answer == 429 else UNAVAILABLE), DONE), []
    with pytest.raises(RateLimited if answer == 429 else Unavailable) as raised:
        make(answer=canned, waits=waits, retries=9).verify(SECRET)
    assert (raised.value.retry_after, waits, len(canned.requests)) == (1, [], 1)
    with pytest.raises(NetworkError):
        make(NOWHERE).verify(SECRET)


@pytest.mark.parametrize(
    "token",
    [None, " ", "none", "nöne", SECRET + "\n" + SECRET, "9" * 200_000, "日" * 3000, "\ud800"],
)
def test_what_can_be_no_token_is_an_invalid_session_whatever_it_is(make, token):
    """A caller of a back end chooses it: nothing but a refusal may come of it."""
    with pytest.raises(InvalidSession, match=r"^Invalid Session$") as raised:
        make(back_end_secret="of nobody").verify(token)
    assert SECRET not in shown_of(raised.value)


TOKEN = httpx.Response(201, json={"token": "new", "exp": 5})


def test_a_back_end_says_that_it_is_one_with_each_request_and_for_whom_at_a_login(make):
    canned = Canned(TOKEN, TOKEN, httpx.Response(200, json=SESSION), DONE)
    client = make(answer=canned, back_end_secret=f"{SECRET}\n")
    client.log_in("joe", "joe", address="2001:db8::1")
    client.log_in("joe", "joe")
    client.verify("caller's")
    client.sessions()
    sent = [request.headers for request in canned.requests]
    assert {headers.get("X-Back-End-Secret") for headers in sent} == {SECRET}
    assert [headers.get("X-Viewer-Address") for headers in sent] == ["2001:db8::1", *[None] * 3]
    tokens = [headers.get("Authorization") for headers in sent]
    assert tokens == [None, None, "caller's", "new"]


def test_an_address_is_sent_with_the_secret_alone(make):
    canned = Canned(TOKEN)
    make(answer=canned).log_in("joe", "joe", address="203.0.113.9")
    sent = canned.requests[0].headers
    assert not {"x-back-end-secret", "x-viewer-address"} & set(sent)


@pytest.mark.parametrize("here", [None, NOWHERE])
@pytest.mark.parametrize("call", ["sessions", "verify"])
def test_shows_no_secret_of_a_back_end_and_no_token_of_its_caller(service, make, here, call):
    client = make(here or service.url, back_end_secret=SECRET)
    plain = getattr(client, "client", client)
    assert SECRET not in f"{plain!r} {vars(plain)}"
    with pytest.raises(SessionsError) as raised:
        getattr(client, call)(*[SECRET] * (call == "verify"))
    assert SECRET not in shown_of(raised.value)


@pytest.mark.parametrize("written", INSIDE)
def test_refuses_a_secret_that_no_header_can_hold_and_shows_nothing_of_it(make, written):
    client = make(NOWHERE, back_end_secret=written.format(SECRET))
    with pytest.raises(
        SessionsError, match=r"^The secret is none: no header can hold it$"
    ) as raised:
        client.sessions()
    assert SECRET not in shown_of(raised.value)


# ------------------------------------------------------------------ values


def test_errors_can_be_pickled_as_they_are_between_processes():
    canned = Canned(busy(9))
    http = httpx.Client(transport=httpx.MockTransport(canned))
    with pytest.raises(Unavailable) as raised:
        SessionsClient(NOWHERE, http_client=http, retries=0).sessions()
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - it was ours a moment ago
    assert type(again) is Unavailable
    assert (str(again), again.retry_after) == ("Service Unavailable", 9)


def test_the_examples_of_its_readme_run(service: Service, tmp_path: Path) -> None:
    readme = (PACKAGE / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        program = tmp_path / "example.py"
        program.write_text(example.replace("http://127.0.0.1:3000/api", service.url))
        shown = subprocess.run(
            [sys.executable, "-W", "error", program],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.search(r"^my laptop \d{4}-\d\d-\d\dT[\d:]+\+00:00", shown.stdout, re.MULTILINE)
