"""Change a user's password."""

import pytest

from sessions import user_store
from sessions.errors import ChangedMeanwhile, InvalidInput
from tests.support.calls import call, invoke
from tests.support.contract import INVALID_PASSWORD
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, stored_user

pytestmark = pytest.mark.usefixtures("aws")

ANOTHER = "another password"


def log_in_with(person, password, name="username"):
    return call("create_session", body={"user": getattr(person, name), "pass": password})


@pytest.mark.parametrize("name", ["username", "email"])
def test_from_then_on_only_the_new_password_logs_in_by_either_name(clock, name):
    person = new_person()
    asked = {"login": getattr(person, name), "password": ANOTHER}
    assert invoke("set_password", asked) == {"id": person.id, "kept_sessions": False}
    for login in ("username", "email"):
        refused = log_in_with(person, PASSWORD, login)
        assert (refused.status, refused.body) == (401, INVALID_PASSWORD)
        assert log_in_with(person, ANOTHER, login).status == 201


def test_ends_every_session_at_its_next_request(clock):
    person, stranger = new_person(), log_in(new_person())
    tokens = [log_in(person) for _ in range(3)]
    add_sessions(person, range(1, 1000))
    invoke("set_password", {"login": person.username, "password": ANOTHER})
    assert [call("get_current_session", token).status for token in tokens] == [401] * 3
    assert call("get_current_session", stranger).status == 200
    token = log_in_with(person, ANOTHER).body["token"]
    assert call("list_sessions", token, query=None).body["count"] == 1


def test_keeps_the_sessions_where_asked(clock):
    person = new_person()
    token = log_in(person)
    asked = {"id": person.id, "password": ANOTHER, "keep_sessions": True}
    assert invoke("set_password", asked) == {"id": person.id, "kept_sessions": True}
    assert call("get_current_session", token).status == 200
    assert stored_user(person).revoked_through == 0


def test_is_one_write(clock, dynamodb_calls):
    person = new_person()
    dynamodb_calls.clear()
    invoke("set_password", {"login": person.username, "password": ANOTHER})
    assert [call for call, _ in dynamodb_calls] == ["GetItem", "GetItem", "TransactWriteItems"]


def test_a_log_in_that_found_the_old_password_right_gets_no_session_any_more(clock, monkeypatch):
    person = new_person()
    allocate_session_id = user_store.allocate_session_id

    def allot_after_a_change(login, now, address):
        invoke("set_password", {"login": person.username, "password": ANOTHER})
        return allocate_session_id(login, now, address)

    monkeypatch.setattr(user_store, "allocate_session_id", allot_after_a_change)
    answer = log_in_with(person, PASSWORD)
    assert (answer.status, answer.body) == (401, INVALID_PASSWORD)
    assert stored_rows(person)["sessions"] == []


def test_two_changes_at_once_leave_one_password_for_both_names(clock, monkeypatch):
    person = new_person()
    read_user = user_store.read_user

    def read_before_a_change(user):
        read = read_user(user)
        monkeypatch.setattr(user_store, "read_user", read_user)
        invoke("set_password", {"login": person.username, "password": "the first"})
        return read

    monkeypatch.setattr(user_store, "read_user", read_before_a_change)
    with pytest.raises(ChangedMeanwhile):
        invoke("set_password", {"login": person.username, "password": "the second"})
    for name in ("username", "email"):
        assert log_in_with(person, "the first", name).status == 201
        assert log_in_with(person, "the second", name).status == 401


@pytest.mark.parametrize("password", [None, "", 5, "x" * 1025])
def test_what_is_no_password_is_refused_and_changes_nothing(clock, password):
    person = new_person()
    before = stored_rows(person)
    with pytest.raises(InvalidInput, match=r"^password$"):
        invoke("set_password", {"login": person.username, "password": password})
    assert stored_rows(person) == before


def test_the_password_is_in_no_log_line(clock, logged):
    person = new_person()
    invoke("set_password", {"login": person.username, "password": ANOTHER})
    assert logged()[-1]["message"] == "PasswordSet"
    assert ANOTHER not in str(logged())
