"""The life of a signing key: next, current, retired, gone. Only who changes the ring imports this.

A key is published as `next` before it signs anything, so that every warm function knows it by
then; it is kept after it stopped signing until the last session it can have signed is over.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from sessions import clients, settings
from sessions.errors import Unavailable, UnknownKey
from sessions.tokens import REFETCH_SECONDS, MalformedRing, Ring, parse_ring

SIGNING_KEYS_SECRET = settings.text("SIGNING_KEYS_SECRET")

# A function that lacks a key reads the ring again, but not twice in REFETCH_SECONDS: so a key
# that is older than that is known to all who meet it. Twice, for Secrets Manager's own delay.
YOUNGEST_SECONDS = 2 * REFETCH_SECONDS
# A function that cannot read the ring signs on with the key it has: for a day, we suppose.
LONGEST_OUTAGE_SECONDS = 86_400
_ATTEMPTS = 5

_secretsmanager = clients.client("secretsmanager")


class NewKey(NamedTuple):
    """A key to be, and what to call it."""

    kid: str
    key: bytes


def too_young_seconds(ring: Ring, now: int) -> int:
    """Return how many seconds `next` must still be known before it may sign; 0 if none."""
    if ring.next is None:
        return YOUNGEST_SECONDS
    return max(0, ring.next_since + YOUNGEST_SECONDS - now)


def prepared(ring: Ring, new: NewKey, now: int) -> Ring:
    """Return the ring with `new` as its next key."""
    return ring._replace(keys={**ring.keys, new.kid: new.key}, next=new.kid, next_since=now)


def rotated(ring: Ring, new: NewKey, now: int) -> Ring:
    """Return the ring in which its next key signs, and `new` is the next; one is retired."""
    if ring.next is None:
        return prepared(ring, new, now)
    retired = {**ring.retired, ring.current: now}
    return prepared(ring._replace(current=ring.next, retired=retired), new, now)


def without_old(ring: Ring, now: int, longest_session_seconds: int) -> Ring:
    """Return the ring without keys whose last session is over."""
    kept_seconds = longest_session_seconds + LONGEST_OUTAGE_SECONDS
    old = {kid for kid, retired_at in ring.retired.items() if retired_at + kept_seconds <= now}
    return _without(ring, old)


def without_key(ring: Ring, kid: str, new: NewKey, now: int) -> Ring:
    """Return the ring without one key, whose tokens are refused from then on.

    Where it was the current or the next one, the ring is filled up.

    Raises:
        UnknownKey: the ring has no such key.
    """
    if kid not in ring.keys:
        raise UnknownKey("the key ring has no such key")
    if kid == ring.current and ring.next is None:
        ring = ring._replace(current=new.kid, keys={**ring.keys, new.kid: new.key})
    elif kid == ring.current:
        ring = rotated(ring, new, now)
    elif kid == ring.next:
        ring = prepared(ring, new, now)
    return _without(ring, {kid})


def _without(ring: Ring, kids: set[str]) -> Ring:
    return ring._replace(
        keys={kid: key for kid, key in ring.keys.items() if kid not in kids},
        retired={kid: at for kid, at in ring.retired.items() if kid not in kids},
    )


def ring_text(ring: Ring) -> str:
    """Return the JSON text of which `parse_ring` makes the ring again."""
    members: dict[str, Any] = {"current": ring.current}
    if ring.next is not None:
        members |= {"next": ring.next, "next_since": ring.next_since, "retired": ring.retired}
    return json.dumps(members | {kid: key.decode() for kid, key in ring.keys.items()})


def read_ring() -> tuple[Ring, str]:
    """Return the ring that is stored, and which version of the secret that is.

    Raises:
        Unavailable: Secrets Manager does not answer, or holds no ring.
    """
    try:
        secret = _secretsmanager.get_secret_value(SecretId=SIGNING_KEYS_SECRET)
        return parse_ring(secret["SecretString"]), secret["VersionId"]
    except (BotoCoreError, ClientError, KeyError, MalformedRing) as error:
        raise Unavailable from error


def change_ring(change: Callable[[Ring], Ring]) -> tuple[Ring, Ring]:
    """Store what `change` makes of the ring; return the ring before and after.

    A new version's ID is worked out from the one that was read. Of two changes at once, which
    read the same version, Secrets Manager therefore takes only one ("PutSecretValue": a token
    that is taken by another text is refused), and the other is made anew.

    Raises:
        Unavailable: Secrets Manager does not answer.
    """
    for attempt in range(_ATTEMPTS):
        before, version = read_ring()
        after = change(before)
        if after == before:
            return before, after
        # The attempt is part of it: an older version may have been made current again by hand.
        token = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{version}/{attempt}"))
        try:
            _secretsmanager.put_secret_value(
                SecretId=SIGNING_KEYS_SECRET,
                ClientRequestToken=token,
                SecretString=ring_text(after),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        else:
            return before, after
    raise Unavailable
