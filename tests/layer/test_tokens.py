"""Tokens and the key set, without a clock or a secret of their own."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sessions.errors import InvalidSession, Unavailable
from sessions.signing_keys import CachedKeySet, KeySet, MalformedKeySet, parse_key_set
from sessions.tokens import Claims, issue, verify
from tests.support.forgery import decode, sign

KEY = b"k" * 32
IDS = st.text(st.characters(codec="ascii"), min_size=1, max_size=256)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)
TIMES = st.integers(1, 10**12)


def keys(kid):
    return {"one": KEY}.get(kid)


# ----------------------------------------------------------------- tokens


@given(
    sub=IDS,
    iat=TIMES,
    lasts=TIMES,
    jti=IDS,
    issuer=TEXTS,
    kid=TEXTS,
    key=st.binary(min_size=32),
)
def test_what_is_issued_is_verified_as_it_was(sub, iat, lasts, jti, issuer, kid, key):
    claims = Claims(sub, iat, iat + lasts, jti)
    token = issue(claims, issuer, kid, key)
    assume(len(token) <= 4096)
    assert verify(token, issuer, {kid: key}.get, claims.exp - 1) == claims


def test_a_token_is_over_when_its_time_has_come():
    token = issue(Claims("u", 100, 200, "j"), "us", "one", KEY)
    assert verify(token, "us", keys, 199).exp == 200
    for now in (200, 201):
        with pytest.raises(InvalidSession):
            verify(token, "us", keys, now)


def test_a_token_may_be_of_a_time_that_has_not_come():
    claims = Claims("u", 100, 200, "j")
    assert verify(issue(claims, "us", "one", KEY), "us", keys, 1) == claims


@pytest.mark.parametrize(("issuer", "kid"), [("them", "one"), ("us", "two")])
def test_a_token_of_another_issuer_or_key_is_refused(issuer, kid):
    token = issue(Claims("u", 100, 200, "j"), issuer, kid, KEY)
    with pytest.raises(InvalidSession):
        verify(token, "us", keys, 150)


def test_no_key_is_asked_for_before_the_header_is_as_ours():
    asked = []
    for header in ({"alg": "none", "typ": "JWT", "kid": "one"}, {"alg": "HS256", "kid": "one"}):
        with pytest.raises(InvalidSession):
            verify(sign(header, {}, "k"), "us", asked.append, 150)
    assert asked == []


@pytest.mark.parametrize(("length", "accepted"), [(4096, True), (4097, False)])
def test_a_token_has_at_most_4096_characters(length, accepted):
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": "u", "iat": 1, "exp": 9, "jti": "j", "iss": "us"}
    tokens = (
        sign({**header, "kid": "k" * k}, {**claims, "x": "x" * x}, KEY.decode())
        for k in range(1, 4)  # a part in base64 cannot have any length
        for x in range(2900, 3072)
    )
    token = next(token for token in tokens if len(token) == length)
    if accepted:
        assert verify(token, "us", lambda _: KEY, 5) == Claims("u", 1, 9, "j")
    else:
        with pytest.raises(InvalidSession):
            verify(token, "us", lambda _: KEY, 5)


def test_the_header_of_a_token_is_fixed():
    header, _, _ = issue(Claims("u", 100, 200, "j"), "us", "one", KEY).split(".")
    assert decode(header) == {"alg": "HS256", "typ": "JWT", "kid": "one"}


@given(st.text())
def test_no_text_makes_anything_but_a_refusal(text):
    with pytest.raises(InvalidSession):
        verify(text, "us", keys, 150)


# --------------------------------------------------------------- the key set


def test_a_key_set_has_a_current_key_a_next_one_and_older_ones():
    secret = {"current": "b", "next": "c", "a": "a" * 32, "b": "b" * 32, "c": "c" * 64}
    keys = {"a": b"a" * 32, "b": b"b" * 32, "c": b"c" * 64}
    assert parse_key_set(json.dumps(secret)) == KeySet("b", keys, "c")
    times = {"next_since": 9, "retired": {"a": 9}}
    assert parse_key_set(json.dumps({**secret, **times})) == KeySet("b", keys, "c", 9, {"a": 9})


def test_a_key_set_may_have_but_one_key():
    key_set = parse_key_set(json.dumps({"current": "initial", "initial": "x" * 64}))
    assert key_set == KeySet("initial", {"initial": b"x" * 64})


def test_a_key_is_measured_in_bytes():
    assert parse_key_set(json.dumps({"current": "a", "a": "é" * 16})).keys["a"] == b"\xc3\xa9" * 16


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "the secret is not JSON"),
        ("{", "the secret is not JSON"),
        ("key", "the secret is not JSON"),
        ("null", "the secret is not an object"),
        ("[]", "the secret is not an object"),
        ('"key"', "the secret is not an object"),
        ('{"current": 1}', "a kid or a key is no string"),
        ('{"current": "a", "a": null}', "a kid or a key is no string"),
        ('{"current": "a", "a": ["x"]}', "a kid or a key is no string"),
        ('{"current": "a", "next_since": "x"}', "next_since is no time"),
        ('{"current": "a", "next_since": true}', "next_since is no time"),
        ('{"current": "a", "retired": []}', "retired is not an object of times"),
        ('{"current": "a", "retired": {"a": "x"}}', "retired is not an object of times"),
        ("{}", "current is missing"),
        (f'{{"a": "{"x" * 32}"}}', "current is missing"),
        ('{"current": "a"}', "current names no key of the set"),
        ('{"current": "current"}', "current names no key of the set"),
        (f'{{"current": "b", "a": "{"x" * 32}"}}', "current names no key of the set"),
        (f'{{"current": "a", "next": "b", "a": "{"x" * 32}"}}', "next names no key of the set"),
        (f'{{"current": "a", "a": "{"x" * 31}"}}', "key 'a' is under 32 bytes"),
        (f'{{"current": "a", "a": "{"x" * 32}", "b": ""}}', "key 'b' is under 32 bytes"),
    ],
)
def test_a_secret_that_is_no_key_set_is_refused_in_words_that_name_no_key(secret, reason):
    with pytest.raises(MalformedKeySet) as refusal:
        parse_key_set(secret)
    assert str(refusal.value) == reason


class Secret:
    """Something to read the key set from, which counts how often it is read, and may be down."""

    def __init__(self):
        self.key_set = KeySet("a", {"a": b"a" * 32})
        self.reads = 0
        self.is_down = False

    def read(self):
        self.reads += 1
        if self.is_down:
            raise Unavailable
        return self.key_set


@pytest.fixture
def secret():
    return Secret()


@pytest.fixture
def key_set(secret):
    return CachedKeySet(secret.read)


def test_the_key_set_is_not_read_before_it_is_needed(key_set, secret):
    assert secret.reads == 0
    assert key_set.current(1000) == ("a", b"a" * 32)
    assert secret.reads == 1


def test_the_key_set_is_read_once_in_five_minutes(key_set, secret):
    for now in (1000, 1000, 1001, 1299):
        key_set.current(now)
        assert key_set.key("a", now) == b"a" * 32
    assert secret.reads == 1
    key_set.current(1300)
    assert secret.reads == 2
    key_set.key("a", 1599)
    assert secret.reads == 2
    key_set.key("a", 1600)
    assert secret.reads == 3


def test_a_key_set_that_was_rotated_is_seen_when_it_is_read_again(key_set, secret):
    key_set.current(1000)
    secret.key_set = KeySet("b", {"a": b"a" * 32, "b": b"b" * 32})
    assert key_set.current(1299) == ("a", b"a" * 32)
    assert key_set.current(1300) == ("b", b"b" * 32)
    assert key_set.key("a", 1300) == b"a" * 32


def test_an_unknown_key_is_looked_for_anew_but_at_most_every_30_seconds(key_set, secret):
    key_set.current(1000)
    secret.key_set = KeySet("b", {"a": b"a" * 32, "b": b"b" * 32})
    assert [key_set.key("b", now) for now in (1000, 1029)] == [None, None]
    assert secret.reads == 1
    assert key_set.key("b", 1030) == b"b" * 32
    assert secret.reads == 2


def test_made_up_keys_cost_at_most_one_read_in_30_seconds(key_set, secret):
    key_set.current(1000)
    for now in range(1000, 1120):
        for kid in ("x", "y", f"z{now}"):
            assert key_set.key(kid, now) is None
    assert secret.reads == 1 + 3  # at 1030, 1060 and 1090


def test_a_cold_key_set_that_lacks_the_key_is_read_only_once(key_set, secret):
    assert key_set.key("x", 1000) is None
    assert secret.reads == 1


def test_the_key_set_that_is_here_goes_on_while_there_is_no_other(key_set, secret):
    key_set.current(1000)
    secret.is_down = True
    for now in range(1300, 1400):
        assert key_set.current(now) == ("a", b"a" * 32)
        assert key_set.key("a", now) == b"a" * 32
        with pytest.raises(Unavailable):  # it may be a key that is new
            key_set.key("x", now)
    assert secret.reads == 1 + 4  # at 1300, 1330, 1360 and 1390
    secret.is_down = False
    secret.key_set = KeySet("b", {"b": b"b" * 32})
    assert key_set.current(1420) == ("b", b"b" * 32)


def test_without_any_key_set_nothing_can_be_signed_or_checked(key_set, secret):
    secret.is_down = True
    with pytest.raises(Unavailable):
        key_set.current(1000)
    with pytest.raises(Unavailable):
        key_set.key("a", 1000)
    secret.is_down = False
    assert key_set.key("a", 1000) == b"a" * 32


def test_a_mistake_while_reading_is_not_taken_for_a_secret_that_is_down(secret):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        CachedKeySet(fail).current(1000)
