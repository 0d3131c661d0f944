"""POST /user/session."""

import json
import re
from urllib.parse import quote

import argon2
import pytest

from sessions import session_issue, session_store
from sessions.dynamodb import LOGINS, SESSIONS, USERS
from tests.support.calls import call, invoke
from tests.support.contract import (
    BANNED,
    HEADERS,
    INTERNAL,
    INVALID_PASSWORD,
    INVALID_USER,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    TEMPLATE,
    UNAUTHORIZED_HEADERS,
    UNAVAILABLE,
)
from tests.support.events import ROOT
from tests.support.faults import EVER, FAULTS, LOST_ANSWER, Fault, befalling, inject, meanwhile
from tests.support.forgery import decode
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person, statuses
from tests.support.records import NAME
from tests.support.rows import stored_rows, stored_sessions, tables
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

DAY = 86_400
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def try_login(name, password=PASSWORD, token=None, **more):
    return call("create_session", token, body={"user": name, "pass": password}, **more)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({}, SESSION_SECONDS),
        *[({"rememberMe": value}, SESSION_SECONDS) for value in (False, None)],
        ({"rememberMe": True}, REMEMBERED_SESSION_SECONDS),
    ],
)
def test_answers_with_a_token_that_lasts_a_month_or_ten_years(clock, body, seconds):
    person = new_person()
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD, **body})
    assert (answer.status, answer.headers) == (201, HEADERS)
    token = answer.body["token"]
    assert answer.body == {"token": token, "exp": clock.now + seconds}
    clock.now += seconds - 1
    assert statuses(token) == [200]
    clock.now += 1
    assert statuses(token) == [401]


def test_the_token_names_the_user_and_the_session_and_no_more(clock, key_set):
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


def test_stores_the_session_without_what_would_make_a_token(clock):
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
        "name": {"S": NAME},
        "jti_sha256": {},
        "session_epoch": row["session_epoch"],
        "created_at": {"N": str(clock.now)},
        "method": {"S": "password"},
        "address": {"S": "203.0.113.7"},
    }
    assert len(digest) == 32
    assert decode(token.split(".")[1])["jti"].encode() not in digest
    assert after["user"] == {
        **before["user"],
        "last_iat": {"N": str(clock.now)},
        "last_login_at": {"N": str(clock.now)},
        "login_addresses": {"M": {"203.0.113.7": {"N": str(clock.now)}}},
    }
    assert after["logins"] == before["logins"]


def test_no_two_sessions_share_a_secret(clock):
    person = new_person()
    jtis = {decode(log_in(person).split(".")[1])["jti"] for _ in range(5)}
    digests = {row["jti_sha256"] for row in stored_sessions(person).values()}
    assert (len(jtis), len(digests)) == (5, 5)


# ---------------------------------------------------- names to log in with


@pytest.mark.parametrize(
    ("stored", "typed", "around"),
    [
        ("joe", "ＪＯＥ", ""),  # noqa: RUF001 - fullwidth forms
        ("Straße", "STRASSE", " "),
        ("Jose\N{COMBINING ACUTE ACCENT}", "JOSÉ", "\t\N{NO-BREAK SPACE}\r\n"),
        ("j\u3164o\u034fe", "JO\u00adE", "\u200b \ufeff"),
    ],
)
def test_name_and_address_are_taken_in_any_spelling(clock, stored, typed, around):
    person = new_person(stored)
    for name in (person.username, person.email):
        token = log_in(person, user=around + name.replace(stored, typed) + around)
        assert call("get_current_session", token).body["sub"] == person.id


@pytest.mark.parametrize("domains", [("münchen", "xn--{}-3ya"), ("xn--{}-3ya", "MU\u0308NCHEN")])
def test_an_address_is_taken_in_both_spellings_of_its_domain(clock, domains):
    # Of its own in each case: the letters that are not ASCII are at the same place.
    stored, typed = (f"n@{each.format('mnchen')}.example" for each in domains)
    invoke("create_user", {"username": f"n{len(stored)}", "email": stored, "password": PASSWORD})
    for name in (stored, typed, f" {typed.upper()} "):
        assert try_login(name).status == 201
    invoke("delete_user", {"login": typed})


@pytest.mark.parametrize(
    "name", ["\u200b", "n@xn--0", "xn--@xn--", "n@xn--\ud7ff", "@", "n@.xn--."]
)
def test_a_name_that_nobody_can_have_is_no_name(clock, name):
    answer = try_login(name)
    assert (answer.status, answer.body) == (404, INVALID_USER)


