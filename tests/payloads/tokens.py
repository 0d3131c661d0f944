"""Tokens that are not as we make them: each differs from a good one in one thing.

They go through the handlers (tests/functions/test_token_refusals.py) and over HTTP
(tests/gateway/test_hostile_input.py).
"""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.forgery import decode, encode, sign, signature
from tests.support.people import Person

# An RSA key that anybody may know; what takes it for a secret takes HS256 for RS256.
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""


class Victim(NamedTuple):
    """A user with two sessions and their tokens, the key that signed them, and somebody else.

    `elsewhere` is a URL that nobody may ask for, whatever a token says.
    """

    person: Person
    stranger: Person
    token: str
    other_token: str
    key: str
    elsewhere: str

    @property
    def header(self) -> dict[str, Any]:
        members: dict[str, Any] = decode(self.token.split(".")[0])
        return members

    @property
    def claims(self) -> dict[str, Any]:
        members: dict[str, Any] = decode(self.token.split(".")[1])
        return members

    @property
    def other_claims(self) -> dict[str, Any]:
        members: dict[str, Any] = decode(self.other_token.split(".")[1])
        return members

    def forge(self, header: Any = None, claims: Any = None, **sign_options: Any) -> str:
        """Return a token that is signed with the real key, whatever it says."""
        return sign(
            self.header if header is None else header,
            self.claims if claims is None else claims,
            **{"key": self.key, **sign_options},
        )

    def parts(self) -> list[str]:
        return self.token.split(".")


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


def with_times(v: Victim, iat: int, exp: int) -> str:
    """Return a token with other times, in seconds after the session's own `iat`."""
    began = v.claims["iat"]
    return v.forge(claims={**v.claims, "iat": began + iat, "exp": began + exp})


def without(members: dict[str, Any], name: str) -> str:
    """Return JSON text that lacks a member's value and all behind it."""
    rest = {key: value for key, value in members.items() if key != name}
    return f'{json.dumps(rest)[:-1]}, "{name}": '


def twice(members: dict[str, Any], name: str) -> str:
    return raw(members, f', "{name}": {json.dumps(members[name])}')


def unsigned(algorithm: str) -> Forgery:
    def forge(v: Victim) -> str:
        return f"{encode({**v.header, 'alg': algorithm})}.{encode(v.claims)}."

    return forge


def padded(part: int) -> Forgery:
    """Return the token with `=` behind a part, signed as it stands."""

    def forge(v: Victim) -> str:
        parts = v.parts()
        parts[part] += "="
        if part == 2:
            return ".".join(parts)
        return ".".join([*parts[:2], signature(".".join(parts[:2]), v.key)])

    return forge


def named_elsewhere(member: str) -> Forgery:
    """Return a token whose header says where, or that, its key is to be had."""
    return lambda v: v.forge(header={**v.header, member: v.elsewhere}, key=PUBLIC_KEY)


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
    "NUL": "\0é",
    "of 257 characters": "x" * 257,
    "of 2,049 characters": "x" * 2049,  # DynamoDB's partition keys have at most 2,048 bytes
    "a lone surrogate": "\ud800",  # and its strings are UTF-8
    "integer": 1,
    "float": 1e400,
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
    "false": False,
    "negative": -1,
    "of 16 digits": 10**15,
    "of 39 digits": 10**38,  # DynamoDB's numbers have 38
    "of 401 digits": 10**400,
    "of 4,300 digits": 10**4299,  # Python reads and writes no longer ones
    "zero": 0,
    "infinite": float("inf"),
    "NaN": float("nan"),
}

# How a good token may be spelt: bare, or after `Bearer` in any case; spaces around it do not count.
GOOD_SPELLINGS = [
    "{}",
    "Bearer {}",
    "bearer {}",
    "BEARER {}",
    "bEaReR  {}",
    "Bearer \t {}",
    " {} \t",
]

