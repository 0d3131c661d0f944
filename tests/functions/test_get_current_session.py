"""GET /user/session."""

import pytest

from tests.support.calls import call
from tests.support.contract import HEADERS, SESSION_SECONDS
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import shown_sessions

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_the_session_of_the_token_and_no_other(clock):
    person = new_person()
    older = log_in(person, rememberMe=True)
    clock.now += 7
    newer = log_in(person)
    sessions = shown_sessions(person)
    assert call("get_current_session", older) == (200, HEADERS, sessions[clock.now - 7])
    assert call("get_current_session", newer) == (200, HEADERS, sessions[clock.now])


def test_a_session_expires_on_the_second(clock):
    person = new_person()
    token = log_in(person)
    clock.now += SESSION_SECONDS - 1
    assert statuses(token) == [200]
    clock.now += 1
    assert statuses(token) == [401]
    assert len(shown_sessions(person)) == 1
