"""Session IDs that are none, or somebody else's."""

import json
from typing import Any, NamedTuple

import pytest

from tests.payloads.bodies import FORM, JSON, MULTIPART, multipart
from tests.payloads.identifiers import NO_IDS, NO_SEGMENTS, spelt
from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import HEADERS, INVALID_SESSION, SESSION_MISSING
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
NONE_ENDED = {"count": 0, "type": "session"}
NEITHER = [*NO_IDS, *NO_SEGMENTS, ""]


class Victim(NamedTuple):
    """A user with a session, its token and the user's rows; and somebody else with two."""

    person: Person
    token: str
    rows: dict[str, Any]
    stranger: Person
    stranger_token: str
    stranger_rows: dict[str, Any]

    def is_unharmed(self) -> bool:
        return (stored_rows(self.person), stored_rows(self.stranger)) == (
            self.rows,
            self.stranger_rows,
        )


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    with at(NOW):
        person, stranger = new_person(), new_person()
        token = log_in(person)
        log_in(person)
        call("delete_session", token, session=NOW + 1)
    with at(NOW + 5):
        stranger_token = log_in(stranger)
        log_in(stranger)
        call("delete_session", stranger_token, session=NOW + 6)
    return Victim(
        person, token, stored_rows(person), stranger, stranger_token, stored_rows(stranger)
    )


@pytest.mark.parametrize("spelling", NEITHER)
def test_what_is_no_session_id_names_no_session(clock, victim, spelling):
    answer = call("get_session", victim.token, session=spelt(spelling, NOW))
    assert (answer.status, answer.body, answer.headers) == (404, INVALID_SESSION, HEADERS)


@pytest.mark.parametrize("spelling", NEITHER)
def test_what_is_no_session_id_is_missing_and_nothing_is_ended(clock, victim, spelling):
    answer = call("delete_session", victim.token, session=spelt(spelling, NOW))
    assert (answer.status, answer.body, answer.headers) == (404, SESSION_MISSING, HEADERS)
    assert victim.is_unharmed()


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
def test_whatever_is_no_session_id_is_ignored_among_several(clock, victim, content_type):
    named = {"sessions": [spelt(spelling, NOW) for spelling in NEITHER]}
    body = json.dumps(named) if content_type == JSON else multipart(named)
    headers = {"Content-Type": content_type}
    answer = call("delete_sessions", victim.token, raw_body=body, headers=headers)
    assert (answer.status, answer.body, answer.headers) == (200, NONE_ENDED, HEADERS)
    assert victim.is_unharmed()


@pytest.mark.parametrize("spelling", NO_SEGMENTS)
def test_whatever_is_no_session_id_is_ignored_in_a_form(clock, victim, spelling):
    body = f"sessions={spelt(spelling, NOW + 5)}"
    headers = {"Content-Type": FORM}
    answer = call("delete_sessions", victim.token, raw_body=body, headers=headers)
    assert answer.body in (NONE_ENDED, {**answer.body, "fields": ["sessions"]})
    assert victim.is_unharmed()


@pytest.mark.parametrize(
    ("operation", "refused"),
    [("get_session", (404, INVALID_SESSION)), ("delete_session", (404, SESSION_MISSING))],
)
def test_another_users_session_looks_exactly_like_one_that_never_was(
    clock, victim, operation, refused
):
    theirs, theirs_ended, mine_ended, never, largest = NOW + 5, NOW + 6, NOW + 1, 7, 10**15 - 1
    answers = [
        call(operation, victim.token, session=iat)
        for iat in (theirs, theirs_ended, mine_ended, never, largest, "x")
    ]
    assert answers == [(refused[0], HEADERS, refused[1])] * len(answers)
    assert victim.is_unharmed()
    clock.now += 5
    assert call("get_session", victim.stranger_token, session=theirs).status == 200


def test_another_users_sessions_look_like_ones_that_never_were_among_several(clock, victim):
    answers = [
        call("delete_sessions", victim.token, body={"sessions": [iat]})
        for iat in (NOW + 5, str(NOW + 6), NOW + 1, 7, "x")
    ]
    assert answers == [(200, HEADERS, NONE_ENDED)] * len(answers)
    assert victim.is_unharmed()
