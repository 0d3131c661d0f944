"""No input, however large, drives a request over a limit of DynamoDB.

Each request is held to them (tests/dynamodb_limits.py); here are the inputs that come nearest.
"""

import pytest

from sessions.errors import InvalidInput, UnknownUser
from tests.support.calls import call, invoke
from tests.support.contract import INVALID_USER
from tests.support.leaks import PASSWORD
from tests.support.operations import ACCOUNT_OPERATIONS, ON_A_USER
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_sessions, stored_user

pytestmark = pytest.mark.usefixtures("aws")

WIDEST = "ﷺ"  # one character, which is 33 bytes once it is normalised
TEN_THOUSAND = range(1, 10_001)


def names(username="", email=""):
    return {"username": username, "email": email, "password": PASSWORD}


def test_names_may_be_as_long_as_a_key(clock):
    username, email = WIDEST * 62, "x@" + "y" * 318
    made = invoke("create_user", names(username, email))
    for name in (username, email):
        assert call("create_session", body={"user": name, "pass": PASSWORD}).status == 201
    invoke("rename_user", {"login": username, "username": "z" * 64, "email": "z@" + WIDEST * 62})
    invoke("delete_user", {"id": made["id"]})


@pytest.mark.parametrize(
    ("name", "value"),
    [("username", WIDEST * 63), ("email", "xy@" + WIDEST * 62)],
    ids=["username", "email"],
)
def test_names_that_are_longer_than_a_key_once_normalised_are_refused(clock, name, value):
    person = new_person()
    with pytest.raises(InvalidInput, match=f"^{name}$"):
        invoke("create_user", {**names("short", "short@example.com"), name: value})
    with pytest.raises(InvalidInput, match=f"^{name}$"):
        invoke("rename_user", {"id": person.id, name: value})
    assert stored_user(person).username == person.username


def test_a_name_that_is_longer_than_a_key_is_nobodys(clock):
    answer = call("create_session", body={"user": WIDEST * 320, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)
    with pytest.raises(UnknownUser):
        invoke("list_user_sessions", {"login": WIDEST * 320})


@pytest.mark.parametrize("operation", ON_A_USER)
def test_the_longest_id_is_nobodys(clock, operation):
    with pytest.raises(UnknownUser):
        invoke(operation, ACCOUNT_OPERATIONS[operation].event(id="x" * 256))


def test_the_longest_reason_and_the_latest_end_are_stored(clock):
    person = new_person()
    given = {"reason": "😀" * 512, "until": 10**12 - 1}
    invoke("ban_user", {"id": person.id, **given})
    assert stored_user(person).ban_reason == given["reason"]
    assert stored_user(person).banned_until == given["until"]


def test_the_longest_session_name_is_stored(clock):
    person = new_person()
    body = {"user": person.username, "pass": PASSWORD, "rememberMe": True}
    answer = call("create_session", body=body, headers={"X-Session-Name": "😀" * 64})
    assert answer.status == 201
    assert stored_sessions(person)[clock.now]["name"] == "😀" * 64


def test_ten_thousand_ids_end_those_sessions_that_there_are(clock):
    person = new_person()
    token = log_in(person)
    add_sessions(person, range(5_000, 5_003))
    ids = [*TEN_THOUSAND, *map(str, TEN_THOUSAND)]
    answer = call("delete_sessions", token, body={"sessions": ids})
    assert (answer.status, answer.body["count"]) == (200, 3)
    assert list(stored_sessions(person)) == [clock.now]


def test_an_operator_may_name_ten_thousand_ids(clock):
    person = new_person()
    log_in(person)
    add_sessions(person, range(5_000, 5_003))
    answer = invoke("revoke_user_sessions", {"id": person.id, "sessions": [*TEN_THOUSAND]})
    assert answer["count"] == 3
    assert list(stored_sessions(person)) == [clock.now]
