"""Tokens: JWTs that name a session.

The algorithm and the claims are fixed here and nowhere else (RFC 8725, section 3.1: a library must
not let the token choose). PyJWT signs and compares. It is laxer than we are: duplicate members,
loose types, padding and members that we never write are refused here.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import jwt

from sessions.errors import InvalidSession

ALGORITHM = "HS256"
_LARGEST_TOKEN_CHARACTERS = 4096
# Far beyond the tokens that we issue, and within DynamoDB's keys of 2,048 bytes and 38 digits.
_LONGEST_ID_CHARACTERS = 256
_LARGEST_TIME = 10**15
# Three base64url parts (RFC 7515, section 3.1); a signature of 32 bytes is 43 characters.
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", re.ASCII)

_jws = jwt.PyJWS(algorithms=[ALGORITHM])


class Claims(NamedTuple):
    """What a token says.

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

    `iat` is not compared with the clock: IDs run ahead of it when a user logs in more than once a
    second, and the store, not the clock, knows which sessions there are.

    Args:
        token: the token alone, without a scheme.
        issuer: the issuer that it must name.
        key: finds a key by its `kid`.
        now: epoch seconds.

    Raises:
        InvalidSession: anything about the token is not as we make them.
    """
    if len(token) > _LARGEST_TOKEN_CHARACTERS or not _SHAPE.fullmatch(token):
        raise InvalidSession
    header_part, payload_part, _ = token.split(".")
    header = _members(header_part)
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
    return _claims(_members(payload_part), issuer, now)


def _claims(payload: dict[str, Any], issuer: str, now: int) -> Claims:
    sub, iat, exp, jti = (payload.get(name) for name in Claims._fields)
    if not (
        _is_id(sub)
        and _is_id(jti)
        and type(iat) is int  # True is no time
        and type(exp) is int
        and 0 < iat < exp < _LARGEST_TIME
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
