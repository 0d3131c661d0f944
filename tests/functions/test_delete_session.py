"""DELETE /user/session/{id}."""

import pytest

from tests.support.calls import call
from tests.support.contract import HEADERS, SESSION_MISSING, session_over
from tests.support.faults import LOST_ANSWER, NOT_DONE, inject, meanwhile
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

DELETED = {"code": "GENERIC_SUCCESS", "message": "Session Deleted"}


def test_revokes_the_session_that_the_path_names_and_no_other(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    user = stored_rows(person)["user"]
    answer = call("delete_session", tokens[1], session=clock.now)
    assert answer == (200, HEADERS, DELETED)
    assert statuses(*tokens) == [401, 200, 200]
    assert sorted(stored_sessions(person)) == [clock.now + 1, clock.now + 2]
    assert stored_rows(person)["user"] == user


def test_deleting_the_session_in_use_is_a_log_out(clock):
    person = new_person()
    token, other = log_in(person), log_in(person)
    assert call("delete_session", token, session=clock.now).body == DELETED
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body) == (401, session_over("deleted"))
    assert statuses(other) == [200]


def test_a_session_can_be_revoked_only_once(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    assert call("delete_session", token, session=clock.now).status == 200
    answer = call("delete_session", token, session=clock.now)
    assert answer == (404, HEADERS, SESSION_MISSING)


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("fault", [*NOT_DONE, "done, and the answer lost"])
def test_of_two_callers_one_deleted_it_though_a_write_is_made_again(clock, dynamodb, fault):
    """The one whose write was done, whatever befell the first attempt of the other."""
    person, others = new_person(), []
    tokens = [log_in(person) for _ in range(3)]

    def delete(token):
        return call("delete_session", token, session=clock.now)

    again = meanwhile(NOT_DONE.get(fault, LOST_ANSWER), lambda: others.append(delete(tokens[1])))
    inject(dynamodb, "UpdateItem", again, times=1)
    answers = [delete(tokens[2]), *others]
    was_done = [fault not in NOT_DONE, fault in NOT_DONE]
    assert [answer.status for answer in answers] == [200 if done else 404 for done in was_done]
    assert statuses(*tokens) == [401, 200, 200]