def test_a_name_is_not_completed(clock):
    person = new_person()
    for spelling in ("{}\0", "{}x", "{} x", "@{}", "{}@", "%"):
        answer = try_login(spelling.format(person.username))
        assert (answer.status, answer.body, answer.headers) == (404, INVALID_USER, HEADERS)
    assert stored_sessions(person) == {}


def test_a_name_whose_user_is_deleted_is_no_name(clock):
    person = new_person()
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    answer = try_login(person.username)
    assert (answer.status, answer.body) == (404, INVALID_USER)
    rows = stored_rows(person)
    assert (rows["user"], rows["sessions"]) == (None, [])


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("password", "others"),
    [
        (" Pass word ", ["Pass word", " Pass word", "Pass word ", " pass word ", " Pass word\n"]),
        ("Jos\N{LATIN SMALL LETTER E WITH ACUTE} and I", ["Jose and I", "Jos\u00e9 and I\0"]),
        ("Å" * 8, ["å" * 8, "A" * 8]),
        ("a" * 1024, ["a" * 1023, "a" * 72, "a" * 1023 + "b"]),  # bcrypt would stop at 72 bytes
    ],
)
def test_a_password_counts_to_its_last_character(clock, password, others):
    person = new_person(password=password)
    for other in others:
        answer = try_login(person.username, other)
        assert (answer.status, answer.body) == (401, INVALID_PASSWORD), other
        assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_sessions(person) == {}
    assert try_login(person.email, password).status == 201


@pytest.mark.parametrize("operation", ["create_user", "set_password"])
@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        (
            "Jos\u00e9 \u00c5\uac01 x",
            ["Jose\u0301 \u212b\u1100\u1161\u11a8 x", "Jos\u00e9\u3000A\u030a\uac01\u00a0x"],
        ),
        ("four\u3000\u2003\u00a0words", ["four   words"]),
        ("👩\u200d💻 is an emoji", ["👩\u200d💻\u2002is an emoji"]),
        ("e\u0301" * 1024, ["é" * 1024]),
    ],
)
def test_a_password_is_the_same_from_every_keyboard(clock, operation, stored, typed):
    """As RFC 8265 prepares it: tests/layer/test_passwords.py."""
    if operation == "create_user":
        person = new_person(password=stored)
    else:
        person = new_person()
        invoke(operation, {"id": person.id, "password": stored})
    for password in (stored, *typed):
        assert try_login(person.username, password).status == 201
    assert try_login(person.username, stored[:-1]).status == 401


def test_a_wrong_password_changes_nothing(clock):
    person = new_person()
    new_person(password="another user's")
    log_in(person)
    before = stored_rows(person)
    for password in ("x", "another user's"):
        assert try_login(person.email, password).status == 401
    assert stored_rows(person) == before


def test_an_outdated_hash_is_renewed_by_the_right_password(clock, real_hashes):
    person = new_person()
    outdated = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

    def store_outdated():
        tables().update_item(
            TableName=LOGINS,
            Key={"login": {"S": person.username}},
            UpdateExpression="SET password_hash = :hash",
            ExpressionAttributeValues={":hash": {"S": outdated}},
        )

    def stored_hash(password):
        try_login(person.username, password)
        return stored_rows(person)["logins"][0]["password_hash"]["S"]

    store_outdated()
    assert stored_hash("wrong") == outdated
    renewed = stored_hash(PASSWORD)
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored_hash(PASSWORD) == renewed
    store_outdated()
    assert stored_hash(PASSWORD) != renewed, "each hash has a salt of its own"


def test_a_ban_is_told_only_after_the_right_password(clock):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"login": person.username})
    before = stored_rows(person)
    wrong = try_login(person.username, "wrong")
    assert (wrong.status, wrong.body) == (401, INVALID_PASSWORD)
    for _ in range(2):  # in the second of the last login, and after it
        assert try_login(person.username) == (403, HEADERS, BANNED)
        clock.now += 1
    assert stored_rows(person) == before


# ------------------------------------------------------- names of sessions


