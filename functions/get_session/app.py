"""GET /user/session/{id}: get one session of the user."""

from sessions.authentication import Access, authenticated
from sessions.errors import InvalidSession
from sessions.request import Request
from sessions.responses import Answer, ok


@authenticated("get_session", "SessionRead")
def handler(request: Request, access: Access) -> Answer:
    """Answer with the session that the path names."""
    if access.target is None:
        raise InvalidSession(404)
    return ok(access.target.as_json())
