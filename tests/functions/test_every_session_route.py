"""What all routes that need a token do alike."""

import json

import pytest

from sessions import session_store
from sessions.dynamodb import USERS
from tests.support.calls import call, call_route, invoke
from tests.support.clock import at
from tests.support.contract import (
    BANNED,
    HEADERS,
    INVALID_SESSION,
    SESSION_SECONDS,
    UNAUTHORIZED_HEADERS,
)
from tests.support.events import load_event
from tests.support.operations import AUTHENTICATED
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, tables

pytestmark = [pytest.mark.usefixtures("aws"), pytest.mark.parametrize("route", AUTHENTICATED)]


@pytest.fixture(scope="module")
def victim(aws):
    """A user with two sessions, which no request here may touch, and the token of the older."""
    with at(1_800_000_000):
        person = new_person()
        token = log_in(person)
        log_in(person)
    return person, token


@pytest.mark.parametrize("spelling", ["{}", "bEARER {}"])
def test_takes_a_token_with_and_without_a_scheme(clock, route, spelling):
    person = new_person()
    token = log_in(person)
    log_in(person)
    answer = call_route(route, spelling.format(token), clock.now + 1)
    assert (answer.status, answer.headers) == (200, HEADERS)


@pytest.mark.parametrize("spelling", [None, "", "Bearer", "x", "Bearer {} x", "Basic {}", "{}x"])
def test_refuses_a_bad_token_and_changes_nothing(clock, victim, route, spelling):
    person, token = victim
    before = stored_rows(person)
    answer = call_route(route, spelling and spelling.format(token), clock.now + 1)
    assert (answer.status, answer.body, answer.headers) == (
        401,
        INVALID_SESSION,
        UNAUTHORIZED_HEADERS,
    )
    assert stored_rows(person) == before


def test_refuses_a_banned_user_and_changes_nothing_until_the_ban_is_lifted(clock, route):
    person = new_person()
    token = log_in(person)
    log_in(person)
    invoke("ban_user", {"login": person.email})
    before = stored_rows(person)
    answer = call_route(route, token, clock.now + 1)
    assert (answer.status, answer.body, answer.headers) == (403, BANNED, HEADERS)
    assert stored_rows(person) == before
    invoke("unban_user", {"login": person.username})
    assert call_route(route, token, clock.now + 1).status == 200


def test_a_dead_session_of_a_banned_user_says_nothing_of_the_ban(clock, route):
    person = new_person()
    dead = log_in(person)
    call("delete_session", dead, session=clock.now)
    log_in(person)
    invoke("ban_user", {"login": person.email})
    answer = call_route(route, dead, clock.now + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)


def test_refuses_a_user_that_no_longer_exists_though_the_session_does(clock, route):
    person = new_person()
    token = log_in(person)
    log_in(person)
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    before = stored_rows(person)
    answer = call_route(route, token, clock.now + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(person) == before


def test_refuses_an_expired_session_and_changes_nothing(clock, route):
    person = new_person()
    token = log_in(person)
    log_in(person, rememberMe=True)
    before = stored_rows(person)
    clock.now += SESSION_SECONDS
    answer = call_route(route, token, clock.now - SESSION_SECONDS + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(person) == before


def test_refuses_a_revoked_session_whose_row_is_still_there(clock, route, monkeypatch):
    person = new_person()
    revoked = log_in(person)
    keeping = log_in(person)
    monkeypatch.setattr(session_store, "purge_sessions", lambda *_: 0)
    call("delete_all_sessions", keeping, query={"allButSelf": ["true"]})
    before = stored_rows(person)
    assert len(before["sessions"]) == 2
    answer = call_route(route, revoked, clock.now + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(person) == before
    assert call_route(route, keeping, clock.now + 1).status == 200


def test_begins_with_one_strongly_consistent_read_of_user_and_session(clock, route, dynamodb_calls):
    person = new_person()
    token = log_in(person)
    log_in(person)
    dynamodb_calls.clear()
    call_route(route, token, clock.now + 1)
    operation, parameters = dynamodb_calls[0]
    assert operation == "BatchGetItem"
    assert [table["ConsistentRead"] for table in parameters["RequestItems"].values()] == [True] * 2
    assert [name for name, _ in dynamodb_calls].count("BatchGetItem") == 1


def test_a_bad_token_costs_no_call_to_dynamodb(clock, route, dynamodb_calls):
    assert call_route(route, "bad", 1).status == 401
    assert dynamodb_calls == []


def test_counts_one_outcome_and_logs_one_line_without_the_token(clock, route, logged, capsys):
    person = new_person()
    token = log_in(person)
    log_in(person)
    capsys.readouterr()
    known = len(logged())
    call_route(route, token, clock.now + 1)
    call_route(route, "bad", clock.now + 1)
    done, refused = logged()[known:]
    assert (done["level"], done["status"]) == ("INFO", 200)
    assert done["correlation_id"] == HEADERS["X-Request-Id"]
    assert (refused["level"], refused["message"]) == ("INFO", "RequestRefused")
    assert (refused["status"], refused["code"]) == (401, INVALID_SESSION["code"])
    assert "exception" not in refused
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [metric.get(done["message"]) for metric in metrics] == [[1.0], None]
    assert [metric.get("RequestRefused") for metric in metrics] == [None, [1.0]]
    written = json.dumps([done, refused, metrics])
    assert not any(part in written for part in token.split("."))


def test_an_odd_event_gets_an_answer(clock, route):
    for event in ({}, {"headers": None}, {"requestContext": None, "multiValueHeaders": None}):
        answer = invoke(route, event)
        assert (answer["statusCode"], json.loads(answer["body"])) == (401, INVALID_SESSION)
        assert answer["headers"] == {**UNAUTHORIZED_HEADERS, "X-Request-Id": ""}


def test_an_event_whose_members_are_all_null_gets_an_answer(clock, route):
    answer = invoke(route, dict.fromkeys(load_event(route)))
    assert (answer["statusCode"], json.loads(answer["body"])) == (401, INVALID_SESSION)


def test_an_event_of_an_http_api_is_understood(clock, route):
    person = new_person()
    token = log_in(person)
    log_in(person)
    answer = invoke(route, http_api_event(route, token, clock.now + 1))
    assert answer["statusCode"] == 200
    assert answer["headers"]["X-Request-Id"] == "JKJaXmPLvHcESHA="
    answer = invoke(route, http_api_event(route, "bad", clock.now + 1))
    assert (answer["statusCode"], json.loads(answer["body"])) == (401, INVALID_SESSION)


def http_api_event(route, token, session):
    """Return an event of payload format 2.0, as the API Gateway Developer Guide shows it."""
    method, path = route.partition("_")[0].upper(), f"/user/session/{session}"
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": f"/api{path}",
        "rawQueryString": "",
        "cookies": ["a=1"],
        "headers": {"authorization": token, "content-type": "application/json", "host": "x"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "api",
            "timeEpoch": 1_800_000_000_000,
        },
        "pathParameters": {"id": str(session)},
        "body": json.dumps({"sessions": [session]}),
        "isBase64Encoded": False,
    }
