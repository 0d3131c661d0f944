"""Lift a user's ban."""

import pytest

from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def test_brings_back_the_state_before_the_ban(clock):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    invoke(
        "ban_user",
        {"login": person.username, "reason": "spam", "until": clock.now + 9, "tell_user": True},
    )
    assert call("get_current_session", token).status == 403
    for _ in range(2):  # a user that is not banned stays as it is
        lifted = invoke("unban_user", {"login": person.username})
        assert lifted == {"id": person.id, "revoked_sessions": False}
        assert stored_rows(person) == before
    assert call("get_current_session", token).status == 200
    assert call("get_current_session", log_in(person)).status == 200


def test_revokes_the_sessions_that_the_ban_covered_where_asked(clock):
    person = new_person()
    tokens = [log_in(person), log_in(person)]
    invoke("ban_user", {"login": person.username})
    request = {"id": person.id, "revoke_sessions": True}
    assert invoke("unban_user", request) == {"id": person.id, "revoked_sessions": True}
    assert [call("get_current_session", token).status for token in tokens] == [401, 401]
    assert call("get_current_session", log_in(person)).status == 200
