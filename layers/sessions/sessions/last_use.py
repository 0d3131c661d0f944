"""When a session was last used, and what a use of it changes: the API's rule, and the Verifier's.

A use is not always stored: that would be a write for each read. Nothing here knows AWS or the
clock; the update is a call of DynamoDB's as it is sent.
"""

from typing import Any

from sessions.items import to_attribute
from sessions.model import Session

# How long a use may be under way from its time to its write: longer than Lambda lets a function run
# that has a session's route (template.yaml, `Timeout`).
_WRITE_SECONDS = 20


def after_use(session: Session, now: int, used_seconds: int) -> Session | None:
    """Return a live `session` as a use at `now` leaves it; None if that need not be stored.

    An idle limit is as long as it was when the session began, which its row says: so it takes no
    setting. A use under it is stored after a tenth of it at the latest. One that comes just before
    its end is not: its write could come after another request has seen that the session is over,
    and would revive it.

    Args:
        session: the session as it is stored.
        now: epoch seconds.
        used_seconds: how old the last stored use is before another one is stored; 0: that alone
            has none stored.
    """
    idle_seconds = session.exp - session.last_used_at if session.may_idle_out else None
    due_seconds = used_seconds or None
    if idle_seconds is not None:
        due_seconds = min(due_seconds or idle_seconds, idle_seconds // 10)
    if due_seconds is None or now - session.last_used_at < due_seconds:
        return None
    if idle_seconds is None:
        return session._replace(used_at=now)
    if session.exp - now <= _WRITE_SECONDS:
        return None
    return session._replace(used_at=now, exp=min(session.ends_at, now + idle_seconds))


def update_of_last_use(table: str, session: Session, used: Session) -> dict[str, Any]:
    """Return the update of the table of sessions that makes a `session`, as it was read, `used`.

    It fails where the session was revoked by itself since, is gone, or was used by another request
    that was sooner. What revokes sessions on the user's row, or with the session epoch, is stronger
    than anything in a session's row.
    """
    changed = [
        (name, after)
        for name, before, after in zip(Session._fields, session, used, strict=True)
        if after != before
    ]
    sets = [f"#{name} = :{name}" for name, value in changed if value is not None]
    removes = [f"#{name}" for name, value in changed if value is None]
    values = {f":{name}": to_attribute(value) for name, value in changed if value is not None}
    return {
        "TableName": table,
        "Key": {"user": to_attribute(session.user), "iat": to_attribute(session.iat)},
        "UpdateExpression": f"SET {', '.join(sets)}"
        + (f" REMOVE {', '.join(removes)}" if removes else ""),
        "ConditionExpression": "attribute_exists(iat) AND attribute_not_exists(revoked_reason)"
        " AND (attribute_not_exists(used_at) OR used_at <= :before)",
        "ExpressionAttributeNames": {f"#{name}": name for name, _ in changed},
        "ExpressionAttributeValues": {**values, ":before": to_attribute(session.last_used_at)},
    }
