"""Create a user."""

import functools
import itertools
import re
import unicodedata

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from sessions.dynamodb import LOGINS, SESSIONS, USERS
from sessions.errors import InvalidInput, UserTaken
from sessions.logins import login_key
from tests.support.calls import call, invoke
from tests.support.contract import INVALID_PASSWORD
from tests.support.people import Person, new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

HASH = re.compile(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")


numbers = itertools.count()


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
    created = create(username, email, " a pass ")
    for name in (username, email, username.upper()):
        answer = call("create_session", body={"user": name, "pass": " a pass "})
        assert answer.status == 201
        current = call("get_current_session", answer.body["token"])
        assert current.body["sub"] == created["id"]


@pytest.mark.parametrize("given", [{}, {"password": None}])
def test_a_user_without_a_password_logs_in_by_none_until_one_is_set(clock, given):
    number = next(numbers)
    names = {"username": f"none{number}", "email": f"none{number}@example.com"}
    created = invoke("create_user", {**names, **given})
    person = Person(**created)
    assert created == {"id": person.id, **names}
    for row in stored_rows(person)["logins"]:
        assert (row["password_hash"], row["password_version"]) == ({"S": ""}, {"N": "0"})

    def login(user, password="a password"):
        return call("create_session", body={"user": user, "pass": password})

    for name in names.values():
        for password in ("a password", "\0", "0" * 32):
            answer = login(name, password)
            assert (answer.status, answer.body) == (401, INVALID_PASSWORD)
    assert "password_hash" not in str(invoke("export_user", {"id": person.id}))
    assert invoke("rename_user", {"id": person.id, "username": f"x{number}"})["id"] == person.id
    assert login(f"x{number}").status == 401
    invoke("set_password", {"id": person.id, "password": "a password"})
    assert [login(name).status for name in (f"x{number}", names["email"])] == [201, 201]


def test_a_user_without_a_password_is_deleted_like_any_other(clock):
    before = size_of_tables()
    created = invoke("create_user", {"username": "bare", "email": "bare@example.com"})
    invoke("delete_user", {"login": "bare"})
    assert size_of_tables() == [before[0], before[1], before[2] + 1], "the tombstone"
    assert stored_rows(Person(**created))["logins"] == [None, None]


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_taken_name_or_address_is_refused_and_nothing_stored(clock, spelling):
    person = new_person("Ü")
    before, rows = size_of_tables(), stored_rows(person)
    username, email = spelling(person.username), spelling(person.email)
    for names in ((username, "new@example.com"), (username, email), ("new", email)):
        with pytest.raises(UserTaken):
            create(*names)
    assert (size_of_tables(), stored_rows(person)) == (before, rows)


def test_white_space_around_names_is_dropped(clock):
    created = create(" trimmed\t", "\u3000Trimmed@example.com\r\n")
    assert (created["username"], created["email"]) == ("trimmed", "Trimmed@example.com")


@pytest.mark.parametrize(
    "spelling",
    [
        *("jo\u200be", "joe\u00ad", "j\u034foe", "\u3164joe", "joe\ufe0f", "JOE", "j\U000e0061oe"),
        "\N{FULLWIDTH LATIN SMALL LETTER J}oe",
    ],
)
def test_what_looks_like_a_user_cannot_be_created_beside_it(clock, spelling):
    number = next(numbers)
    create(f"{number}joe", f"{number}joe@münchen.example")
    alike, address = f"{number}{spelling}", f"{number}{spelling}@xn--mnchen-3ya.example"
    for names in ((alike, f"{number}x@example.com"), (f"{number}x", address)):
        with pytest.raises(UserTaken):
            create(*names)


LETTERS = st.characters(categories=["L", "M", "N", "P", "S"], exclude_characters="@")
NAMES = st.text(LETTERS, min_size=1, max_size=8)
DOMAINS = [
    ("example.com", "EXAMPLE.com"),
    ("münchen.example", "xn--mnchen-3ya.example"),
    ("straße.example", "XN--STRAE-OQA.example"),
    ("例え.テスト", "xn--r8jz45g。xn--zckzah"),
]
INVISIBLE = st.sampled_from("\u00ad\u034f\u200b\u200d\u2060\u3164\ufe0f\ufeff\U000e0020")
FORMS = [
    *(str.upper, str.lower, str.swapcase, str.casefold),
    *(functools.partial(unicodedata.normalize, form) for form in ("NFC", "NFD", "NFKC", "NFKD")),
]


@st.composite
def agreeing(draw, names):
    """Draw a name and another spelling of it."""
    name = draw(names)
    other = draw(st.sampled_from(FORMS))(name)
    for invisible in draw(st.lists(INVISIBLE, max_size=3)):
        place = draw(st.integers(0, len(other)))
        other = other[:place] + invisible + other[place:]
    assume(login_key(other) == login_key(name))
    return name, other


@settings(max_examples=12)
@given(
    agreeing(NAMES), agreeing(NAMES), st.sampled_from(DOMAINS), st.sampled_from([" ", "\u3000", ""])
)
def test_names_that_agree_are_one(clock, username, local, domain, around):
    """A second user cannot be created by them, and the first logs in by each of them."""
    number = next(numbers)
    names, others = (
        (f"{number}n{username[spelling]}", f"{number}n{local[spelling]}@{domain[spelling]}")
        for spelling in (0, 1)
    )
    try:
        user = create(*names)["id"]
    except InvalidInput:  # of letters that Unicode may yet define, or that are two @ by now
        reject()
    for other in others:
        body = {"user": f"{around}{other}{around}", "pass": "a password"}
        assert call("create_session", body=body).body["token"]
    free = (f"{number}free", f"{number}free@example.com")
    for taken in ((others[0], free[1]), (free[0], others[1])):
        # An accent by itself is a space with an accent in some forms, which no address has.
        with pytest.raises((UserTaken, InvalidInput)):
            create(*(around + name + around for name in taken))
    assert invoke("export_user", {"login": others[0]})["id"] == user
