"""Create a user."""

import json
import re

import pytest

from sessions.dynamodb import LOGINS, SESSIONS, USERS
from sessions.errors import AccountError, InvalidInput, UserTaken
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


def test_stores_the_user_and_both_names_to_log_in_with(clock):
    before = size_of_tables()
    made = create("Ann.Straße", "Ann@Example.COM")
    assert made == {"id": made["id"], "username": "Ann.Straße", "email": "Ann@Example.COM"}
    assert len(made["id"]) == 22, "128 bits in base64url"
    rows = [login_row("ann.strasse"), login_row("ann@example.com")]
    hashes = {row.pop("password_hash")["S"] for row in rows}
    assert rows == [
        {"login": {"S": login}, "user": {"S": made["id"]}, "password_version": {"N": "0"}}
        for login in ("ann.strasse", "ann@example.com")
    ]
    (password_hash,) = hashes
    assert HASH.fullmatch(password_hash)
    user = tables().get_item(TableName=USERS, Key={"id": {"S": made["id"]}})["Item"]
    assert user == {
        "id": {"S": made["id"]},
        "username": {"S": "Ann.Straße"},
        "email": {"S": "Ann@Example.COM"},
        "created_at": {"N": str(clock.now)},
        "last_iat": {"N": "0"},
        "password_version": {"N": "0"},
    }
    assert size_of_tables() == [before[0] + 1, before[1] + 2, before[2]]


def test_the_user_can_log_in_by_either_name(clock):
    made = create("bob", "bob@example.com", " pass ")
    for name in ("bob", "bob@example.com", "BOB"):
        answer = call("create_session", body={"user": name, "pass": " pass "})
        assert answer.status == 201
        current = call("get_current_session", answer.body["token"])
        assert current.body["sub"] == made["id"]


def test_two_users_with_one_password_have_different_hashes(clock):
    first, second = new_person(), new_person()
    hashes = [stored_rows(person)["logins"][0]["password_hash"]["S"] for person in (first, second)]
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(
    ("username", "email"),
    [
        ("{0.username}", "new@example.com"),
        ("{0.username}", "{0.email}"),
        ("new", "{0.email}"),
    ],
)
@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_name_or_address_that_is_taken_is_refused_and_nothing_stored(
    clock, username, email, spelling
):
    person = new_person("Ü")
    before, rows = size_of_tables(), stored_rows(person)
    with pytest.raises(UserTaken):
        create(spelling(username.format(person)), spelling(email.format(person)), "theirs")
    assert (size_of_tables(), stored_rows(person)) == (before, rows)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"username": None}, "username"),
        ({"username": ""}, "username"),
        ({"username": 5}, "username"),
        ({"username": ["x"]}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": " a"}, "username"),
        ({"username": "a\n"}, "username"),
        ({"username": "a\0"}, "username"),
        ({"username": "a\x7f"}, "username"),
        ({"username": "a\N{NO-BREAK SPACE}b"}, "username"),
        ({"username": "a\N{IDEOGRAPHIC SPACE}b"}, "username"),
        ({"username": "\ud800"}, "username"),
        ({"username": "x@example.com"}, "username"),
        ({"username": "@"}, "username"),
        ({"email": None}, "email"),
        ({"email": "a\0@example.com"}, "email"),
        ({"email": "a@example.com\x1b[31m"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "x"}, "email"),
        ({"email": "@example.com"}, "email"),
        ({"email": "x@"}, "email"),
        ({"email": "x@y@z"}, "email"),
        ({"email": "x y@z"}, "email"),
        ({"email": "x@z\n"}, "email"),
        ({"email": "x@" + "z" * 319}, "email"),
        ({"email": 5}, "email"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"password": 12345678}, "password"),
        ({"password": True}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": "\udfff"}, "password"),
        ({"password": 1, "username": 1, "email": 1}, "username, email, password"),
    ],
)
def test_an_input_that_is_wrong_is_refused_by_field_before_anything_is_stored(
    clock, dynamodb_calls, changes, named
):
    event = {"username": "fine", "email": "fine@example.com", "password": "secret", **changes}
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        invoke("create_user", event)
    assert dynamodb_calls == []


@pytest.mark.parametrize("absent", ["username", "email", "password"])
def test_an_input_that_is_absent_is_named(clock, absent):
    event = {"username": "fine", "email": "fine@example.com", "password": "secret"}
    del event[absent]
    with pytest.raises(InvalidInput, match=f"^{absent}$"):
        invoke("create_user", event)


@pytest.mark.parametrize("event", [None, [], "text", 5])
def test_an_input_that_is_no_object_is_refused(clock, event):
    with pytest.raises(InvalidInput, match=r"^not an object$"):
        invoke("create_user", event)


@pytest.mark.parametrize("at", ["\N{FULLWIDTH COMMERCIAL AT}", "\N{SMALL COMMERCIAL AT}"])
def test_a_username_cannot_be_an_address_however_the_at_is_written(clock, at):
    with pytest.raises(InvalidInput, match=r"^username$"):
        create(f"victim{ord(at)}{at}example.com", f"attacker{ord(at)}@example.com")


def test_a_username_that_is_the_same_name_as_the_address_is_a_wrong_input(clock):
    with pytest.raises(InvalidInput, match=r"^username$"):
        create("same\N{FULLWIDTH COMMERCIAL AT}example.com", "same@example.com")


@pytest.mark.parametrize(
    ("username", "email", "named"),
    [
        ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 64, "long@example.com", "username"),
        ("long", "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 99 + "@x.example", "email"),
    ],
)
def test_a_name_that_grows_too_long_for_a_key_is_a_wrong_input(clock, username, email, named):
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        create(username, email)


@pytest.mark.parametrize(
    "username", ["x", "x" * 64, "名前", "😀" * 64, "o'neil", 'a"b;--', "..", "/"]
)
def test_any_other_username_is_fine(clock, username):
    made = create(username, f"any{ord(username[-1])}{len(username)}@example.com")
    answer = call("create_session", body={"user": username, "pass": "a password"})
    assert answer.status == 201
    current = call("get_current_session", answer.body["token"])
    assert current.body["sub"] == made["id"]


def test_no_password_is_logged(clock, logged, capsys):
    secret = "a-secret-to-keep"
    create("quiet", "quiet@example.com", secret)
    with pytest.raises(AccountError):
        create("quiet", "quiet@example.com", secret)
    with pytest.raises(AccountError) as wrong:
        create("", "", secret + "x" * 1024)
    assert [line["message"] for line in logged()] == ["UserCreated", *["OperationRefused"] * 2]
    written = json.dumps(logged()) + capsys.readouterr().out + str(wrong.value)
    assert secret not in written
    assert "argon2" not in written
    assert "quiet" not in written
