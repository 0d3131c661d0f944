"""Delete all that is stored about a user."""

import pytest

from sessions.dynamodb import LOGINS, SESSIONS, USERS
from tests.support.calls import call, invoke
from tests.support.contract import INVALID_SESSION, INVALID_USER
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

GONE = {"user": None, "logins": [None, None], "sessions": []}


def test_leaves_no_row_of_the_person_in_any_table_and_others_alone(clock):
    person, other = new_person(), new_person()
    token, stranger = log_in(person), log_in(other)
    add_sessions(person, range(1, 40))
    before = stored_rows(other)
    asked = {"login": person.username}
    assert invoke("delete_user", asked) == {"id": person.id, "sessions": 40}
    assert stored_rows(person) == GONE
    assert stored_rows(other) == before
    for table in (USERS, LOGINS, SESSIONS):
        assert person.id not in str(tables().scan(TableName=table)["Items"])
    answer = call("get_current_session", token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    answer = call("create_session", body={"user": person.email, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)
    assert call("get_current_session", stranger).status == 200


def test_the_names_are_free_again(clock):
    person = new_person()
    invoke("delete_user", {"id": person.id})
    names = {"username": person.username, "email": person.email}
    again = invoke("create_user", {**names, "password": PASSWORD})
    assert again["id"] != person.id


def test_cut_short_after_any_call_it_lets_nobody_in_and_is_finished_by_a_repeat(
    clock, dynamodb, power_cut
):
    call_number = 0
    while True:
        person = new_person()
        token = log_in(person)
        add_sessions(person, range(1, 30))
        finished = power_cut(
            call_number, lambda p=person: invoke("delete_user", {"login": p.email})
        )
        if finished:
            break
        let_in = call("get_current_session", token).status == 200
        untouched = "banned_at" not in (stored_rows(person)["user"] or {"banned_at": 1})
        assert let_in == untouched, call_number
        if stored_rows(person)["user"] is not None:
            refused = call("create_session", body={"user": person.email, "pass": PASSWORD})
            assert (refused.status == 201) == untouched
            invoke("delete_user", {"login": person.email})
        assert stored_rows(person) == GONE, call_number
        call_number += 1
    assert call_number > 5
