"""What the answers of all routes have in common: headers, CORS, and that there is one."""

import json

import pytest

from sessions import session_store
from tests.payloads.headers import FOREIGN_ORIGINS
from tests.support.calls import call, call_route, invoke
from tests.support.contract import HEADERS, INTERNAL, INVALID_SESSION, UNAUTHORIZED_HEADERS, missing
from tests.support.events import ALLOWED_ORIGINS, load_event
from tests.support.operations import ROUTES
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

each_route = pytest.mark.parametrize("route", ROUTES)
READABLE = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"


def refusal(route, **headers):
    """Return a refusal: of a request without a token, or of a login without fields."""
    if ROUTES[route].needs_token:
        return call_route(route, None, 1, headers)
    return call(route, body={}, headers=headers)


def cors(origin):
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": READABLE,
    }


@each_route
@pytest.mark.parametrize("origin", ALLOWED_ORIGINS)
def test_a_page_of_an_allowed_origin_may_read_refusals(route, origin):
    usual = UNAUTHORIZED_HEADERS if ROUTES[route].needs_token else HEADERS
    assert refusal(route, Origin=origin).headers == {**usual, **cors(origin)}


def test_a_page_of_an_allowed_origin_may_read_what_was_done(clock):
    token, origin = log_in(new_person()), ALLOWED_ORIGINS[0]
    answer = call("get_current_session", token, headers={"ORIGIN": origin})
    assert (answer.status, answer.headers) == (200, {**HEADERS, **cors(origin)})


@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, " https://app.example.com", ""])
def test_an_origin_that_only_looks_allowed_is_not_repeated(origin):
    answer = refusal("create_session", Origin=origin)
    assert answer.headers == HEADERS
    assert not origin or origin not in json.dumps(answer)


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "Referer", "Access-Control-Request-Method"])
def test_no_other_header_stands_in_for_the_origin(name):
    assert refusal("create_session", **{name: ALLOWED_ORIGINS[0]}).headers == HEADERS


@each_route
def test_an_answer_is_what_a_proxy_integration_must_give(route):
    answer = invoke(route, load_event(route))
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert isinstance(answer["body"], str)
    assert answer["isBase64Encoded"] is False
    assert all(isinstance(value, str) for value in answer["headers"].values())


NO_EVENTS = [
    {},
    {"headers": None, "multiValueHeaders": None, "requestContext": None, "body": None},
    {"headers": [], "requestContext": "x", "pathParameters": 5, "body": {"user": "x"}},
    {"headers": {"Content-Type": None}, "isBase64Encoded": None},
    {"headers": {"Authorization": None}, "multiValueHeaders": {"Authorization": None}},
    {"multiValueHeaders": {"Authorization": 5}, "multiValueQueryStringParameters": {"limit": 5}},
    {"requestContext": {"identity": None, "requestId": None}},
    {"version": "2.0", "rawPath": "/session", "requestContext": {"http": {"method": "POST"}}},
    {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    [],
    None,
    "text",
]


@each_route
def test_an_event_that_no_gateway_sends_gets_a_valid_refusal(route):
    refused = (
        (401, INVALID_SESSION) if ROUTES[route].needs_token else (400, missing("user", "pass"))
    )
    for event in (*NO_EVENTS, dict.fromkeys(load_event(route))):
        answer = invoke(route, event)
        assert (answer["statusCode"], json.loads(answer["body"])) == refused, event
        assert answer["headers"]["X-Request-Id"] == ""


def test_a_mistake_of_ours_is_answered_without_a_word_about_it(clock, monkeypatch, logged):
    def fail(*_):
        raise KeyError("a detail of ours")

    token = log_in(new_person())
    monkeypatch.setattr(session_store, "query_sessions", fail)
    assert call("list_sessions", token) == (500, HEADERS, INTERNAL)
    line = logged()[-1]
    assert (line["level"], line["message"]) == ("ERROR", "RequestFailed")
    assert "KeyError: 'a detail of ours'" in line["exception"]
