"""End sessions of a user."""

import pytest

from sessions.errors import InvalidInput
from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")


def statuses(*tokens):
    return [call("get_current_session", token).status for token in tokens]


def test_ends_the_named_sessions_and_counts_those_that_were_live(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    asked = {"login": person.username, "sessions": [clock.now, str(clock.now + 2), 5]}
    assert invoke("revoke_user_sessions", asked) == {"id": person.id, "count": 2}
    assert statuses(*tokens) == [401, 200, 401]
    assert invoke("revoke_user_sessions", asked) == {"id": person.id, "count": 0}


def test_ends_all_in_one_write_with_a_thousand_of_them(clock, dynamodb_calls):
    person, stranger = new_person(), log_in(new_person())
    token = log_in(person)
    add_sessions(person, range(1, 1000))
    dynamodb_calls.clear()
    asked = {"login": person.email, "all": True}
    assert invoke("revoke_user_sessions", asked) == {"id": person.id, "count": 1000}
    writes = [
        call for call, _ in dynamodb_calls if call not in {"GetItem", "BatchGetItem", "Query"}
    ]
    assert writes == ["UpdateItem"]
    assert statuses(token, stranger) == [401, 200]
    assert statuses(log_in(person)) == [200]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "sessions or all, one of them"),
        ({"sessions": [1], "all": True}, "sessions or all, one of them"),
        ({"all": "yes"}, "all"),
        ({"sessions": 5}, "sessions"),
        ({"sessions": [1, "x"]}, "sessions"),
        ({"sessions": [True]}, "sessions"),
    ],
)
def test_what_says_not_which_is_refused_and_ends_nothing(clock, given, named):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        invoke("revoke_user_sessions", {"login": person.username, **given})
    assert stored_rows(person) == before


def test_ends_no_session_of_another_user(clock):
    person, other = new_person(), new_person()
    log_in(person)
    token = log_in(other)  # in the same second, so with the same ID
    invoke("revoke_user_sessions", {"login": person.username, "sessions": [clock.now]})
    assert stored_sessions(person) == {}
    assert statuses(token) == [200]
