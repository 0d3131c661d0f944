"""The life of a signing key: next, current, retired, pruned. Only operations on keys import this.

A key is published as `next` before it signs anything, so that every warm function knows it by
then; it is kept after it stopped signing until the last session that it can have signed expires,
or, if it is dropped, until no warm function signs with it.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from sessions import retries
from sessions.errors import Unavailable, UnknownKey
from sessions.signing_keys import (
    CACHE_SECONDS,
    REFETCH_SECONDS,
    SIGNING_KEYS_SECRET,
    KeySet,
    read_key_set,
    secretsmanager,
)

# A function that lacks a key reads the key set again, but not twice in REFETCH_SECONDS: so a key
# that is older than that is known to every function that meets it. Twice, for the delay of Secrets
# Manager itself.
MIN_PUBLISHED_SECONDS = 2 * REFETCH_SECONDS
# A function that read the key set just before a key was dropped signs with that key until its cache
# is over. The minute is for the operation's own time, the delay of Secrets Manager and the clocks.
DROPPED_SECONDS = CACHE_SECONDS + 60
# A function that cannot read the key set signs on with the key it has: for a day, we suppose.
LONGEST_OUTAGE_SECONDS = 86_400

_Value = TypeVar("_Value", bytes, int)


class NewKey(NamedTuple):
    """A key to add, and its `kid`."""

    kid: str
    key: bytes


def seconds_until_promotable(key_set: KeySet, now: int) -> int:
    """Return how many seconds `next` must still be published before it may sign; 0 if none."""
    if key_set.next is None:
        return MIN_PUBLISHED_SECONDS
    return max(0, key_set.next_since + MIN_PUBLISHED_SECONDS - now)


def stage(key_set: KeySet, new: NewKey, now: int) -> KeySet:
    """Return the key set with `new` as its next key."""
    keys = {**key_set.keys, new.kid: new.key}
    return key_set._replace(keys=keys, next=new.kid, next_since=now)


def promote(key_set: KeySet, new: NewKey, now: int) -> KeySet:
    """Return the key set whose next key signs, with `new` as the next and the signer retired.

    Where there is no next key, `new` becomes it; one that is too young to sign stays the next.
    """
    if key_set.next is None:
        return stage(key_set, new, now)
    if seconds_until_promotable(key_set, now):
        return key_set
    retired = {**key_set.retired, key_set.current: now}
    return stage(key_set._replace(current=key_set.next, retired=retired), new, now)


def prune(key_set: KeySet, now: int, longest_session_seconds: int) -> KeySet:
    """Return the key set without dropped keys, and keys whose last session is expired."""
    kept_seconds = longest_session_seconds + LONGEST_OUTAGE_SECONDS
    old = {kid for kid, retired_at in key_set.retired.items() if retired_at + kept_seconds <= now}
    old |= {kid for kid, dead_at in key_set.dropped.items() if dead_at <= now}
    return key_set._replace(
        keys=_without(key_set.keys, old),
        retired=_without(key_set.retired, old),
        dropped=_without(key_set.dropped, old),
    )


def drop(key_set: KeySet, kid: str, new: NewKey, now: int) -> KeySet:
    """Return the key set in which one key signs no more, and verifies for DROPPED_SECONDS.

    Where it was the current or the next key, another takes its place. The current key stays what
    it is while the next one is too young to sign.

    Raises:
        UnknownKey: the key set has no such key.
    """
    if kid not in key_set.keys:
        raise UnknownKey("the key set has no such key")
    if kid == key_set.current:
        key_set = promote(key_set, new, now)
    elif kid == key_set.next:
        key_set = stage(key_set, new, now)
    if kid == key_set.current or kid in key_set.dropped:
        return key_set
    return key_set._replace(
        retired=_without(key_set.retired, {kid}),
        dropped={**key_set.dropped, kid: now + DROPPED_SECONDS},
    )


def _without(members: dict[str, _Value], kids: set[str]) -> dict[str, _Value]:
    return {kid: value for kid, value in members.items() if kid not in kids}


def key_set_text(key_set: KeySet) -> str:
    """Return the JSON text of which `parse_key_set` makes the key set again."""
    members: dict[str, Any] = {"current": key_set.current}
    if key_set.next is not None:
        members |= {
            "next": key_set.next,
            "next_since": key_set.next_since,
            "retired": key_set.retired,
        }
    if key_set.dropped:
        members["dropped"] = key_set.dropped
    return json.dumps(members | {kid: key.decode() for kid, key in key_set.keys.items()})


def change_key_set(change: Callable[[KeySet], KeySet]) -> tuple[KeySet, KeySet]:
    """Store what `change` makes of the key set; return the key set before and after.

    The ID of a new version follows from the version that was read, and from nothing else. Of all
    changes that read the same version, Secrets Manager therefore takes only one ("PutSecretValue":
    a token that is taken by another text is refused), and the others are made anew.

    Raises:
        Unavailable: Secrets Manager does not answer; or it has a version after the current one,
            since somebody made an older one current again by hand.
    """
    refusal = None
    for _ in retries.tries():
        before, version = read_key_set()
        after = change(before)
        if after == before:
            return before, after
        try:
            secretsmanager.put_secret_value(
                SecretId=SIGNING_KEYS_SECRET,
                ClientRequestToken=str(uuid.uuid5(uuid.NAMESPACE_OID, version)),
                SecretString=key_set_text(after),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise Unavailable from error
            refusal = error
        except BotoCoreError as error:
            raise Unavailable from error
        else:
            return before, after
    raise Unavailable from refusal
