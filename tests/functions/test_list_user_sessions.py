"""List a user's sessions."""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import SESSION_SECONDS
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_as_the_user_would_be_answered_even_during_a_ban(clock):
    person = new_person()
    token = log_in(person)
    log_in(person)
    listed = call("list_sessions", token, query=None).body
    assert listed["count"] == 2
    assert invoke("list_user_sessions", {"login": person.email}) == {"id": person.id, **listed}
    invoke("ban_user", {"login": person.username})
    assert invoke("list_user_sessions", {"login": person.email}) == {"id": person.id, **listed}


def test_leaves_out_expired_and_revoked_sessions(clock):
    person = new_person()
    log_in(person)
    clock.now += SESSION_SECONDS
    token = log_in(person)
    log_in(person)
    call("delete_session", token, session=clock.now + 1)
    answer = invoke("list_user_sessions", {"id": person.id})
    assert [item["iat"] for item in answer["items"]] == [clock.now]
    for operation in ("revoke_user_sessions", "revoke_everyone"):
        token = log_in(person)
        invoke(operation, {"id": person.id, "all": True, "everyone": True})
        assert invoke("list_user_sessions", {"id": person.id})["items"] == []
