"""DELETE /user/sessions/all: end all sessions of the user, or all but the one in use."""

from functools import partial

from sessions import store
from sessions.endpoint import Access, authenticated
from sessions.errors import MissingFields
from sessions.model import User, is_live
from sessions.request import Request
from sessions.responses import Answer, ok
from sessions.side_by_side import side_by_side

CHOICES = {"true": True, "1": True, "": True, "false": False, "0": False}


@authenticated("delete_all_sessions", "AllSessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke them in one write, and count meanwhile what that ends (docs/decisions/0005)."""
    kept = access.session.iat if _all_but_self(request) else None

    def revoke() -> User:
        before = store.revoke_all(access.user, kept)
        request.log["revoked"] = True
        return before

    before, sessions = side_by_side(revoke, partial(store.query_sessions, access.user.id))
    ended = sum(
        session.iat != kept
        and session.iat <= before.last_iat  # not one that began since
        and is_live(session, before, request.now)
        for session in sessions
    )
    return ok({"count": ended, "type": "session"})


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
