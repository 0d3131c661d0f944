"""Ban a user. Invoked with IAM rights; there is no route."""

from typing import Any

from pydantic import Field

from sessions import account_store
from sessions.errors import InvalidInput
from sessions.operations import UserSelector, account_operation, parse_input, read_user_and_epoch


class Ban(UserSelector):
    """The user to ban, the reason, and the end in epoch seconds, if the ban has one.

    With `tell_user`, a 403 tells both to the user.
    """

    reason: str | None = Field(default=None, max_length=512)
    until: int | None = Field(default=None, lt=10**12)
    tell_user: bool = False


@account_operation("ban_user", "UserBanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Ban the user, in force at the next request of every session."""
    ban = parse_input(event, Ban)
    if ban.until is not None and ban.until <= now:
        raise InvalidInput("until, which is in the past")
    user, session_epoch = read_user_and_epoch(ban)
    account_store.ban(user.id, now, ban.reason, ban.until, session_epoch, tell_user=ban.tell_user)
    told = {"reason": ban.reason, "until": ban.until, "tell_user": ban.tell_user}
    return {"id": user.id, "banned_at": now, **told}
