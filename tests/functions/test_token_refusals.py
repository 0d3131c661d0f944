"""Tokens that are not as we make them: each differs from a good one in one thing."""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calls import Person, call, event_for, invoke, log_in, new_person, stored_rows
from tests.contract import INVALID_SESSION
from tests.functions.forgery import decode, encode, sign, signing_key
from tests.functions.routes import AUTHENTICATED, UNAUTHORIZED_HEADERS, call_route

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000


class Victim(NamedTuple):
    """A user with two sessions, what the first one's token says, what signed it, and all rows."""

    person: Person
    token: str
    other_token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    key: str
    rows: dict[str, Any]

    def forge(self, header: Any = None, claims: Any = None, **sign_options: Any) -> str:
        """Return a token that is signed with the real key, whatever it says."""
        return sign(
            self.header if header is None else header,
            self.claims if claims is None else claims,
            **{"key": self.key, **sign_options},
        )

    def parts(self) -> list[str]:
        return self.token.split(".")


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "epoch_seconds", lambda: NOW)
        person = new_person()
        token, other = log_in(person), log_in(person)
    header, claims, _ = token.split(".")
    rows = stored_rows(person)
    return Victim(person, token, other, decode(header), decode(claims), signing_key(), rows)


Forgery = Callable[[Victim], str | list[str] | None]
ABSENT = object()


def with_header(**changes: Any) -> Forgery:
    return lambda v: v.forge(header=changed(v.header, changes))


def with_claims(**changes: Any) -> Forgery:
    return lambda v: v.forge(claims=changed(v.claims, changes))


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


def raw(members: dict[str, Any], appended: str) -> str:
    """Return JSON text with one more member, which a dictionary could not say."""
    return json.dumps(members)[:-1] + appended + "}"


def unsigned(algorithm: str) -> Forgery:
    def forge(v: Victim) -> str:
        return f"{encode({**v.header, 'alg': algorithm})}.{encode(v.claims)}."

    return forge


