"""Ban a user."""

import pytest

from tests.calls import call, invoke, log_in, new_person, stored_rows, tables
from tests.contract import BANNED

pytestmark = pytest.mark.usefixtures("aws")

NO_USERS = [{}, [], None, {"user": None}, {"user": 5}, {"user": ""}, {"user": "x" * 321}]


def test_stores_since_when_and_nothing_else(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    clock.now += 9
    assert invoke("ban_user", {"user": person.username}) == {
        "id": person.id,
        "banned_at": clock.now,
    }
    banned = {**before["user"], "banned_at": {"N": str(clock.now)}}
    assert stored_rows(person) == {**before, "user": banned}


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
@pytest.mark.parametrize("name", ["username", "email"])
def test_finds_the_user_by_either_name_in_any_case(clock, spelling, name):
    person = new_person()
    answer = invoke("ban_user", {"user": spelling(getattr(person, name))})
    assert answer["id"] == person.id


def test_is_in_force_at_the_next_request_of_every_session(clock):
    person = new_person()
    tokens = [log_in(person), log_in(person)]
    stranger = log_in(new_person())
    invoke("ban_user", {"user": person.username})
    answers = [call("get_current_session", token) for token in tokens]
    assert [(answer.status, answer.body) for answer in answers] == [(403, BANNED)] * 2
    assert call("get_current_session", stranger).status == 200


def test_banning_again_changes_nothing(clock):
    person = new_person()
    first = invoke("ban_user", {"user": person.username})
    before = stored_rows(person)
    clock.now += 60
    assert invoke("ban_user", {"user": person.username}) == first
    assert stored_rows(person) == before


@pytest.mark.parametrize("operation", ["ban_user", "unban_user"])
@pytest.mark.parametrize("event", NO_USERS)
def test_an_input_that_names_nobody_is_refused(clock, operation, event):
    from sessions.errors import InvalidInput  # noqa: PLC0415 - after the environment stands

    named = "user" if isinstance(event, dict) else "not an object"
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        invoke(operation, event)


@pytest.mark.parametrize("operation", ["ban_user", "unban_user"])
def test_a_name_that_nobody_has_is_refused(clock, operation):
    from sessions.errors import UnknownUser  # noqa: PLC0415 - after the environment stands

    with pytest.raises(UnknownUser):
        invoke(operation, {"user": "nobody at all"})


@pytest.mark.parametrize("operation", ["ban_user", "unban_user"])
def test_a_login_name_whose_user_is_gone_brings_no_user_back(clock, operation):
    from sessions import store  # noqa: PLC0415 - after the environment stands
    from sessions.errors import UnknownUser  # noqa: PLC0415

    person = new_person()
    tables().delete_item(TableName=store.USERS, Key={"id": {"S": person.id}})
    with pytest.raises(UnknownUser):
        invoke(operation, {"user": person.username})
    assert stored_rows(person)["user"] is None


@pytest.mark.parametrize("operation", ["ban_user", "unban_user"])
def test_a_refusal_is_logged_at_info_without_a_traceback(clock, operation, logged):
    from sessions.errors import UnknownUser  # noqa: PLC0415 - after the environment stands

    with pytest.raises(UnknownUser):
        invoke(operation, {"user": "nobody at all"})
    (line,) = logged()
    assert (line["level"], line["message"]) == ("INFO", "OperationRefused")
    assert "exception" not in line
