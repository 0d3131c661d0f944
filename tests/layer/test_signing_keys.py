"""The key set: its text, its cache in the process, and a secret that cannot be read."""

import json

import pytest

from sessions import endpoint, signing_keys
from sessions.errors import Unavailable
from sessions.proof import Claims
from sessions.signing_keys import (
    CACHE_SECONDS,
    REFETCH_SECONDS,
    CachedKeySet,
    KeySet,
    MalformedKeySet,
    parse_key_set,
)
from tests.support.calls import call, invoke
from tests.support.events import event_for
from tests.support.faults import FAULTS, inject
from tests.support.forgery import sign
from tests.support.people import log_in, new_person

A, B = b"a" * 32, b"b" * 32

# ---------------------------------------------------------------- its text


def test_a_key_set_has_a_current_key_a_next_one_and_retired_ones():
    secret = {"current": "b", "next": "c", "a": "a" * 32, "b": "b" * 32, "c": "c" * 64}
    keys = {"a": A, "b": B, "c": b"c" * 64}
    assert parse_key_set(json.dumps(secret)) == KeySet("b", keys, "c")
    times = {"next_since": 9, "retired": {"a": 9}}
    assert parse_key_set(json.dumps({**secret, **times})) == KeySet("b", keys, "c", 9, {"a": 9})
    dropped = {"next_since": 9, "dropped": {"a": 9}}
    assert parse_key_set(json.dumps({**secret, **dropped})) == KeySet(
        "b", keys, "c", 9, {}, {"a": 9}
    )


def test_a_key_set_may_have_one_key():
    key_set = parse_key_set(json.dumps({"current": "initial", "initial": "x" * 64}))
    assert key_set == KeySet("initial", {"initial": b"x" * 64})


def test_a_key_is_measured_in_bytes():
    assert parse_key_set(json.dumps({"current": "a", "a": "é" * 16})).keys["a"] == b"\xc3\xa9" * 16


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "the secret is not JSON"),
        ("key", "the secret is not JSON"),
        ("null", "the secret is not an object"),
        ('"key"', "the secret is not an object"),
        ('{"current": 1}', "a kid or a key is no string"),
        ('{"current": "a", "a": null}', "a kid or a key is no string"),
        ('{"current": "a", "next_since": "x"}', "next_since is no time"),
        ('{"current": "a", "next_since": true}', "next_since is no time"),
        ('{"current": "a", "retired": []}', "retired is not an object of times"),
        ('{"current": "a", "retired": {"a": "x"}}', "retired is not an object of times"),
        ('{"current": "a", "retired": {"a": true}}', "retired is not an object of times"),
        ('{"current": "a", "dropped": "a"}', "dropped is not an object of times"),
        ('{"current": "a", "dropped": {"a": null}}', "dropped is not an object of times"),
        ("{}", "current is missing"),
        (f'{{"a": "{"x" * 32}"}}', "current is missing"),
        ('{"current": "a"}', "current names no key of the set"),
        ('{"current": "current"}', "current names no key of the set"),
        (f'{{"current": "a", "next": "b", "a": "{"x" * 32}"}}', "next names no key of the set"),
        (f'{{"current": "a", "a": "{"x" * 31}"}}', "key 'a' is under 32 bytes"),
        (f'{{"current": "a", "a": "{"x" * 32}", "b": ""}}', "key 'b' is under 32 bytes"),
    ],
)
def test_a_malformed_secret_is_refused_in_words_that_show_no_key(secret, reason):
    with pytest.raises(MalformedKeySet) as refusal:
        parse_key_set(secret)
    assert str(refusal.value) == reason


# --------------------------------------------------------------- its cache


class Secret:
    """A secret to read the key set from: it counts its readings, and may be down."""

    def __init__(self):
        self.key_set = KeySet("a", {"a": A})
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
def cached(secret):
    return CachedKeySet(secret.read)


def test_the_key_set_is_read_when_it_is_needed(cached, secret):
    assert secret.reads == 0
    assert cached.current(1000) == ("a", A)
    assert secret.reads == 1


def test_the_key_set_is_read_once_in_five_minutes(cached, secret):
    assert CACHE_SECONDS == 300
    for now in (1000, 1000, 1001, 1299):
        cached.current(now)
        assert cached.key("a", now) == A
    assert secret.reads == 1
    cached.current(1300)
    assert secret.reads == 2
    cached.key("a", 1599)
    assert secret.reads == 2
    cached.key("a", 1600)
    assert secret.reads == 3


def test_a_rotation_is_seen_at_the_next_reading(cached, secret):
    cached.current(1000)
    secret.key_set = KeySet("b", {"a": A, "b": B})
    assert cached.current(1299) == ("a", A)
    assert cached.current(1300) == ("b", B)
    assert cached.key("a", 1300) == A


