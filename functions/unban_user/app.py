"""Lift a user's ban. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import find_user
from sessions.endpoint import account_operation


@account_operation("UserUnbanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Lift the ban of the user that the event names; sessions it had covered count again."""
    user = find_user(event)
    store.lift_ban(user)
    return {"id": user}
