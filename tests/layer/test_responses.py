"""Answers, made into what the gateway expects."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import errors
from sessions.responses import created, ok, to_proxy
from tests.support.contract import ERRORS

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
        "X-RateLimit-Reset",
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


# That names, statuses and words are the contract's is proved in tests/test_openapi.py.


def test_an_error_is_answered_with_its_code_its_message_and_its_evidence():
    for error in ERRORS:
        words = {"code": error.code, "message": error.message}
        evidence = {"fields": ["user"]} if isinstance(error, errors.MissingFields) else {}
        assert json.loads(json.dumps(error.body())) == {**words, **evidence}


def test_only_faults_of_the_service_are_no_errors_of_the_client():
    faults = {type(error) for error in ERRORS if not error.is_client_error}
    assert faults == {errors.Internal, errors.Unavailable}


def test_the_headers_of_an_error_are_those_of_its_kind():
    several = [*ERRORS, errors.RateLimited(5, reset_at=1060, now=1000)]
    headers = {(type(error), error.status): error.headers for error in several}
    assert {kind: each for kind, each in headers.items() if each} == {
        (errors.InvalidSession, 401): {"WWW-Authenticate": "Bearer"},
        (errors.InvalidPassword, 401): {"WWW-Authenticate": "Bearer"},
        (errors.RateLimited, 429): {
            "Retry-After": "60",
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "1060",
        },
        (errors.Unavailable, 503): {"Retry-After": "1"},
    }
