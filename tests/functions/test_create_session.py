"""POST /user/session."""

import importlib
import json
import secrets

import argon2
import pytest

from functions.create_session import app
from sessions.dynamodb import LOGINS, SESSIONS, USERS
from tests.support.calls import call, invoke
from tests.support.contract import (
    BANNED,
    HEADERS,
    INVALID_PASSWORD,
    INVALID_USER,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    TEMPLATE,
    UNAUTHORIZED_HEADERS,
    missing,
)
from tests.support.events import load_event
from tests.support.forgery import decode
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, stored_sessions, stored_user, tables

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture(scope="module")
def somebody(aws):
    """A user for tests that only look at the session they make."""
    return new_person()


def session_name(person, headers):
    """Return what a session is called that was made with these headers."""
    answer = call(
        "create_session", body={"user": person.username, "pass": PASSWORD}, headers=headers
    )
    assert answer.status == 201
    return call("get_current_session", answer.body["token"]).body["name"]


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({}, SESSION_SECONDS),
        ({"rememberMe": False}, SESSION_SECONDS),
        ({"rememberMe": True}, REMEMBERED_SESSION_SECONDS),
    ],
)
def test_answers_with_a_token_that_lasts_a_month_or_ten_years(clock, body, seconds):
    person = new_person()
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD, **body})
    assert (answer.status, answer.headers) == (201, HEADERS)
    assert answer.body == {"token": answer.body["token"], "exp": clock.now + seconds}
    token = answer.body["token"]
    clock.now += seconds - 1
    assert call("get_current_session", token).status == 200
    clock.now += 1
    assert call("get_current_session", token).status == 401


def test_the_token_says_whose_session_it_is_and_which_and_nothing_more(clock, key_set):
    person = new_person()
    header, claims, _ = log_in(person).split(".")
    assert decode(header) == {"alg": "HS256", "typ": "JWT", "kid": key_set.stored().current}
    jti = decode(claims)["jti"]
    assert decode(claims) == {
        "sub": person.id,
        "iat": clock.now,
        "exp": clock.now + SESSION_SECONDS,
        "jti": jti,
        "iss": "sessions",
    }
    assert len(jti) == 22, "128 bits in base64url"


def test_stores_the_session_but_nothing_that_a_token_could_be_made_of(clock):
    person = new_person()
    before = stored_rows(person)
    token = log_in(person)
    after = stored_rows(person)
    (row,) = after["sessions"]
    digest = row["jti_sha256"].pop("B")
    assert row == {
        "user": {"S": person.id},
        "iat": {"N": str(clock.now)},
        "exp": {"N": str(clock.now + SESSION_SECONDS)},
        "name": {"S": "Chrome 96 on Windows 10"},
        "jti_sha256": {},
        "session_epoch": row["session_epoch"],
    }
    assert len(digest) == 32
    assert decode(token.split(".")[1])["jti"].encode() not in digest
    here = {"address": {"S": "203.0.113.7"}, "used_at": {"N": str(clock.now)}}
    assert after["user"] == {
        **before["user"],
        "last_iat": {"N": str(clock.now)},
        "login_addresses": {"M": {"6": {"M": here}}},
    }
    assert after["logins"] == before["logins"]


def test_the_table_deletes_sessions_by_their_stored_expiry():
    answer = tables().describe_time_to_live(TableName=SESSIONS)
    assert answer["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "exp",
    }


def test_no_two_sessions_share_a_secret(clock):
    person = new_person()
    jtis = {decode(log_in(person).split(".")[1])["jti"] for _ in range(5)}
    digests = {row["jti_sha256"] for row in stored_sessions(person).values()}
    assert (len(jtis), len(digests)) == (5, 5)


# ------------------------------------------------------------------- who


def variants(person):
    wide = "".join(chr(ord(c) + 0xFEE0) for c in person.username)  # fullwidth forms
    return [
        person.username,
        person.username.upper(),
        person.username.title(),
        wide,
        wide.upper(),
        person.email,
        person.email.upper(),
    ]


@pytest.mark.parametrize("variant", range(7))
def test_names_are_compared_without_case_and_width(clock, variant):
    person = new_person()
    name = variants(person)[variant]
    answer = call("create_session", body={"user": name, "pass": PASSWORD})
    assert answer.status == 201
    assert call("get_current_session", answer.body["token"]).body["sub"] == person.id


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Straße", "STRASSE"),  # full case folding, not lower()
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),  # the final sigma
        ("Jose\N{COMBINING ACUTE ACCENT}", "JOSÉ"),  # another normalisation form
        ("ﬁsh", "FISH"),  # a ligature
    ],
)
def test_names_that_look_the_same_are_the_same(clock, stored, typed):
    person = new_person(stored)
    typed += person.username.removeprefix(stored)
    assert call("create_session", body={"user": typed, "pass": PASSWORD}).status == 201


