"""DELETE /user/sessions/all: revoke all sessions of the user, or all but the one in use."""

import secrets
from functools import partial

from sessions import session_store, user_store
from sessions.authentication import Access, authenticated
from sessions.concurrent import run_concurrently
from sessions.errors import MissingFields
from sessions.model import User, live_sessions
from sessions.request import Request
from sessions.responses import Answer, ok

CHOICES = {"true": True, "1": True, "": True, "false": False, "0": False}


@authenticated("delete_all_sessions", "AllSessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke them in one write, and count meanwhile how many that are (docs/decisions/0005)."""
    kept = access.session.iat if _all_but_self(request) else None
    if not access.may_revoke_others:
        itself = [access.session.iat] if kept is None else []
        count = session_store.revoke_sessions(access.user.id, itself, "all", request.now)
        return ok({"count": count, "type": "session"}, ends_own=kept is None)

    def revoke() -> User:
        before = user_store.revoke_all_sessions(
            access.user, access.session_epoch, secrets.token_urlsafe(6), kept
        )
        request.log["revoked"] = True
        return before

    before, sessions = run_concurrently(
        revoke, partial(session_store.query_sessions, access.user.id)
    )
    count = sum(
        session.iat != kept and session.iat <= before.last_iat  # not one that began since
        for session in live_sessions(sessions, before, access.session_epoch, request.now)
    )
    return ok({"count": count, "type": "session"}, ends_own=kept is None)


def _all_but_self(request: Request) -> bool:
    values = [
        value
        for name, values in request.query.items()
        if name.lower() == "allbutself"
        for value in values
    ]
    if len(values) > 1 or not set(values) <= CHOICES.keys():
        raise MissingFields(["allButSelf"])
    return CHOICES[values[0]] if values else False
