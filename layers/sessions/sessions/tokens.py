"""Tokens: JWTs that name a session, and the ring of keys that sign them.

The algorithm and the claims are fixed here and nowhere else (RFC 8725, section 3.1: a
library must not let the token choose). PyJWT signs and compares; what it lets through that
we do not (duplicate members, loose types, padding, members we never write) is refused here.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import jwt

from sessions.errors import InvalidSession, Unavailable

ALGORITHM = "HS256"
SMALLEST_KEY_BYTES = 32  # RFC 7518, section 3.2: no shorter than the hash

_LARGEST_TOKEN_CHARACTERS = 4096
# Far beyond what we issue, and all of it can be a key in DynamoDB, which takes 2,048 bytes and
# 38 digits.
_LONGEST_ID_CHARACTERS = 256
_LARGEST_TIME = 10**15
# Three base64url parts (RFC 7515, section 3.1); a signature of 32 bytes is 43 characters.
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", re.ASCII)

_jws = jwt.PyJWS(algorithms=[ALGORITHM])

RING_SECONDS = 300
REFETCH_SECONDS = 30


class Claims(NamedTuple):
    """What a token says: whose session it is, which, until when, and its own secret ID."""

    sub: str
    iat: int
    exp: int
    jti: str


class Ring(NamedTuple):
    """The signing keys by `kid`, and the `kid` of the one that signs.

    `next` signs after it, and has been known since `next_since`, so that every function knows it
    by then. `retired` says when each other key stopped signing. Times are epoch seconds.
    """

    current: str
    keys: dict[str, bytes]
    next: str | None = None
    next_since: int = 0
    retired: dict[str, int] = {}


class MalformedRing(Exception):
    """The secret does not hold a key ring; the message says what is wrong, never a key."""


def parse_ring(secret: str) -> Ring:
    """Return the key ring that the secret's JSON text holds.

    Its members are `current`, which holds a `kid`, and once there is a next key, `next`,
    `next_since` and `retired`; every other member is a key by its `kid`. The template makes
    the first key in this form.

    Raises:
        MalformedRing: it is no such object, or a key is under 32 bytes.
    """
    try:
        members = json.loads(secret)
    except ValueError as error:
        raise MalformedRing("the secret is not JSON") from error
    if not isinstance(members, dict):
        raise MalformedRing("the secret is not an object")
    next_since, retired = members.pop("next_since", 0), members.pop("retired", {})
    if not (isinstance(retired, dict) and all(type(at) is int for at in retired.values())):
        raise MalformedRing("retired is not an object of times")
    if type(next_since) is not int:
        raise MalformedRing("next_since is no time")
    if not all(isinstance(value, str) for value in members.values()):
        raise MalformedRing("a kid or a key is no string")
    keys = {kid: key.encode() for kid, key in members.items() if kid not in {"current", "next"}}
    for kid, key in keys.items():
        if len(key) < SMALLEST_KEY_BYTES:
            raise MalformedRing(f"key {kid!r} is under {SMALLEST_KEY_BYTES} bytes")
    for role in ("current", "next"):
        if role in members and members[role] not in keys:
            raise MalformedRing(f"{role} names no key of the ring")
    if "current" not in members:
        raise MalformedRing("current is missing")
    return Ring(members["current"], keys, members.get("next"), next_since, retired)


class KeyRing:
    """The ring, kept in the process between requests.

    It is read on the first token, again when it is older than five minutes, and once when
    a token names a `kid` that it lacks, but then at most every 30 seconds, so that made-up
    `kid`s cost nothing. While Secrets Manager is down, the ring that is here goes on; a `kid`
    that it lacks may then be a new one, and nobody can say that it is not.
    """

    def __init__(self, read: Callable[[], Ring]) -> None:
        self._read = read
        self._ring: Ring | None = None
        self._read_at = 0
        self._stale_at = 0
        self._is_down = False

    def current(self, now: int) -> tuple[str, bytes]:
        """Return the `kid` and the key that sign at `now`, in epoch seconds.

        Raises:
            Unavailable: there is no ring, and none can be read.
        """
        ring = self._fresh(now)
        return ring.current, ring.keys[ring.current]

    def key(self, kid: str, now: int) -> bytes | None:
        """Return the key called `kid`, None if there is none.

        Raises:
            Unavailable: there is no ring, or none with this key, and none can be read.
        """
        ring = self._fresh(now)
        if kid not in ring.keys and now - self._read_at >= REFETCH_SECONDS:
            ring = self._reread(now)
        if kid not in ring.keys and self._is_down:
            raise Unavailable
        return ring.keys.get(kid)

    def _fresh(self, now: int) -> Ring:
        if self._ring is None or now >= self._stale_at:
            return self._reread(now)
        return self._ring

    def _reread(self, now: int) -> Ring:
        self._read_at = now
        try:
            self._ring = self._read()
            self._stale_at = now + RING_SECONDS
            self._is_down = False
        except Unavailable:
            if self._ring is None:
                raise
            self._stale_at = now + REFETCH_SECONDS
            self._is_down = True
        return self._ring


def issue(claims: Claims, issuer: str, kid: str, key: bytes) -> str:
    """Return the token that says `claims`, signed with `key`."""
    return jwt.encode(
        {**claims._asdict(), "iss": issuer}, key, algorithm=ALGORITHM, headers={"kid": kid}
    )


def verify(token: str, issuer: str, key: Callable[[str], bytes | None], now: int) -> Claims:
    """Return what `token` says, if `issuer` signed it and it is not over at `now`.

    `iat` is not compared with the clock: IDs run ahead of it when many log in at once, and
    the store, not the clock, knows which sessions there are.

    Args:
        token: the token alone, without a scheme.
        issuer: who must have issued it.
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
