"""For each operation a call that does all that the operation can do."""

from collections.abc import Callable

import argon2

from sessions import clock, endpoint, user_store
from sessions.proof import Claims
from tests.support.calls import call, invoke
from tests.support.events import event_for
from tests.support.forgery import sign, signing_key
from tests.support.leaks import PASSWORD
from tests.support.operations import ACCOUNT_OPERATIONS, ROUTES
from tests.support.people import Person, begin_session, log_in, new_person
from tests.support.rows import add_sessions, age_session, stored_sessions
from tests.support.streams import follow_streams

Act = Callable[[], object]


def prepare(name: str) -> Act:
    """Make whom an operation is about, and return the call."""
    if name in PREPARED:
        return PREPARED[name]()
    if name in ROUTES:
        return _request(name)
    person = new_person()
    log_in(person)
    event = ACCOUNT_OPERATIONS[name].event(login=person.email)
    return lambda: invoke(name, event)


def _request(name: str) -> Act:
    person = new_person()
    token, other = log_in(person), log_in(person)
    session, own = (call("get_current_session", it).body["iat"] for it in (other, token))
    age_session(person, own)

    def act() -> None:
        answer = call(name, token, **ROUTES[name].request(session=session))
        assert answer.status == 200, answer

    return act


def _person_with_an_outdated_hash() -> Person:
    person = new_person()
    login = user_store.find_login(person.username)
    assert login is not None
    outdated = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    user_store.replace_password_hash(login, outdated)
    return person


def _log_in_once_too_often() -> Act:
    outdated, crowded = _person_with_an_outdated_hash(), new_person()
    add_sessions(crowded, range(1, 200))  # more than may live, and more than one login deletes
    log_in(crowded)
    body = {"user": outdated.username, "pass": PASSWORD}
    headers = {"X-Replace-Session": "true"}
    return lambda: (
        call("create_session", log_in(outdated), body=body, headers=headers),
        log_in(crowded),
    )


def _issue_once_too_often() -> Act:
    crowded = new_person()
    add_sessions(crowded, range(1, 200))
    log_in(crowded)
    return lambda: (begin_session(crowded), begin_session(crowded))


def _delete_all_also_for_somebody_else() -> Act:
    person = new_person()
    tokens = log_in(person), begin_session(person, by="an agent")
    return lambda: [call("delete_all_sessions", token) for token in reversed(tokens)]


def _authorize_an_unknown_key() -> Act:
    claims = {**Claims("u", 1, 99_999_999_999, "j")._asdict(), "iss": endpoint.ISSUER}
    token = sign({"alg": "HS256", "typ": "JWT", "kid": "unknown"}, claims, signing_key())
    event = {"httpMethod": "GET", "headers": {"Authorization": token}}
    return lambda: invoke("authorize", event)


def _authorize_a_call_of_another_api() -> Act:
    token = log_in(new_person())
    return lambda: invoke("verify_session", event_for("verify_session", token))


def _revoke_some_and_all() -> Act:
    person = new_person()
    log_in(person)
    some = {"login": person.email, "sessions": list(stored_sessions(person))}
    everything = {"login": person.email, "all": True}
    return lambda: [invoke("revoke_user_sessions", asked) for asked in (some, everything)]


def _lift_a_ban_and_revoke() -> Act:
    person = new_person()
    log_in(person)
    return lambda: invoke("unban_user", {"login": person.email, "revoke_sessions": True})


def _publish_a_revocation() -> Act:
    person = new_person()
    log_in(person)
    records = follow_streams()
    invoke("revoke_user_sessions", {"login": person.email, "all": True})
    return lambda: invoke("publish_events", {"Records": records(clock.epoch_seconds())})


# Those whose usual input is not all that they do.
PREPARED: dict[str, Callable[[], Act]] = {
    "create_session": _log_in_once_too_often,
    "issue_session": _issue_once_too_often,
    "delete_all_sessions": _delete_all_also_for_somebody_else,
    "authorize": _authorize_an_unknown_key,
    "verify_session": _authorize_a_call_of_another_api,
    "unban_user": _lift_a_ban_and_revoke,
    "revoke_user_sessions": _revoke_some_and_all,
    "publish_events": _publish_a_revocation,
}
