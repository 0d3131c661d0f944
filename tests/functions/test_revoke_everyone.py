"""Revoke every session of every user."""

import pytest

from sessions import dynamodb, user_store
from sessions.errors import ChangedMeanwhile
from tests.support.calls import call, invoke
from tests.support.people import BEGINNINGS, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

EVERYONE = {"everyone": True}


def statuses(*tokens):
    return {call("get_current_session", token).status for token in tokens}


def test_revokes_every_session_that_began_before_it_and_none_after(clock, dynamodb_calls):
    people = [new_person() for _ in range(12)]  # any two of them may read different shards
    tokens = [log_in(person) for person in people]
    before = [stored_rows(person) for person in people]
    dynamodb_calls.clear()
    first = invoke("revoke_everyone", EVERYONE)["session_epoch"]
    assert [call for call, _ in dynamodb_calls] == ["BatchGetItem", "TransactWriteItems"]
    assert [stored_rows(person) for person in people] == before
    assert statuses(*tokens) == {401}
    later = [log_in(person) for person in people]  # in the very same second
    assert statuses(*later) == {200}
    assert call("list_sessions", later[0], query=None).body["count"] == 1
    assert invoke("revoke_everyone", EVERYONE) == {"session_epoch": first + 1}
    assert statuses(*tokens, *later) == {401}


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_the_session_of_a_login_under_way_is_revoked(clock, monkeypatch, begin):
    person = new_person()
    allocate_session_id = user_store.allocate_session_id

    def allocate_after_the_revocation(*given):
        invoke("revoke_everyone", EVERYONE)
        return allocate_session_id(*given)

    monkeypatch.setattr(user_store, "allocate_session_id", allocate_after_the_revocation)
    assert statuses(begin(person).body["token"]) == {401}


def test_of_two_at_once_one_is_refused(clock, monkeypatch):
    token = log_in(new_person())
    transact = dynamodb.transact

    def write_after_another(writes):
        monkeypatch.setattr(dynamodb, "transact", transact)
        invoke("revoke_everyone", EVERYONE)
        return transact(writes)

    monkeypatch.setattr(dynamodb, "transact", write_after_another)
    with pytest.raises(ChangedMeanwhile) as refusal:
        invoke("revoke_everyone", EVERYONE)
    assert str(refusal.value) == "another call revokes everyone's sessions at this moment"
    assert statuses(token) == {401}
