"""Ban a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import find_user
from sessions.endpoint import account_operation


@account_operation("UserBanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Ban the user that the event names, in force at the next request of every session."""
    user = find_user(event)
    return {"id": user, "banned_at": store.ban(user, now)}
