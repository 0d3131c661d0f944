"""The account operation issue_session.

What it has in common with the login is tested where the login's is, of both: the interleavings,
the faults, the histories.
"""

import json

import pytest

from sessions import authentication, session_issue, user_store
from tests.support.calls import call, invoke
from tests.support.contract import (
    REMEMBERED_SESSION_SECONDS,
    SESSION_MISSING,
    SESSION_SECONDS,
    TEMPLATE,
    session_over,
)
from tests.support.forgery import decode
from tests.support.people import BEGINNINGS, begin_session, log_in, new_person, statuses
from tests.support.rows import stored_rows, stored_sessions, stored_user

pytestmark = pytest.mark.usefixtures("aws")

AGENT = "anna@example.com"


def issue(person, **given):
    return invoke("issue_session", {"id": person.id, "method": "passkey", **given})


def test_answers_with_a_token_and_the_session_that_it_is_of(clock):
    person = new_person()
    answer = issue(person)
    token = answer.pop("token")
    session = {
        "iat": clock.now,
        "exp": clock.now + SESSION_SECONDS,
        "sub": person.id,
        "name": "Session by passkey",
        "createdAt": clock.now,
        "usedAt": clock.now,
        "method": "passkey",
    }
    assert answer == {"id": person.id, "exp": session["exp"], "session": session}
    assert call("get_current_session", token).body == session
    assert decode(token.split(".")[1])["iat"] == clock.now


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"seconds": 1}, 1),
        ({"seconds": REMEMBERED_SESSION_SECONDS}, REMEMBERED_SESSION_SECONDS),
        ({"remember": True}, REMEMBERED_SESSION_SECONDS),
        ({"remember": False, "seconds": None}, SESSION_SECONDS),
    ],
)
def test_it_lasts_as_long_as_it_is_asked_to(clock, given, seconds):
    answer = issue(new_person(), **given)
    assert answer["exp"] == answer["session"]["exp"] == clock.now + seconds
    clock.now += seconds - 1
    assert statuses(answer["token"]) == [200]
    clock.now += 1
    assert statuses(answer["token"]) == [401]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (" My\nphone 📱", "My phone 📱"),
        ("n" * 65, "Session by passkey"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "Session by passkey"),
    ],
)
def test_its_name_follows_the_rule_of_the_logins(clock, name, shown):
    assert issue(new_person(), name=name)["session"]["name"] == shown


def test_everybody_sees_who_began_it_for_the_user_and_how(clock, logged):
    person = new_person()
    owner = log_in(person)
    known = len(logged())
    issued = issue(person, method="support", by=AGENT, name="Ticket 7")
    assert issued["session"].items() >= {"method": "support", "by": AGENT}.items()
    (line,) = logged()[known:]
    assert (line["method"], line["by"], line["user"]) == ("support", AGENT, person.id)
    newest, own = call("list_sessions", owner).body["items"]
    assert newest == issued["session"]
    assert (own["method"], "by" in own) == ("password", False)
    listed = invoke("list_user_sessions", {"id": person.id})["items"]
    assert listed == [newest, own]
    exported = invoke("export_user", {"id": person.id})["sessions"][0]
    assert (exported["method"], exported["by"]) == ("support", AGENT)


@pytest.mark.parametrize(
    ("address", "known"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:db8::/64")],
)
def test_the_users_address_is_known_again(clock, address, known):
    person = new_person()
    issue(person, address=address)
    assert stored_user(person).login_addresses == {known: clock.now}


def test_nobody_elses_address_is_known_as_the_users(clock):
    person = new_person()
    issue(person)
    issue(person, by=AGENT, address="203.0.113.9")
    user = stored_user(person)
    assert (user.login_addresses, user.last_login_at) == ({}, clock.now)
    assert "203.0.113.9" not in json.dumps(stored_rows(person)["user"], default=str)


def test_the_oldest_addresses_are_forgotten_as_at_a_login(clock):
    person = new_person()
    for number in range(2 * user_store.LOGIN_ADDRESSES + 1):
        clock.now += 1
        issue(person, address=f"192.0.2.{number}")
    assert len(stored_user(person).login_addresses) == user_store.LOGIN_ADDRESSES


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_whatever_begins_it_the_limit_of_sessions_holds(clock, monkeypatch, begin):
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 3)
    person = new_person()
    tokens = [log_in(person), begin_session(person), log_in(person)]
    tokens.append(begin(person).body["token"])
    assert statuses(*tokens) == [401, 200, 200, 200]


