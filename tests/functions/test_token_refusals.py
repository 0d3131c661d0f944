"""Tokens that are not as we make them: each differs from a good one in one thing."""

import json
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.payloads.tokens import BAD_TOKENS, GOOD_SPELLINGS, WITHOUT_A_SESSION, Victim
from tests.support.calls import call, call_route, invoke
from tests.support.clock import at
from tests.support.contract import INVALID_SESSION, UNAUTHORIZED_HEADERS
from tests.support.events import event_for
from tests.support.forgery import signing_key
from tests.support.operations import AUTHENTICATED
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def victim(aws: None, elsewhere: socket.socket) -> Victim:
    with at(NOW):
        person = new_person()
        token, other = log_in(person), log_in(person)
    host, port = elsewhere.getsockname()
    return Victim(person, new_person(), token, other, signing_key(), f"http://{host}:{port}/keys")


@pytest.fixture(scope="module")
def rows(victim: Victim) -> dict[str, Any]:
    """All that is stored of the victim, before anybody came."""
    return stored_rows(victim.person)


def refusal(authorization: str | list[str] | None) -> Any:
    return call("get_current_session", headers={"Authorization": authorization})


def authorize(authorization: str | list[str] | None) -> Any:
    event = event_for("authorize", headers={"Authorization": authorization})
    return invoke("authorize", event)["policyDocument"]["Statement"][0]["Effect"]


@pytest.mark.parametrize("spelling", GOOD_SPELLINGS)
def test_the_token_that_the_others_differ_from_is_good(clock, victim, spelling):
    for token in (victim.token, victim.forge()):
        assert refusal(spelling.format(token)).status == 200
        assert authorize(spelling.format(token)) == "Allow"


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_refused_and_changes_nothing(clock, victim, rows, kind):
    token = BAD_TOKENS[kind](victim)
    answer = refusal(token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_rows(victim.person) == rows


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_stopped_at_the_authorizer(clock, victim, kind):
    assert authorize(BAD_TOKENS[kind](victim)) == "Deny"


@pytest.mark.parametrize("kind", WITHOUT_A_SESSION)
def test_a_well_signed_token_without_a_session_is_refused_and_changes_nothing(
    clock, victim, rows, kind
):
    token = WITHOUT_A_SESSION[kind](victim)
    answer = refusal(token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_rows(victim.person) == rows


@pytest.mark.parametrize("route", AUTHENTICATED)
@pytest.mark.parametrize("kind", ["another key", "alg none, unsigned", "exp past", "two headers"])
def test_no_route_takes_a_bad_token(clock, victim, rows, route, kind):
    headers = {"Authorization": BAD_TOKENS[kind](victim)}
    answer = call_route(route, None, NOW + 1, headers)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(victim.person) == rows


@pytest.mark.parametrize("route", AUTHENTICATED)
@pytest.mark.parametrize("kind", ["another jti", "iat of another session", "sub of nobody"])
def test_no_route_takes_a_token_without_a_session(clock, victim, rows, route, kind):
    answer = call_route(route, WITHOUT_A_SESSION[kind](victim), NOW + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(victim.person) == rows


def test_the_token_of_a_deleted_session_is_refused(clock):
    person = new_person()
    token = log_in(person)
    call("delete_session", token, session=clock.now)
    answer = refusal(token)
    assert (answer.status, answer.body, answer.headers) == (
        401,
        INVALID_SESSION,
        UNAUTHORIZED_HEADERS,
    )


def test_no_bad_token_costs_a_call_of_dynamodb(clock, victim, dynamodb_calls):
    for forge in BAD_TOKENS.values():
        refusal(forge(victim))
    assert dynamodb_calls == []


def test_no_token_has_its_key_fetched_from_where_it_says(clock, victim, elsewhere):
    for kind, forge in BAD_TOKENS.items():
        if "elsewhere" in kind:
            assert refusal(forge(victim)).status == 401
            assert authorize(forge(victim)) == "Deny"
    with pytest.raises(BlockingIOError):
        elsewhere.accept()


CHARACTERS = st.sampled_from(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ,\n"
) | st.characters(codec="utf-8")


@settings(max_examples=50)
@given(where=st.floats(0, 1, exclude_max=True), character=CHARACTERS)
def test_a_token_with_one_other_character_is_refused(clock, victim, where, character):
    position = int(where * len(victim.token))
    token = victim.token[:position] + character + victim.token[position + 1 :]
    answer = refusal(token)
    if token == victim.token:
        assert answer.status == 200
    else:
        assert (answer.status, answer.body) == (401, INVALID_SESSION)


@settings(max_examples=50)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_token_with_one_flipped_bit_is_refused(clock, victim, where, bit):
    octets = bytearray(victim.token.encode())
    octets[int(where * len(octets))] ^= 1 << bit
    assert refusal(octets.decode("latin-1")).body == INVALID_SESSION


@given(text=st.text(max_size=200))
def test_any_text_for_a_token_is_refused(clock, text):
    assert refusal(text).body == INVALID_SESSION
    assert authorize(text) == "Deny"


@given(
    claims=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["sub", "iat", "exp", "jti", "iss", "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_no_well_signed_claims_but_a_sessions_own_open_anything(clock, victim, claims):
    token = victim.forge(claims=json.dumps(claims))
    assert refusal(token).body == INVALID_SESSION
