"""Ban a user."""

import pytest

from sessions.dynamodb import USERS
from sessions.errors import AccountError, InvalidInput, UnknownUser
from tests.support.calls import call, invoke
from tests.support.contract import BANNED
from tests.support.leaks import PASSWORD
from tests.support.operations import ACCOUNT_OPERATIONS, ON_A_USER
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

NO_USERS = {
    "login or id, one of them": [{}, {"login": None}, {"login": "x", "id": "x"}],
    "not an object": [[], None, 5],
    "login": [{"login": 5}, {"login": ""}, {"login": "x" * 321}],
    "id": [{"id": 5}, {"id": ""}, {"id": "x" * 257}, {"id": "session_epoch#0"}, {"id": "a b"}],
    "actor": [{"login": "x", "actor": 5}, {"login": "x", "actor": ""}],
}


def test_stores_since_when_and_nothing_else(clock):
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


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
@pytest.mark.parametrize("name", ["username", "email"])
def test_finds_the_user_by_either_name_in_any_case(clock, spelling, name):
    person = new_person()
    answer = invoke("ban_user", {"login": spelling(getattr(person, name))})
    assert answer["id"] == person.id


def test_is_in_force_at_the_next_request_of_every_session(clock):
    person = new_person()
    tokens = [log_in(person), log_in(person)]
    stranger = log_in(new_person())
    invoke("ban_user", {"login": person.username})
    answers = [call("get_current_session", token) for token in tokens]
    assert [(answer.status, answer.body) for answer in answers] == [(403, BANNED)] * 2
    assert call("get_current_session", stranger).status == 200


def test_stores_a_reason_and_an_end_and_bans_by_id_as_well(clock):
    person = new_person()
    end = clock.now + 60
    ban = {"id": person.id, "reason": "spam", "until": end}
    assert invoke("ban_user", ban) == {**ban, "banned_at": clock.now}
    row = stored_rows(person)["user"]
    assert (row["ban_reason"], row["banned_until"]) == ({"S": "spam"}, {"N": str(end)})


def test_a_ban_with_an_end_is_over_at_that_second(clock):
    person = new_person()
    token = log_in(person)
    credentials = {"user": person.username, "pass": PASSWORD}
    invoke("ban_user", {"login": person.username, "until": clock.now + 60})
    clock.now += 59
    assert call("get_current_session", token).status == 403
    assert call("create_session", body=credentials).status == 403
    clock.now += 1
    assert call("get_current_session", token).status == 200
    assert call("create_session", body=credentials).status == 201


def test_banning_again_replaces_the_ban(clock):
    person = new_person()
    invoke("ban_user", {"login": person.username, "reason": "spam", "until": clock.now + 60})
    clock.now += 30
    invoke("ban_user", {"login": person.username})
    row = stored_rows(person)["user"]
    assert row["banned_at"] == {"N": str(clock.now)}
    assert not {"ban_reason", "banned_until"} & row.keys()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"until": 1}, "until, which is in the past"),
        ({"until": "tomorrow"}, "until"),
        ({"until": 10**12}, "until"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 513}, "reason"),
    ],
)
def test_a_ban_that_makes_no_sense_is_refused_and_bans_nobody(clock, given, named):
    person = new_person()
    before = stored_rows(person)
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        invoke("ban_user", {"login": person.username, **given})
    assert stored_rows(person) == before


@pytest.mark.parametrize("operation", ON_A_USER)
@pytest.mark.parametrize(
    ("named", "event"), [(named, event) for named, events in NO_USERS.items() for event in events]
)
def test_an_input_that_names_nobody_is_refused(clock, operation, event, named):
    if isinstance(event, dict):
        event = {**event, **ACCOUNT_OPERATIONS[operation].given}
    with pytest.raises(InvalidInput, match=f"^{named}"):
        invoke(operation, event)


@pytest.mark.parametrize("operation", ON_A_USER)
def test_an_id_that_nobody_has_is_refused_and_makes_nobody(clock, operation):
    for unknown in ("nobody", "x" * 256):
        before = tables().get_item(TableName=USERS, Key={"id": {"S": unknown}}).get("Item")
        with pytest.raises(UnknownUser):
            invoke(operation, ACCOUNT_OPERATIONS[operation].event(id=unknown))
        after = tables().get_item(TableName=USERS, Key={"id": {"S": unknown}}).get("Item")
        assert after == before


@pytest.mark.parametrize("operation", ON_A_USER)
def test_a_name_that_nobody_has_is_refused(clock, operation):
    with pytest.raises(UnknownUser):
        invoke(operation, ACCOUNT_OPERATIONS[operation].event(login="nobody at all"))


@pytest.mark.parametrize("operation", ON_A_USER)
def test_a_login_name_whose_user_is_gone_brings_no_user_back(clock, operation):
    person = new_person()
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    with pytest.raises(UnknownUser):
        invoke(operation, ACCOUNT_OPERATIONS[operation].event(login=person.username))
    assert stored_rows(person)["user"] is None


@pytest.mark.parametrize("operation", ON_A_USER)
def test_a_refusal_is_one_audit_line_at_info_without_a_traceback(clock, operation, logged):
    event = ACCOUNT_OPERATIONS[operation].event(login="nobody at all", actor="ops@example.com")
    with pytest.raises(UnknownUser):
        invoke(operation, event)
    (line,) = logged()
    assert (line["level"], line["message"]) == ("INFO", "OperationRefused")
    assert (line["operation"], line["login"]) == (operation, "nobody at all")
    assert "user" not in line
    assert (line["actor"], line["at"]) == ("ops@example.com", clock.now)
    assert line["reason"] == "no user has this name, address or ID"
    assert "exception" not in line


@pytest.mark.parametrize(
    "odd", ["\x9b31m", "\x85", "\x7f", "\0", "\n", "\N{LINE SEPARATOR}", "\ud800"]
)
def test_what_a_terminal_or_an_output_chokes_on_is_logged_escaped(clock, logged, lines, odd):
    with pytest.raises(AccountError):
        invoke("ban_user", {"login": f"nobody{odd}", "actor": odd})
    (line,) = logged()
    assert (line["login"], line["actor"]) == (f"nobody{odd}", odd)
    (text,) = lines()
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize("operation", ON_A_USER)
def test_each_operation_writes_one_audit_line_who_what_whom_when(clock, operation, logged):
    person = new_person()
    log_in(person)
    logged()
    event = ACCOUNT_OPERATIONS[operation].event(login=person.email, actor="ops@example.com")
    invoke(operation, event)
    line = logged()[-1]
    assert line["level"] == "INFO"
    assert (line["operation"], line["user"]) == (operation, person.id)
    assert (line["actor"], line["at"]) == ("ops@example.com", clock.now)
    assert ACCOUNT_OPERATIONS[operation].given.get("password", PASSWORD) not in str(line)
