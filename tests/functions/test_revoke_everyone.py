"""The panic button."""

import pytest

from sessions import dynamodb, user_store
from sessions.errors import ChangedMeanwhile, InvalidInput
from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows

pytestmark = pytest.mark.usefixtures("aws")

EVERYONE = {"everyone": True}


def statuses(*tokens):
    return [call("get_current_session", token).status for token in tokens]


def test_ends_every_session_of_every_user_issued_before_it_and_none_after(clock):
    people = [new_person() for _ in range(20)]  # of whom any two may read different rows
    tokens = [log_in(person) for person in people for _ in range(2)]
    add_sessions(people[0], range(1, 1000))
    first = invoke("revoke_everyone", EVERYONE)["session_epoch"]
    assert set(statuses(*tokens)) == {401}
    later = [log_in(person) for person in people]  # in the very same second
    assert set(statuses(*later)) == {200}
    assert call("list_sessions", later[0], query=None).body["count"] == 1
    assert invoke("revoke_everyone", EVERYONE) == {"session_epoch": first + 1}
    assert set(statuses(*tokens, *later)) == {401}


def test_is_one_write_whatever_the_number_of_users(clock, dynamodb_calls):
    invoke("revoke_everyone", EVERYONE)
    assert [call for call, _ in dynamodb_calls] == ["BatchGetItem", "TransactWriteItems"]


def test_touches_no_users_row(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    invoke("revoke_everyone", EVERYONE)
    assert stored_rows(person) == before


def test_a_log_in_under_way_is_over_when_it_is_answered(clock, monkeypatch):
    person = new_person()
    allocate_session_id = user_store.allocate_session_id

    def allot_after_the_button(login, now, address):
        invoke("revoke_everyone", EVERYONE)
        return allocate_session_id(login, now, address)

    monkeypatch.setattr(user_store, "allocate_session_id", allot_after_the_button)
    token = log_in(person)
    assert statuses(token) == [401]


def test_two_at_once_are_one(clock, monkeypatch):
    token = log_in(new_person())
    write = dynamodb.transact

    def write_after_another(parts):
        monkeypatch.setattr(dynamodb, "transact", write)
        invoke("revoke_everyone", EVERYONE)
        return write(parts)

    monkeypatch.setattr(dynamodb, "transact", write_after_another)
    with pytest.raises(ChangedMeanwhile):
        invoke("revoke_everyone", EVERYONE)
    assert statuses(token) == [401]


@pytest.mark.parametrize("event", [{}, {"everyone": False}, {"everyone": 1}, {"user": "joe"}, []])
def test_what_does_not_say_everyone_is_refused_and_ends_nothing(clock, event):
    token = log_in(new_person())
    with pytest.raises(InvalidInput):
        invoke("revoke_everyone", event)
    assert statuses(token) == [200]
