"""Revoke sessions of a user."""

import pytest

from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions

pytestmark = pytest.mark.usefixtures("aws")


def statuses(*tokens):
    return [call("get_current_session", token).status for token in tokens]


def test_revokes_the_named_sessions_and_counts_the_live_ones(clock):
    person, other = new_person(), new_person()
    tokens = [log_in(person) for _ in range(3)]
    strangers = [log_in(other) for _ in range(3)]  # in the same second, so with the same IDs
    request = {"login": person.username, "sessions": [clock.now, str(clock.now + 2), 5]}
    assert invoke("revoke_user_sessions", request) == {"id": person.id, "count": 2}
    assert statuses(*tokens) == [401, 200, 401]
    assert statuses(*strangers) == [200] * 3
    assert invoke("revoke_user_sessions", request) == {"id": person.id, "count": 0}


def test_revokes_all_in_one_write_and_counts_a_thousand(clock, dynamodb_calls):
    person, stranger = new_person(), log_in(new_person())
    token = log_in(person)
    add_sessions(person, range(1, 1000))
    dynamodb_calls.clear()
    request = {"login": person.email, "all": True}
    assert invoke("revoke_user_sessions", request) == {"id": person.id, "count": 1000}
    reads = {"GetItem", "BatchGetItem", "Query"}
    assert [call for call, _ in dynamodb_calls if call not in reads] == ["UpdateItem"]
    assert statuses(token, stranger, log_in(person)) == [401, 200, 200]
