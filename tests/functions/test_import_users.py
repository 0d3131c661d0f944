"""Import users."""

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sessions import passwords
from sessions.dynamodb import LOGINS, USERS
from sessions.errors import Unavailable
from sessions.login_throttle import WINDOW_SECONDS
from tests.support.calls import call, invoke
from tests.support.clock import Clock
from tests.support.faults import EVER, EVERY_FAULT, befalling
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "password_hashes.json").read_text())
DEFAULTS = [each for each in VECTORS if each.get("note") == "its default"]
CHEAP = [each for each in VECTORS if each not in DEFAULTS]

numbers = itertools.count(1)
named = pytest.mark.parametrize
BCRYPT = "$2b$04$OHH6j43XYOt2m588Oy.hD.Wbz5pLMEpaWqPC2pl3Y7GPDhgibKdWq"  # of PASSWORD


@pytest.fixture(autouse=True)
def window(clock: Clock) -> None:
    """Begin another window of the limits of wrong passwords: the tests have one address."""
    clock.now += next(numbers) * WINDOW_SECONDS


def name_of(vector):
    return f"{vector['made_by']} {vector['hash'].replace('$', ' ').split(':')[0][:24].strip()}"


def a_user(**more: Any) -> dict[str, Any]:
    name = f"new{next(numbers)}"
    return {"username": name, "email": f"{name}@example.com", **more}


def add(*users: Any, **more: Any) -> tuple[int, list[int], list[tuple[int, str]]]:
    answer = invoke("import_users", {"users": list(users), **more})
    problems = [(each["index"], each["problem"]) for each in answer["problems"]]
    return answer["imported"], answer["skipped"], problems


def try_login(name: str, password: str) -> Any:
    return call("create_session", body={"user": name, "pass": password})


def rows_of(user):
    names = (user["username"], user["email"])
    logins = [tables().get_item(TableName=LOGINS, Key={"login": {"S": n}}) for n in names]
    return [row.get("Item") for row in logins]


def changed(text: str, place: int) -> str:
    """Return a text with another letter or digit in a place."""
    other = next(letter for letter in "A7bX3e" if letter.lower() != text[place].lower())
    return text[:place] + other + text[place + 1 :]


# ---------------------------------------------------------------- hashes of other services


@named("vector", VECTORS, ids=name_of)
def test_a_user_logs_in_by_the_hash_that_another_service_made(clock, vector):
    """The files' hashes are of the libraries named there, and of the vectors they publish."""
    user = a_user(password_hash=vector["hash"])
    assert add(user) == (1, [], [])
    assert try_login(user["email"], vector["password"]).status == 201


@named("vector", CHEAP, ids=name_of)
def test_no_other_password_has_the_hash(clock, vector):
    user = a_user(password_hash=vector["hash"])
    add(user)
    # Not the last letter: bcrypt reads 72 bytes.
    assert try_login(user["username"], changed(vector["password"], 0)).status == 401


@named("vector", CHEAP, ids=name_of)
def test_with_one_letter_of_the_hash_changed_nobody_logs_in(clock, vector):
    """Where what is left is no such hash any more, it is refused at the import."""
    text = vector["hash"]
    for place in (len(text) - 1, len(text) - 12):
        user = a_user(password_hash=changed(text, place))
        imported, _, problems = add(user)
        assert imported + len(problems) == 1
        if imported:
            assert try_login(user["username"], vector["password"]).status == 401


def test_the_first_right_login_replaces_the_hash_by_one_of_ours(clock):
    user = a_user(password_hash=BCRYPT)
    add(user)
    assert try_login(user["username"], "wrong").status == 401
    assert rows_of(user)[0]["password_hash"] == {"S": BCRYPT}
    assert try_login(user["username"], PASSWORD).status == 201
    renewed, other = (row["password_hash"]["S"] for row in rows_of(user))
    assert not passwords.is_outdated(renewed)
    assert other == BCRYPT
    for name in (user["username"], user["email"], user["username"]):
        assert try_login(name, PASSWORD).status == 201
        assert try_login(name, PASSWORD[:-1]).status == 401


