"""DELETE /user/session/{id}: end one session of the user; the one in use, too."""

from sessions import store
from sessions.endpoint import Access, authenticated
from sessions.errors import SessionMissing
from sessions.request import Request
from sessions.responses import Answer, ok


@authenticated("delete_session", "SessionDeleted")
def handler(request: Request, access: Access) -> Answer:
    """End the session that the path names."""
    if access.named is None:
        raise SessionMissing
    store.end_session(access.user.id, access.named.iat, request.now)
    return ok({"code": "GENERIC_SUCCESS", "message": "Session Deleted"})
