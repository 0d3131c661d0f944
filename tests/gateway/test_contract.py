"""The contract over HTTP, through the gateway, with concurrency and with many sessions."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.contract import (
    API,
    BODY_TOO_LARGE,
    CANONICAL,
    EVERY_ANSWER,
    INVALID_ENDPOINT,
    INVALID_SESSION,
    SHORT,
    UP,
    paths,
)
from tests.support.events import ALLOWED_ORIGINS
from tests.support.walk import walk

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = paths("create_session")[SHORT]
CURRENT = paths("get_current_session")[SHORT]
LIST = paths("list_sessions")[SHORT]
SEVERAL = paths("delete_sessions")[SHORT]
ALL = paths("delete_all_sessions")[SHORT]
SESSIONS = os.environ["SESSIONS_TABLE"]
USERS = os.environ["USERS_TABLE"]


@pytest.fixture(scope="module")
def http(service) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=40)
    with httpx.Client(base_url=service.url, timeout=60, limits=limits) as client:
        yield client


@pytest.fixture(scope="module")
def dynamodb(service) -> Any:
    return service.client("dynamodb")


@pytest.fixture
def log_in(http: httpx.Client) -> Iterator[Callable[..., dict[str, str]]]:
    """Log in as joe; return the header that says so. Joe has no other session before."""
    headers: list[dict[str, str]] = []

    def log_in(**more: Any) -> dict[str, str]:
        answer = http.post(LOG_IN, json={**JOE, **more})
        assert answer.status_code == 201, answer.text
        headers.append({"Authorization": answer.json()["token"]})
        return headers[-1]

    http.delete(ALL, headers=log_in())
    yield log_in
    http.delete(ALL, headers=log_in())


def assert_is_an_answer(answer: httpx.Response) -> None:
    assert EVERY_ANSWER.items() <= dict(answer.headers).items()
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


@pytest.mark.parametrize("spelling", [SHORT, CANONICAL])
def test_every_operation_answers_at_both_of_its_paths(http, log_in, spelling):
    walk(http, log_in, JOE, spelling)


def test_the_published_examples_work_as_they_are_written(http, log_in):
    content = '{"user":"joe","pass":"joe","rememberMe":true}'
    answer = http.post("/session", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    token = {"Authorization": answer.json()["token"]}
    assert http.get("/session", headers=token).status_code == 200
    assert http.get("/session/1234567890", headers=token).json() == INVALID_SESSION
    assert http.get("/sessions", headers=token).json()["count"] == 1
    assert http.delete("/session/sid", headers=token).status_code == 404
    several = http.request(
        "DELETE",
        "/sessions",
        headers={**token, "Content-Type": "application/json"},
        content='{"sessions":["sid1","sid2"]}',
    )
    assert several.json() == {"count": 0, "type": "session"}
    for query in ("allButSelf=true", "allbutSelf=true"):
        log_in()
        assert http.delete(f"/sessions/all?{query}", headers=token).json()["count"] == 1
    assert http.get("/session", headers=token).status_code == 200


def test_a_multipart_log_in_keeps_its_bytes(http):
    fields = {name: (None, value) for name, value in JOE.items()}
    assert http.post(LOG_IN, files=fields).status_code == 201


def test_twenty_log_ins_at_once_are_twenty_sessions_and_none_is_ever_revived(http, log_in):
    with ThreadPoolExecutor(20) as threads:
        held = list(threads.map(lambda _: log_in(), range(20)))
    ids = [http.get(CURRENT, headers=token).json()["iat"] for token in held]
    assert len(set(ids)) == 20
    newest = max(ids)
    dead = held[ids.index(newest)]
    assert (
        http.delete(paths("delete_session")[SHORT].format(id=newest), headers=dead).status_code
        == 200
    )
    with ThreadPoolExecutor(20) as threads:
        later = list(threads.map(lambda _: log_in(), range(20)))
    later_ids = {http.get(CURRENT, headers=token).json()["iat"] for token in later}
    assert len(later_ids) == 20
    assert not later_ids & set(ids)
    assert http.get(CURRENT, headers=dead).json() == INVALID_SESSION


def test_two_calls_that_end_the_same_sessions_at_once_count_each_of_them_once(http, log_in):
    here = log_in()
    ids = [http.get(CURRENT, headers=log_in()).json()["iat"] for _ in range(12)]

    def end(_: int) -> int:
        answer = http.request("DELETE", SEVERAL, headers=here, json={"sessions": ids})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(end, range(6))) == 12


def test_one_who_logs_out_everywhere_twice_at_once_is_told_each_session_once(http, log_in):
    here = log_in()
    for _ in range(8):
        log_in()
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.delete(f"{ALL}?allButSelf", headers=here).json(), range(4))
        )
    assert sum(answer["count"] for answer in answers) == 8


def test_a_user_with_2000_sessions_can_list_page_and_end_them(http, log_in, dynamodb):
    here = log_in()
    mine = http.get(CURRENT, headers=here).json()
    ids = [mine["iat"] + number for number in range(2000, 0, -1)]  # none was revoked before
    rows = [
        {
            "user": {"S": mine["sub"]},
            "iat": {"N": str(iat)},
            "exp": {"N": str(mine["exp"])},
            "name": {"S": "old"},
            "jti_sha256": {"B": b"0" * 32},
            "session_epoch": {"N": "999"},  # whatever everybody's is by now
        }
        for iat in ids
    ]
    dynamodb.update_item(
        TableName=USERS,
        Key={"id": {"S": mine["sub"]}},
        UpdateExpression="SET last_iat = :newest",
        ExpressionAttributeValues={":newest": {"N": str(ids[0])}},
    )
    for start in range(0, len(rows), 25):
        puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
        answer = dynamodb.batch_write_item(RequestItems={SESSIONS: puts})
        assert not answer["UnprocessedItems"]

    seen: list[int] = []
    while page := http.get(LIST, params={"offset": len(seen)}, headers=here).json()["items"]:
        assert len(page) <= 50
        seen += [session["iat"] for session in page]
    assert seen == [*ids, mine["iat"]]
    body = {"sessions": [str(iat) for iat in ids[:230]]}
    answer = http.request("DELETE", paths("delete_sessions")[CANONICAL], headers=here, json=body)
    assert answer.json() == {"count": 230, "type": "session"}
    assert http.get(LIST, headers=here).json()["count"] == 1771
    answer = http.delete(f"{ALL}?allButSelf=true", headers=here)
    assert answer.json() == {"count": 1770, "type": "session"}
    assert http.get(LIST, headers=here).json() == {"count": 1, "items": [mine]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["", "/"])
def test_it_says_that_it_is_up_to_any_method(service, method, path):
    for content_type in ({}, {"Content-Type": "multipart/form-data"}, {"Content-Type": "x/y"}):
        answer = httpx.request(method, service.url + path, headers=content_type)
        assert_is_an_answer(answer)
        assert (answer.status_code, answer.json()) == (200, UP)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("GET", "/user"),
        ("POST", "/sessions"),
        ("PUT", "/session"),
        ("DELETE", "/session"),
        ("GET", "/sessions/all"),
        ("GET", "/session/1/2"),
        ("GET", "/session/"),
        ("GET", "/Session"),
        ("PATCH", "/user/session/1"),
    ],
)
def test_what_is_no_route_is_an_invalid_endpoint_whoever_asks(http, log_in, method, path):
    for headers in ({}, log_in()):
        answer = http.request(method, path, headers=headers)
        assert_is_an_answer(answer)
        assert (answer.status_code, answer.json()) == (404, INVALID_ENDPOINT)


@pytest.mark.parametrize("path", [*API["paths"], "/anything/at/all"])
def test_a_preflight_is_answered_for_every_path_and_every_allowed_origin(http, path):
    asked = {"Access-Control-Request-Method": "DELETE"}
    for origin in ALLOWED_ORIGINS:
        answer = http.options(path.replace("{proxy+}", "x"), headers={**asked, "Origin": origin})
        assert_is_an_answer(answer)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE"
        allowed = answer.headers["access-control-allow-headers"]
        assert allowed == "Authorization, Content-Type, X-Session-Name"
        assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize("content_type", ["application/json", "text/xml", "x"])
def test_who_asks_with_a_body_what_a_page_may_do_is_answered_too(http, content_type):
    for path in ("", LOG_IN, "/anything"):
        answer = http.request(
            "OPTIONS", path, headers={"Content-Type": content_type}, content=b"\xff{"
        )
        assert_is_an_answer(answer)
        assert answer.status_code in {200, 204}


@pytest.mark.parametrize("origin", ["https://evil.example", *ALLOWED_ORIGINS, None])
def test_the_gateways_own_errors_name_one_allowed_origin_and_reflect_none(http, origin):
    headers = {"Origin": origin} if origin else {}
    for path in (CURRENT, "/nope"):
        answer = http.get(path, headers=headers)
        assert_is_an_answer(answer)
        assert answer.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]


@pytest.mark.parametrize("origin", ALLOWED_ORIGINS)
def test_a_page_of_an_allowed_origin_may_read_answers_and_errors_of_functions(http, log_in, origin):
    for headers, path in (
        (log_in(), CURRENT),
        (log_in(), paths("get_session")[SHORT].format(id=7)),
    ):
        answer = http.get(path, headers={**headers, "Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        readable = answer.headers["access-control-expose-headers"]
        assert readable == "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id"


def test_a_body_over_10_mb_is_refused_by_the_gateway(http):
    answer = http.post(LOG_IN, content=b"x" * (10 * 1024 * 1024 + 1))
    assert_is_an_answer(answer)
    assert answer.status_code == 413
    assert answer.json() == BODY_TOO_LARGE
