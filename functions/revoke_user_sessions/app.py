"""End one, several or all sessions of a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import WhichUser, parse_input, read_user_and_sessions
from sessions.endpoint import account_operation
from sessions.errors import InvalidInput
from sessions.model import is_live, session_id


class Revocation(WhichUser):
    """Whose sessions to end: those of these IDs, or all."""

    sessions: list[Any] | None = None
    all: bool = False


@account_operation("revoke_user_sessions", "UserSessionsRevoked")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """End those of the named sessions that are live, or all in one write; answer how many."""
    revocation = parse_input(event, Revocation)
    if (revocation.sessions is None) != revocation.all:
        raise InvalidInput("sessions or all, one of them")
    named = {session_id(given) for given in revocation.sessions or ()}
    if None in named:
        raise InvalidInput("sessions")
    user, sessions = read_user_and_sessions(revocation)
    if revocation.all:
        before = store.revoke_all(user)
        return {"id": user.id, "count": sum(is_live(each, before, now) for each in sessions)}
    live = [each.iat for each in sessions if each.iat in named and is_live(each, user, now)]
    return {"id": user.id, "count": store.end_sessions(user.id, live, "bulk", now)}