def test_a_dropped_key_is_unknown_from_its_second_on(cached, secret):
    secret.key_set = KeySet("b", {"a": A, "b": B}, dropped={"a": 1100})
    assert [cached.key("a", now) for now in (1000, 1099, 1100, 1101)] == [A, A, None, None]
    assert cached.key("b", 1101) == B
    assert secret.reads == 1


def test_an_unknown_key_has_the_key_set_read_again(cached, secret):
    assert REFETCH_SECONDS == 30
    cached.current(1000)
    secret.key_set = KeySet("b", {"a": A, "b": B})
    assert [cached.key("b", now) for now in (1000, 1029)] == [None, None]
    assert secret.reads == 1
    assert cached.key("b", 1030) == B
    assert secret.reads == 2


def test_made_up_keys_cost_at_most_one_read_in_30_seconds(cached, secret):
    assert cached.key("x", 1000) is None
    for now in range(1000, 1120):
        for kid in ("x", "y", f"z{now}"):
            assert cached.key(kid, now) is None
    assert secret.reads == 1 + 3  # at 1030, 1060 and 1090


def test_the_key_set_serves_on_while_the_secret_is_down(cached, secret):
    cached.current(1000)
    secret.is_down = True
    for now in range(1300, 1400):
        assert cached.current(now) == ("a", A)
        assert cached.key("a", now) == A
        with pytest.raises(Unavailable):  # it may be a new key
            cached.key("x", now)
    assert secret.reads == 1 + 4  # at 1300, 1330, 1360 and 1390
    secret.is_down = False
    secret.key_set = KeySet("b", {"b": B})
    assert cached.current(1420) == ("b", B)
    assert cached.key("x", 1420) is None


def test_without_a_key_set_no_token_can_be_signed_or_verified(cached, secret):
    secret.is_down = True
    with pytest.raises(Unavailable):
        cached.current(1000)
    with pytest.raises(Unavailable):
        cached.key("a", 1000)
    secret.is_down = False
    assert cached.key("a", 1000) == A


def test_a_mistake_of_ours_is_not_a_secret_that_is_down(cached, secret):
    cached.current(1000)
    del secret.key_set
    with pytest.raises(AttributeError):
        cached.current(1300)


# -------------------------------------------------------------- the secret


@pytest.fixture
def cold(key_set):
    """A process that has read no key set yet, and its client of Secrets Manager."""
    key_set.forget()
    return signing_keys.secretsmanager


@pytest.mark.parametrize(
    ("stored", "cause"),
    [
        ({"SecretString": '{"current": "k", "k": "too short"}'}, "MalformedKeySet"),
        ({"SecretBinary": b"too short"}, "KeyError"),
    ],
)
def test_a_malformed_secret_is_unavailable(cold, logged, monkeypatch, stored, cause):
    """A malformed secret is unavailable, and its text is not logged."""
    monkeypatch.setattr(cold, "get_secret_value", lambda **_: {"VersionId": "1", **stored})
    with pytest.raises(Unavailable):
        signing_keys.signing_keys.current(1000)
    (line,) = logged()
    assert line["message"] == "SigningKeysUnreadable"
    assert cause in line["exception"]
    assert "too short" not in str(line)


@pytest.fixture
def failing(cold, monkeypatch):
    """A cold process that may not read the secret; the requests that it sends."""
    client = signing_keys.aws.client("secretsmanager")
    monkeypatch.setattr(signing_keys, "secretsmanager", client)
    return inject(client, "GetSecretValue", FAULTS["no rights"])


def test_without_keys_the_authorizer_tells_and_the_function_behind_is_unavailable(failing, logged):
    # Of the form of a token, for an unknown key: nothing else has the keys read.
    header = {"alg": "HS256", "kid": "unknown", "typ": "JWT"}
    token = sign(header, {**Claims("u", 1, 9**11, "j")._asdict(), "iss": endpoint.ISSUER}, "x")
    assert invoke("authorize", event_for("authorize", token))["principalId"] == "203.0.113.7"
    told = [(line["message"], line["secret"]) for line in logged()]
    assert told == [("SigningKeysUnreadable", signing_keys.SIGNING_KEYS_SECRET)]
    assert call("get_current_session", token).status == 503


def test_the_authorizer_needs_no_keys_at_a_login(failing):
    event = {**event_for("authorize"), "httpMethod": "POST"}
    assert "usageIdentifierKey" in invoke("authorize", event)
    assert failing == []


def test_the_routes_of_a_process_share_one_key_set(cold, clock, monkeypatch):
    reads = []
    read = cold.get_secret_value
    monkeypatch.setattr(cold, "get_secret_value", lambda **asked: reads.append(1) or read(**asked))
    token = log_in(new_person())
    for route in ("get_current_session", "list_sessions"):
        assert call(route, token).status == 200
    assert len(reads) == 1
