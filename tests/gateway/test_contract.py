"""The contract over HTTP: every route, requests at once, many sessions, other origins.

Nothing but a deployed service's URL, a user and its tables is needed to hold a stack to it.
"""

import itertools
import json
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
)
from tests.support.events import ALLOWED_ORIGINS
from tests.support.operations import ROUTES
from tests.support.walk import walk

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = ROUTES["create_session"].paths[SHORT]
CURRENT = ROUTES["get_current_session"].paths[SHORT]
ONE = ROUTES["get_session"].paths[SHORT]
LIST = ROUTES["list_sessions"].paths[SHORT]
SEVERAL = ROUTES["delete_sessions"].paths[SHORT]
ALL = ROUTES["delete_all_sessions"].paths[SHORT]
# Of a body, whatever is in it; those of the mocks of the template.
MEDIA_TYPES = ("application/json", "multipart/form-data", "text/plain", "text/xml")
METHODS = {route.method for route in ROUTES.values()}
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
    """Log in as joe and return the header that says so. Joe has no other session before."""
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


def test_the_published_examples_work_as_written(http, log_in):
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


def test_a_multipart_login_keeps_its_bytes(http):
    fields = {name: (None, value) for name, value in JOE.items()}
    assert http.post(LOG_IN, files=fields).status_code == 201


def test_twenty_logins_at_once_are_twenty_sessions(http, log_in):
    """No later login gets the ID of one of them, so that none is ever revived."""
    with ThreadPoolExecutor(20) as threads:
        held = list(threads.map(lambda _: log_in(), range(20)))
    ids = [http.get(CURRENT, headers=token).json()["iat"] for token in held]
    assert len(set(ids)) == 20
    newest = max(ids)
    ended = held[ids.index(newest)]
    assert http.delete(ONE.format(id=newest), headers=ended).status_code == 200
    with ThreadPoolExecutor(20) as threads:
        later = list(threads.map(lambda _: log_in(), range(20)))
    later_ids = {http.get(CURRENT, headers=token).json()["iat"] for token in later}
    assert len(later_ids) == 20
    assert not later_ids & set(ids)
    assert http.get(CURRENT, headers=ended).json() == INVALID_SESSION


def test_calls_that_end_the_same_sessions_at_once_count_each_once(http, log_in):
    here = log_in()
    ids = [http.get(CURRENT, headers=log_in()).json()["iat"] for _ in range(12)]

    def end(_: int) -> int:
        answer = http.request("DELETE", SEVERAL, headers=here, json={"sessions": ids})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(end, range(6))) == 12


def test_deletes_of_all_at_once_count_each_session_once(http, log_in):
    here = log_in()
    for _ in range(8):
        log_in()
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.delete(f"{ALL}?allButSelf", headers=here).json(), range(4))
        )
    assert sum(answer["count"] for answer in answers) == 8