def test_a_password_that_was_hashed_as_typed_is_then_the_same_from_every_keyboard(clock):
    typed, composed = "e\u0301te\u0301\u00a0x", "\u00e9t\u00e9 x"
    (vector,) = [each for each in VECTORS if each["password"] == typed]
    user = a_user(password_hash=vector["hash"])
    add(user)
    assert try_login(user["email"], composed).status == 401
    assert try_login(user["email"], typed).status == 201
    assert try_login(user["email"], composed).status == 201


ARGON2 = "$argon2id$v=19$m={},t={},p={}$c2FsdHNhbHQ$" + "A" * 43
SCRYPT = "$scrypt$ln={},r={},p={}$c2FsdHNhbHQ$" + "A" * 43
FIREBASE = "$fbscrypt$v={},n={},r=8,p=1,ss=Bw==,sk={}$c2FsdHNhbHQ$" + "A" * 86
KEY = "A" * 86
UNKNOWN, DEAR, SHORT = "of no known format", "needs too much time or memory", "is cut short"
REFUSED = {
    UNKNOWN: [
        *("x", "plain password", "$1$salt$hash", "md5$salt$0cc175b9c0f1b6a831c399e269772661"),
        *("$2x" + BCRYPT[3:], BCRYPT[:-1], BCRYPT + "x", BCRYPT[:-1] + "r", "$2b$03" + BCRYPT[6:]),
        *("$2b$32" + BCRYPT[6:], ARGON2.format(64, 0, 1), "$argon2x" + ARGON2[9:]),
        "pbkdf2_md5$1000$salt$" + "A" * 43,
        "pbkdf2_sha256$-1$salt$" + "A" * 43,
        "pbkdf2_sha256$1000$$" + "A" * 43,
        "pbkdf2:sha256:1000$salt$" + "A" * 64,
        FIREBASE.format(2, 14, KEY),
        "pbkdf2_sha256$1000$" + "s" * 500 + "$" + "A" * 43,
        BCRYPT + "\n",
    ],
    DEAR: [
        ARGON2.format(128 * 1024 + 1, 1, 1),
        ARGON2.format(128 * 1024, 5, 1),
        "$2b$15" + BCRYPT[6:],
        "pbkdf2_sha256$3000001$salt$" + "A" * 43,
        "$pbkdf2-sha512$1000001$c2FsdA$" + "A" * 86,
        SCRYPT.format(18, 8, 1),
        SCRYPT.format(99, 9999999999, 1),
        SCRYPT.format(14, 8, 17),
        f"scrypt:1024:1024:3000$salt${'a' * 64}",
        FIREBASE.format(1, 18, KEY),
    ],
    SHORT: ["pbkdf2_sha256$1000$salt$" + "A" * 20, f"pbkdf2:sha256:9$salt${'a' * 30}"],
    "is damaged": ["pbkdf2_sha256$1000$salt$" + "A" * 42 + "B"],
    "takes no such parameters": [
        ARGON2.format(7, 1, 1),
        "scrypt$1000$salt$8$1$" + "A" * 86,
        "scrypt$1$salt$8$1$" + "A" * 86,
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$" + "A" * 43,
    ],
    "its length is not that of the key": [FIREBASE.format(1, 14, "AAAA")],
    "": ["pbkdf2_sha256$1000$salt$" + "A" * 41, f"pbkdf2:sha256:9$salt${'a' * 33}", "", 5, ["x"]],
}


@named(("words", "text"), [(words, text) for words in REFUSED for text in REFUSED[words]])
def test_a_hash_that_is_damaged_unknown_or_too_dear_is_a_problem_of_its_line(clock, words, text):
    (imported, _, problems) = add(a_user(), a_user(password_hash=text), a_user())
    ((place, problem),) = problems
    assert (imported, place) == (2, 1)
    assert problem.startswith("password_hash")
    assert words in problem


