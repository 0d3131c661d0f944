"""DELETE /user/session/{id}."""

import pytest

from sessions import session_store
from tests.support.calls import call
from tests.support.contract import HEADERS, INVALID_SESSION, SESSION_MISSING, SESSION_SECONDS
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

DELETED = {"code": "GENERIC_SUCCESS", "message": "Session Deleted"}


def test_ends_the_session_that_the_path_names_and_no_other(clock):
    person = new_person()
    other = log_in(person)
    token = log_in(person)
    log_in(person)
    before = stored_rows(person)
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body, answer.headers) == (200, DELETED, HEADERS)
    assert call("get_current_session", other).status == 401
    assert sorted(stored_sessions(person)) == [clock.now + 1, clock.now + 2]
    assert stored_rows(person)["user"] == before["user"]


def test_deleting_the_session_in_use_is_a_log_out(clock):
    person = new_person()
    token = log_in(person)
    staying = log_in(person)
    assert call("delete_session", token, session=clock.now).body == DELETED
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert call("get_current_session", staying).status == 200


def test_a_session_can_be_ended_only_once(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    assert call("delete_session", token, session=clock.now).status == 200
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body, answer.headers) == (404, SESSION_MISSING, HEADERS)


def test_an_expired_session_is_missing_though_its_row_is_still_there(clock):
    person = new_person()
    log_in(person)
    expiring = clock.now
    token = log_in(person, rememberMe=True)
    clock.now += SESSION_SECONDS
    answer = call("delete_session", token, session=expiring)
    assert (answer.status, answer.body) == (404, SESSION_MISSING)
    assert expiring in stored_sessions(person)


def test_a_revoked_session_is_missing_though_its_row_is_still_there(clock, monkeypatch):
    person = new_person()
    log_in(person)
    token = log_in(person)
    monkeypatch.setattr(session_store, "purge_sessions", lambda *_: 0)
    call("delete_all_sessions", token, query={"allButSelf": ["1"]})
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body) == (404, SESSION_MISSING)
    assert clock.now in stored_sessions(person)


def test_a_session_that_another_request_ends_in_between_is_missing(clock, monkeypatch):
    person = new_person()
    log_in(person)
    token = log_in(person)
    end_session = session_store.revoke_session

    def too_late(user, iat, now):
        end_session(user, iat, now)
        end_session(user, iat, now)

    monkeypatch.setattr(session_store, "revoke_session", too_late)
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body) == (404, SESSION_MISSING)


def test_leaves_of_the_row_only_its_id_why_it_ended_and_when(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    clock.now += 60
    call("delete_session", token, session=clock.now - 60)
    _, ended = sorted(stored_rows(person)["sessions"], key=lambda row: "revoked_reason" in row)
    del ended["session_epoch"]
    assert ended == {
        "user": {"S": person.id},
        "iat": {"N": str(clock.now - 60)},
        "exp": {"N": str(clock.now)},  # so that DynamoDB's TTL deletes it
        "revoked_reason": {"S": "deleted"},
    }
