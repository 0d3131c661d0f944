"""What the answers of all routes have in common: headers, CORS, and that there is one."""

import json

import pytest

from sessions import session_store
from tests.payloads.headers import FOREIGN_ORIGINS
from tests.support.calls import call, call_route, invoke
from tests.support.contract import HEADERS, INTERNAL, INVALID_SESSION, UNAUTHORIZED_HEADERS, missing
from tests.support.events import ALLOWED_ORIGINS, load_event
from tests.support.operations import AUTHENTICATED
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

READABLE = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id"


def call_any(route, token, headers):
    """Call any route; without a token, all of them refuse."""
    if route == "create_session":
        return call(route, body={}, headers=headers)
    return call_route(route, token, 1, headers)


def cors(origin):
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": READABLE,
    }


@pytest.mark.parametrize("origin", ALLOWED_ORIGINS)
@pytest.mark.parametrize("route", ["create_session", *AUTHENTICATED])
def test_a_page_of_an_allowed_origin_may_read_refusals(route, origin):
    answer = call_any(route, None, {"Origin": origin})
    refused = HEADERS if route == "create_session" else UNAUTHORIZED_HEADERS
    assert answer.headers == {**refused, **cors(origin)}


@pytest.mark.parametrize("header", ["Origin", "origin", "ORIGIN"])
def test_a_page_of_an_allowed_origin_may_read_what_was_done(clock, header):
    token = log_in(new_person())
    answer = call("get_current_session", token, headers={header: ALLOWED_ORIGINS[0]})
    assert (answer.status, answer.headers) == (200, {**HEADERS, **cors(ALLOWED_ORIGINS[0])})


@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, " https://app.example.com", ""])
@pytest.mark.parametrize("route", ["create_session", "get_current_session"])
def test_an_origin_that_only_looks_allowed_gets_nothing_and_is_not_repeated(route, origin):
    answer = call_any(route, None, {"Origin": origin})
    assert answer.headers == call_any(route, None, {}).headers
    assert not origin or origin not in json.dumps(answer)


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "Referer", "Access-Control-Request-Method"])
def test_no_other_header_stands_in_for_the_origin(name):
    answer = call_any("get_current_session", None, {name: ALLOWED_ORIGINS[0]})
    assert answer.headers == UNAUTHORIZED_HEADERS


@pytest.mark.parametrize("route", ["create_session", *AUTHENTICATED])
def test_an_answer_is_what_a_proxy_integration_must_give(route):
    answer = invoke(route, load_event(route))
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert isinstance(answer["body"], str)
    assert answer["isBase64Encoded"] is False
    assert all(isinstance(value, str) for value in answer["headers"].values())


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"headers": None, "multiValueHeaders": None, "requestContext": None, "body": None},
        {"headers": [], "requestContext": "x", "pathParameters": 5, "body": {"user": "x"}},
        {"headers": {"Content-Type": None}, "isBase64Encoded": None},
        {"headers": {"Authorization": None}, "multiValueHeaders": {"Authorization": None}},
        {"requestContext": {"identity": None, "requestId": None}},
        {"version": "2.0", "rawPath": "/session", "requestContext": {"http": {"method": "POST"}}},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        [],
        None,
        "text",
    ],
)
@pytest.mark.parametrize("route", ["create_session", "get_current_session", "delete_sessions"])
def test_an_event_that_no_gateway_sends_gets_a_valid_refusal(route, event):
    answer = invoke(route, event)
    body = json.loads(answer["body"])
    if route == "create_session":
        assert (answer["statusCode"], body) == (400, missing("user", "pass"))
    else:
        assert (answer["statusCode"], body) == (401, INVALID_SESSION)
    assert answer["headers"]["X-Request-Id"] == ""


@pytest.mark.parametrize(
    "event",
    [
        {"multiValueHeaders": {"Authorization": 5}},
        {"multiValueQueryStringParameters": {"limit": 5}},
    ],
)
def test_a_value_where_a_list_should_be_gets_a_valid_refusal(event):
    assert invoke("get_current_session", event)["statusCode"] == 401


def test_a_mistake_of_ours_is_answered_without_a_word_about_it(clock, monkeypatch, logged):
    token = log_in(new_person())

    def fail(*_):
        raise KeyError("a detail of ours")

    monkeypatch.setattr(session_store, "query_sessions", fail)
    answer = call("list_sessions", token)
    assert (answer.status, answer.headers) == (500, HEADERS)
    assert answer.body == INTERNAL
    line = logged()[-1]
    assert (line["level"], line["message"]) == ("ERROR", "RequestFailed")
    assert "KeyError: 'a detail of ours'" in line["exception"]
