"""DELETE /user/sessions."""

import pytest

from sessions import dynamodb as layer_dynamodb
from tests.payloads.bodies import FORM, JSON, MULTIPART, multipart
from tests.support.calls import call
from tests.support.contract import HEADERS, SESSION_SECONDS
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")


def bulk(count):
    return {"count": count, "type": "session"}


def delete(token, *ids):
    return call("delete_sessions", token, body={"sessions": list(ids)})


def test_revokes_the_sessions_it_names_and_no_other(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(4)]
    user = stored_rows(person)["user"]
    answer = delete(tokens[3], clock.now, str(clock.now + 1))
    assert answer == (200, HEADERS, bulk(2))
    assert statuses(*tokens) == [401, 401, 200, 200]
    assert sorted(stored_sessions(person)) == [clock.now + 2, clock.now + 3]
    assert stored_rows(person)["user"] == user


def test_the_session_in_use_can_be_among_them(clock):
    person = new_person()
    tokens = [log_in(person), log_in(person)]
    assert delete(tokens[0], clock.now, clock.now + 1).body == bulk(2)
    assert statuses(*tokens) == [401, 401]


def test_values_that_name_no_session_of_the_user_are_ignored(clock):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    odd = [
        *("", "x", "*", "0", f"0{clock.now}", f" {clock.now}", f"{clock.now}.0", "9" * 5000, "2"),
        *(True, False, None, 0, -1, 1, 1.5, float(clock.now), 10**15, 10**400),
        *([], {}, [clock.now], {"iat": clock.now}),
    ]
    for ids in ([], odd):
        assert delete(token, *ids) == (200, HEADERS, bulk(0))
    assert stored_rows(person) == before
    assert delete(token, *odd, clock.now, *odd).body == bulk(1)
    assert stored_sessions(person) == {}


def test_a_session_named_twice_is_revoked_and_counted_once(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    named = [clock.now, str(clock.now), clock.now]
    assert [delete(token, *named).body for _ in range(2)] == [bulk(1), bulk(0)]


def test_another_users_sessions_are_ignored_and_go_on(clock):
    other = log_in(new_person())
    clock.now += 5
    token = log_in(new_person())
    assert delete(token, clock.now - 5, clock.now).body == bulk(1)
    assert statuses(other, token) == [200, 401]


def test_expired_and_revoked_sessions_are_not_counted(clock):
    person = new_person()
    log_in(person)
    token = log_in(person, rememberMe=True)
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    log_in(person)
    clock.now += SESSION_SECONDS + 2
    named = sorted(stored_sessions(person))
    assert len(named) == 3
    assert delete(token, *named).body == bulk(1)


def test_a_request_that_was_cut_short_can_be_made_again(clock, monkeypatch, power_cut):
    """The session in use is revoked last."""
    person = new_person()
    tokens = [log_in(person) for _ in range(2)]
    monkeypatch.setattr(layer_dynamodb, "LARGEST_TRANSACTION", 1)
    named = [clock.now + 1, clock.now]
    assert not power_cut(2, lambda: delete(tokens[1], *named))
    assert statuses(*tokens) == [401, 200]
    assert delete(tokens[1], *named).body == bulk(1)
    assert stored_sessions(person) == {}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, '{{"sessions":["{0}",{1}]}}'),
        (FORM, "sessions={}&sessions={}"),
        (FORM, "sessions%5B%5D={}&sessions%5b%5d={}"),
        (FORM, "other=1&sessions[]={}&sessions={}&sessions=x&sessions="),
        (MULTIPART, multipart({"sessions": ["{}", "{}"]})),
        (MULTIPART, multipart({"sessions[]": ["{}", "{}"]})),
    ],
)
def test_the_array_comes_in_any_content_type(clock, content_type, body):
    person = new_person()
    token = log_in(person)
    log_in(person)
    body = body.format(clock.now, clock.now + 1)
    answer = call("delete_sessions", token, raw_body=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.body) == (200, bulk(2))


def test_one_field_of_a_form_is_an_array_too(clock):
    token = log_in(new_person())
    for body in ("sessions=1", "sessions[]=1", "sessions="):
        answer = call("delete_sessions", token, raw_body=body, headers={"Content-Type": FORM})
        assert (answer.status, answer.body) == (200, bulk(0))


def test_the_token_is_checked_before_the_body(clock):
    assert call("delete_sessions", "bad", raw_body="{").status == 401