@pytest.mark.parametrize(
    ("body", "headers", "name"),
    [
        ({}, {"X-Session-Name": "  Büro 🖥 \t"}, "Büro 🖥"),
        ({}, {"x-SESSION-name": "Kitchen"}, "Kitchen"),
        ({}, {"X-Session-Name": "a\0b"}, NAME),
        ({}, {"X-Session-Name": "n" * 65, "User-Agent": None}, "Unknown device"),
        ({"name": "\N{NO-BREAK SPACE}Büro\n🖥 "}, {"X-Session-Name": "Kitchen"}, "Büro 🖥"),
        ({"name": "n" * 65}, {"X-Session-Name": "Kitchen"}, "Kitchen"),
        ({"name": "a\N{RIGHT-TO-LEFT OVERRIDE}b"}, {}, NAME),
        ({"name": ""}, {"User-Agent": "curl/8.4.0"}, "curl"),
        ({"name": None}, {"X-Session-Name": "Kitchen"}, "Kitchen"),
    ],
)
def test_the_session_has_the_name_of_its_body_or_header_or_browser(clock, body, headers, name):
    login = {"user": new_person().username, "pass": PASSWORD, **body}
    answer = call("create_session", body=login, headers=headers)
    assert answer.status == 201
    assert call("get_current_session", answer.body["token"]).body["name"] == name


@pytest.mark.parametrize("name", [5, True, ["Kitchen"], {"name": "Kitchen"}])
def test_a_session_name_that_is_no_text_is_wrong(clock, name):
    person = new_person()
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD, "name": name})
    assert (answer.status, answer.body["fields"]) == (400, ["name"])
    assert stored_sessions(person) == {}


def test_a_form_names_the_session_too(clock):
    person = new_person()
    form = f"user={person.username}&pass={quote(PASSWORD)}&name=K%C3%BCche"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = call("create_session", raw_body=form, headers=headers)
    assert call("get_current_session", answer.body["token"]).body["name"] == "Küche"


# -------------------------------------------------------------- session IDs


def test_sessions_of_one_second_have_ids_of_their_own(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(5)]
    ids = [clock.now + n for n in range(5)]
    assert [call("get_current_session", token).body["iat"] for token in tokens] == ids


def test_an_id_is_never_used_twice(clock):
    """Neither after its session was revoked, nor when the clock goes back."""
    person = new_person()
    first = log_in(person)
    call("delete_session", first, session=clock.now)
    second = log_in(person)
    call("delete_all_sessions", second)
    clock.now -= 3600
    third = log_in(person)
    iat = clock.now + 3602
    assert call("get_current_session", third).body == {
        "iat": iat,
        "exp": clock.now + SESSION_SECONDS,
        "sub": person.id,
        "name": NAME,
        "createdAt": clock.now,
        "usedAt": clock.now,
        "method": "password",
        "address": "203.0.113.7",
    }
    assert statuses(first, second) == [401, 401]
    clock.now = iat + 100
    assert call("get_current_session", log_in(person)).body["iat"] == iat + 100


def put_ids_ahead(person, iat):
    """Let the user's newest ID be this one, as after many logins at once or a wrong clock."""
    tables().update_item(
        TableName=USERS,
        Key={"id": {"S": person.id}},
        UpdateExpression="SET last_iat = :iat",
        ExpressionAttributeValues={":iat": {"N": str(iat)}},
    )


@pytest.mark.parametrize("lasts", [60, SESSION_SECONDS])
def test_a_session_lasts_as_long_as_given_though_its_id_is_ahead(clock, monkeypatch, lasts):
    monkeypatch.setattr(session_issue, "SESSION_SECONDS", lasts)
    person = new_person()
    put_ids_ahead(person, clock.now + 120)
    answer = try_login(person.username)
    token, exp = answer.body["token"], answer.body["exp"]
    assert exp == clock.now + lasts
    assert call("get_current_session", token).body["exp"] == exp
    assert decode(token.split(".")[1])["exp"] == exp
    clock.now = exp - 1
    assert statuses(token) == [200]
    clock.now = exp
    assert statuses(token) == [401]


