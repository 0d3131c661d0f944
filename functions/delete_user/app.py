"""Delete all that is stored about a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import account_store, session_store
from sessions.operations import UserSelector, account_operation, parse_input, read_user


@account_operation("delete_user", "UserDeleted")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Close the account, delete its sessions, then the user and both names together.

    The names go last, so that the operation finds the user again if it was cut short.
    """
    user = read_user(parse_input(event, UserSelector))
    account_store.close_account(user.id, now)
    sessions = session_store.query_sessions(user.id)
    # Each is revoked first, so that the table's stream tells why it ended.
    unrevoked = [
        session.iat for session in sessions if session.revoked_reason is None and session.exp > now
    ]
    session_store.revoke_sessions(user.id, unrevoked, "account_deleted", now)
    session_store.purge_sessions(user.id, [session.iat for session in sessions])
    account_store.delete_user(user)
    return {"id": user.id, "sessions": len(sessions)}
