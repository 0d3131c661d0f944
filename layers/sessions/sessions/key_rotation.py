"""The life of a signing key: next, current, retired, pruned. Only operations on keys import this.

A key is published as `next` before it signs anything, so that every warm function knows it by
then; it is kept after it stopped signing until the last session that it can have signed expires.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from sessions import aws
from sessions.errors import Unavailable, UnknownKey
from sessions.signing_keys import (
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
# A function that cannot read the key set signs on with the key it has: for a day, we suppose.
LONGEST_OUTAGE_SECONDS = 86_400


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
    """Return the key set whose next key signs, with `new` as the next and the signer retired."""
    if key_set.next is None:
        return stage(key_set, new, now)
    retired = {**key_set.retired, key_set.current: now}
    return stage(key_set._replace(current=key_set.next, retired=retired), new, now)


def prune(key_set: KeySet, now: int, longest_session_seconds: int) -> KeySet:
    """Return the key set without keys whose last session is expired."""
    kept_seconds = longest_session_seconds + LONGEST_OUTAGE_SECONDS
    old = {kid for kid, retired_at in key_set.retired.items() if retired_at + kept_seconds <= now}
    return _without(key_set, old)


def drop(key_set: KeySet, kid: str, new: NewKey, now: int) -> KeySet:
    """Return the key set without one key, whose tokens are refused from then on.

    Where it was the current or the next key, another takes its place.

    Raises:
        UnknownKey: the key set has no such key.
    """
    if kid not in key_set.keys:
        raise UnknownKey("the key set has no such key")
    if kid == key_set.current and key_set.next is None:
        key_set = key_set._replace(current=new.kid, keys={**key_set.keys, new.kid: new.key})
    elif kid == key_set.current:
        key_set = promote(key_set, new, now)
    elif kid == key_set.next:
        key_set = stage(key_set, new, now)
    return _without(key_set, {kid})


def _without(key_set: KeySet, kids: set[str]) -> KeySet:
    return key_set._replace(
        keys={kid: key for kid, key in key_set.keys.items() if kid not in kids},
        retired={kid: at for kid, at in key_set.retired.items() if kid not in kids},
    )


def key_set_text(key_set: KeySet) -> str:
    """Return the JSON text of which `parse_key_set` makes the key set again."""
    members: dict[str, Any] = {"current": key_set.current}
    if key_set.next is not None:
        members |= {
            "next": key_set.next,
            "next_since": key_set.next_since,
            "retired": key_set.retired,
        }
    return json.dumps(members | {kid: key.decode() for kid, key in key_set.keys.items()})


def change_key_set(change: Callable[[KeySet], KeySet]) -> tuple[KeySet, KeySet]:
    """Store what `change` makes of the key set; return the key set before and after.

    The ID of a new version follows from the version that was read. Of two changes at once, which
    read the same version, Secrets Manager therefore takes only one ("PutSecretValue": a token that
    is taken by another text is refused), and the other is made anew.

    Raises:
        Unavailable: Secrets Manager does not answer.
    """
    for attempt, _ in enumerate(aws.tries()):
        before, version = read_key_set()
        after = change(before)
        if after == before:
            return before, after
        # The attempt is part of it: an older version may have been made current again by hand.
        token = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{version}/{attempt}"))
        try:
            secretsmanager.put_secret_value(
                SecretId=SIGNING_KEYS_SECRET,
                ClientRequestToken=token,
                SecretString=key_set_text(after),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        else:
            return before, after
    raise Unavailable