@pytest.mark.parametrize("ahead", [0, 1, 60, 3600, DAY - 6])
def test_however_far_ids_are_ahead_a_login_works_and_times_are_the_clocks(
    clock, monkeypatch, ahead
):
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 3)
    person, began = new_person(), clock.now
    put_ids_ahead(person, began + ahead)
    tokens = [log_in(person) for _ in range(5)]
    assert statuses(*tokens) == [401, 401, 200, 200, 200]
    sessions = call("list_sessions", tokens[-1]).body["items"]
    assert [session["iat"] - began - ahead for session in sessions] == [5, 4, 3]
    assert {session["createdAt"] for session in sessions} == {began}
    assert {session["exp"] for session in sessions} == {began + SESSION_SECONDS}
    exported = invoke("export_user", {"id": person.id})
    assert {session["createdAt"] for session in exported["sessions"]} == {began}
    assert exported["user"]["last_login_at"] == began
    assert call("delete_session", tokens[2], session=sessions[0]["iat"]).status == 200
    assert call("delete_all_sessions", tokens[2], query={"allButSelf": ["true"]}).status == 200
    assert statuses(*tokens) == [401, 401, 200, 401, 401]


def test_rows_that_count_no_more_are_cleared_though_their_ids_are_ahead(clock, monkeypatch):
    monkeypatch.setattr(session_store.dynamodb, "LARGEST_BATCH_WRITE", 2)
    person = new_person()
    put_ids_ahead(person, clock.now + 3600)
    for token in [log_in(person) for _ in range(2)]:
        iat = call("get_current_session", token).body["iat"]
        call("delete_session", token, session=iat)
    clock.now += session_store._LOGIN_SECONDS
    log_in(person)
    assert len(stored_rows(person)["sessions"]) == 3, "their logins may still be under way"
    clock.now += 1
    log_in(person)
    assert len(stored_rows(person)["sessions"]) == 2


def test_a_row_that_does_not_say_when_it_began_is_told_by_its_id(clock):
    person = new_person()
    token = log_in(person)
    tables().update_item(
        TableName=SESSIONS,
        Key={"user": {"S": person.id}, "iat": {"N": str(clock.now)}},
        UpdateExpression="REMOVE created_at",
    )
    assert call("get_current_session", token).body["createdAt"] == clock.now
    assert statuses(log_in(person), token) == [200, 200]


def test_an_id_over_a_day_ahead_is_refused_and_told_the_operator(clock, logged):
    person = new_person()
    put_ids_ahead(person, clock.now + DAY - 1)
    token = log_in(person)
    assert call("get_current_session", token).body["iat"] == clock.now + DAY
    before = stored_rows(person)
    assert try_login(person.username) == (500, HEADERS, INTERNAL)
    assert stored_rows(person) == before
    line = logged()[-1]
    assert (line["level"], line["message"], line["user"]) == ("ERROR", "RequestFailed", person.id)
    told = f"user {person.id} are over a day ahead of the clock, at {clock.now + DAY}: see docs/"
    assert told in line["exception"]
    clock.now += 1
    log_in(person)
    assert statuses(token) == [200]


def test_a_user_whose_ids_were_far_ahead_logs_in_again_as_the_runbook_says(clock):
    person, now = new_person(), clock.now
    clock.now += 3650 * DAY
    changes = follow_streams()
    token = log_in(person)
    clock.now = now
    assert (try_login(person.username).status, *statuses(token)) == (500, 200)
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    invoke("publish_events", {"Records": changes(now)})
    assert stored_rows(person)["sessions"] == []
    section = RUNBOOK.partition("### Session IDs are ahead of the clock")[2].partition("\n###")[0]
    (update,) = re.findall(r'--update-expression "(.+?)"', section)
    (values,) = re.findall(r"--expression-attribute-values '(\{\":zero.+?)'", section)
    tables().update_item(
        TableName=USERS,
        Key={"id": {"S": person.id}},
        UpdateExpression=update,
        ExpressionAttributeValues=json.loads(values),
    )
    again = log_in(person)
    assert call("get_current_session", again).body == {
        "iat": now,
        "exp": now + SESSION_SECONDS,
        "sub": person.id,
        "name": NAME,
        "createdAt": now,
        "usedAt": now,
        "method": "password",
        "address": "203.0.113.7",
    }
    assert statuses(token) == [401]
    delete = {"id": person.id, "all": True}
    assert invoke("revoke_user_sessions", delete)["count"] == 1


# ------------------------------------------------ a login that replaces a session


def log_in_again(person, token, replace="true", **headers):
    headers = {"X-Replace-Session": replace, **headers}
    return try_login(person.username, token=token, headers=headers)


def test_a_fresh_login_leaves_no_second_session(clock):
    person = new_person()
    old, other = log_in(person), log_in(person)
    answer = log_in_again(person, f"Bearer {old}")
    assert (answer.status, answer.body.keys()) == (201, {"token", "exp"})
    assert statuses(old, other, answer.body["token"]) == [401, 200, 200]
    ended = stored_rows(person)["sessions"][0]
    assert (ended["iat"]["N"], ended["revoked_reason"]["S"]) == (str(clock.now), "replaced")


