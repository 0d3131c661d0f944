"""Ban a user."""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import BANNED
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
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
    }
    banned = {**before["user"], "banned_at": {"N": str(clock.now)}}
    assert stored_rows(person) == {**before, "user": banned}


@pytest.mark.parametrize("given", [{"reason": "😀" * 512, "until": 10**12 - 1}, {"reason": "spam"}])
def test_stores_a_reason_and_an_end(clock, given):
    person = new_person()
    answer = invoke("ban_user", {"id": person.id, **given})
    assert answer == {"id": person.id, "banned_at": clock.now, "until": None} | given
    row = stored_rows(person)["user"]
    assert row["ban_reason"] == {"S": given["reason"]}
    assert row.get("banned_until") == ({"N": str(given["until"])} if "until" in given else None)


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
