"""No input, however large, drives a request over a limit of DynamoDB.

Each request of every test is held to the limits (tests/support/dynamodb_limits.py); the inputs here
come nearest.
"""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import INVALID_USER
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

WIDEST = "ﷺ"  # one character, which is 33 bytes once it is normalised
TEN_THOUSAND = range(1, 10_001)


def test_names_may_be_as_long_as_a_key(clock):
    username, email = WIDEST * 62, "x@" + "y" * 318
    names = {"username": username, "email": email}
    user = invoke("create_user", {**names, "password": PASSWORD})["id"]
    for name in (username, email):
        assert call("create_session", body={"user": name, "pass": PASSWORD}).status == 201
    invoke("rename_user", {"login": username, "username": "z" * 64, "email": WIDEST * 62 + "@z"})
    assert invoke("delete_user", {"login": "z" * 64})["id"] == user


def test_a_login_with_a_name_longer_than_a_key_has_no_user(clock):
    answer = call("create_session", body={"user": WIDEST * 320, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)


def test_the_longest_session_name_is_stored(clock):
    person = new_person()
    body = {"user": person.username, "pass": PASSWORD, "rememberMe": True, "name": "😀" * 64}
    answer = call("create_session", body=body)
    assert answer.status == 201
    assert stored_sessions(person)[clock.now]["name"] == "😀" * 64


@pytest.mark.parametrize("operation", ["delete_sessions", "revoke_user_sessions"])
def test_ten_thousand_ids_revoke_the_sessions_among_them(clock, operation):
    person = new_person()
    token = log_in(person)
    add_sessions(person, range(5_000, 5_003))
    if operation == "delete_sessions":
        ids = [*TEN_THOUSAND[::2], *map(str, TEN_THOUSAND)]
        count = call(operation, token, body={"sessions": ids}).body["count"]
    else:
        count = invoke(operation, {"id": person.id, "sessions": [*TEN_THOUSAND]})["count"]
    assert count == 3
    assert list(stored_sessions(person)) == [clock.now]
