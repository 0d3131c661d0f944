"""Tokens: JWTs that name a session.

The algorithm and the claims are fixed here and nowhere else (RFC 8725, section 3.1: a library must
not let the token choose). PyJWT signs and compares. It is laxer than we are: duplicate members,
loose types, padding and members that we never write are refused here.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any, NamedTuple, TypeGuard

import jwt

from sessions.errors import InvalidSession

ALGORITHM = "HS256"
_LARGEST_TOKEN_CHARACTERS = 4096
# Far beyond the tokens that we issue, and within DynamoDB's keys of 2,048 bytes and 38 digits.
_LONGEST_ID_CHARACTERS = 256
_LARGEST_TIME = 10**15
_CHARACTERS = frozenset(f"{ascii_letters}{digits}-_.")  # base64url's, and the dot between parts
_SIGNATURE_CHARACTERS = 43  # of 32 bytes, without padding

_jws = jwt.PyJWS(algorithms=[ALGORITHM])


class Claims(NamedTuple):
    """The claims of a token.

    Attributes:
        sub: the user's ID.
        iat: the session's ID.
        exp: when the session expires, in epoch seconds.
        jti: the token's own ID, 128 random bits.
    """

    sub: str
    iat: int
    exp: int
    jti: str


def jti_sha256(jti: str) -> bytes:
    """Return what is stored of a token's `jti`: a leaked table makes no token."""
    return hashlib.sha256(jti.encode()).digest()


def issue(claims: Claims, issuer: str, kid: str, key: bytes) -> str:
    """Return the token that says `claims`, signed with `key`."""
    return jwt.encode(
        {**claims._asdict(), "iss": issuer}, key, algorithm=ALGORITHM, headers={"kid": kid}
    )


def verify(token: str, issuer: str, key: Callable[[str], bytes | None], now: int) -> Claims:
    """Return what `token` says, if `issuer` signed it and it is not expired at `now`.

    `iat` is compared neither with the clock nor with `exp`: IDs run ahead of the clock when a user
    logs in more than once a second, and the store knows which sessions there are.

    Args:
        token: the token alone, without a scheme.
        issuer: the issuer that it must name.
        key: finds a key by its `kid`.
        now: epoch seconds.

    Raises:
        InvalidSession: anything about the token is not as we make them.
    """
    if len(token) > _LARGEST_TOKEN_CHARACTERS or not _CHARACTERS.issuperset(token):
        raise InvalidSession
    parts = token.split(".")  # three of them (RFC 7515, section 3.1)
    if len(parts) != 3 or len(parts[2]) != _SIGNATURE_CHARACTERS:
        raise InvalidSession
    header = _members(parts[0])
    kid = header.pop("kid", None)
    if header != {"alg": ALGORITHM, "typ": "JWT"} or not isinstance(kid, str):
        raise InvalidSession
    secret = key(kid)
    if secret is None:
        raise InvalidSession
    try:
        _jws.decode(token, secret, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise InvalidSession from error
    return _claims(_members(parts[1]), issuer, now)


def _claims(payload: dict[str, Any], issuer: str, now: int) -> Claims:
    sub, iat, exp, jti = (payload.get(name) for name in Claims._fields)
    if not (
        _is_id(sub)
        and _is_id(jti)
        and type(iat) is int  # True is no time
        and type(exp) is int
        and 0 < iat < _LARGEST_TIME
        and 0 < exp < _LARGEST_TIME
        and payload.get("iss") == issuer
    ):
        raise InvalidSession
    if exp <= now:
        raise InvalidSession
    return Claims(sub, iat, exp, jti)


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and 0 < len(value) <= _LONGEST_ID_CHARACTERS


def _members(part: str) -> dict[str, Any]:
    try:
        members = json.loads(
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidSession from error
    if not isinstance(members, dict):
        raise InvalidSession
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # RFC 7519, section 4: claim names must be unique
        raise ValueError("duplicate member")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
