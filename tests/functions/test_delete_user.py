"""Delete all that is stored about a user."""

import itertools

import pytest

from sessions.dynamodb import LOGINS, USERS
from tests.support.calls import call, invoke
from tests.support.contract import INVALID_USER, session_over
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")


def rows_left(person):
    """Return all rows about the user, without the tombstone, which has the ID alone."""
    rows = stored_rows(person)
    tombstones = [row for row in rows["sessions"] if row["iat"]["N"] == "0"]
    for row in tombstones:
        assert (row["name"], row["jti_sha256"]["B"]) == ({"S": ""}, b"")
    rows["sessions"] = [row for row in rows["sessions"] if row not in tombstones]
    return rows


NO_ROWS = {"user": None, "logins": [None, None], "sessions": []}


def test_leaves_no_row_of_the_user_in_any_table_and_others_alone(clock):
    person, other = new_person(), new_person()
    token, stranger = log_in(person), log_in(other)
    add_sessions(person, range(1, 40))
    before = stored_rows(other)
    answer = invoke("delete_user", {"login": person.username})
    assert answer == {"id": person.id, "sessions": 40}
    assert rows_left(person) == NO_ROWS
    assert stored_rows(other) == before
    for table in (USERS, LOGINS):
        assert person.id not in str(tables().scan(TableName=table)["Items"])
    answer = call("get_current_session", token)
    assert (answer.status, answer.body) == (401, session_over("account_deleted"))
    answer = call("create_session", body={"user": person.email, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)
    assert call("get_current_session", stranger).status == 200


def test_the_names_are_free_again(clock):
    person = new_person()
    invoke("delete_user", {"id": person.id})
    names = {"username": person.username, "email": person.email}
    assert invoke("create_user", {**names, "password": PASSWORD})["id"] != person.id


def test_cut_short_after_any_call_a_repeat_finishes_it(clock, dynamodb, power_cut, monkeypatch):
    """From the first write on, no session and no login is let in."""
    monkeypatch.setattr("sessions.dynamodb.LARGEST_BATCH_WRITE", 2)
    for calls in itertools.count():
        person = new_person()
        token = log_in(person)
        add_sessions(person, range(1, 4))

        def delete(login=person.email):
            invoke("delete_user", {"login": login})

        if power_cut(calls, delete):
            break
        is_banned = "banned_at" in (stored_rows(person)["user"] or {"banned_at": 1})
        assert (call("get_current_session", token).status == 200) == (not is_banned), calls
        if stored_rows(person)["user"] is not None:
            answer = call("create_session", body={"user": person.email, "pass": PASSWORD})
            assert (answer.status == 201) == (not is_banned)
            delete()
        assert rows_left(person) == NO_ROWS, calls
    assert calls > 5
