"""List a user's sessions. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions.account import WhichUser, parse_input, read_user_and_sessions
from sessions.endpoint import account_operation
from sessions.model import is_live


@account_operation("list_user_sessions", "UserSessionsListed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with the sessions that are live, newest first, whether or not the user is banned."""
    user, sessions = read_user_and_sessions(parse_input(event, WhichUser))
    live = [session.as_json() for session in sessions if is_live(session, user, now)]
    return {"id": user.id, "count": len(live), "items": live}
