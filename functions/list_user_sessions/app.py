"""List a user's sessions. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import NOBODY, WhichUser, find_user
from sessions.body import parse_input
from sessions.endpoint import account_operation
from sessions.errors import UnknownUser
from sessions.model import is_live


@account_operation("list_user_sessions", "UserSessionsListed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with the sessions that are live, newest first, whether or not the user is banned."""
    user, _ = store.read_user_and_sessions(find_user(parse_input(event, WhichUser)), ())
    if user is None:
        raise UnknownUser(NOBODY)
    sessions = store.query_sessions(user.id)
    live = [session.as_json() for session in sessions if is_live(session, user, now)]
    return {"id": user.id, "count": len(live), "items": live}