def test_a_user_with_2000_sessions_can_list_and_end_them(http, log_in, dynamodb):
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
            "session_epoch": {"N": "999"},  # none that the service has reached
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
    path = ROUTES["delete_sessions"].paths[CANONICAL]
    answer = http.request("DELETE", path, headers=here, json=body)
    assert answer.json() == {"count": 230, "type": "session"}
    assert http.get(LIST, headers=here).json()["count"] == 1771
    answer = http.delete(f"{ALL}?allButSelf=true", headers=here)
    assert answer.json() == {"count": 1770, "type": "session"}
    assert http.get(LIST, headers=here).json() == {"count": 1, "items": [mine]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_the_root_answers_any_method(http, service, method):
    for path, media_type in itertools.product(("", "/"), (None, *MEDIA_TYPES)):
        headers = {"Content-Type": media_type} if media_type else {}
        answer = http.request(method, service.url + path, headers=headers)
        assert_is_an_answer(answer)
        assert (answer.status_code, answer.json()) == (200, UP)


@pytest.mark.parametrize("path", ["", "/nope", "/user"])
def test_a_body_of_a_type_that_mocks_do_not_know_is_an_invalid_endpoint_and_never_a_success(
    http, path
):
    for method in ("POST", "OPTIONS"):
        answer = http.request(method, path, headers={"Content-Type": "image/png"})
        assert_is_an_answer(answer)
        assert (answer.status_code, answer.json()) == (404, INVALID_ENDPOINT)


NO_ROUTES = [
    *(("GET", path) for path in ("/nope", "/user", "/sessions/all", "/session/1/2", "/session/")),
    *(("GET", "/Session"), ("POST", "/sessions"), ("PUT", "/session"), ("DELETE", "/session")),
    ("PUT", "/user/session/1"),
]


@pytest.mark.parametrize("origin", [*ALLOWED_ORIGINS, "https://evil.example"])
def test_a_path_that_is_no_route_is_an_invalid_endpoint(http, log_in, origin):
    """With a token and without; each allowed page may read that, and no other."""
    for headers, (method, path) in itertools.product(({}, log_in()), NO_ROUTES):
        answer = http.request(method, path, headers={**headers, "Origin": origin})
        assert_is_an_answer(answer)
        assert (answer.status_code, answer.json()) == (404, INVALID_ENDPOINT), path
        named = answer.headers.get("access-control-allow-origin")
        assert named == (origin if origin in ALLOWED_ORIGINS else None)


@pytest.mark.parametrize("path", [*API["paths"], "/anything/at/all"])
def test_a_preflight_of_an_allowed_origin_is_answered(http, path):
    request = {"Access-Control-Request-Method": "DELETE"}
    for origin in ALLOWED_ORIGINS:
        answer = http.options(path.replace("{proxy+}", "x"), headers={**request, "Origin": origin})
        assert_is_an_answer(answer)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert set(answer.headers["access-control-allow-methods"].split(", ")) == METHODS
        allowed = answer.headers["access-control-allow-headers"]
        assert allowed == "Authorization, Content-Type, X-Session-Name"
        assert int(answer.headers["access-control-max-age"]) > 0


def test_a_preflight_with_a_body_is_answered_too(http):
    for path, content_type in itertools.product(("", LOG_IN, "/anything"), MEDIA_TYPES):
        answer = http.request(
            "OPTIONS", path, headers={"Content-Type": content_type}, content=b"\xff{"
        )
        assert_is_an_answer(answer)
        assert answer.status_code == 204


@pytest.mark.parametrize("origin", ["https://evil.example", *ALLOWED_ORIGINS, None])
def test_an_error_of_the_gateway_names_one_allowed_origin_always(http, origin):
    """Which a request without any `Authorization` meets: nothing of ours is asked about it."""
    answer = http.get(CURRENT, headers={"Origin": origin} if origin else {})
    assert_is_an_answer(answer)
    assert (answer.status_code, answer.json()) == (401, INVALID_SESSION)
    assert answer.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]


def test_a_page_of_an_allowed_origin_may_read_answers_and_errors(http, log_in):
    token, bad = log_in(), {"Authorization": "a.b.c"}
    requests = ((CURRENT, token), (ONE.format(id=7), token), (CURRENT, bad))
    for origin, (path, headers) in itertools.product(ALLOWED_ORIGINS, requests):
        answer = http.get(path, headers={**headers, "Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        readable = answer.headers["access-control-expose-headers"]
        assert readable == "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id"


@pytest.mark.parametrize(
    ("media_type", "megabytes", "body"),
    [
        (
            "application/json",
            2,
            json.dumps(BODY_TOO_LARGE, separators=(",", ":")),
        ),  # by the function
        ("multipart/form-data", 4.6, '{"message": "Request Too Long"}'),  # by Lambda, as base64
        ("application/json", 6, '{"message": "Request Too Long"}'),
        ("application/json", 10, "HTTP content length exceeded 10485760 bytes."),
    ],
)
def test_a_body_that_is_too_large_is_refused_by_the_first_that_cannot_take_it(
    http, media_type, megabytes, body
):
    """Nobody can give the contract's body and headers to what AWS answers by itself."""
    content = b"x" * (int(megabytes * 1024 * 1024) + 1)
    headers = {"Content-Type": media_type, "Origin": ALLOWED_ORIGINS[-1]}
    answer = http.post(LOG_IN, content=content, headers=headers)
    assert (answer.status_code, answer.text) == (413, body)
    assert ("access-control-allow-origin" in answer.headers) is (megabytes == 2)
