"""Lift a user's ban."""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import SESSION_SECONDS
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


@pytest.mark.parametrize("name", ["username", "email"])
def test_brings_back_what_was_there_before_the_ban(clock, name):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    invoke("ban_user", {"login": person.username})
    assert call("get_current_session", token).status == 403
    lifted = invoke("unban_user", {"login": getattr(person, name).upper()})
    assert lifted == {"id": person.id, "revoked_sessions": False}
    assert stored_rows(person) == before
    assert call("get_current_session", token).status == 200


def test_lets_the_user_log_in_again(clock):
    person = new_person()
    invoke("ban_user", {"login": person.username})
    credentials = {"user": person.username, "pass": PASSWORD}
    assert call("create_session", body=credentials).status == 403
    invoke("unban_user", {"login": person.username})
    assert call("create_session", body=credentials).status == 201


def test_does_not_bring_back_sessions_that_expired_during_the_ban(clock):
    person = new_person()
    token = log_in(person)
    invoke("ban_user", {"login": person.username})
    clock.now += SESSION_SECONDS
    invoke("unban_user", {"login": person.username})
    assert call("get_current_session", token).status == 401


def test_does_nothing_to_a_user_who_is_not_banned(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    assert invoke("unban_user", {"login": person.username})["id"] == person.id
    assert stored_rows(person) == before


def test_ends_the_sessions_that_the_ban_covered_where_asked(clock):
    person = new_person()
    tokens = [log_in(person), log_in(person)]
    invoke("ban_user", {"login": person.username})
    asked = {"id": person.id, "revoke_sessions": True}
    assert invoke("unban_user", asked) == {"id": person.id, "revoked_sessions": True}
    assert [call("get_current_session", token).status for token in tokens] == [401, 401]
    assert call("get_current_session", log_in(person)).status == 200
