"""Ban a user."""

import pytest

from sessions import account_store
from tests.support.calls import call, call_route, invoke
from tests.support.contract import BANNED, HEADERS, INVALID_PASSWORD
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED
from tests.support.people import log_in, new_person, try_to_log_in
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def test_stores_when_it_began_and_changes_nothing_else(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    clock.now += 9
    assert invoke("ban_user", {"login": person.username}) == {
        "id": person.id,
        "banned_at": clock.now,
        "reason": None,
        "until": None,
        "tell_user": False,
    }
    banned = {**before["user"], "banned_at": {"N": str(clock.now)}}
    assert stored_rows(person) == {**before, "user": banned}


@pytest.mark.parametrize("given", [{"reason": "😀" * 512, "until": 10**12 - 1}, {"reason": "spam"}])
def test_stores_a_reason_and_an_end(clock, given):
    person = new_person()
    answer = invoke("ban_user", {"id": person.id, **given})
    usual = {"id": person.id, "banned_at": clock.now, "until": None, "tell_user": False}
    assert answer == usual | given
    row = stored_rows(person)["user"]
    assert row["ban_reason"] == {"S": given["reason"]}
    assert row.get("banned_until") == ({"N": str(given["until"])} if "until" in given else None)


@pytest.mark.parametrize("tell_user", [True, False])
@pytest.mark.parametrize("given", ["reason until", "reason", "until", ""])
def test_tells_the_user_what_the_operator_gave_if_the_operator_says_so(clock, given, tell_user):
    """On every route, and to whoever knows the password; what is not there is not told."""
    person = new_person()
    token = log_in(person)
    ban = {"reason": "no spam 🙏", "until": clock.now + 60}
    ban = {name: value for name, value in ban.items() if name in given.split()}
    invoke("ban_user", {"id": person.id, **ban, "tell_user": tell_user})
    told = {**BANNED, **(ban if tell_user else {})}
    for route in AUTHENTICATED:
        assert call_route(route, token, clock.now) == (403, HEADERS, told), route
    assert try_to_log_in(person) == (403, HEADERS, told)
    assert try_to_log_in(person, **{"pass": "wrong"}).body == INVALID_PASSWORD


def test_a_later_ban_tells_nothing_of_the_one_before(clock):
    person = new_person()
    invoke("ban_user", {"id": person.id, "reason": "spam", "tell_user": True})
    invoke("ban_user", {"id": person.id, "reason": "fraud"})
    assert try_to_log_in(person).body == BANNED
    assert "ban_is_told" not in stored_rows(person)["user"]


def test_a_user_who_is_being_deleted_is_told_nothing_of_an_earlier_ban(clock):
    person = new_person()
    invoke(
        "ban_user", {"id": person.id, "reason": "spam", "until": clock.now + 5, "tell_user": True}
    )
    account_store.close_account(person.id, clock.now, 0)
    assert try_to_log_in(person).body == BANNED


def test_keeps_out_its_user_alone_until_the_second_of_its_end(clock):
    person = new_person()
    token, stranger = log_in(person), log_in(new_person())
    credentials = {"user": person.username, "pass": PASSWORD}
    invoke("ban_user", {"login": person.username, "until": clock.now + 60})
    assert call("get_current_session", stranger).status == 200
    clock.now += 59
    for answer in (
        call("get_current_session", token),
        call("create_session", body=credentials),
    ):
        assert (answer.status, answer.body) == (403, BANNED)
    clock.now += 1
    assert call("get_current_session", token).status == 200
    assert call("create_session", body=credentials).status == 201
