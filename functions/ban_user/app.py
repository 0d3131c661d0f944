"""Ban a user. Invoked with IAM rights; there is no route."""

from typing import Any

from pydantic import Field

from sessions import store
from sessions.account import WhichUser, find_user, parse_input
from sessions.endpoint import account_operation
from sessions.errors import InvalidInput


class Ban(WhichUser):
    """Whom to ban, why, and until when, in epoch seconds, if not for good."""

    reason: str | None = Field(default=None, min_length=1, max_length=512)
    until: int | None = Field(default=None, lt=10**12)


@account_operation("ban_user", "UserBanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Ban the user, in force at the next request of every session."""
    ban = parse_input(event, Ban)
    if ban.until is not None and ban.until <= now:
        raise InvalidInput("until, which is over")
    user = find_user(ban)
    store.ban(user, now, ban.reason, ban.until)
    return {"id": user, "banned_at": now, "reason": ban.reason, "until": ban.until}
