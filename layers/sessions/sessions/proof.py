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
from sessions.model import (
    ACCOUNT_DELETED,
    Session,
    Standing,
    User,
    end_reason,
    is_banned,
    told_of_ban,
)

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


def read_token(token: str) -> tuple[str, str, Claims]:
    """Return what `token` says, if it is written as we write it.

    Neither its signature nor `exp` is looked at: that a token is expired is told only to whoever
    holds one of ours. `iat` is compared with nothing: IDs run ahead of the clock when a user logs
    in more than once a second, and the store knows which sessions there are.

    Args:
        token: the token alone, without a scheme.

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
        and 0 < exp < _LARGEST_TIME
        and isinstance(issuer, str)
    ):
        raise InvalidSession
    return kid, issuer, Claims(sub, iat, exp, jti)


def check(
    claims: Claims,
    user: _Owner | None,
    session: Session | None,
    session_epoch: int,
    now: int,
    *,
    is_signed: bool = False,
) -> tuple[_Owner, Session]:
    """Return the user and the session that `claims` prove, if the session counts at `now`.

    Args:
        claims: what the token says.
        user: the row of the user `claims.sub`; None if there is none.
        session: the row of the user's session `claims.iat`; None if there is none.
        session_epoch: the epoch in force.
        now: epoch seconds.
        is_signed: whether the token's signature was found to be ours.

    Raises:
        InvalidSession: the rows do not bear the token out, or the session is over. The reason is
            told only to whoever proved to hold it: by `jti`; or by the signature, where the hash of
            `jti` is gone.
        Banned: the session counts, and its user is banned.
    """
    stored = b"" if session is None else session.jti_sha256
    if stored and not hmac.compare_digest(stored, jti_sha256(claims.jti)):
        raise InvalidSession
    if user is None or session is None or not stored:
        known = _reason_without_hash(claims, user, session, now) if is_signed else None
        raise InvalidSession(reason=known)
    reason = end_reason(session, user, session_epoch, now)
    if reason is not None:
        raise InvalidSession(reason=reason)
    if is_banned(user, now):
        raise Banned(*told_of_ban(user))
    return user, session


def _reason_without_hash(
    claims: Claims, user: User | Standing | None, session: Session | None, now: int
) -> str | None:
    """Return why the session of a token of ours is over; None if nothing that is left says it.

    A revocation of the session by itself leaves the reason in its row, and no hash. One on the
    user's row says which sessions it was about, also once their rows are purged. And no user's row
    goes in any other way than by the deletion of the account; but tables that were restored lack
    the users who came later (docs/runbook.md).
    """
    if user is None:
        return ACCOUNT_DELETED
    row = session or Session(claims.sub, claims.iat, claims.exp)
    return end_reason(row, user, row.session_epoch, now)


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
