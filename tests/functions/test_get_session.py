"""GET /user/session/{id}."""

import pytest

from tests.support.calls import call
from tests.support.contract import HEADERS
from tests.support.people import log_in, new_person
from tests.support.rows import shown_sessions

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_the_session_that_the_path_names(clock):
    person = new_person()
    older = log_in(person)
    clock.now += 10
    newer = log_in(person, rememberMe=True)
    sessions = shown_sessions(person)
    assert list(sessions) == [clock.now, clock.now - 10]
    for token in (older, newer):
        for iat, session in sessions.items():
            answer = call("get_session", token, session=iat)
            assert answer == (200, HEADERS, session)
