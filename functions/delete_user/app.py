"""Delete all that is stored about a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import WhichUser, parse_input, read_user
from sessions.endpoint import account_operation


@account_operation("delete_user", "UserDeleted")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Close the account, delete its sessions, then the user and both names together.

    The names go last, so that the operation finds the user again if it was cut short.
    """
    user = read_user(parse_input(event, WhichUser))
    store.close_account(user.id, now)
    sessions = store.query_sessions(user.id)
    open_sessions = [each.iat for each in sessions if each.ended is None and each.exp > now]
    # Each is ended first: that is what tells whoever follows the table's stream why.
    store.end_sessions(user.id, open_sessions, "account_deleted", now)
    store.clear_sessions(user.id, [session.iat for session in sessions])
    store.delete_user(user)
    return {"id": user.id, "sessions": len(sessions)}
