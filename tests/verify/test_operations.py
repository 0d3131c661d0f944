"""Every operation, at both of its paths, does what it is there for."""

import itertools
import time
from typing import Any

import pytest

from tests.support.answers import MEDIA_TYPES, assert_is
from tests.support.contract import (
    CANONICAL,
    INVALID_SESSION,
    SESSION_MISSING,
    SHORT,
    UP,
    missing,
    session_over,
)
from tests.support.operations import ROUTES


@pytest.fixture
def http(deployment):
    return deployment.http


@pytest.mark.parametrize("spelling", [SHORT, CANONICAL])
def test_every_operation_answers_at_both_of_its_paths(deployment, http, user, spelling):
    """One walk through all of them."""
    began = int(time.time()) - 60  # clocks differ
    lasting = deployment.parameters["SessionSeconds"]
    remembered = deployment.parameters["RememberedSessionSeconds"]

    def send(name: str, query: str = "", *, session: int = 0, **more: Any) -> Any:
        path = ROUTES[name].paths[spelling].format(id=session)
        return http.request(ROUTES[name].method, path + query, **{"headers": here, **more})

    first = user.log_in(rememberMe=True)
    here: dict[str, str] = {}
    answer = send("create_session", data={**user.credentials, "rememberMe": "false"})
    assert_is(answer, 201, answer.json())
    here = {"Authorization": f"Bearer {answer.json()['token']}"}

    current = send("get_current_session")
    mine = current.json()
    assert_is(current, 200, mine)
    assert 0 <= mine["exp"] - lasting - began <= 120
    assert mine["exp"] == answer.json()["exp"]
    other = send("get_current_session", headers=first).json()
    assert 0 <= other["exp"] - remembered - began <= 120
    assert_is(send("get_session", session=other["iat"]), 200, other)

    assert_is(send("list_sessions"), 200, {"count": 2, "items": [mine, other]})
    page = send("list_sessions", "?limit=1&offset=1")
    assert_is(page, 200, {"count": 2, "items": [other]})
    assert_is(send("list_sessions", "?limit=0"), 400, missing("limit"))

    deleted = {"code": "GENERIC_SUCCESS", "message": "Session Deleted"}
    assert_is(send("delete_session", session=other["iat"]), 200, deleted)
    assert_is(send("get_current_session", headers=first), 401, session_over("deleted"))
    assert_is(send("delete_session", session=other["iat"]), 404, SESSION_MISSING)
    assert_is(send("get_session", session=other["iat"]), 404, INVALID_SESSION)

    ids = [send("get_current_session", headers=user.log_in()).json()["iat"] for _ in range(3)]
    several = send("delete_sessions", json={"sessions": [str(ids[0]), ids[1], "x", 7]})
    assert_is(several, 200, {"count": 2, "type": "session"})
    assert_is(send("delete_sessions", json={}), 400, missing("sessions"))
    others = send("delete_all_sessions", "?allButSelf=true")
    assert_is(others, 200, {"count": 1, "type": "session"})
    assert_is(send("delete_all_sessions"), 200, {"count": 1, "type": "session"})
    assert_is(send("get_current_session"), 401, session_over("all"))


def test_a_fresh_login_takes_the_place_of_the_session_whose_token_comes_along(http, user):
    old = user.log_in()
    headers = {**old, "X-Replace-Session": "true"}
    answer = http.post("/session", json=user.credentials, headers=headers)
    assert answer.status_code == 201
    new = {"Authorization": answer.json()["token"]}
    assert_is(http.get("/session", headers=old), 401, session_over("replaced"))
    assert http.get("/sessions", headers=new).json()["count"] == 1


def test_the_published_examples_work_as_written(http, user):
    answer = http.post("/session", json={**user.credentials, "rememberMe": True})
    assert answer.status_code == 201
    token = {"Authorization": answer.json()["token"]}
    assert http.get("/session", headers=token).status_code == 200
    assert_is(http.get("/session/1234567890", headers=token), 404, INVALID_SESSION)
    assert http.get("/sessions", headers=token).json()["count"] == 1
    assert_is(http.delete("/session/sid", headers=token), 404, SESSION_MISSING)
    several = http.request(
        "DELETE",
        "/sessions",
        headers={**token, "Content-Type": "application/json"},
        content='{"sessions":["sid1","sid2"]}',
    )
    assert_is(several, 200, {"count": 0, "type": "session"})
    for query in ("allButSelf=true", "allbutSelf=true"):
        user.log_in()
        assert http.delete(f"/sessions/all?{query}", headers=token).json()["count"] == 1
    assert http.get("/session", headers=token).status_code == 200


@pytest.mark.assumption(6)
def test_a_body_may_be_multipart(http, user):
    fields = {name: (None, value) for name, value in user.credentials.items()}
    answer = http.post("/session", files=fields)
    assert_is(answer, 201, answer.json())


def test_a_session_is_named_by_the_body_or_a_header_or_after_its_browser(http, user):
    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/124.0 Safari/537.36"
    for body, headers, name in (
        ({"name": "Küche 👩\u200d🍳"}, {"X-Session-Name": "Kitchen"}, "Küche 👩\u200d🍳"),
        ({}, {"X-Session-Name": "Kitchen"}, "Kitchen"),
        ({}, {"User-Agent": chrome}, "Chrome on Windows"),
    ):
        answer = http.post("/session", json={**user.credentials, **body}, headers=headers)
        token = {"Authorization": answer.json()["token"]}
        assert http.get("/session", headers=token).json()["name"] == name


@pytest.mark.assumption(3)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_the_root_answers_any_method(http, method):
    """With this checkout's version."""
    slash = str(http.base_url)
    for url, media_type in itertools.product((slash.rstrip("/"), slash), (None, *MEDIA_TYPES)):
        headers = {"Content-Type": media_type} if media_type else {}
        assert_is(http.request(method, url, headers=headers), 200, UP)
