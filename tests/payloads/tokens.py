"""Tokens that are not as we make them: each differs from a good one in one thing.

They go through the handlers (tests/functions/test_token_refusals.py) and over HTTP
(tests/gateway/test_hostile_input.py).
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sessions.model import ACCOUNT_DELETED
from tests.support.forgery import decode, encode, sign, signature
from tests.support.people import Person

# A public RSA key: a verifier that takes it for a secret takes HS256 for RS256.
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""


class Victim(NamedTuple):
    """A user with two sessions and their tokens, the key that signed them, and another user.

    `elsewhere` is a URL that must not be requested, whatever a token says.
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
Payload = Callable[[dict[str, Any]], Any]
ABSENT = object()


def with_header(**changes: Any) -> Forgery:
    return lambda v: v.forge(header=changed(v.header, changes))


def with_claims(**changes: Any) -> Forgery:
    return lambda v: v.forge(claims=changed(v.claims, changes))


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


def with_each(
    change: Callable[..., Forgery], values: Mapping[str, list[Any]]
) -> dict[str, Forgery]:
    """Return a forgery for each value of each member."""
    return {
        f"{name} {'absent' if value is ABSENT else ascii(value)[:30]}": change(**{name: value})
        for name, each in values.items()
        for value in each
    }


def raw(members: dict[str, Any], appended: str) -> str:
    """Return JSON text with one more member, which a dictionary cannot have."""
    return json.dumps(members)[:-1] + appended + "}"


def twice(members: dict[str, Any], name: str) -> str:
    return raw(members, f', "{name}": {json.dumps(members[name])}')


def without(members: dict[str, Any], name: str) -> str:
    """Return JSON text that ends where a member's value should stand."""
    rest = {key: value for key, value in members.items() if key != name}
    return f'{json.dumps(rest)[:-1]}, "{name}": '


def with_times(v: Victim, iat: int, exp: int) -> str:
    """Return a token with other times, in seconds after the session's own `iat`."""
    began = v.claims["iat"]
    return v.forge(claims={**v.claims, "iat": began + iat, "exp": began + exp})


def unsigned(algorithm: str) -> Forgery:
    return lambda v: f"{encode({**v.header, 'alg': algorithm})}.{encode(v.claims)}."


def spelt(spelling: str) -> Forgery:
    """Return the text of a header field: {0} is the token, {1} to {3} are its parts."""
    return lambda v: spelling.format(v.token, *v.parts())


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
    """Return a token whose header says that its key is found elsewhere."""
    return lambda v: v.forge(header={**v.header, member: v.elsewhere}, key=PUBLIC_KEY)