@pytest.mark.parametrize(
    "spelling", [" {}", "{} ", "\t{}", "{}\n", "{}\0", "{}x", "x{}", "@{}", "{}@", "%"]
)
def test_a_name_is_not_trimmed_nor_completed(clock, spelling):
    person = new_person()
    name = spelling.format(person.username)
    answer = call("create_session", body={"user": name, "pass": PASSWORD})
    assert (answer.status, answer.body, answer.headers) == (404, INVALID_USER, HEADERS)
    assert stored_sessions(person) == {}


@pytest.mark.parametrize("name", ["x" * 320, "😀" * 320, "ﷺ" * 320])  # 18 letters, normalised
def test_a_name_of_320_characters_is_looked_up(clock, name):
    answer = call("create_session", body={"user": name, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)


def test_a_name_of_321_characters_is_refused(clock):
    answer = call("create_session", body={"user": "x" * 321, "pass": PASSWORD})
    assert (answer.status, answer.body) == (400, missing("user"))


def test_a_login_name_whose_user_is_gone_leads_to_nobody(clock):
    person = new_person()
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD})
    assert (answer.status, answer.body) == (404, INVALID_USER)
    rows = stored_rows(person)
    assert (rows["user"], rows["sessions"]) == (None, [])


# -------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("password", "others"),
    [
        (" pass word ", ["pass word", " pass word", "pass word "]),
        ("Password", ["password", "PASSWORD", "Password1", "Passwor"]),
        ("nul\0byte", ["nul", "nulbyte", "nul\0", "nul\0bytf"]),
        ("Jos\N{LATIN SMALL LETTER E WITH ACUTE}", ["Jose", "Jose\N{COMBINING ACUTE ACCENT}"]),
        ("😀" * 80, ["😀" * 79, "😀" * 81]),  # past the 72 bytes at which bcrypt stops
        ("a" * 1024, ["a" * 1023, "a" * 72, "a" * 1023 + "b"]),
        ("false", ["0", "False"]),
    ],
)
def test_a_password_counts_to_its_last_character(clock, password, others):
    person = new_person(password=password)
    for other in others:
        answer = call("create_session", body={"user": person.username, "pass": other})
        assert (answer.status, answer.body) == (401, INVALID_PASSWORD), other
        assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_sessions(person) == {}
    answer = call("create_session", body={"user": person.email, "pass": password})
    assert answer.status == 201


