"""DELETE /user/sessions."""

import base64
import json

import pytest

from sessions import dynamodb, session_store
from tests.support.calls import call
from tests.support.contract import HEADERS, SESSION_SECONDS
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

MULTIPART = """\
--frontier\r
Content-Disposition: form-data; name="sessions"\r
\r
{}\r
--frontier\r
Content-Disposition: form-data; name="sessions"\r
\r
{}\r
--frontier--\r
"""


def bulk(count):
    return {"count": count, "type": "session"}


def test_ends_the_sessions_it_names_and_no_other(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(4)]
    before = stored_rows(person)
    named = {"sessions": [clock.now, str(clock.now + 1)]}
    answer = call("delete_sessions", tokens[3], body=named)
    assert (answer.status, answer.body, answer.headers) == (200, bulk(2), HEADERS)
    statuses = [call("get_current_session", token).status for token in tokens]
    assert statuses == [401, 401, 200, 200]
    assert sorted(stored_sessions(person)) == [clock.now + 2, clock.now + 3]
    assert stored_rows(person)["user"] == before["user"]


@pytest.mark.parametrize(
    "ids",
    [
        [],  # an array without IDs names no sessions; it is not absent
        ["0", 0, -1, "-1", "+{iat}", "0{iat}", " {iat}", "{iat} ", "{iat}.0", "{iat}\n"],
        [True, False, None, "", "x", "٣", "all", "*"],
        [1.5, 1e300, 1_800_000_000.0],
        [[], {}, ["{iat}"], [1_800_000_000], {"iat": 1_800_000_000}],
        ["9" * 15, "9" * 16, "9" * 5000, 10**15, 10**400],
        [1, "2", 1_799_999_999],
    ],
)
def test_what_names_no_session_of_the_user_is_ignored(clock, ids):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    ids = [i.format(iat=clock.now) if isinstance(i, str) else i for i in ids]
    answer = call("delete_sessions", token, body={"sessions": ids})
    assert (answer.status, answer.body) == (200, bulk(0))
    assert stored_rows(person) == before
    # In other company, the others still count.
    answer = call("delete_sessions", token, body={"sessions": [*ids, clock.now, *ids]})
    assert (answer.status, answer.body) == (200, bulk(1))
    assert stored_sessions(person) == {}


def test_true_is_not_session_1(clock):
    person = new_person()
    token = log_in(person)
    add_sessions(person, range(1, 2))
    assert call("delete_sessions", token, body={"sessions": [True, 1.0]}).body == bulk(0)
    assert call("delete_sessions", token, body={"sessions": [1]}).body == bulk(1)