@pytest.mark.parametrize("asked", [{"replace": "false"}, {"replace": "1"}, {"replace": None}])
def test_a_login_that_does_not_ask_for_it_replaces_nothing(clock, asked):
    person = new_person()
    old = log_in(person)
    assert log_in_again(person, old, **asked).status == 201
    assert statuses(old) == [200]


def expired(clock, person):
    token = log_in(person)
    clock.now += SESSION_SECONDS
    return token


def deleted(clock, person):
    token = log_in(person)
    call("delete_session", token, session=clock.now)
    return token


def deleted_with_all(clock, person):
    token = log_in(person)
    call("delete_all_sessions", token)
    return token


def ended_with_everyones(clock, person):
    token = log_in(person)
    invoke("revoke_everyone", {"everyone": True})
    return token


def forged(clock, person):
    header, claims, _ = log_in(person).split(".")
    return f"{header}.{claims}.{'A' * 43}"


@pytest.mark.parametrize(
    "token_of", [expired, deleted, deleted_with_all, ended_with_everyones, forged]
)
def test_a_token_that_does_not_count_replaces_nothing(clock, token_of):
    person = new_person()
    token = token_of(clock, person)
    before = stored_rows(person)["sessions"]
    answer = log_in_again(person, token)
    assert answer.status == 201
    assert statuses(answer.body["token"]) == [200]
    assert stored_rows(person)["sessions"][:-1] == before


@pytest.mark.parametrize("token", ["", "garbage", "Bearer a.b.c"])
def test_what_is_no_token_replaces_nothing(clock, token):
    assert log_in_again(new_person(), token).status == 201


def test_another_users_token_replaces_nothing_and_is_not_looked_up(clock, dynamodb_calls):
    person, other = new_person(), log_in(new_person())
    dynamodb_calls.clear()
    assert log_in_again(person, other).status == 201
    assert [name for name, _ in dynamodb_calls].count("BatchGetItem") == 1
    assert statuses(other) == [200]


@pytest.mark.parametrize("password", ["wrong", PASSWORD])
def test_a_login_that_is_refused_replaces_nothing(clock, password):
    person = new_person()
    old = log_in(person)
    if password == PASSWORD:
        invoke("ban_user", {"id": person.id})
    headers = {"X-Replace-Session": "true"}
    assert try_login(person.username, password, token=old, headers=headers).status in {401, 403}
    invoke("unban_user", {"id": person.id})
    assert statuses(old) == [200]


def test_no_other_session_is_evicted_for_the_one_that_is_replaced(clock, monkeypatch):
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 3)
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    answer = log_in_again(person, tokens[1])
    assert statuses(*tokens, answer.body["token"]) == [200, 401, 200, 200]


def test_a_session_that_ends_meanwhile_is_not_replaced_and_the_login_succeeds(
    clock, dynamodb, monkeypatch
):
    person = new_person()
    old = log_in(person)
    iat = clock.now
    replace_session = session_store.replace_session

    def after_its_end(*given):
        assert call("delete_session", old, session=iat).status == 200
        replace_session(*given)

    monkeypatch.setattr(session_store, "replace_session", after_its_end)
    answer = log_in_again(person, old)
    assert statuses(old, answer.body["token"]) == [401, 200]
    assert stored_rows(person)["sessions"][0]["revoked_reason"]["S"] == "deleted"


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(("fault", "status"), [(FAULTS["no connection"], 200), (LOST_ANSWER, 401)])
def test_a_replacement_that_failed_leaves_no_two_sessions(clock, fault, status):
    """Both rows are written together; the row of a token that nobody gets is revoked."""
    person = new_person()
    old = log_in(person)
    with befalling(Fault(fault, {"TransactWriteItems"}), times=EVER):
        assert log_in_again(person, old)[::2] == (503, UNAVAILABLE)
    assert statuses(old) == [status]
    new = log_in_again(person, old).body["token"]
    assert call("list_sessions", new, query=None).body["count"] == 1


# ------------------------------------------------------------------ faults


