"""The keys that sign tokens: one secret in Secrets Manager, cached in the process."""

import json
from collections.abc import Callable
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from sessions import aws, settings
from sessions.errors import Unavailable
from sessions.telemetry import count, logger

SMALLEST_KEY_BYTES = 32  # RFC 7518, section 3.2: no shorter than the hash
CACHE_SECONDS = 300
REFETCH_SECONDS = 30

SIGNING_KEYS_SECRET = settings.text("SIGNING_KEYS_SECRET")

secretsmanager = aws.client("secretsmanager")


class KeySet(NamedTuple):
    """The signing keys (a key set in the sense of RFC 7517). Times are epoch seconds.

    Attributes:
        current: the `kid` of the key that signs.
        keys: the keys by their `kid`.
        next: the `kid` of the key that signs after it; published before, so that every function
            knows it by then.
        next_since: when `next` was published.
        retired: when each other key stopped signing.
        dropped: when each key that was dropped stops verifying; it signs no more.
    """

    current: str
    keys: dict[str, bytes]
    next: str | None = None
    next_since: int = 0
    retired: dict[str, int] = {}
    dropped: dict[str, int] = {}


class MalformedKeySet(Exception):
    """The secret does not hold a key set; the message says what is wrong, never a key."""


def parse_key_set(secret: str) -> KeySet:
    """Return the key set that the secret's JSON text holds.

    Its members are `current`, which is a `kid`, once there is a next key, `next`, `next_since` and
    `retired`, and while keys are being dropped, `dropped`; every other member is a key by its
    `kid`. The template makes the first key in this form.

    Raises:
        MalformedKeySet: it is no such object, or a key is under 32 bytes.
    """
    try:
        members = json.loads(secret)
    except ValueError as error:
        raise MalformedKeySet("the secret is not JSON") from error
    if not isinstance(members, dict):
        raise MalformedKeySet("the secret is not an object")
    next_since = members.pop("next_since", 0)
    retired, dropped = members.pop("retired", {}), members.pop("dropped", {})
    for name, times in (("retired", retired), ("dropped", dropped)):
        if not (isinstance(times, dict) and all(type(at) is int for at in times.values())):
            raise MalformedKeySet(f"{name} is not an object of times")
    if type(next_since) is not int:
        raise MalformedKeySet("next_since is no time")
    if not all(isinstance(value, str) for value in members.values()):
        raise MalformedKeySet("a kid or a key is no string")
    keys = {kid: key.encode() for kid, key in members.items() if kid not in {"current", "next"}}
    for kid, key in keys.items():
        if len(key) < SMALLEST_KEY_BYTES:
            raise MalformedKeySet(f"key {kid!r} is under {SMALLEST_KEY_BYTES} bytes")
    for role in ("current", "next"):
        if role in members and members[role] not in keys:
            raise MalformedKeySet(f"{role} names no key of the set")
    if "current" not in members:
        raise MalformedKeySet("current is missing")
    return KeySet(members["current"], keys, members.get("next"), next_since, retired, dropped)


def read_key_set() -> tuple[KeySet, str]:
    """Return the key set that is stored, and the ID of that version of the secret.

    Raises:
        Unavailable: Secrets Manager does not answer, or the secret holds no key set.
    """
    try:
        secret = secretsmanager.get_secret_value(SecretId=SIGNING_KEYS_SECRET)
        return parse_key_set(secret["SecretString"]), secret["VersionId"]
    except (BotoCoreError, ClientError, KeyError, MalformedKeySet) as error:
        raise Unavailable from error


class CachedKeySet:
    """The key set, kept in the process between requests.

    It is read for the first token, again when it is older than five minutes, and once when a token
    names a `kid` that it lacks, but then at most every 30 seconds, so that made-up `kid`s cost
    nothing. While Secrets Manager is down, the set that is here goes on; a `kid` that it lacks may
    then be a new one, so it is not refused as unknown.
    """

    def __init__(self, read: Callable[[], KeySet]) -> None:
        self._read = read
        self._key_set: KeySet | None = None
        self._read_at = 0
        self._stale_at = 0
        self._is_down = False

    def current(self, now: int) -> tuple[str, bytes]:
        """Return the `kid` and the key that sign at `now`, in epoch seconds.

        Raises:
            Unavailable: there is no key set, and none can be read.
        """
        key_set = self._fresh(now)
        return key_set.current, key_set.keys[key_set.current]

    def key(self, kid: str, now: int) -> bytes | None:
        """Return the key called `kid`, None if there is none that verifies at `now`.

        Raises:
            Unavailable: there is no key set, or none with this key, and none can be read.
        """
        key_set = self._fresh(now)
        if kid not in key_set.keys and now - self._read_at >= REFETCH_SECONDS:
            key_set = self._reread(now)
        if kid not in key_set.keys and self._is_down:
            raise Unavailable
        if key_set.dropped.get(kid, now + 1) <= now:
            return None
        return key_set.keys.get(kid)

    def _fresh(self, now: int) -> KeySet:
        if self._key_set is None or now >= self._stale_at:
            return self._reread(now)
        return self._key_set

    def _reread(self, now: int) -> KeySet:
        self._read_at = now
        try:
            self._key_set = self._read()
            self._stale_at = now + CACHE_SECONDS
            self._is_down = False
        except Unavailable:
            if self._key_set is None:
                raise
            self._stale_at = now + REFETCH_SECONDS
            self._is_down = True
        return self._key_set


def _read_for_requests() -> KeySet:
    """Return the stored key set; tell of a fault that requests may outlive with older keys."""
    try:
        return read_key_set()[0]
    except Unavailable:
        logger.exception("SigningKeysUnreadable", secret=SIGNING_KEYS_SECRET)
        count("read_signing_keys", "SigningKeysUnreadable")
        raise


signing_keys = CachedKeySet(_read_for_requests)
