"""Let a user log in again at once after wrong passwords. Invoked with IAM rights; no route."""

from typing import Any

from sessions.login_throttle import forget_attempts
from sessions.operations import UserSelector, account_operation, parse_input, read_user


@account_operation("unlock_user", "UserUnlocked")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Count no attempt with the user's names any more; those of addresses stay counted."""
    user = read_user(parse_input(event, UserSelector))
    forget_attempts((user.username, user.email), now)
    return {"id": user.id}
