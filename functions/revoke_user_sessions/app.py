"""Revoke one, several or all sessions of a user. Invoked with IAM rights; there is no route."""

import secrets
from typing import Any

from sessions import session_store, user_store
from sessions.errors import InvalidInput
from sessions.model import live_sessions, parse_session_id
from sessions.operations import (
    UserSelector,
    account_operation,
    parse_input,
    read_user_and_sessions,
)


class Revocation(UserSelector):
    """The sessions to revoke: those with these IDs, or all."""

    sessions: list[Any] | None = None
    all: bool = False


@account_operation("revoke_user_sessions", "UserSessionsRevoked")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Revoke those of the named sessions that are live, or all in one write; count them."""
    revocation = parse_input(event, Revocation)
    if (revocation.sessions is None) != revocation.all:
        raise InvalidInput("sessions or all, one of them")
    named = {parse_session_id(value) for value in revocation.sessions or ()}
    if None in named:
        raise InvalidInput("sessions")
    user, session_epoch, sessions = read_user_and_sessions(revocation)
    if revocation.all:
        before = user_store.revoke_all_sessions(user, session_epoch, secrets.token_urlsafe(6))
        live = live_sessions(sessions, before, session_epoch, now)
        return {"id": user.id, "count": len(live)}
    live = live_sessions(sessions, user, session_epoch, now)
    iats = [session.iat for session in live if session.iat in named]
    return {"id": user.id, "count": session_store.revoke_sessions(user.id, iats, "bulk", now)}
