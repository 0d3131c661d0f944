"""DELETE /user/sessions: end several sessions of the user."""

from sessions import store
from sessions.body import parse
from sessions.endpoint import Access, authenticated
from sessions.model import is_live, session_id
from sessions.request import Request
from sessions.responses import Answer, ok

# The sessions to end; whatever among them is no ID is ignored.
SESSION_IDS = {"sessions": {"type": "array"}}


@authenticated("delete_sessions", "SessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """End those of the named sessions that are live ones of this user, and count them."""
    named = {session_id(given) for given in parse(request, SESSION_IDS)["sessions"]}
    live = [
        session.iat
        for session in store.query_sessions(access.user.id)
        if session.iat in named and is_live(session, access.user, request.now)
    ]
    # The one in use last: while others are left, whoever was answered 503 can ask again.
    live.sort(key=lambda iat: iat == access.session.iat)
    ended = store.end_sessions(access.user.id, live, "bulk", request.now)
    return ok({"count": ended, "type": "session"})
