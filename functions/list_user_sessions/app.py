"""List a user's sessions. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions.model import live_sessions
from sessions.operations import (
    UserSelector,
    account_operation,
    parse_input,
    read_user_and_sessions,
)


@account_operation("list_user_sessions", "UserSessionsListed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with the live sessions, newest first, whether or not the user is banned."""
    user, session_epoch, sessions = read_user_and_sessions(parse_input(event, UserSelector))
    live = live_sessions(sessions, user, session_epoch, now)
    items = [session.as_json() for session in live]
    return {"id": user.id, "count": len(items), "items": items}
