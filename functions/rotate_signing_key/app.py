"""Make the next signing key current. Each day by schedule, and with IAM rights by hand."""

import secrets
from typing import Any, Literal

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import Field

from sessions import rotation, settings
from sessions.account import OperationInput, parse_input
from sessions.endpoint import account_operation, measure
from sessions.errors import InvalidInput
from sessions.tokens import Ring

DAY_SECONDS = 86_400
KEY_ROTATION_SECONDS = settings.number("KEY_ROTATION_DAYS") * DAY_SECONDS
LONGEST_SESSION_SECONDS = max(
    settings.number("SESSION_SECONDS"), settings.number("REMEMBERED_SESSION_SECONDS")
)


class Rotation(OperationInput):
    """Nothing, to rotate now; `due`, to rotate if it is time; or the `kid` of a key to drop."""

    when: Literal["due"] | None = None
    drop: str | None = Field(default=None, min_length=1, max_length=256)


@account_operation("rotate_signing_key", "SigningKeyRotated")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Change the ring, unless its next key is too young to be known everywhere.

    So the same call made twice rotates once.
    """
    asked = parse_input(event, Rotation)
    if asked.when is not None and asked.drop is not None:
        raise InvalidInput("when or drop, one of them")
    new = rotation.NewKey(f"{now}-{secrets.token_hex(4)}", secrets.token_urlsafe(48).encode())

    def change(ring: Ring) -> Ring:
        if asked.drop is not None:
            ring = rotation.without_key(ring, asked.drop, new, now)
        elif ring.next is None:
            ring = rotation.prepared(ring, new, now)
        elif asked.when == "due" and now < ring.next_since + KEY_ROTATION_SECONDS:
            pass
        elif not rotation.too_young_seconds(ring, now):
            ring = rotation.rotated(ring, new, now)
        return rotation.without_old(ring, now, LONGEST_SESSION_SECONDS)

    before, after = rotation.change_ring(change)
    if asked.when == "due":
        late_seconds = max(0, now - after.next_since - KEY_ROTATION_SECONDS)
        overdue_days = late_seconds / DAY_SECONDS
        measure("rotate_signing_key", "SigningKeyOverdueDays", overdue_days, MetricUnit.Count)
    return {
        "rotated": after.current != before.current,
        "current": after.current,
        "next": after.next,
        "dropped": sorted(before.keys.keys() - after.keys.keys()),
        "retry_after_seconds": rotation.too_young_seconds(after, now),
    }
