"""DELETE /user/sessions/all: end all sessions of the user, or all but the one in use."""

from sessions import store
from sessions.endpoint import Access, authenticated
from sessions.errors import MissingFields
from sessions.model import is_live
from sessions.request import Request
from sessions.responses import Answer, ok

CHOICES = {"true": True, "1": True, "": True, "false": False, "0": False}
# Enough for anybody; a row beyond it is as dead, and its TTL deletes it.
MOST_CLEARED = 2_500


@authenticated("AllSessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke them in one write, count what that ended, and clear the rows away."""
    kept = access.session.iat if _all_but_self(request) else None
    sessions = store.query_sessions(access.user.id)
    before = store.revoke_all(access.user, kept)
    ended = [
        session.iat
        for session in sessions
        if session.iat != kept and is_live(session, before, request.now)
    ]
    store.clear_sessions(access.user.id, ended[:MOST_CLEARED])
    return ok({"count": len(ended), "type": "session"})


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
