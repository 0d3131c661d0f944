"""Texts that are no session ID, and IDs of another user's sessions."""

import json
from typing import Any, NamedTuple

import pytest

from tests.payloads.bodies import FORM, JSON, MULTIPART, multipart
from tests.payloads.identifiers import NO_IDS, NO_SEGMENTS, spelt
from tests.support.calls import call, call_route
from tests.support.clock import at
from tests.support.contract import HEADERS, INVALID_SESSION, SESSION_MISSING
from tests.support.operations import ROUTES
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
NONE_REVOKED = (200, HEADERS, {"count": 0, "type": "session"})
BODIES = {"InvalidSession": INVALID_SESSION, "SessionMissing": SESSION_MISSING}
REFUSED = {
    name: (404, HEADERS, BODIES[route.answers[404]])
    for name, route in ROUTES.items()
    if route.names_a_session
}
NEITHER = [*NO_IDS, *NO_SEGMENTS, ""]


class Victim(NamedTuple):
    """Two users with a live and a revoked session each, a token of each, and their rows."""

    person: Person
    token: str
    stranger: Person
    stranger_token: str
    rows: list[Any]

    def is_unharmed(self) -> bool:
        return [stored_rows(self.person), stored_rows(self.stranger)] == self.rows


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    def user_at(now: int) -> tuple[Person, str]:
        with at(now):
            person = new_person()
            token = log_in(person)
            log_in(person)
            call("delete_session", token, session=now + 1)
        return person, token

    person, stranger = user_at(NOW), user_at(NOW + 5)
    return Victim(*person, *stranger, [stored_rows(person[0]), stored_rows(stranger[0])])


@pytest.mark.parametrize("spelling", NEITHER)
def test_a_text_that_is_no_session_id_names_no_session(clock, victim, spelling):
    for operation, refusal in REFUSED.items():
        assert call_route(operation, victim.token, spelt(spelling, NOW)) == refusal
    assert victim.is_unharmed()


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
def test_texts_that_are_no_session_id_are_ignored_in_a_body(clock, victim, content_type):
    members = {"sessions": [spelt(spelling, NOW) for spelling in NEITHER]}
    body = json.dumps(members) if content_type == JSON else multipart(members)
    headers = {"Content-Type": content_type}
    answer = call("delete_sessions", victim.token, raw_body=body, headers=headers)
    assert answer == NONE_REVOKED
    assert victim.is_unharmed()


@pytest.mark.parametrize("spelling", NO_SEGMENTS)
def test_texts_that_are_no_session_id_are_ignored_in_a_form(clock, victim, spelling):
    body = f"sessions={spelt(spelling, NOW + 5)}"
    answer = call("delete_sessions", victim.token, raw_body=body, headers={"Content-Type": FORM})
    assert answer == NONE_REVOKED or answer.body == {**answer.body, "fields": ["sessions"]}
    assert victim.is_unharmed()


def test_another_users_session_looks_like_one_that_never_was(clock, victim):
    theirs, theirs_revoked, revoked, never, largest = NOW + 5, NOW + 6, NOW + 1, 7, 10**15 - 1
    for iat in (theirs, theirs_revoked, revoked, never, largest, "x"):
        for operation, refusal in REFUSED.items():
            assert call_route(operation, victim.token, iat) == refusal
        for value in (iat, str(iat)):
            body = {"sessions": [value]}
            assert call("delete_sessions", victim.token, body=body) == NONE_REVOKED
    assert victim.is_unharmed()
    clock.now += 5
    assert call("get_session", victim.stranger_token, session=theirs).status == 200