def last_bits(v: Victim) -> str:
    """Return the token with a signature whose spare bits, which decoders drop, are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(v.token[-1])
    assert last % 4 == 0, "43 characters hold 258 bits, two more than the signature has"
    twin = v.token[:-1] + alphabet[last + 1]
    ours, other = (base64.urlsafe_b64decode(it.split(".")[2] + "=") for it in (v.token, twin))
    assert ours == other
    return twin


# A good token may stand bare, or after `Bearer` in any case; spaces around it do not count.
GOOD_SPELLINGS = [
    *("{}", "Bearer {}", "bearer {}", "BEARER {}", "bEaReR  {}", "Bearer \t {}", " {} \t"),
]

_BAD_SPELLINGS = [
    # The field
    *("", " \t ", "{0},{0}", "{0}, {0}", "Bearer", "Bearer ", "Bearer Bearer {0}"),
    *("Bearer {0} x", "Bearer: {0}", "Bearer{0}", "{0} Bearer", 'Bearer "{0}"', '"{0}"'),
    *("Bearer token={0}", "\N{CYRILLIC CAPITAL LETTER VE}earer {0}", "Bearer\xa0{0}"),
    *("Bearer\u2003{0}", "Bearer\x1c{0}", "Bearer\v{0}", "{0}\xa0", "\ufeff{0}"),
    *("Basic dXNlcjpwYXNz", "Basic {0}", "Token {0}"),
    # The parts
    *("{1}.{2}", "{1}.{2}.", "{0}.{3}", "{0}.x.y", ".{0}", "{0}.", ".{2}.{3}", "{1}..{3}"),
    *("{1}. {2}.{3}", "{1}.\n{2}.{3}", "{0}\0", "Bearer {0}\x0b=", "{1}%2E{2}%2E{3}", "{0}A"),
]
_WRONG_HEADERS = {
    "alg": [
        *(ABSENT, None, ["HS256"], {"HS256": 1}, "none", "hs256", "HS256 ", "HS1", "HS257"),
        *("HS384", "RS256", "PS256", "ES256", "ES256K", "EdDSA", "dir"),
    ],
    "kid": [
        *(ABSENT, None, 1, True, 1e400, ["initial"], {"initial": 1}, "", "\0", "\ud800"),
        *("unknown", "Initial", "initial ", "x" * 2500),
        *("current", "next", "next_since", "retired", "keys", "__class__"),  # not keys in the set
    ],
    "typ": [ABSENT, None, "jwt", "at+jwt"],
    "crit": [[], ["exp"]],
    "b64": [False],
    "cty": ["JWT"],
    "zip": ["DEF"],
}
_WRONG_TEXTS = [
    *(ABSENT, None, "", "\0é", 1, 1e400, True, ["x"], {"x": 1}),
    "x" * 257,
    "y" * 2049,  # DynamoDB's partition keys have at most 2,048 bytes
    "\ud800",  # and its strings are UTF-8
]
_WRONG_TIMES = [
    *(ABSENT, None, "{}", True, False, [1], {}, 0, -1, float("inf"), float("nan")),
    10**15,  # longer than any session's
    2 * 10**38,  # DynamoDB's numbers have 38 digits
    3 * 10**400,
    4 * 10**4299,  # Python reads and writes no more digits
]
WRONG_CLAIMS = {
    "sub": _WRONG_TEXTS,
    "jti": _WRONG_TEXTS,
    "iss": [*_WRONG_TEXTS, "other", "Sessions", ["sessions"]],
    "iat": _WRONG_TIMES,
    "exp": [*_WRONG_TIMES, str(10**10), 1e10],
}
# Headers and claims that are no JSON object, or not as an object is written.
_NO_MEMBERS: dict[str, Payload] = {
    "a list": lambda members: [members],
    "a string": lambda members: json.dumps(json.dumps(members)),
    "null": lambda _: "null",
    "a number": lambda _: "1",
    "no JSON": lambda _: "alg=HS256",
    "cut": lambda members: json.dumps(members)[:-1],
    "and more": lambda members: json.dumps(members) + "{}",
    "in UTF-16": lambda members: json.dumps(members).encode("utf-16"),
    "in UTF-32": lambda members: json.dumps(members).encode("utf-32"),
    "with a BOM": lambda members: json.dumps(members).encode("utf-8-sig"),
    "no UTF-8": lambda members: json.dumps(members).encode()[:-1] + b',"\xff":1}',
    "nested deeply": lambda members: raw(members, ', "x": ' + "[" * 2800),
    "a nested member twice": lambda members: raw(members, ', "x": {"y": 1, "y": 1}'),
    "NaN beside": lambda members: raw(members, ', "x": NaN'),
    "Infinity beside": lambda members: raw(members, ', "x": [-Infinity]'),
}

# The authorizer refuses these as well, since the token alone shows it.
BAD_TOKENS: dict[str, Forgery] = {
    "no header": lambda _: None,
    "two headers": lambda v: [v.token, v.token],
    "two headers, one empty": lambda v: [v.token, ""],
    "two headers, the good one first": lambda v: [v.token, "x"],
    "two headers, the good one last": lambda v: ["x", v.token],
    "two headers, one of another scheme": lambda v: ["Basic dXNlcjpwYXNz", f"Bearer {v.token}"],
    **{f"spelt {spelling!a}": spelt(spelling) for spelling in _BAD_SPELLINGS},
    # ------------------------------------------------------------ the encoding
    "no base64 character": lambda v: "!" + v.token[1:],
    "no ASCII character": lambda v: "é" + v.token[1:],
    "a digit that is not ASCII": lambda v: "٣" + v.token[1:],
    "standard base64 signature": lambda v: v.forge()[:-43] + "+/" + v.token[-41:],
    **{f"part {part} padded": padded(part) for part in range(3)},
    "signature with other spare bits": last_bits,
    "signature cut": lambda v: v.token[:-1],
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
    **with_each(with_header, _WRONG_HEADERS),
    "b64 and crit": with_header(b64=False, crit=["b64"]),
    **{
        f"alg {alg}, signed so": lambda v, alg=alg: v.forge(
            header={**v.header, "alg": alg}, algorithm=alg
        )
        for alg in ("HS384", "HS512")
    },
    "another key": lambda v: v.forge(key="x" * 64),
    "an empty key": lambda v: v.forge(key=""),
    "a key cut short": lambda v: v.forge(key=v.key[:-1]),
    "a public key for a secret": lambda v: v.forge(key=PUBLIC_KEY),
    "alg RS256, a public key for a secret": lambda v: v.forge(
        header={**v.header, "alg": "RS256"}, key=PUBLIC_KEY
    ),
    "a public key for a secret, as the kid": lambda v: v.forge(
        header={**v.header, "kid": PUBLIC_KEY}, key=PUBLIC_KEY
    ),
    "jwk": lambda v: v.forge(
        header={**v.header, "jwk": {"kty": "oct", "k": encode(PUBLIC_KEY)}}, key=PUBLIC_KEY
    ),
    "kid a path": lambda v: v.forge(header={**v.header, "kid": "../../dev/null"}, key=""),
    "kid a query": lambda v: v.forge(header={**v.header, "kid": "x' UNION SELECT ''--"}, key=""),
    **{
        f"{member} elsewhere": named_elsewhere(member)
        for member in ("jku", "x5u", "x5c", "x5t", "iss", "kid")
    },
    "the signature of another token": lambda v: ".".join(
        [*v.parts()[:2], v.other_token.split(".")[2]]
    ),
    "the claims of another token": lambda v: ".".join(
        [v.parts()[0], v.other_token.split(".")[1], v.parts()[2]]
    ),
    **{
        f"header, {kind}": lambda v, write=write: v.forge(header=write(v.header))
        for kind, write in _NO_MEMBERS.items()
    },
    **{
        f"{member} twice": lambda v, member=member: v.forge(header=twice(v.header, member))
        for member in ("alg", "typ", "kid")
    },
    # ------------------------------------------------------------ the claims
    **with_each(with_claims, WRONG_CLAIMS),
    **{
        f"claims, {kind}": lambda v, write=write: v.forge(claims=write(v.claims))
        for kind, write in _NO_MEMBERS.items()
    },
    **{
        f"{claim} twice": lambda v, claim=claim: v.forge(claims=twice(v.claims, claim))
        for claim in WRONG_CLAIMS
    },
    "iat twice, once escaped": lambda v: v.forge(claims=raw(v.claims, ', "\\u0069at": 1')),
    "iat the same in a string": lambda v: v.forge(claims={**v.claims, "iat": str(v.claims["iat"])}),
    "iat the same in a float": lambda v: v.forge(
        claims={**v.claims, "iat": float(v.claims["iat"])}
    ),
    "iat of 5,000 digits": lambda v: v.forge(claims=without(v.claims, "iat") + "9" * 5000 + "}"),
    "iat and exp of 39 digits": with_claims(iat=10**38, exp=10**38 + 1),
    "exp past": lambda v: with_times(v, -2, -1),
    "exp now": lambda v: with_times(v, -1, 0),
    "a refresh of itself": lambda v: v.forge(claims=v.token),
}

# Well signed, as with a leaked key: only the tables show that there is no such session.
WITHOUT_A_SESSION: dict[str, Forgery] = {
    "sub of no user": with_claims(sub="unknown"),
    "sub of another user": lambda v: v.forge(claims={**v.claims, "sub": v.stranger.id}),
    "sub in another case": lambda v: v.forge(claims={**v.claims, "sub": v.person.id.swapcase()}),
    "sub the username": lambda v: v.forge(claims={**v.claims, "sub": v.person.username}),
    "sub spaced": lambda v: v.forge(claims={**v.claims, "sub": v.person.id + " "}),
    "iat of no session": lambda v: with_times(v, -1, 60),
    "iat of another session": lambda v: v.forge(claims={**v.claims, "iat": v.other_claims["iat"]}),
    "iat at exp": lambda v: v.forge(claims={**v.claims, "iat": v.claims["exp"]}),
    "iat beyond any session": with_claims(iat=10**14, exp=10**14 + 1),
    "another jti": with_claims(jti="x" * 22),
    "jti of another session": lambda v: v.forge(claims={**v.claims, "jti": v.other_claims["jti"]}),
    "jti cut": lambda v: v.forge(claims={**v.claims, "jti": v.claims["jti"][:-1]}),
}

# What the answer says of those that we signed, for all that the API can tell.
REASONS = {
    **dict.fromkeys(("exp past", "exp now"), "expired"),
    **dict.fromkeys(("sub of no user", "sub in another case", "sub the username"), ACCOUNT_DELETED),
}
