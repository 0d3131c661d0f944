"""Promote the next signing key. Each day by schedule, and with IAM rights by hand."""

import secrets
from typing import Any, Literal

from pydantic import Field

from sessions import key_rotation, settings
from sessions.errors import InvalidInput, NextKeyTooYoung
from sessions.operations import OperationInput, account_operation, parse_input
from sessions.signing_keys import KeySet
from sessions.telemetry import measure

DAY_SECONDS = 86_400
KEY_ROTATION_SECONDS = settings.number("KEY_ROTATION_DAYS") * DAY_SECONDS
LONGEST_SESSION_SECONDS = max(
    settings.number("SESSION_SECONDS"), settings.number("REMEMBERED_SESSION_SECONDS")
)


class Rotation(OperationInput):
    """Nothing, to rotate now; `due`, to rotate if it is time; or the `kid` of a key to drop."""

    when: Literal["due"] | None = None
    drop: str | None = Field(default=None, max_length=256)


@account_operation("rotate_signing_key", "SigningKeyRotated")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Change the key set, unless its next key was published too short a time ago.

    So the same call made twice rotates once, or drops one key.
    """
    rotation = parse_input(event, Rotation)
    if rotation.when is not None and rotation.drop is not None:
        raise InvalidInput("when or drop, one of them")
    new = key_rotation.NewKey(f"{now}-{secrets.token_hex(4)}", secrets.token_urlsafe(48).encode())

    def change(key_set: KeySet) -> KeySet:
        changed = _changed(key_set, rotation, new, now)
        return key_rotation.prune(changed, now, LONGEST_SESSION_SECONDS)

    before, after = key_rotation.change_key_set(change)
    if rotation.when == "due":
        late_seconds = max(0, now - after.next_since - KEY_ROTATION_SECONDS)
        measure("rotate_signing_key", "SigningKeyOverdueDays", late_seconds / DAY_SECONDS)
    retry_after_seconds = key_rotation.seconds_until_promotable(after, now)
    if rotation.drop == after.current:
        raise NextKeyTooYoung(retry_after_seconds)
    return {
        "rotated": after.current != before.current,
        "current": after.current,
        "next": after.next,
        "dropped": [
            {"kid": kid, "dead_after_seconds": dead_at - now}
            for kid, dead_at in after.dropped.items()
        ],
        "forgotten": sorted(before.keys.keys() - after.keys.keys()),
        "retry_after_seconds": retry_after_seconds,
    }


def _changed(key_set: KeySet, rotation: Rotation, new: key_rotation.NewKey, now: int) -> KeySet:
    if rotation.drop is not None:
        return key_rotation.drop(key_set, rotation.drop, new, now)
    is_due = key_set.next is None or now >= key_set.next_since + KEY_ROTATION_SECONDS
    if rotation.when == "due" and not is_due:
        return key_set
    return key_rotation.promote(key_set, new, now)
