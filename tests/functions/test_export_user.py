"""Export a user and all stored sessions."""

import json

import pytest

from sessions import session_issue
from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.records import NAME
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_the_user_and_every_stored_session(clock):
    person = new_person()
    token = log_in(person)
    log_in(person)
    call("delete_session", token, session=clock.now + 1)
    invoke("ban_user", {"id": person.id, "reason": "spam"})
    before = stored_rows(person)
    answer = invoke("export_user", {"login": person.email})
    assert answer["id"] == person.id
    assert answer["user"] == {
        "id": person.id,
        "username": person.username,
        "email": person.email,
        "created_at": clock.now,
        "last_iat": clock.now + 1,
        "last_login_at": clock.now,
        "password_version": 0,
        "banned_at": clock.now,
        "ban_reason": "spam",
        "banned_until": None,
        "ban_is_told": None,
        "revoked_through": 0,
        "revoked_except": None,
        "revoked_reason": None,
        "ended_epoch": 0,
        "login_addresses": {"203.0.113.7": clock.now},
    }
    revoked, live = answer["sessions"]
    assert (revoked["iat"], revoked["revoked_reason"]) == (clock.now + 1, "deleted")
    assert revoked["createdAt"] == live["createdAt"] == clock.now
    assert (live["iat"], live["revoked_reason"], live["name"]) == (clock.now, None, NAME)
    assert revoked["method"] == live["method"] == "password"
    assert stored_rows(person) == before


def test_names_every_stored_attribute_but_hashes(clock, monkeypatch):
    monkeypatch.setattr(session_issue, "IDLE_SECONDS", 7200)
    person = new_person()
    token = log_in(person)
    clock.now += 3600
    call("get_current_session", token)
    answer = json.dumps(invoke("export_user", {"id": person.id}))
    rows = stored_rows(person)
    kept_back = {"password_hash", "jti_sha256", "session_epoch", "user"}
    shown = {"created_at": "createdAt", "used_at": "usedAt", "until": "exp", "exp": "idleExp"}
    for row in (rows["user"], *rows["sessions"]):
        names = {shown.get(name, name) if "iat" in row else name for name in row.keys() - kept_back}
        assert not {name for name in names if f'"{name}"' not in answer}
    assert f'"usedAt": {clock.now}' in answer
    assert token not in answer
    assert "argon2" not in answer