def test_a_wrong_password_changes_nothing(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    assert call("create_session", body={"user": person.email, "pass": "x"}).status == 401
    assert stored_rows(person) == before


def test_a_password_of_1025_characters_is_refused_even_where_the_first_1024_are_right(clock):
    person = new_person(password="a" * 1024)
    answer = call("create_session", body={"user": person.username, "pass": "a" * 1025})
    assert (answer.status, answer.body) == (400, missing("pass"))


def test_one_users_password_does_not_open_another_users_account(clock):
    person = new_person()
    new_person(password="theirs")
    answer = call("create_session", body={"user": person.username, "pass": "theirs"})
    assert (answer.status, answer.body) == (401, INVALID_PASSWORD)


def store_hash(login, password_hash):
    """Store what hashing a password came to on another day."""
    tables().update_item(
        TableName=LOGINS,
        Key={"login": {"S": login}},
        UpdateExpression="SET password_hash = :hash",
        ExpressionAttributeValues={":hash": {"S": password_hash}},
    )


def test_a_right_password_under_outdated_parameters_is_hashed_anew(clock):
    person = new_person()
    outdated = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    store_hash(person.username, outdated)
    call("create_session", body={"user": person.username, "pass": "wrong"})
    assert stored_rows(person)["logins"][0]["password_hash"]["S"] == outdated
    log_in(person)
    renewed = stored_rows(person)["logins"][0]["password_hash"]["S"]
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    log_in(person)
    assert stored_rows(person)["logins"][0]["password_hash"]["S"] == renewed


def test_a_password_that_changed_while_it_was_hashed_anew_stays_changed(clock, monkeypatch):
    person = new_person()
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    store_hash(person.username, hasher.hash(PASSWORD))
    changed = hasher.hash("changed")
    hash_password = app.passwords.hash_password

    def hash_while_it_changes(password, salt):
        store_hash(person.username, changed)
        return hash_password(password, salt)

    monkeypatch.setattr(app.passwords, "hash_password", hash_while_it_changes)
    log_in(person)
    assert stored_rows(person)["logins"][0]["password_hash"]["S"] == changed


# ------------------------------------------------------------------- bans


def test_a_banned_user_learns_it_only_with_the_right_password(clock):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"login": person.username})
    before = stored_rows(person)
    wrong = call("create_session", body={"user": person.username, "pass": "wrong"})
    assert (wrong.status, wrong.body) == (401, INVALID_PASSWORD)
    right = call("create_session", body={"user": person.username, "pass": PASSWORD})
    assert (right.status, right.body, right.headers) == (403, BANNED, HEADERS)
    assert stored_rows(person) == before


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("My laptop", "My laptop"),
        ("x", "x"),
        ("  padded \t", "padded"),
        ("Büro 🖥", "Büro 🖥"),
        ("n" * 64, "n" * 64),
        (" " + "n" * 64 + " ", "n" * 64),
        ("None", "None"),
        # What is no name is as good as none.
        ("n" * 65, "Chrome 96 on Windows 10"),
        ("", "Chrome 96 on Windows 10"),
        (" \t ", "Chrome 96 on Windows 10"),
        ("a\nb", "Chrome 96 on Windows 10"),
        ("a\0b", "Chrome 96 on Windows 10"),
        ("a\x1b[31mb", "Chrome 96 on Windows 10"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "Chrome 96 on Windows 10"),
        ("a\N{ZERO WIDTH SPACE}b", "Chrome 96 on Windows 10"),
        ("a\N{LINE SEPARATOR}b", "Chrome 96 on Windows 10"),
        ("\ud800", "Chrome 96 on Windows 10"),
    ],
)
def test_the_client_may_name_its_session_in_1_to_64_printable_characters(
    clock, somebody, given, name
):
    assert session_name(somebody, {"X-Session-Name": given}) == name


@pytest.mark.parametrize("header", ["x-session-name", "X-SESSION-NAME"])
def test_the_name_is_read_in_whatever_case_the_header_comes(clock, somebody, header):
    assert session_name(somebody, {header: "Kitchen"}) == "Kitchen"


@pytest.mark.parametrize("user_agent", [None, "", "  "])
def test_a_session_without_a_user_agent_is_of_an_unknown_device(clock, somebody, user_agent):
    assert session_name(somebody, {"User-Agent": user_agent}) == "Unknown device"


def test_a_header_that_is_null_is_absent(clock):
    person = new_person()
    event = load_event("create_session")
    event["headers"].update({"X-Session-Name": None, "User-Agent": None})
    event["multiValueHeaders"].update({"X-Session-Name": None, "User-Agent": None})
    event["body"] = json.dumps({"user": person.username, "pass": PASSWORD})
    assert invoke("create_session", event)["statusCode"] == 201
    assert [row["name"] for row in stored_sessions(person).values()] == ["Unknown device"]


# -------------------------------------------------------------------- IDs


def test_sessions_of_one_second_have_ids_of_their_own_and_all_count(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(5)]
    ids = [clock.now + n for n in range(5)]
    assert [call("get_current_session", token).body["iat"] for token in tokens] == ids
    assert sorted(stored_sessions(person)) == ids
    assert stored_user(person).last_iat == clock.now + 4


def test_an_id_is_not_used_again_when_its_session_was_deleted_in_the_same_second(clock):
    person = new_person()
    first = log_in(person)
    assert call("delete_session", first, session=clock.now).status == 200
    second = log_in(person)
    assert call("get_current_session", second).body["iat"] == clock.now + 1
    assert call("delete_all_sessions", second).status == 200
    third = log_in(person)
    assert call("get_current_session", third).body["iat"] == clock.now + 2
    assert [call("get_current_session", token).status for token in (first, second)] == [401, 401]


def test_a_clock_that_goes_back_neither_reuses_an_id_nor_disturbs_the_order(clock):
    person = new_person()
    log_in(person)
    newest = clock.now
    clock.now -= 3600
    token = log_in(person)
    answer = call("list_sessions", token)
    assert [item["iat"] for item in answer.body["items"]] == [newest + 1, newest]
    assert answer.body["items"][0]["exp"] == newest + 1 + SESSION_SECONDS
    clock.now = newest + 100
    assert call("get_current_session", log_in(person)).body["iat"] == newest + 100


