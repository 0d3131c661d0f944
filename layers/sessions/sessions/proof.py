"""The proof of a session: what a token says, and whether rows of DynamoDB bear it out.

The routes ask it behind a signature, and the Verifier of other services without one: the row holds
the SHA-256 of the token's `jti`, so whoever presents those 128 bits holds the session. Nothing here
knows AWS, keys or the clock.
"""

import base64
import hashlib
import hmac
import json
from string import ascii_letters, digits
from typing import Any, NamedTuple, TypeGuard, TypeVar

from sessions.errors import Banned, InvalidSession
from sessions.model import Session, Standing, User, end_reason, is_banned

ALGORITHM = "HS256"
_LARGEST_TOKEN_CHARACTERS = 4096
# Far beyond the tokens that we issue, and within DynamoDB's keys of 2,048 bytes and 38 digits.
_LONGEST_ID_CHARACTERS = 256
_LARGEST_TIME = 10**15
_ID_CHARACTERS = frozenset(f"{ascii_letters}{digits}-_")
_CHARACTERS = _ID_CHARACTERS | {"."}  # base64url's, and the dot between parts
_SIGNATURE_CHARACTERS = 43  # of 32 bytes, without padding

_Owner = TypeVar("_Owner", User, Standing)


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


def read_token(token: str, now: int) -> tuple[str, str, Claims]:
    """Return what `token` says, if it is written as we write it and not expired at `now`.

    Its signature is not looked at. `iat` is compared neither with the clock nor with `exp`: IDs run
    ahead of the clock when a user logs in more than once a second, and the store knows which
    sessions there are.

    Args:
        token: the token alone, without a scheme.
        now: epoch seconds.

    Returns:
        The ID of the key, the issuer and the claims.

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
    payload = _members(parts[1])
    sub, iat, exp, jti = (payload.get(name) for name in Claims._fields)
    issuer = payload.get("iss")
    if not (
        _is_id(sub)
        and _is_id(jti)
        and type(iat) is int  # True is no time
        and type(exp) is int
        and 0 < iat < _LARGEST_TIME
        and now < exp < _LARGEST_TIME
        and isinstance(issuer, str)
    ):
        raise InvalidSession
    return kid, issuer, Claims(sub, iat, exp, jti)


def check(
    claims: Claims, user: _Owner | None, session: Session | None, session_epoch: int, now: int
) -> tuple[_Owner, Session]:
    """Return the user and the session that `claims` prove, if the session counts at `now`.

    Args:
        claims: what the token says.
        user: the row of the user `claims.sub`; None if there is none.
        session: the row of the user's session `claims.iat`; None if there is none.
        session_epoch: the epoch in force.
        now: epoch seconds.

    Raises:
        InvalidSession: the rows do not bear the token out, or the session is over. The reason is
            told only to whoever proved to hold it.
        Banned: the session counts, and its user is banned.
    """
    if user is None or session is None:
        raise InvalidSession
    if not hmac.compare_digest(session.jti_sha256, jti_sha256(claims.jti)):
        raise InvalidSession
    reason = end_reason(session, user, session_epoch, now)
    if reason is not None:
        raise InvalidSession(reason=reason)
    if is_banned(user, now):
        raise Banned
    return user, session


def _is_id(value: object) -> TypeGuard[str]:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID_CHARACTERS
        and _ID_CHARACTERS.issuperset(value)
    )


def _members(part: str) -> dict[str, Any]:
    """Return the members of a JSON object, if it is written as `tokens.issue` writes it.

    So no member comes twice (RFC 7519, section 4), and parsers of other languages, which the
    Verifier has too, cannot read anything else out of it.
    """
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("ascii")
        members = _READER.decode(text)
        written = _WRITER.encode(members)
    except (ValueError, RecursionError) as error:
        raise InvalidSession from error
    if not isinstance(members, dict) or written != text or "\\" in text:
        raise InvalidSession
    return members


def _refuse(number: str) -> None:
    raise ValueError(f"{number} may be written in other ways")


# Made once, since `json.loads` and `json.dumps` make them for each call that has options.
_READER = json.JSONDecoder(parse_float=_refuse)
_WRITER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
