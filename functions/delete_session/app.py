"""DELETE /user/session/{id}: revoke one session of the user, which may be the one in use."""

import secrets

from sessions import session_store
from sessions.authentication import Access, authenticated
from sessions.errors import SessionMissing
from sessions.request import Request
from sessions.responses import Answer, ok


@authenticated("delete_session", "SessionDeleted")
def handler(request: Request, access: Access) -> Answer:
    """Revoke the session that the path names."""
    if access.target is None or not access.may_revoke(access.target.iat):
        raise SessionMissing
    session_store.revoke_session(
        access.user.id, access.target.iat, request.now, secrets.token_urlsafe(6)
    )
    is_own = access.target.iat == access.session.iat
    return ok({"code": "GENERIC_SUCCESS", "message": "Session Deleted"}, ends_own=is_own)
