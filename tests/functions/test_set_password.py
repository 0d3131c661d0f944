"""Change a user's password."""

import pytest

from tests.support.calls import call, invoke
from tests.support.contract import INVALID_PASSWORD
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

ANOTHER = "another password"


@pytest.mark.parametrize("kept", [False, True])
def test_from_then_on_only_the_new_password_logs_in(clock, kept):
    """By either name; sessions are revoked unless they are kept."""
    person, stranger = new_person(), log_in(new_person())
    token = log_in(person)
    given = {"keep_sessions": True} if kept else {}
    request = {"login": person.username, "password": ANOTHER, **given}
    assert invoke("set_password", request) == {"id": person.id, "kept_sessions": kept}
    assert call("get_current_session", token).status == (200 if kept else 401)
    assert call("get_current_session", stranger).status == 200
    for name in (person.username, person.email):
        answer = call("create_session", body={"user": name, "pass": PASSWORD})
        assert (answer.status, answer.body) == (401, INVALID_PASSWORD)
        answer = call("create_session", body={"user": name, "pass": ANOTHER})
        assert call("get_current_session", answer.body["token"]).status == 200


def test_two_users_with_one_password_have_different_hashes(clock):
    first, second = new_person(), new_person()
    for person in (first, second):
        invoke("set_password", {"id": person.id, "password": ANOTHER})
    hashes = [stored_rows(person)["logins"][0]["password_hash"]["S"] for person in (first, second)]
    salts = {password_hash.split("$")[4] for password_hash in hashes}
    assert [len(salt) for salt in salts] == [22, 22], "128 bits in base64"


def test_stores_the_password_and_ends_the_sessions_in_one_write(clock, dynamodb_calls):
    person = new_person()
    dynamodb_calls.clear()
    invoke("set_password", {"login": person.username, "password": ANOTHER})
    *found, write, forget = [call for call, _ in dynamodb_calls]
    assert found == ["GetItem", "BatchGetItem"]
    assert (write, forget) == ("TransactWriteItems", "BatchWriteItem")
