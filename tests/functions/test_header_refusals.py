"""Headers, paths, queries and bodies that lie: no answer and no log line repeats them."""

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import telemetry
from tests.payloads.headers import CANARY, ENDING_VALUES, NAMES, ODD_VALUES
from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import is_refusal
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
VALUES = [*ENDING_VALUES, *ODD_VALUES]


class Victim(NamedTuple):
    """A user with two sessions, and the token of the older."""

    person: Person
    token: str


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    with at(NOW):
        person = new_person()
        token = log_in(person)
        log_in(person)
    return Victim(person, token)


def test_a_header_that_a_route_does_not_read_changes_nothing(clock, victim):
    plain = call("get_current_session", victim.token)
    for name in NAMES:
        for value in (CANARY, *ENDING_VALUES):
            assert call("get_current_session", victim.token, headers={name: value}) == plain, name


@pytest.mark.parametrize("name", ["X-Session-Name", "User-Agent"])
def test_a_session_has_a_name_of_one_line_for_any_header(clock, name):
    """For any text: tests/layer/test_session_name.py."""
    person = new_person()
    for value in ENDING_VALUES:
        body = {"user": person.username, "pass": PASSWORD}
        answer = call("create_session", body=body, headers={name: value})
        assert answer.status == 201
        assert CANARY not in json.dumps([answer.headers, answer.body])
        stored = call("get_current_session", answer.body["token"]).body["name"]
        assert 1 <= len(stored) <= 64
        assert stored.isprintable()


def places(value: str) -> list[dict[str, Any]]:
    """Return the changes that put a value wherever a client can put one."""
    return [
        {"headers": {"Authorization": value}},
        {"headers": {"Authorization": [value, value]}},
        {"headers": {"Content-Type": value}},
        {"headers": {"Content-Type": f"multipart/form-data; boundary={value}"}},
        {"headers": {"Origin": value}},
        {"headers": {value: value}},
        {"session": value},
        {"query": {"limit": [value], "offset": [value], "allButSelf": [value], value: [value]}},
        {"raw_body": value},
        {"body": {"user": value, "pass": True, "sessions": value, value: value}},
        {"body": {"user": value[:300], "rememberMe": value, "sessions": {value: value}}},
    ]


@pytest.mark.parametrize("route", ["create_session", "delete_sessions"])
def test_no_refusal_and_no_log_line_repeats_the_request(clock, logged, route):
    for value in VALUES:
        for change in places(value):
            answer = call(route, **change)
            assert CANARY not in json.dumps(answer)
            assert is_refusal(answer.status, answer.body), answer
    assert len(logged()) == len(VALUES) * len(places(""))
    written = telemetry.logger.registered_handler.stream.getvalue()
    assert CANARY not in written
    assert written.replace("\n", "").isprintable()


@pytest.mark.parametrize("route", AUTHENTICATED)
def test_no_answer_to_a_good_token_repeats_the_request(clock, victim, lines, route):
    before = stored_rows(victim.person)
    for value in VALUES:
        answer = call(
            route,
            victim.token,
            headers={"Origin": value, "Content-Type": value, value: value},
            session=value,
            query={name: [value] for name in ("limit", "allButSelf", value)},
            raw_body=value,
        )
        assert CANARY not in json.dumps(answer)
        assert answer.status == 200 or is_refusal(answer.status, answer.body), answer
    assert not [line for line in lines() if CANARY in line]
    assert stored_rows(victim.person) == before


TEXTS = st.text(max_size=40)


@settings(max_examples=60)
@given(
    route=st.sampled_from([route for route in ROUTES if route != "delete_all_sessions"]),
    headers=st.dictionaries(st.sampled_from(["Content-Type", "Origin", "Cookie", "x"]), TEXTS),
    query=st.dictionaries(st.sampled_from(["limit", "offset", "x"]), st.lists(TEXTS, min_size=1)),
    session=TEXTS,
    body=st.none() | TEXTS,
    is_base64=st.booleans(),
)
def test_any_request_is_answered_as_the_contract_says(
    clock, victim, route, headers, query, session, body, is_base64
):
    before = stored_rows(victim.person)
    answer = call(
        route,
        victim.token,
        headers=headers,
        query=query or None,
        session=session,
        raw_body=body,
        is_base64=is_base64,
    )
    assert answer.status == 200 or is_refusal(answer.status, answer.body), answer
    assert stored_rows(victim.person) == before
