"""One walk through all routes, which the development gateway and a deployment answer alike."""

import re
from collections.abc import Callable
from typing import Any

import httpx

from tests.support.contract import (
    EVERY_ANSWER,
    INVALID_SESSION,
    REMEMBERED_SESSION_SECONDS,
    SESSION_MISSING,
    SESSION_SECONDS,
    missing,
)
from tests.support.operations import ROUTES

LogIn = Callable[..., dict[str, str]]
"""Logs in, with more members of the body; returns the header that says so."""


def assert_is(answer: httpx.Response, status: int, body: object) -> None:
    """Hold an answer to the contract, whether a function gave it or the gateway."""
    assert (answer.status_code, answer.json()) == (status, body)
    assert EVERY_ANSWER.items() <= dict(answer.headers).items()
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
    if status == 401:
        # API Gateway renames a function's, and lets its own keep the name.
        names = {"www-authenticate", "x-amzn-remapped-www-authenticate"} & set(answer.headers)
        assert [answer.headers[name] for name in names] == ["Bearer"]
    if status in {429, 503}:
        assert int(answer.headers["retry-after"]) > 0


def walk(http: httpx.Client, log_in: LogIn, credentials: dict[str, str], spelling: int) -> None:
    """Use every route for what it is there for, at one of its paths.

    Args:
        http: a client of the API.
        log_in: logs the user in, who has no session before.
        credentials: the user's `user` and `pass`.
        spelling: SHORT or CANONICAL.
    """

    def send(name: str, query: str = "", *, session: int = 0, **more: Any) -> Any:
        path = ROUTES[name].paths[spelling].format(id=session)
        return http.request(ROUTES[name].method, path + query, **{"headers": here, **more})

    first = log_in(rememberMe=True)
    here: dict[str, str] = {}
    answer = send("create_session", data={**credentials, "rememberMe": "false"})
    assert_is(answer, 201, answer.json())
    here = {"Authorization": f"Bearer {answer.json()['token']}"}

    current = send("get_current_session")
    mine = current.json()
    assert_is(current, 200, mine)
    assert mine["exp"] - mine["iat"] == SESSION_SECONDS
    assert mine["exp"] == answer.json()["exp"]
    other = send("get_current_session", headers=first).json()
    assert other["exp"] - other["iat"] == REMEMBERED_SESSION_SECONDS
    assert_is(send("get_session", session=other["iat"]), 200, other)

    assert_is(send("list_sessions"), 200, {"count": 2, "items": [mine, other]})
    page = send("list_sessions", "?limit=1&offset=1")
    assert_is(page, 200, {"count": 2, "items": [other]})
    assert_is(send("list_sessions", "?limit=0"), 400, missing("limit"))

    deleted = {"code": "GENERIC_SUCCESS", "message": "Session Deleted"}
    assert_is(send("delete_session", session=other["iat"]), 200, deleted)
    assert_is(send("get_current_session", headers=first), 401, INVALID_SESSION)
    assert_is(send("delete_session", session=other["iat"]), 404, SESSION_MISSING)
    assert_is(send("get_session", session=other["iat"]), 404, INVALID_SESSION)

    ids = [send("get_current_session", headers=log_in()).json()["iat"] for _ in range(3)]
    several = send("delete_sessions", json={"sessions": [str(ids[0]), ids[1], "x", 7]})
    assert_is(several, 200, {"count": 2, "type": "session"})
    assert_is(send("delete_sessions", json={}), 400, missing("sessions"))
    others = send("delete_all_sessions", "?allButSelf=true")
    assert_is(others, 200, {"count": 1, "type": "session"})
    assert_is(send("delete_all_sessions"), 200, {"count": 1, "type": "session"})
    assert_is(send("get_current_session"), 401, INVALID_SESSION)
