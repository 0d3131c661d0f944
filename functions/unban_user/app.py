"""Lift a user's ban. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import account_store
from sessions.operations import UserSelector, account_operation, parse_input, read_user_and_epoch


class Unban(UserSelector):
    """The user whose ban is lifted, and whether the sessions that it covered are revoked."""

    revoke_sessions: bool = False


@account_operation("unban_user", "UserUnbanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Lift the ban; unless they are revoked, the sessions that it covered count again."""
    unban = parse_input(event, Unban)
    user, session_epoch = read_user_and_epoch(unban)
    account_store.lift_ban(user.id, session_epoch, revoke_sessions=unban.revoke_sessions)
    return {"id": user.id, "revoked_sessions": unban.revoke_sessions}
