"""List a user's sessions."""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import SESSION_SECONDS
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")


@pytest.mark.parametrize("banned", [False, True])
def test_answers_what_the_user_would_see_banned_or_not(clock, banned):
    person = new_person()
    token = log_in(person)
    log_in(person)
    seen = call("list_sessions", token, query=None).body
    if banned:
        invoke("ban_user", {"login": person.username})
    answer = invoke("list_user_sessions", {"login": person.email})
    assert answer == {"id": person.id, **seen}
    assert answer["count"] == 2


def test_leaves_out_what_is_over(clock):
    person = new_person()
    log_in(person)
    clock.now += SESSION_SECONDS
    token = log_in(person)
    log_in(person)
    call("delete_session", token, session=clock.now + 1)
    answer = invoke("list_user_sessions", {"id": person.id})
    assert [item["iat"] for item in answer["items"]] == [clock.now]
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    assert invoke("list_user_sessions", {"id": person.id})["items"] == []
