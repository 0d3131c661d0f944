"""Lift a user's ban. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import WhichUser, find_user, parse_input
from sessions.endpoint import account_operation


class Unban(WhichUser):
    """Whose ban to lift, and whether to end the sessions that it covered."""

    revoke_sessions: bool = False


@account_operation("unban_user", "UserUnbanned")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Lift the ban; unless they are ended, the sessions that it covered count again."""
    unban = parse_input(event, Unban)
    user = find_user(unban)
    store.lift_ban(user, revoke_sessions=unban.revoke_sessions)
    return {"id": user, "revoked_sessions": unban.revoke_sessions}