def test_a_session_named_twice_is_ended_and_counted_once(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    named = {"sessions": [clock.now, str(clock.now), clock.now]}
    assert call("delete_sessions", token, body=named).body == bulk(1)
    assert call("delete_sessions", token, body=named).body == bulk(0)


def test_another_users_sessions_are_ignored_and_stay(clock):
    stranger = new_person()
    theirs = log_in(stranger)
    clock.now += 5
    token = log_in(new_person())
    named = {"sessions": [clock.now - 5, clock.now]}
    assert call("delete_sessions", token, body=named).body == bulk(1)
    assert call("get_current_session", theirs).status == 200


def test_the_session_in_use_can_be_among_them(clock):
    person = new_person()
    token = log_in(person)
    log_in(person)
    named = {"sessions": [clock.now, clock.now + 1]}
    assert call("delete_sessions", token, body=named).body == bulk(2)
    assert call("delete_sessions", token, body=named).status == 401
    assert stored_sessions(person) == {}


def test_expired_sessions_are_not_counted(clock):
    person = new_person()
    log_in(person)
    expiring = clock.now
    clock.now += 1
    token = log_in(person, rememberMe=True)
    clock.now = expiring + SESSION_SECONDS
    answer = call("delete_sessions", token, body={"sessions": [expiring, expiring + 1]})
    assert answer.body == bulk(1)


def test_revoked_sessions_are_not_counted_though_their_rows_remain(clock, monkeypatch):

    person = new_person()
    log_in(person)
    token = log_in(person)
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    log_in(person)
    named = {"sessions": sorted(stored_sessions(person))}
    assert len(named["sessions"]) == 3
    assert call("delete_sessions", token, body=named).body == bulk(2)


def test_cut_short_between_two_transactions_it_can_be_made_again(clock, monkeypatch, power_cut):
    person = new_person()
    tokens = [log_in(person) for _ in range(2)]
    monkeypatch.setattr(dynamodb, "LARGEST_TRANSACTION", 1)
    named = {"sessions": [clock.now, clock.now + 1]}
    assert not power_cut(2, lambda: call("delete_sessions", tokens[1], body=named))
    assert len(stored_sessions(person)) == 1
    answer = call("delete_sessions", tokens[1], body=named)
    assert (answer.status, answer.body) == (200, bulk(1))
    assert stored_sessions(person) == {}


@pytest.mark.parametrize("number", [100, 260])
def test_ends_any_number_of_sessions_in_transactions_of_a_hundred(clock, dynamodb_calls, number):
    person = new_person()
    token = log_in(person)
    added = range(1_000, 1_000 + number)
    add_sessions(person, added)
    dynamodb_calls.clear()
    answer = call("delete_sessions", token, body={"sessions": [*map(str, added), *added, 7]})
    assert (answer.status, answer.body) == (200, bulk(number))
    assert list(stored_sessions(person)) == [clock.now]
    sizes = [
        len(parameters["TransactItems"])
        for operation, parameters in dynamodb_calls
        if operation == "TransactWriteItems"
    ]
    assert (sum(sizes), max(sizes)) == (number, min(number, 100))


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '{{"sessions":["{0}",{1}]}}'),
        (FORM, "sessions={}&sessions={}"),
        (FORM, "sessions[]={}&sessions[]={}"),
        (FORM, "sessions%5B%5D={}&sessions%5b%5d={}"),
        (FORM, "other=1&sessions[]={}&sessions={}&sessions=x&sessions="),
        ("multipart/form-data; boundary=frontier", MULTIPART),
        ("multipart/form-data; boundary=frontier", MULTIPART.replace("sessions", "sessions[]")),
    ],
)
def test_the_array_comes_in_any_of_the_content_types(clock, content_type, body, is_base64):
    person = new_person()
    token = log_in(person)
    log_in(person)
    body = body.format(clock.now, clock.now + 1)
    if is_base64:
        body = base64.b64encode(body.encode()).decode()
    answer = call(
        "delete_sessions",
        token,
        raw_body=body,
        headers={"Content-Type": content_type},
        is_base64=is_base64,
    )
    assert (answer.status, answer.body) == (200, bulk(2))
    assert stored_sessions(person) == {}


@pytest.mark.parametrize("body", ["sessions=1", "sessions[]=1", "sessions="])
def test_one_field_of_a_form_is_an_array_too(clock, body):
    token = log_in(new_person())
    answer = call("delete_sessions", token, raw_body=body, headers={"Content-Type": FORM})
    assert (answer.status, answer.body) == (200, bulk(0))


def test_sessions_of_a_query_are_not_the_bodys(clock):
    person = new_person()
    token = log_in(person)
    query = {"sessions": [str(clock.now)]}
    assert call("delete_sessions", token, body={"sessions": []}, query=query).body == bulk(0)
    assert call("get_current_session", token).status == 200


def test_the_last_of_duplicate_members_counts(clock):
    person = new_person()
    token = log_in(person)
    body = f'{{"sessions":[{clock.now}],"sessions":{json.dumps(["x"])}}}'
    assert call("delete_sessions", token, raw_body=body).body == bulk(0)
    assert list(stored_sessions(person)) == [clock.now]


def test_the_token_is_asked_for_before_the_body(clock):
    assert call("delete_sessions", "bad", raw_body="{").status == 401


def test_a_session_that_another_request_ends_in_between_is_not_counted(clock, monkeypatch):
    person = new_person()
    token = log_in(person)
    log_in(person)
    end_sessions = session_store.revoke_sessions

    def too_late_for_one(user, iats, reason, now):
        session_store.revoke_session(user, clock.now + 1, now)
        return end_sessions(user, iats, reason, now)

    monkeypatch.setattr(session_store, "revoke_sessions", too_late_for_one)
    named = {"sessions": [clock.now, clock.now + 1]}
    assert call("delete_sessions", token, body=named).body == bulk(1)
    assert stored_sessions(person) == {}
