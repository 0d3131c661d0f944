"""DELETE /user/sessions/all: end all sessions of the user, or all but the one in use."""

from sessions import store
from sessions.endpoint import Access, authenticated
from sessions.errors import MissingFields
from sessions.model import is_live
from sessions.request import Request
from sessions.responses import Answer, ok

CHOICES = {"true": True, "1": True, "": True, "false": False, "0": False}


@authenticated("delete_all_sessions", "AllSessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke them in one write, and count what that ended."""
    kept = access.session.iat if _all_but_self(request) else None
    sessions = store.query_sessions(access.user.id)
    before = store.revoke_all(access.user, kept)
    ended = sum(
        session.iat != kept and is_live(session, before, request.now) for session in sessions
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
