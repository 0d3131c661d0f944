"""Export what is stored about a user."""

import json

import pytest

from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_the_user_and_every_stored_session(clock):
    person = new_person()
    token = log_in(person)
    log_in(person)
    call("delete_session", token, session=clock.now + 1)
    invoke("ban_user", {"id": person.id, "reason": "spam"})
    answer = invoke("export_user", {"login": person.email})
    assert answer["id"] == person.id
    assert answer["user"] == {
        "id": person.id,
        "username": person.username,
        "email": person.email,
        "created_at": clock.now,
        "last_iat": clock.now + 1,
        "password_version": 0,
        "banned_at": clock.now,
        "ban_reason": "spam",
        "banned_until": None,
        "revoked_through": 0,
        "revoked_except": None,
        "revoked_reason": None,
        "login_addresses": {"203.0.113.7": clock.now},
    }
    ended, live = answer["sessions"]
    assert (ended["iat"], ended["revoked_reason"]) == (clock.now + 1, "deleted")
    assert (live["iat"], live["revoked_reason"]) == (clock.now, None)
    assert live["name"] == "Chrome 96 on Windows 10"


def test_names_every_attribute_that_is_stored_but_hashes(clock):
    person = new_person()
    token = log_in(person)
    answer = json.dumps(invoke("export_user", {"id": person.id}))
    rows = stored_rows(person)
    kept_back = {"password_hash", "jti_sha256", "session_epoch", "user"}
    for row in (rows["user"], *rows["sessions"]):
        assert not {name for name in row.keys() - kept_back if f'"{name}"' not in answer}
    assert token not in answer
    assert "argon2" not in answer


def test_changes_nothing(clock):
    person = new_person()
    log_in(person)
    before = stored_rows(person)
    invoke("export_user", {"id": person.id})
    assert stored_rows(person) == before