@pytest.mark.usefixtures("pauses")
def test_a_session_ended_before_its_login_was_answered_stays_ended(clock, dynamodb, monkeypatch):
    """Though its row could have been purged when the login puts it again."""
    monkeypatch.setattr(session_store.dynamodb, "LARGEST_BATCH_WRITE", 1)
    person = new_person()
    owner = log_in(person)

    def end_it_and_clear_up():
        clock.now += 1
        assert call("delete_session", owner, session=newest).status == 200
        log_in(person)

    clock.now += 1
    newest = clock.now
    inject(dynamodb, "PutItem", meanwhile(LOST_ANSWER, end_it_and_clear_up), times=1)
    assert try_login(person.username)[::2] == (503, UNAVAILABLE)
    assert sorted(stored_sessions(person)) == [newest - 1, newest + 1]


def test_a_row_is_purged_only_when_no_login_can_put_it_again():
    timeout = TEMPLATE.resources["CreateSessionFunction"]["Properties"]["Timeout"]
    assert timeout < session_store._LOGIN_SECONDS


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("fault", [*FAULTS, "done, and the answer lost"])
def test_a_login_that_failed_leaves_no_session_without_an_owner(clock, dynamodb, fault):
    person = new_person()
    owner = log_in(person)
    inject(dynamodb, "PutItem", FAULTS.get(fault, LOST_ANSWER))
    assert try_login(person.username)[::2] == (503, UNAVAILABLE)
    assert call("list_sessions", owner).body["count"] == 1
    rows = stored_rows(person)["sessions"]
    ends = [row["revoked_reason"]["S"] for row in rows if "revoked_reason" in row]
    assert ends == ([] if fault in FAULTS else ["deleted"])


# ---------------------------------------------------------------- all else


@pytest.mark.parametrize("token", ["", "garbage", "Bearer a.b.c"])
def test_an_authorization_header_says_nothing_at_the_login(clock, token):
    body = {"user": new_person().username, "pass": PASSWORD}
    assert call("create_session", token, body=body).status == 201


def test_unknown_fields_and_the_query_are_ignored(clock):
    unknown = {"iat": 1, "exp": 10**12, "sub": "x", "remember_me": True, "REMEMBERME": True}
    body = {"user": new_person().username, "pass": PASSWORD, **unknown}
    answer = call("create_session", body=body, query={"rememberMe": ["true"], "user": ["x"]})
    assert (answer.status, answer.body["exp"]) == (201, clock.now + SESSION_SECONDS)


def test_logs_one_line_and_counts_one_outcome_without_the_name(clock, logged, capsys):
    person = new_person()
    capsys.readouterr()
    known = len(logged())
    try_login(person.username)
    try_login(person.username, "wrong")
    call("create_session", raw_body=f'{{"user": "{person.username}", "pass": "{PASSWORD}')
    lines, metrics = logged()[known:], capsys.readouterr().out
    outcomes = ["SessionCreated", "LoginRefused", "LoginRefused"]
    assert [line["message"] for line in lines] == outcomes
    assert [line.get("user") for line in lines] == [person.id, person.id, None]
    for outcome, metric in zip(outcomes, metrics.splitlines(), strict=True):
        assert json.loads(metric)[outcome] == [1.0]
    assert person.username not in f"{lines}{metrics}"


@pytest.mark.parametrize("is_remembered", [False, True])
def test_the_login_over_the_limit_revokes_the_oldest_session(clock, monkeypatch, is_remembered):
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 3)
    person = new_person()
    tokens = [log_in(person, rememberMe=is_remembered) for _ in range(3)]
    assert statuses(*tokens) == [200, 200, 200]
    tokens.append(log_in(person, rememberMe=is_remembered))
    assert statuses(*tokens) == [401, 200, 200, 200]
    evicted = [row for row in stored_rows(person)["sessions"] if "revoked_reason" in row]
    assert [(row["iat"]["N"], row["revoked_reason"]["S"]) for row in evicted] == [
        (str(clock.now), "evicted")
    ]


def test_a_session_that_ended_with_everyones_is_not_evicted_as_well(clock, monkeypatch):
    """Its end was told already (docs/events.md)."""
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 1)
    person = new_person()
    log_in(person)
    ended = stored_sessions(person)
    invoke("revoke_everyone", {"everyone": True})
    log_in(person)
    assert stored_sessions(person).items() > ended.items()


def test_the_limit_of_sessions_is_the_templates():
    assert TEMPLATE.parameters["MaxSessionsPerUser"] == session_issue.MAX_SESSIONS_PER_USER == 100