def last_bits(v: Victim) -> str:
    """Return the token with a signature whose spare bits, which decoders drop, are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(v.token[-1])
    assert last % 4 == 0, "43 characters hold 258 bits, two more than the signature has"
    twin = v.token[:-1] + alphabet[last + 1]
    assert base64.urlsafe_b64decode(twin.split(".")[2] + "=") == base64.urlsafe_b64decode(
        v.token.split(".")[2] + "="
    )
    return twin


def of_bytes(content: Callable[[Victim], bytes]) -> Forgery:
    return lambda v: v.forge(claims=content(v))


WRONG_TEXTS = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "integer": 1,
    "boolean": True,
    "list": ["x"],
    "object": {"x": 1},
}
WRONG_TIMES = {
    "absent": ABSENT,
    "null": None,
    "string": "{}",
    "boolean": True,
    "list": [1],
    "object": {},
    "negative": -1,
    "zero": 0,
    "infinite": float("inf"),
    "NaN": float("nan"),
}

# What the authorizer refuses as well, since the token alone shows it.
BAD_TOKENS: dict[str, Forgery] = {
    # ------------------------------------------------------------ the header field
    "no header": lambda _: None,
    "empty": lambda _: "",
    "blank": lambda _: " \t ",
    "two headers": lambda v: [v.token, v.token],
    "two headers, one empty": lambda v: [v.token, ""],
    "two tokens in one": lambda v: f"{v.token},{v.token}",
    "two tokens in one, spaced": lambda v: f"{v.token}, {v.token}",
    "Bearer alone": lambda _: "Bearer",
    "Bearer and nothing": lambda _: "Bearer ",
    "Bearer twice": lambda v: f"Bearer Bearer {v.token}",
    "Bearer and two words": lambda v: f"Bearer {v.token} x",
    "Bearer, with a colon": lambda v: f"Bearer: {v.token}",
    "Bearer, run together": lambda v: f"Bearer{v.token}",
    "Basic": lambda _: "Basic dXNlcjpwYXNz",
    "Basic and the token": lambda v: f"Basic {v.token}",
    "Token and the token": lambda v: f"Token {v.token}",
    "quoted": lambda v: f'"{v.token}"',
    # ------------------------------------------------------------ the shape
    "two parts": lambda v: ".".join(v.parts()[:2]),
    "two parts and a dot": lambda v: ".".join(v.parts()[:2]) + ".",
    "four parts": lambda v: v.token + "." + v.parts()[2],
    "five parts, as encrypted ones have": lambda v: f"{v.token}.x.y",
    "a dot before": lambda v: "." + v.token,
    "a dot after": lambda v: v.token + ".",
    "empty header": lambda v: ".".join(["", *v.parts()[1:]]),
    "empty claims": lambda v: ".".join([v.parts()[0], "", v.parts()[2]]),
    "whitespace inside": lambda v: v.token.replace(".", ". ", 1),
    "a line break inside": lambda v: v.token.replace(".", ".\n", 1),
    "a NUL after": lambda v: v.token + "\0",
    "a line break after the signature": lambda v: "Bearer " + v.token + "\x0b=",
    "no base64 character": lambda v: "!" + v.token[1:],
    "no ASCII character": lambda v: "é" + v.token[1:],
    "a digit that is not ASCII": lambda v: "٣" + v.token[1:],
    "standard base64 signature": lambda v: v.forge()[:-43] + "+/" + v.token[-41:],
    "padded signature": lambda v: v.token + "=",
    "percent-escaped": lambda v: v.token.replace(".", "%2E"),
    "signature with other spare bits": last_bits,
    "signature cut": lambda v: v.token[:-1],
    "signature prolonged": lambda v: v.token + "A",
    "4 KB": lambda v: v.forge(claims={**v.claims, "x": "x" * 4096}),
    "1 MB": lambda _: "x" * 2**20,
    "1 MB of dots": lambda _: "." * 2**20,
    "1 MB, well signed": lambda v: v.forge(claims={**v.claims, "x": "x" * 2**20}),
    # ------------------------------------------------------------ the algorithm and the key
    **{f"alg {alg}, unsigned": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "")},
    "alg none, signed": with_header(alg="none"),
    "alg null": with_header(alg=None),
    "alg absent": with_header(alg=ABSENT),
    "alg a list": with_header(alg=["HS256"]),
    "alg in another case": with_header(alg="hs256"),
    "alg HS384": lambda v: v.forge(header={**v.header, "alg": "HS384"}, algorithm="HS384"),
    "alg HS512": lambda v: v.forge(header={**v.header, "alg": "HS512"}, algorithm="HS512"),
    "alg HS384 and a signature of HS256": with_header(alg="HS384"),
    "alg RS256": with_header(alg="RS256"),
    "alg EdDSA": with_header(alg="EdDSA"),
    "another key": lambda v: v.forge(key="x" * 64),
    "an empty key": lambda v: v.forge(key=""),
    "a key cut short": lambda v: v.forge(key=v.key[:-1]),
    "the signature of another token": lambda v: ".".join(
        [*v.parts()[:2], v.other_token.split(".")[2]]
    ),
    "the claims of another token": lambda v: ".".join(
        [v.parts()[0], v.other_token.split(".")[1], v.parts()[2]]
    ),
    "kid absent": with_header(kid=ABSENT),
    "kid null": with_header(kid=None),
    "kid an integer": with_header(kid=1),
    "kid a list": with_header(kid=["initial"]),
    "kid an object": with_header(kid={"initial": 1}),
    "kid empty": with_header(kid=""),
    "kid unknown": with_header(kid="unknown"),
    "kid the ring's own word": with_header(kid="current"),
    "kid in another case": with_header(kid="Initial"),
    "kid a path": lambda v: v.forge(header={**v.header, "kid": "../../dev/null"}, key=""),
    "kid a query": lambda v: v.forge(header={**v.header, "kid": "x' UNION SELECT ''--"}, key=""),
    "typ absent": with_header(typ=ABSENT),
    "typ null": with_header(typ=None),
    "typ in another case": with_header(typ="jwt"),
    "typ another": with_header(typ="at+jwt"),
    "crit": with_header(crit=["exp"]),
    "crit empty": with_header(crit=[]),
    "b64": with_header(b64=False),
    "b64 and crit": with_header(b64=False, crit=["b64"]),
    "jwk": with_header(jwk={"kty": "oct", "k": "eHh4"}),
    "jku": with_header(jku="https://evil.example/keys"),
    "x5u": with_header(x5u="https://evil.example/cert"),
    "cty": with_header(cty="JWT"),
    "zip": with_header(zip="DEF"),
    "header a list": lambda v: v.forge(header=["HS256"]),
    "header a string": lambda v: v.forge(header='"HS256"'),
    "header null": lambda v: v.forge(header="null"),
    "header no JSON": lambda v: v.forge(header="alg=HS256"),
    "alg twice": lambda v: v.forge(header=raw(v.header, ', "alg": "HS256"')),
    "kid twice": lambda v: v.forge(header=raw(v.header, ', "kid": "initial"')),
    # ------------------------------------------------------------ the claims
    **{
        f"{claim} {kind}": with_claims(**{claim: value})
        for claim in ("sub", "jti", "iss")
        for kind, value in WRONG_TEXTS.items()
    },
    **{
        f"{claim} {kind}": with_claims(**{claim: value})
        for claim in ("iat", "exp")
        for kind, value in WRONG_TIMES.items()
    },
    "iat the same in a string": lambda v: v.forge(claims={**v.claims, "iat": str(NOW)}),
    "iat the same in a float": lambda v: v.forge(claims={**v.claims, "iat": float(NOW)}),
    "exp the same in a string": lambda v: v.forge(claims={**v.claims, "exp": str(10**10)}),
    "exp the same in a float": lambda v: v.forge(claims={**v.claims, "exp": 1e10}),
    "iat huge": with_claims(iat=10**400),
    "iat past exp": lambda v: v.forge(claims={**v.claims, "iat": v.claims["exp"]}),
    "exp past": with_claims(exp=NOW - 1, iat=NOW - 2),
    "exp now": with_claims(exp=NOW, iat=NOW - 1),
    "iss another": with_claims(iss="other"),
    "iss in another case": with_claims(iss="Sessions"),
    "iss a list of it": with_claims(iss=["sessions"]),
    "sub twice": lambda v: v.forge(claims=raw(v.claims, f', "sub": "{v.person.id}"')),
    "exp twice": lambda v: v.forge(claims=raw(v.claims, f', "exp": {v.claims["exp"]}')),
    "iat twice, once escaped": lambda v: v.forge(claims=raw(v.claims, ', "\\u0069at": 1')),
    "a nested member twice": lambda v: v.forge(claims=raw(v.claims, ', "x": {"y": 1, "y": 1}')),
    "NaN beside": lambda v: v.forge(claims=raw(v.claims, ', "x": NaN')),
    "Infinity beside": lambda v: v.forge(claims=raw(v.claims, ', "x": [-Infinity]')),
    "claims a list": lambda v: v.forge(claims=[v.claims]),
    "claims a string": lambda v: v.forge(claims=json.dumps(json.dumps(v.claims))),
    "claims null": lambda v: v.forge(claims="null"),
    "claims a number": lambda v: v.forge(claims="1"),
    "claims cut": lambda v: v.forge(claims=json.dumps(v.claims)[:-1]),
    "claims and more": lambda v: v.forge(claims=json.dumps(v.claims) + "{}"),
    "claims in UTF-16": of_bytes(lambda v: json.dumps(v.claims).encode("utf-16")),
    "claims in UTF-32": of_bytes(lambda v: json.dumps(v.claims).encode("utf-32")),
    "claims with a BOM": of_bytes(lambda v: json.dumps(v.claims).encode("utf-8-sig")),
    "claims no UTF-8": of_bytes(lambda v: json.dumps(v.claims).encode()[:-1] + b',"\xff":1}'),
    "claims nested deeply": lambda v: v.forge(claims=raw(v.claims, ', "x": ' + "[" * 2800)),
    "a refresh of itself": lambda v: v.forge(claims=v.token),
}

# Well signed, as with a leaked key: only the tables show that there is no such session.
WITHOUT_A_SESSION: dict[str, Forgery] = {
    "sub of nobody": with_claims(sub="nobody"),
    "sub of another user": lambda v: v.forge(claims={**v.claims, "sub": new_person().id}),
    "sub in another case": lambda v: v.forge(claims={**v.claims, "sub": v.person.id.swapcase()}),
    "sub the username": lambda v: v.forge(claims={**v.claims, "sub": v.person.username}),
    "sub spaced": lambda v: v.forge(claims={**v.claims, "sub": v.person.id + " "}),
    "iat of no session": with_claims(iat=NOW - 1),
    "iat of another session": with_claims(iat=NOW + 1),
    "iat beyond any session": with_claims(iat=10**14, exp=10**14 + 1),
    "another jti": with_claims(jti="x" * 22),
    "jti of another session": lambda v: v.forge(
        claims={**v.claims, "jti": decode(v.other_token.split(".")[1])["jti"]}
    ),
    "jti cut": lambda v: v.forge(claims={**v.claims, "jti": v.claims["jti"][:-1]}),
}


def refusal(authorization: str | list[str] | None) -> Any:
    return call("get_current_session", headers={"Authorization": authorization})


def authorize(authorization: str | list[str] | None) -> Any:
    event = event_for("authorize", headers={"Authorization": authorization})
    return invoke("authorize", event)["policyDocument"]["Statement"][0]["Effect"]


def test_the_token_that_the_others_differ_from_is_good(clock, victim):
    for token in (victim.token, victim.forge()):
        assert refusal(token).status == 200
        assert authorize(token) == "Allow"


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_refused_and_changes_nothing(clock, victim, kind):
    token = BAD_TOKENS[kind](victim)
    answer = refusal(token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_rows(victim.person) == victim.rows


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_stopped_at_the_authorizer(clock, victim, kind):
    assert authorize(BAD_TOKENS[kind](victim)) == "Deny"


@pytest.mark.parametrize("kind", WITHOUT_A_SESSION)
def test_a_well_signed_token_without_a_session_is_refused_and_changes_nothing(clock, victim, kind):
    token = WITHOUT_A_SESSION[kind](victim)
    answer = refusal(token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert answer.headers == UNAUTHORIZED_HEADERS
    assert stored_rows(victim.person) == victim.rows


@pytest.mark.parametrize("route", AUTHENTICATED)
@pytest.mark.parametrize("kind", ["another key", "alg none, unsigned", "exp past", "two headers"])
def test_no_route_takes_a_bad_token(clock, victim, route, kind):
    headers = {"Authorization": BAD_TOKENS[kind](victim)}
    answer = call_route(route, None, NOW + 1, headers)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(victim.person) == victim.rows


@pytest.mark.parametrize("route", AUTHENTICATED)
@pytest.mark.parametrize("kind", ["another jti", "iat of another session", "sub of nobody"])
def test_no_route_takes_a_token_without_a_session(clock, victim, route, kind):
    answer = call_route(route, WITHOUT_A_SESSION[kind](victim), NOW + 1)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(victim.person) == victim.rows


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


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": 10**38, "exp": 10**39},  # DynamoDB's numbers have 38 digits
        {"iat": 10**400, "exp": 10**401},
        {"sub": "x" * 2049},  # and its partition keys 2,048 bytes
        {"sub": "\ud800"},  # and its strings are UTF-8
        {"sub": "x" * 257},  # far from what we issue
        {"jti": "x" * 257},
        {"jti": "\ud800"},
    ],
    ids=[
        "iat of 39 digits",
        "iat of 401 digits",
        "sub of 2,049 bytes",
        "sub a lone surrogate",
        "sub of 257 characters",
        "jti of 257 characters",
        "jti a lone surrogate",
    ],
)
def test_what_can_be_no_key_is_refused_without_asking_dynamodb(
    clock, victim, dynamodb_calls, changes
):
    answer = refusal(victim.forge(claims={**victim.claims, **changes}))
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert dynamodb_calls == []


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
