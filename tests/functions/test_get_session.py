"""GET /user/session/{id}."""

import pytest

from tests.support.calls import call
from tests.support.contract import (
    HEADERS,
    INVALID_SESSION,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
)
from tests.support.people import log_in, new_person
from tests.support.rows import stored_sessions

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_another_session_of_the_user(clock):
    person = new_person()
    older = log_in(person)
    clock.now += 10
    newer = log_in(person, rememberMe=True)
    answer = call("get_session", older, session=clock.now)
    assert answer.status == 200
    assert answer.body == {
        "iat": clock.now,
        "exp": clock.now + REMEMBERED_SESSION_SECONDS,
        "sub": person.id,
        "name": "Chrome 96 on Windows 10",
    }
    assert call("get_session", newer, session=clock.now - 10).body["iat"] == clock.now - 10


def test_an_expired_session_is_gone_on_the_second_though_its_row_is_still_there(clock):
    person = new_person()
    log_in(person)
    expiring = clock.now
    clock.now += 1
    token = log_in(person, rememberMe=True)
    clock.now = expiring + SESSION_SECONDS - 1
    assert call("get_session", token, session=expiring).status == 200
    clock.now += 1
    answer = call("get_session", token, session=expiring)
    assert (answer.status, answer.body) == (404, INVALID_SESSION)


def test_a_token_may_ask_for_its_own_session(clock):
    token = log_in(new_person())
    answer = call("get_session", token, session=clock.now)
    assert (answer.status, answer.headers) == (200, HEADERS)
    assert answer.body == call("get_current_session", token).body


def test_a_revoked_session_is_gone_though_its_row_is_still_there(clock, monkeypatch):

    person = new_person()
    log_in(person)
    revoked = clock.now
    token = log_in(person)
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    assert revoked in stored_sessions(person)
    answer = call("get_session", token, session=revoked)
    assert (answer.status, answer.body, answer.headers) == (404, INVALID_SESSION, HEADERS)
    assert call("get_session", token, session=revoked + 1).status == 200


def test_reading_two_sessions_takes_one_round_trip(clock, dynamodb_calls):
    person = new_person()
    log_in(person)
    token = log_in(person)
    dynamodb_calls.clear()
    assert call("get_session", token, session=clock.now).status == 200
    assert [operation for operation, _ in dynamodb_calls] == ["BatchGetItem"]