# What the authorizer refuses as well, since the token alone shows it.
BAD_TOKENS: dict[str, Forgery] = {
    # ------------------------------------------------------------ the header field
    "no header": lambda _: None,
    "empty": lambda _: "",
    "blank": lambda _: " \t ",
    "two headers": lambda v: [v.token, v.token],
    "two headers, one empty": lambda v: [v.token, ""],
    "two headers, the good one first": lambda v: [v.token, "x"],
    "two headers, the good one last": lambda v: ["x", v.token],
    "two headers, one of another scheme": lambda v: ["Basic dXNlcjpwYXNz", f"Bearer {v.token}"],
    "two tokens in one": lambda v: f"{v.token},{v.token}",
    "two tokens in one, spaced": lambda v: f"{v.token}, {v.token}",
    "Bearer alone": lambda _: "Bearer",
    "Bearer and nothing": lambda _: "Bearer ",
    "Bearer twice": lambda v: f"Bearer Bearer {v.token}",
    "Bearer and two words": lambda v: f"Bearer {v.token} x",
    "Bearer, with a colon": lambda v: f"Bearer: {v.token}",
    "Bearer, run together": lambda v: f"Bearer{v.token}",
    "Bearer behind": lambda v: f"{v.token} Bearer",
    "Bearer quoted": lambda v: f'Bearer "{v.token}"',
    "Bearer with a parameter": lambda v: f"Bearer token={v.token}",
    "Bearer in Cyrillic": lambda v: f"\N{CYRILLIC CAPITAL LETTER VE}earer {v.token}",
    "Bearer and a no-break space": lambda v: f"Bearer\xa0{v.token}",
    "Bearer and an em space": lambda v: f"Bearer\u2003{v.token}",
    "Bearer and a file separator": lambda v: f"Bearer\x1c{v.token}",
    "Bearer and a vertical tab": lambda v: f"Bearer\v{v.token}",
    "a no-break space behind": lambda v: f"{v.token}\xa0",
    "a byte order mark before": lambda v: f"\ufeff{v.token}",
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
    **{
        f"padded {name}": padded(part)
        for part, name in enumerate(["header", "claims", "signature"])
    },
    "percent-escaped": lambda v: v.token.replace(".", "%2E"),
    "signature with other spare bits": last_bits,
    "signature cut": lambda v: v.token[:-1],
    "signature prolonged": lambda v: v.token + "A",
    **{
        f"{size} KB, well signed": lambda v, size=size: v.forge(
            claims={**v.claims, "x": "x" * size * 1024}
        )
        for size in (4, 16, 64, 256, 1024)
    },
    "1 MB": lambda _: "x" * 2**20,
    "1 MB of dots": lambda _: "." * 2**20,
    # ------------------------------------------------------------ the algorithm and the key
    **{
        f"alg {alg}, unsigned": unsigned(alg)
        for alg in ("none", "None", "NONE", "nOnE", "", "none ")
    },
    "alg none, and a signature's length of nothing": lambda v: unsigned("none")(v) + "A" * 43,
    "alg none, signed": with_header(alg="none"),
    "alg null": with_header(alg=None),
    "alg absent": with_header(alg=ABSENT),
    "alg a list": with_header(alg=["HS256"]),
    "alg in another case": with_header(alg="hs256"),
    "alg HS384": lambda v: v.forge(header={**v.header, "alg": "HS384"}, algorithm="HS384"),
    "alg HS512": lambda v: v.forge(header={**v.header, "alg": "HS512"}, algorithm="HS512"),
    "alg HS384 and a signature of HS256": with_header(alg="HS384"),
    **{
        f"alg {alg}": with_header(alg=alg)
        for alg in ("RS256", "PS256", "ES256", "ES256K", "EdDSA", "dir", "HS256 ", "HS1", "HS257")
    },
    "alg an object": with_header(alg={"HS256": 1}),
    "alg RS256, a public key for a secret": lambda v: v.forge(
        header={**v.header, "alg": "RS256"}, key=PUBLIC_KEY
    ),
    "a public key for a secret": lambda v: v.forge(key=PUBLIC_KEY),
    "a public key for a secret, as the kid": lambda v: v.forge(
        header={**v.header, "kid": PUBLIC_KEY}, key=PUBLIC_KEY
    ),
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
    "kid true": with_header(kid=True),
    "kid a float": with_header(kid=1e400),
    "kid huge": with_header(kid="x" * 2500),
    "kid NUL": with_header(kid="\0"),
    "kid a lone surrogate": with_header(kid="\ud800"),
    "kid and a space": with_header(kid="initial "),
    **{
        f"kid {word}, the key set's own word": with_header(kid=word)
        for word in ("current", "next", "next_since", "retired", "keys", "__class__")
    },
    "kid empty": with_header(kid=""),
    "kid unknown": with_header(kid="unknown"),
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
    "jwk": lambda v: v.forge(
        header={**v.header, "jwk": {"kty": "oct", "k": encode(PUBLIC_KEY)}}, key=PUBLIC_KEY
    ),
    **{
        f"{member} elsewhere": named_elsewhere(member)
        for member in ("jku", "x5u", "x5c", "x5t", "iss", "kid")
    },
    "cty": with_header(cty="JWT"),
    "zip": with_header(zip="DEF"),
    "header a list": lambda v: v.forge(header=["HS256"]),
    "header a string": lambda v: v.forge(header='"HS256"'),
    "header null": lambda v: v.forge(header="null"),
    "header in UTF-16": lambda v: v.forge(header=json.dumps(v.header).encode("utf-16")),
    "header with a BOM": lambda v: v.forge(header=json.dumps(v.header).encode("utf-8-sig")),
    "header no UTF-8": lambda v: v.forge(header=json.dumps(v.header).encode()[:-1] + b',"\xff":1}'),
    "header nested deeply": lambda v: v.forge(header=raw(v.header, ', "x": ' + "[" * 2800)),
    "header no JSON": lambda v: v.forge(header="alg=HS256"),
    **{
        f"{member} twice": (lambda v, member=member: v.forge(header=twice(v.header, member)))
        for member in ("alg", "typ", "kid")
    },
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
    "iat the same in a string": lambda v: v.forge(claims={**v.claims, "iat": str(v.claims["iat"])}),
    "iat the same in a float": lambda v: v.forge(
        claims={**v.claims, "iat": float(v.claims["iat"])}
    ),
    "exp the same in a string": lambda v: v.forge(claims={**v.claims, "exp": str(10**10)}),
    "exp the same in a float": lambda v: v.forge(claims={**v.claims, "exp": 1e10}),
    "iat of 5,000 digits": lambda v: v.forge(claims=without(v.claims, "iat") + "9" * 5000 + "}"),
    "iat and exp of 39 digits": with_claims(iat=10**38, exp=10**38 + 1),
    "iat past exp": lambda v: v.forge(claims={**v.claims, "iat": v.claims["exp"]}),
    "exp past": lambda v: with_times(v, -2, -1),
    "exp now": lambda v: with_times(v, -1, 0),
    "iss another": with_claims(iss="other"),
    **{
        f"{claim} twice": (lambda v, claim=claim: v.forge(claims=twice(v.claims, claim)))
        for claim in ("sub", "iat", "exp", "jti", "iss")
    },
    "iss in another case": with_claims(iss="Sessions"),
    "iss a list of it": with_claims(iss=["sessions"]),
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
    "sub of another user": lambda v: v.forge(claims={**v.claims, "sub": v.stranger.id}),
    "sub in another case": lambda v: v.forge(claims={**v.claims, "sub": v.person.id.swapcase()}),
    "sub the username": lambda v: v.forge(claims={**v.claims, "sub": v.person.username}),
    "sub spaced": lambda v: v.forge(claims={**v.claims, "sub": v.person.id + " "}),
    "iat of no session": lambda v: with_times(v, -1, 60),
    "iat of another session": lambda v: v.forge(claims={**v.claims, "iat": v.other_claims["iat"]}),
    "iat beyond any session": with_claims(iat=10**14, exp=10**14 + 1),
    "another jti": with_claims(jti="x" * 22),
    "jti of another session": lambda v: v.forge(claims={**v.claims, "jti": v.other_claims["jti"]}),
    "jti cut": lambda v: v.forge(claims={**v.claims, "jti": v.claims["jti"][:-1]}),
}
