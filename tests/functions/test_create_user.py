"""Create a user."""

import re

import pytest

from sessions.dynamodb import LOGINS, SESSIONS, USERS
from sessions.errors import UserTaken
from tests.support.calls import call, invoke
from tests.support.people import new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

HASH = re.compile(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")


def create(username, email, password="a password"):
    return invoke("create_user", {"username": username, "email": email, "password": password})


def size_of_tables():
    return [
        tables().scan(TableName=table, Select="COUNT")["Count"]
        for table in (USERS, LOGINS, SESSIONS)
    ]


def login_row(login):
    return tables().get_item(TableName=LOGINS, Key={"login": {"S": login}}).get("Item")


def test_stores_the_user_and_both_names_to_log_in_with(clock, real_hashes):
    before = size_of_tables()
    created = create("Ann.Straße", "Ann@Example.COM")
    assert created == {"id": created["id"], "username": "Ann.Straße", "email": "Ann@Example.COM"}
    assert len(created["id"]) == 22, "128 bits in base64url"
    rows = [login_row("ann.strasse"), login_row("ann@example.com")]
    (password_hash,) = {row.pop("password_hash")["S"] for row in rows}
    assert HASH.fullmatch(password_hash)
    assert rows == [
        {"login": {"S": login}, "user": {"S": created["id"]}, "password_version": {"N": "0"}}
        for login in ("ann.strasse", "ann@example.com")
    ]
    user = tables().get_item(TableName=USERS, Key={"id": {"S": created["id"]}})["Item"]
    assert user == {
        "id": {"S": created["id"]},
        "username": {"S": "Ann.Straße"},
        "email": {"S": "Ann@Example.COM"},
        "created_at": {"N": str(clock.now)},
        "last_iat": {"N": "0"},
        "password_version": {"N": "0"},
        "revoked_through": {"N": "0"},
        "ended_epoch": {"N": "0"},
        "login_addresses": {"M": {}},
    }
    assert size_of_tables() == [before[0] + 1, before[1] + 2, before[2]]


def test_two_users_with_one_password_have_different_hashes(clock):
    first, second = (stored_rows(new_person())["logins"][0] for _ in range(2))
    assert first["password_hash"] != second["password_hash"]


@pytest.mark.parametrize(
    "username", ["bob", "x", "x" * 64, "名前", "😀" * 64, "o'neil", 'a"b;--', "..", "/"]
)
def test_the_user_can_log_in_by_either_name(clock, username):
    email = f"any{ord(username[-1])}{len(username)}@example.com"
    created = create(username, email, " pass ")
    for name in (username, email, username.upper()):
        answer = call("create_session", body={"user": name, "pass": " pass "})
        assert answer.status == 201
        current = call("get_current_session", answer.body["token"])
        assert current.body["sub"] == created["id"]


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_taken_name_or_address_is_refused_and_nothing_stored(clock, spelling):
    person = new_person("Ü")
    before, rows = size_of_tables(), stored_rows(person)
    username, email = spelling(person.username), spelling(person.email)
    for names in ((username, "new@example.com"), (username, email), ("new", email)):
        with pytest.raises(UserTaken):
            create(*names, "another")
    assert (size_of_tables(), stored_rows(person)) == (before, rows)
