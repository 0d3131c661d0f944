"""DELETE /user/sessions: revoke several sessions of the user."""

from sessions import session_store
from sessions.authentication import Access, authenticated
from sessions.body import parse
from sessions.model import live_sessions, parse_session_id
from sessions.request import Request
from sessions.responses import Answer, ok

# Room for 10,000 IDs as JSON: so many sessions can `MaxSessionsPerUser` let a user have.
LARGEST_BODY_BYTES = 131_072
SESSION_IDS = {"sessions": {"type": "array"}}  # values that are no IDs are ignored


@authenticated("delete_sessions", "SessionsDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke those of the named sessions that are live ones of this user, and count them."""
    values = parse(request, SESSION_IDS, LARGEST_BODY_BYTES)["sessions"]
    named = {parse_session_id(value) for value in values}
    sessions = session_store.query_sessions(access.user.id)
    live = live_sessions(sessions, access.user, access.session_epoch, request.now)
    iats = [
        session.iat for session in live if session.iat in named and access.may_revoke(session.iat)
    ]
    # Revoke the caller's own session last, so that a 503 half-way leaves a token to retry with.
    iats.sort(key=lambda iat: iat == access.session.iat)
    count = session_store.revoke_sessions(access.user.id, iats, "bulk", request.now)
    return ok({"count": count, "type": "session"}, ends_own=access.session.iat in iats)
