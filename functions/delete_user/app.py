"""Delete all that is stored about a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import account_store, session_store
from sessions.model import ACCOUNT_DELETED, is_revoked, live_sessions
from sessions.operations import UserSelector, account_operation, parse_input, read_user_and_epoch


@account_operation("delete_user", "UserDeleted")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Close the account, delete its sessions, then the user and both names together.

    The names go last, so that the operation finds the user again if it was cut short.
    """
    user, session_epoch = read_user_and_epoch(parse_input(event, UserSelector))
    before = account_store.close_account(user.id, now, session_epoch)
    if before.revoked_reason == ACCOUNT_DELETED:  # by an earlier attempt, which was cut short
        before = before._replace(revoked_through=0)
    sessions = session_store.query_sessions(user.id)
    # publish_events has yet to tell why the others ended, and purges their rows then.
    ours = [session for session in sessions if not is_revoked(session, before)]
    # Each is revoked first, so that the table's stream tells why it ended.
    live = [session.iat for session in live_sessions(ours, before, session_epoch, now)]
    session_store.revoke_sessions(user.id, live, ACCOUNT_DELETED, now)
    session_store.purge_sessions(user.id, [session.iat for session in ours])
    account_store.delete_user(user, now)
    return {"id": user.id, "sessions": len(sessions)}