def test_users_do_not_share_ids(clock):
    tokens = [log_in(new_person()) for _ in range(3)]
    answers = [call("get_current_session", token).body for token in tokens]
    assert {answer["iat"] for answer in answers} == {clock.now}
    assert len({answer["sub"] for answer in answers}) == 3


# ------------------------------------------------------------- what else


@pytest.mark.parametrize("token", ["", "garbage", "Bearer a.b.c"])
def test_an_authorization_header_says_nothing_at_the_log_in(clock, somebody, token):
    body = {"user": somebody.username, "pass": PASSWORD}
    assert call("create_session", token, body=body).status == 201


def test_what_else_a_body_or_query_says_is_ignored(clock):
    person = new_person()
    body = {
        "user": person.username,
        "pass": PASSWORD,
        "iat": 1,
        "exp": 10**12,
        "sub": "x",
        "name": "y",
        "password": "z",
        "remember_me": True,
        "REMEMBERME": True,
    }
    answer = call("create_session", body=body, query={"rememberMe": ["true"], "user": ["x"]})
    assert (answer.status, answer.body["exp"]) == (201, clock.now + SESSION_SECONDS)


def test_fields_are_not_read_by_the_names_they_have_inside(clock):
    person = new_person()
    answer = call("create_session", body={"user": person.username, "password": PASSWORD})
    assert (answer.status, answer.body) == (400, missing("pass"))


def test_an_event_delivered_twice_makes_two_sessions_that_both_count(clock):
    person = new_person()
    first, second = log_in(person), log_in(person)
    assert call("list_sessions", first).body["count"] == 2
    assert call("list_sessions", second).body["count"] == 2


def test_nothing_secret_is_logged(clock, logged, capsys):
    password = secrets.token_urlsafe(20)
    person = new_person(password=password)
    answers = [
        call("create_session", body={"user": person.username, "pass": given})
        for given in (password, password + "x")
    ]
    call("create_session", raw_body=json.dumps({"user": 1, "pass": password}))
    call("create_session", raw_body=f'{{"pass": "{password}')
    assert [line["message"] for line in logged()] == [
        "UserCreated",
        "SessionCreated",
        *["LoginRefused"] * 3,
    ]
    text = json.dumps(logged()) + capsys.readouterr().out
    token = answers[0].body["token"]
    for secret in (password, *token.split(".")[1:], "argon2", person.username):
        assert secret not in text


# ------------------------------------------------------ how many there may be


@pytest.fixture
def three_at_most(monkeypatch):
    app = importlib.import_module("functions.create_session.app")
    monkeypatch.setattr(app, "MAX_SESSIONS_PER_USER", 3)


def test_the_log_in_that_exceeds_the_cap_ends_the_oldest_live_session(clock, three_at_most):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    assert statuses(tokens) == [200, 200, 200]
    tokens.append(log_in(person))
    assert statuses(tokens) == [401, 200, 200, 200]
    evicted = [row for row in stored_rows(person)["sessions"] if "revoked_reason" in row]
    assert [(row["iat"]["N"], row["revoked_reason"]["S"]) for row in evicted] == [
        (str(clock.now), "evicted")
    ]


def test_what_is_over_counts_for_nothing(clock, three_at_most):
    person = new_person()
    remembered = log_in(person, rememberMe=True)
    log_in(person)
    token = log_in(person)
    call("delete_session", token, session=clock.now + 2)
    assert statuses([remembered, log_in(person)]) == [200, 200]
    clock.now += SESSION_SECONDS + 9
    later = [log_in(person), log_in(person)]
    assert statuses([remembered, *later]) == [200, 200, 200]
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    fresh = [log_in(person) for _ in range(3)]
    assert statuses([remembered, *later, *fresh]) == [401] * 3 + [200] * 3


def test_the_rows_stay_bounded_however_often_somebody_logs_in(clock, three_at_most):
    person = new_person()
    most = 0
    for _ in range(90):
        token = log_in(person)
        most = max(most, len(stored_rows(person)["sessions"]))
    assert most <= 3 + 1 + 25
    assert call("list_sessions", token, query=None).body["count"] == 3


def test_the_cap_is_the_templates():
    app = importlib.import_module("functions.create_session.app")
    assert TEMPLATE.parameters["MaxSessionsPerUser"] == app.MAX_SESSIONS_PER_USER == 100


def statuses(tokens):
    return [call("get_current_session", token).status for token in tokens]
