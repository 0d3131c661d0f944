"""Tokens that are not as we make them: each differs from a good one in one thing."""

import json
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.dynamodb import SESSIONS
from sessions.proof import Claims
from tests.payloads.tokens import (
    BAD_TOKENS,
    GOOD_SPELLINGS,
    REASONS,
    WITHOUT_A_SESSION,
    WRONG_CLAIMS,
    Victim,
)
from tests.support.calls import call, call_route, invoke
from tests.support.clock import at
from tests.support.contract import INVALID_SESSION, UNAUTHORIZED_HEADERS, session_over
from tests.support.events import event_for
from tests.support.forgery import signing_key
from tests.support.operations import AUTHENTICATED
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
ADDRESS = "203.0.113.7"  # of the event
REFUSAL = (401, UNAUTHORIZED_HEADERS, INVALID_SESSION)


def refusal(kind: str) -> Any:
    """Return the answer to a token of this kind."""
    body = session_over(REASONS[kind]) if kind in REASONS else INVALID_SESSION
    return 401, UNAUTHORIZED_HEADERS, body


@pytest.fixture(scope="module")
def victim(aws: None, elsewhere: socket.socket) -> Victim:
    with at(NOW):
        person = new_person()
        token, other = log_in(person), log_in(person)
    host, port = elsewhere.getsockname()
    return Victim(person, new_person(), token, other, signing_key(), f"http://{host}:{port}/keys")


@pytest.fixture(scope="module")
def rows(victim: Victim) -> dict[str, Any]:
    """The rows of the victim before the first refusal."""
    return stored_rows(victim.person)


def current_session(authorization: str | list[str] | None) -> Any:
    return call("get_current_session", headers={"Authorization": authorization})


def payer(authorization: str | list[str] | None) -> Any:
    """Return whom the gateway charges for the call: the user of a token that counts as signed."""
    event = event_for("authorize", headers={"Authorization": authorization})
    return invoke("authorize", event)["principalId"]


@pytest.mark.parametrize("spelling", GOOD_SPELLINGS)
def test_the_token_that_the_others_differ_from_is_good(clock, victim, spelling):
    for token in (victim.token, victim.forge()):
        assert current_session(spelling.format(token)).status == 200
        assert payer(spelling.format(token)) == victim.person.id


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_refused_without_a_call_of_dynamodb(clock, victim, dynamodb_calls, kind):
    """Each function refuses it, and its user does not pay for it."""
    token = BAD_TOKENS[kind](victim)
    assert current_session(token) == refusal(kind)
    assert payer(token) == ADDRESS
    assert dynamodb_calls == []


def test_each_claim_of_a_token_has_wrong_values():
    assert set(WRONG_CLAIMS) == {*Claims._fields, "iss"}


@pytest.mark.parametrize("kind", WITHOUT_A_SESSION)
def test_a_well_signed_token_without_a_session_is_refused(clock, victim, rows, kind):
    assert current_session(WITHOUT_A_SESSION[kind](victim)) == refusal(kind)
    assert stored_rows(victim.person) == rows


def test_each_byte_of_the_stored_hash_counts(clock):
    person = new_person()
    token = log_in(person)
    (row,) = stored_rows(person)["sessions"]
    for place in range(32):
        other = bytearray(row["jti_sha256"]["B"])
        other[place] ^= 1
        tables().put_item(TableName=SESSIONS, Item={**row, "jti_sha256": {"B": bytes(other)}})
        assert current_session(token) == REFUSAL
    tables().put_item(TableName=SESSIONS, Item=row)
    assert current_session(token).status == 200


@pytest.mark.parametrize("route", AUTHENTICATED)
def test_no_route_takes_a_bad_token(clock, victim, rows, route):
    tokens = {**BAD_TOKENS, **WITHOUT_A_SESSION}
    for kind in (
        *("another key", "alg none, unsigned", "exp past", "two headers"),
        *("another jti", "iat of another session", "sub of no user"),
    ):
        headers = {"Authorization": tokens[kind](victim)}
        assert call_route(route, None, NOW + 1, headers) == refusal(kind), kind
    assert stored_rows(victim.person) == rows


def test_no_key_is_fetched_from_an_address_in_a_token(clock, victim, elsewhere):
    for kind, forge in BAD_TOKENS.items():
        if "elsewhere" in kind:
            assert current_session(forge(victim)) == REFUSAL
            assert payer(forge(victim)) == ADDRESS
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
    if token == victim.token:
        assert current_session(token).status == 200
    else:
        assert current_session(token) == REFUSAL


@settings(max_examples=50)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_token_with_one_flipped_bit_is_refused(clock, victim, where, bit):
    octets = bytearray(victim.token.encode())
    octets[int(where * len(octets))] ^= 1 << bit
    assert current_session(octets.decode("latin-1")) == REFUSAL


@given(text=st.text(max_size=200))
def test_any_text_for_a_token_is_refused(clock, text):
    assert current_session(text) == REFUSAL
    assert payer(text) == ADDRESS


@given(
    claims=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*WRONG_CLAIMS, "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_well_signed_claims_that_are_no_sessions_are_refused(clock, victim, claims):
    assert current_session(victim.forge(claims=json.dumps(claims))) == REFUSAL