def test_what_a_hash_may_need_at_most_is_taken(clock):
    most = [
        ARGON2.format(128 * 1024, 4, 1),
        "$2b$14" + BCRYPT[6:],
        "pbkdf2_sha256$3000000$salt$" + "A" * 43,
        f"pbkdf2:sha512:1000000$salt${'a' * 128}",
        SCRYPT.format(16, 8, 4),
        SCRYPT.format(10, 256, 8),
        FIREBASE.format(1, 16, KEY),
    ]
    users = [a_user(password_hash=text) for text in most]
    assert add(*users, dry_run=True) == (len(most), [], [])


@named(
    "text", ["x", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$A", "$2b$04$x", "scrypt$16384$a$b$c$d"]
)
def test_a_stored_hash_that_cannot_be_read_is_no_fault_at_a_login(clock, logged, text):
    person = new_person()
    tables().update_item(
        TableName=LOGINS,
        Key={"login": {"S": person.username}},
        UpdateExpression="SET password_hash = :hash",
        ExpressionAttributeValues={":hash": {"S": text}},
    )
    assert try_login(person.username, PASSWORD).status == 401
    unreadable, refused = logged()[-2:]
    assert (unreadable["level"], unreadable["message"]) == ("ERROR", "PasswordHashUnreadable")
    assert (refused["message"], refused["user"]) == ("LoginRefused", person.id)


# ------------------------------------------------------------------------------- users


def test_a_user_has_what_the_line_says(clock):
    until = clock.now + 9
    ban = {"banned_at": 1_700_000_000, "ban_reason": "spam", "banned_until": until}
    user = a_user(id="7f9c-24_5", created_at=0, password_hash=BCRYPT, **ban)
    user["email"] = user["email"].title()
    assert add(user) == (1, [], [])
    rows = stored_rows(Person("7f9c-24_5", user["username"], user["email"]))
    numbers = ("created_at", "banned_at", "banned_until")
    zeros = ("last_iat", "password_version", "revoked_through", "ended_epoch")
    assert rows["user"] == {
        **{name: {"S": user[name]} for name in ("id", "username", "email", "ban_reason")},
        **{name: {"N": str(user[name])} for name in numbers},
        **{name: {"N": "0"} for name in zeros},
        "login_addresses": {"M": {}},
    }
    assert {row["password_hash"]["S"] for row in rows["logins"]} == {BCRYPT}


def test_a_ban_is_in_force_at_once_and_ends_when_it_says(clock):
    user = a_user(password_hash=BCRYPT, banned_at=clock.now, banned_until=clock.now + 9)
    add(user)
    assert try_login(user["username"], PASSWORD).status == 403
    clock.now += 9
    assert try_login(user["username"], PASSWORD).status == 201


def test_a_user_without_a_hash_gets_a_password_later(clock):
    user = a_user(id=f"a{next(numbers)}")
    assert add(user) == (1, [], [])
    invoke("set_password", {"id": user["id"], "password": PASSWORD})
    assert try_login(user["username"], PASSWORD).status == 201


def test_the_same_call_again_stores_nothing_more(clock):
    users = [a_user(id=f"b{next(numbers)}", password_hash=BCRYPT), a_user(), a_user(), a_user()]
    assert add(*users[:3]) == (3, [], [])
    log_in(Person("", users[0]["username"], ""))
    before = tables().scan(TableName=USERS)["Items"]
    spelled = {**users[1], "username": users[1]["username"].upper()}
    assert add(users[0], spelled, *users[2:]) == (1, [0, 1, 2], [])
    after = tables().scan(TableName=USERS)["Items"]
    assert [row for row in after if row["username"]["S"] != users[3]["username"]] == before


def test_a_user_who_was_renamed_is_there_by_its_id(clock):
    user = a_user(id=f"c{next(numbers)}")
    add(user)
    invoke("rename_user", {"id": user["id"], "username": f"renamed{next(numbers)}"})
    assert add(user) == (0, [0], [])


@named("dry_run", [False, True])
def test_what_another_user_has_is_a_problem_of_the_line_and_the_others_go_on(clock, dry_run):
    person, other, given = new_person(), new_person(), f"d{next(numbers)}"
    add(a_user(id=given))
    lines = [
        a_user(username=person.username),
        a_user(email=person.email.upper()),
        a_user(username=person.username, email=other.email),
        a_user(id=given),
        a_user(id=f"d{next(numbers)}", username=person.username, email=person.email),
        fine := a_user(),
        {**fine, "email": "another@example.com"},
        {**fine, "id": f"d{next(numbers)}"},
    ]
    another = "(another user has it)"
    assert add(*lines, dry_run=dry_run) == (
        1,
        [],
        [
            (0, f"username {another}"),
            (1, f"email {another}"),
            (2, f"username, email {another}"),
            (3, f"id {another}"),
            (4, f"username, email {another}"),
            (6, f"username {another}"),
            (7, f"username, email {another}"),
        ],
    )
    assert [row is None for row in rows_of(fine)] == [dry_run] * 2


def test_a_line_twice_in_a_call_is_one_user(clock):
    with_id, without = a_user(id=f"e{next(numbers)}"), a_user()
    for dry_run in (True, False):
        assert add(with_id, with_id, without, without, dry_run=dry_run) == (2, [1, 3], [])


FUTURE = 10**11
PROBLEMS = [
    ("not an object", [None, 5, "x", [], [["username", "x"]]]),
    ("username, email", [{}, {"username": None, "email": 5}]),
    ("username (it is an address)", [{"username": "a@b"}]),
    ("email", [{"email": "nobody"}]),
    ("id", [{"id": value} for value in ("", "a b", "x" * 257, 7, "session_epoch#0")]),
    ("Username", [{"Username": "x"}]),
    ("created_at", [{"created_at": value} for value in (-1, 1.5, "2020-01-01", 10**12, True)]),
    ("created_at, which is in the future", [{"created_at": FUTURE}]),
    ("banned_at, which is in the future", [{"banned_at": FUTURE}]),
    (
        "banned_at, which a ban has",
        [{"ban_reason": "x"}, {"banned_until": 5}, {"ban_is_told": True}],
    ),
    ("ban_is_told", [{"banned_at": 5, "ban_is_told": "yes"}]),
    ("banned_until, which is before banned_at", [{"banned_at": 5, "banned_until": 5}]),
    ("ban_reason", [{"banned_at": 5, "ban_reason": "x" * 513}]),
]


@named(("problem", "line"), [(words, line) for words, lines in PROBLEMS for line in lines])
def test_a_line_that_is_wrong_is_a_problem_and_the_others_go_on(clock, problem, line):
    if isinstance(line, dict) and problem != "username, email":
        line = a_user() | line
    assert add(a_user(), line, a_user()) == (2, [], [(1, problem)])


def test_a_dry_run_writes_nothing(clock, dynamodb_calls):
    lines = [a_user(), a_user(password_hash="x"), {}]
    imported, _, problems = add(*lines, dry_run=True)
    assert (imported, [place for place, _ in problems]) == (1, [1, 2])
    assert {name for name, _ in dynamodb_calls} == {"BatchGetItem"}


def test_a_name_that_is_taken_meanwhile_is_found_out(clock, dynamodb):
    """By one who registers between the read and the write."""
    user, fine = a_user(), a_user()

    def register(params, **_):
        dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", register)
        new = {"email": f"x{user['email']}", "password": PASSWORD}
        invoke("create_user", {"username": user["username"], **new})

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", register)
    assert add(user, fine) == (1, [], [(0, "username (another user has it)")])


def test_a_call_that_failed_half_way_goes_on_where_it_was(clock):
    users = [a_user() for _ in range(8)]
    fault = EVERY_FAULT["no rights"]._replace(operations={"TransactWriteItems"})
    with befalling(fault, times=EVER), pytest.raises(Unavailable):
        add(*users)
    add(*users[2:4])
    assert add(*users) == (6, [2, 3], [])
    names = Counter(row["username"]["S"] for row in tables().scan(TableName=USERS)["Items"])
    assert {names[user["username"]] for user in users} == {1}
