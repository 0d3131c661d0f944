"""Tokens, without a clock or a secret of their own."""

from string import ascii_letters, digits

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sessions.errors import InvalidSession
from sessions.proof import Claims
from sessions.tokens import issue, verify
from tests.support.forgery import decode, sign

KEY = b"k" * 32
CLAIMS = Claims("u", 100, 200, "j")
IDS = st.text(st.sampled_from(f"{ascii_letters}{digits}-_"), min_size=1, max_size=256)
TIMES = st.integers(1, 10**12)
# Any claims of the right types; those of these have bounds beside their types.
ANY_CLAIMS = st.builds(
    Claims,
    **{**dict.fromkeys(Claims._fields, ...), "sub": IDS, "iat": TIMES, "exp": TIMES, "jti": IDS},
)


def keys(kid):
    return {"one": KEY}.get(kid)


LARGEST = Claims("s" * 256, 10**15 - 1, 10**15 - 1, "j" * 256)


@example(claims=LARGEST, issuer="us", kid="one", key=KEY)
@given(claims=ANY_CLAIMS, issuer=IDS, kid=IDS, key=st.binary(min_size=32))
def test_an_issued_token_is_verified(claims, issuer, kid, key):
    token = issue(claims, issuer, kid, key)
    assume(len(token) <= 4096)
    assert verify(token, issuer, {kid: key}.get, claims.exp - 1) == claims


def test_a_token_expires_on_the_second():
    token = issue(CLAIMS, "us", "one", KEY)
    assert verify(token, "us", keys, CLAIMS.exp - 1) == CLAIMS
    for now in (CLAIMS.exp, CLAIMS.exp + 1):
        with pytest.raises(InvalidSession):
            verify(token, "us", keys, now)


def test_each_letter_of_a_token_counts():
    token = issue(CLAIMS, "us", "one", KEY)
    for place, letter in enumerate(token):
        other = "B" if letter == "A" else "A"
        with pytest.raises(InvalidSession):
            verify(token[:place] + other + token[place + 1 :], "us", keys, 150)


def test_a_token_may_be_ahead_of_the_clock():
    assert verify(issue(CLAIMS, "us", "one", KEY), "us", keys, 1) == CLAIMS


@pytest.mark.parametrize(("issuer", "kid"), [("them", "one"), ("us", "two")])
def test_a_token_of_another_issuer_or_key_is_refused(issuer, kid):
    with pytest.raises(InvalidSession):
        verify(issue(CLAIMS, issuer, kid, KEY), "us", keys, 150)


def test_no_key_is_asked_for_before_the_header_is_as_ours():
    asked = []
    for header in ({"alg": "none", "typ": "JWT", "kid": "one"}, {"alg": "HS256", "kid": "one"}):
        with pytest.raises(InvalidSession):
            verify(sign(header, {}, "k"), "us", asked.append, 150)
    with pytest.raises(InvalidSession):
        verify("a.b.c", "us", asked.append, 150)
    assert asked == []


@pytest.mark.parametrize(("length", "accepted"), [(4096, True), (4097, False)])
def test_a_token_has_at_most_4096_characters(length, accepted):
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {**CLAIMS._asdict(), "iss": "us"}
    tokens = (
        sign({**header, "kid": "k" * k}, {**claims, "x": "x" * x}, KEY.decode())
        for k in range(1, 4)  # a part in base64 cannot have any length
        for x in range(2900, 3072)
    )
    token = next(token for token in tokens if len(token) == length)
    if accepted:
        assert verify(token, "us", lambda _: KEY, 150) == CLAIMS
    else:
        with pytest.raises(InvalidSession):
            verify(token, "us", lambda _: KEY, 150)


def test_the_header_of_a_token_is_fixed():
    header, _, _ = issue(CLAIMS, "us", "one", KEY).split(".")
    assert decode(header) == {"alg": "HS256", "typ": "JWT", "kid": "one"}


@given(st.text())
def test_an_arbitrary_text_is_refused(text):
    with pytest.raises(InvalidSession):
        verify(text, "us", keys, 150)