def test_nothing_is_stored_of_a_banned_user(clock):
    person = new_person()
    invoke("ban_user", {"id": person.id})
    before = stored_rows(person)
    with pytest.raises(Exception, match="the user is banned") as refused:
        issue(person)
    assert type(refused.value).__name__ == "UserBanned"
    assert (stored_rows(person), stored_sessions(person)) == (before, {})


# ------------------------------------------- sessions that somebody else began


@pytest.fixture
def impersonated(clock):
    """A user with two sessions, and the token of one that an agent began."""
    person = new_person()
    own = [log_in(person) for _ in range(2)]
    return person, own, begin_session(person, by=AGENT)


def revoke_others(token, iats):
    """Try to end other sessions in every way; return the answers, and what they counted."""
    one = call("delete_session", token, session=iats[0])
    several = call("delete_sessions", token, body={"sessions": iats})
    others = call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    return one, several.body["count"], others.body["count"]


def test_it_sees_the_users_sessions_and_ends_none(clock, impersonated):
    """To its deletes they are as if they were not there."""
    _, own, token = impersonated
    listed = call("list_sessions", token).body["items"]
    assert [session.get("by") for session in listed] == [AGENT, None, None]
    iats = [session["iat"] for session in listed[1:]]
    one, several, others = revoke_others(token, iats)
    assert (one.status, one.body) == (404, SESSION_MISSING)
    assert (several, others) == (0, 0)
    assert call("get_session", token, session=iats[0]).status == 200
    assert statuses(*own, token) == [200, 200, 200]


@pytest.mark.parametrize("by", ["one", "several", "all"])
def test_it_ends_itself(clock, impersonated, by):
    _, own, token = impersonated
    iat = call("get_current_session", token).body["iat"]
    if by == "one":
        assert call("delete_session", token, session=iat).status == 200
    elif by == "several":
        answer = call("delete_sessions", token, body={"sessions": [iat - 1, iat]})
        assert answer.body["count"] == 1
    else:
        assert call("delete_all_sessions", token).body == {"count": 1, "type": "session"}
    assert statuses(*own, token) == [200, 200, 401]
    refusal = call("get_current_session", token)
    reason = {"one": "deleted", "several": "bulk", "all": "all"}[by]
    assert (refusal.status, refusal.body) == (401, session_over(reason))


def test_its_user_ends_it_like_any_other(clock, impersonated):
    _, own, token = impersonated
    assert call("delete_all_sessions", own[0], query={"allButSelf": ["true"]}).body["count"] == 2
    assert statuses(*own, token) == [200, 401, 401]


def test_a_session_that_nobody_else_began_ends_others_whatever_its_method(clock):
    person = new_person()
    own, token = log_in(person), begin_session(person)
    assert call("delete_all_sessions", token).body["count"] == 2
    assert statuses(own, token) == [401, 401]


def test_the_operator_may_let_it_end_others(clock, impersonated, monkeypatch):
    _, own, token = impersonated
    assert TEMPLATE.parameters["ImpersonatorsMayRevoke"] == "false"
    monkeypatch.setattr(authentication, "IMPERSONATORS_MAY_REVOKE", True)
    iats = [call("get_current_session", each).body["iat"] for each in own]
    one, several, others = revoke_others(token, iats)
    assert (one.status, several, others) == (200, 1, 0)
    assert statuses(*own, token) == [401, 401, 200]
