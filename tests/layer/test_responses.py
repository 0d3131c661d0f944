"""Answers, made into what the gateway expects."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import errors
from sessions.responses import Answer, created, ok, to_proxy

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


def test_an_answer_has_headers_of_its_own_beside_those_of_all():
    assert headers_for(None, Extra="x") == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "Vary": "Origin",
        "X-Request-Id": "r",
        "Extra": "x",
    }


def test_one_answer_leaves_nothing_behind_for_the_next():
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
def test_no_other_origin_is_told_anything(origin):
    assert headers_for(origin) == headers_for(None)
    assert not any(name.startswith("Access-Control") for name in headers_for(origin))


@pytest.mark.parametrize("origin", [None, "null", "*", ""])
def test_without_allowed_origins_nobody_is_allowed(origin):
    answer = to_proxy(ok({}), {}, request_id="r", origin=origin, allowed_origins=[])
    assert answer["headers"] == headers_for(None)


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
    (
        errors.RateLimited(5, 60),
        429,
        "RATELIMITED_ERROR",
        "You Have Been Ratelimited. Please Try Again Later.",
    ),
    (errors.Internal(), 500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
    (errors.Unavailable(), 503, "SERVICE_UNAVAILABLE_ERROR", "Service Unavailable"),
]


@pytest.mark.parametrize(("refusal", "status", "code", "message"), CONTRACT)
def test_a_refusal_says_what_the_contract_says(refusal, status, code, message):
    fields = {"fields": ["a"]} if status == 400 else {}
    assert refusal.status == status
    assert json.loads(json.dumps(refusal.body())) == {"code": code, "message": message, **fields}


def test_every_refusal_is_in_the_contract():
    assert {type(row[0]) for row in CONTRACT} == set(errors.ApiError.__subclasses__())


def test_a_session_refused_names_its_scheme_and_an_unavailable_service_a_time():
    assert errors.InvalidSession.headers == {"WWW-Authenticate": "Bearer"}
    assert errors.InvalidPassword.headers == {"WWW-Authenticate": "Bearer"}
    assert errors.InvalidSession(404).headers == {}
    assert errors.Unavailable.headers == {"Retry-After": "1"}


def test_an_answer_is_made_of_a_status_and_a_body():
    assert ok({"a": 1}) == Answer(200, {"a": 1})
    assert created({"a": 1}) == Answer(201, {"a": 1})
