"""Answers, made into what the gateway expects."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import errors
from sessions.responses import created, ok, to_proxy

ALLOWED = ["https://app.example.com", "http://localhost:8080"]


def headers_for(origin, **headers):
    answer = to_proxy(ok({}), headers, request_id="r", origin=origin, allowed_origins=ALLOWED)
    return answer["headers"]


def test_an_answer_is_compact_json_with_its_status():
    answer = to_proxy(
        created({"token": "é", "exp": 1}), {}, request_id="r", origin=None, allowed_origins=ALLOWED
    )
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (201, False)
    assert answer["body"] == '{"token":"\\u00e9","exp":1}'


def test_an_answer_has_its_own_headers_beside_the_common_ones():
    assert headers_for(None, Extra="x") == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "Vary": "Origin",
        "X-Request-Id": "r",
        "Extra": "x",
    }


def test_the_headers_of_an_answer_are_not_in_the_next():
    before = headers_for(None)
    headers_for(ALLOWED[0], Extra="x")
    assert headers_for(None) == before


@pytest.mark.parametrize("origin", ALLOWED)
def test_an_allowed_origin_may_read_with_credentials(origin):
    headers = headers_for(origin)
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert set(headers["Access-Control-Expose-Headers"].split(", ")) == {
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-Request-Id",
    }


@given(st.text().filter(lambda text: text not in ALLOWED) | st.none())
def test_another_origin_may_read_nothing(origin):
    assert headers_for(origin) == headers_for(None)
    assert not any(name.startswith("Access-Control") for name in headers_for(origin))


@pytest.mark.parametrize("origin", [None, "null", "*", ""])
def test_an_empty_list_of_origins_allows_none(origin):
    answer = to_proxy(ok({}), {}, request_id="r", origin=origin, allowed_origins=[])
    assert answer["headers"] == headers_for(None)


TOO_MANY = "You Have Been Ratelimited. Please Try Again Later."
CONTRACT = [
    (errors.MissingFields(["a"]), 400, "MISSING_FIELDS_ERROR", "Missing Fields"),
    (errors.InvalidSession(), 401, "INVALID_SESSION_ERROR", "Invalid Session"),
    (errors.InvalidSession(404), 404, "INVALID_SESSION_ERROR", "Invalid Session"),
    (errors.InvalidPassword(), 401, "INVALID_PASSWORD_ERROR", "Invalid Password"),
    (errors.Banned(), 403, "BANNED_ERROR", "Account Banned"),
    (errors.InvalidUser(), 404, "INVALID_USER_ERROR", "Invalid User"),
    (errors.SessionMissing(), 404, "SESSION_NOT_FOUND_ERROR", "Session Not Found"),
    (errors.InvalidEndpoint(), 404, "ENDPOINT_NOT_FOUND_ERROR", "Endpoint Not Found"),
    (errors.BodyTooLarge(), 413, "BODY_TOO_LARGE_ERROR", "Body Too Large"),
    (errors.RateLimited(5, 60), 429, "RATELIMITED_ERROR", TOO_MANY),
    (errors.Internal(), 500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
    (errors.Unavailable(), 503, "SERVICE_UNAVAILABLE_ERROR", "Service Unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code", "message"), CONTRACT)
def test_an_error_has_the_words_of_the_contract(error, status, code, message):
    fields = {"fields": ["a"]} if status == 400 else {}
    assert error.status == status
    assert error.is_client_error is (status < 500)
    assert json.loads(json.dumps(error.body())) == {"code": code, "message": message, **fields}


def test_every_error_is_in_the_contract():
    assert {type(row[0]) for row in CONTRACT} == set(errors.ApiError.__subclasses__())


def test_the_headers_of_an_error_are_those_of_its_kind():
    by_kind = {type(error): error.headers for error, *_ in CONTRACT if error.status != 404}
    assert {kind: headers for kind, headers in by_kind.items() if headers} == {
        errors.InvalidSession: {"WWW-Authenticate": "Bearer"},
        errors.InvalidPassword: {"WWW-Authenticate": "Bearer"},
        errors.RateLimited: {
            "Retry-After": "60",
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
        },
        errors.Unavailable: {"Retry-After": "1"},
    }
    assert not [error for error, *_ in CONTRACT if error.status == 404 and error.headers]
