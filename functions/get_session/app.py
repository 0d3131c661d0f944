"""GET /user/session/{id}: get one session of the user."""

from sessions.endpoint import Access, authenticated
from sessions.errors import NoSuchSession
from sessions.request import Request
from sessions.responses import Answer, ok


@authenticated("get_session", "SessionRead")
def handler(request: Request, access: Access) -> Answer:
    """Answer with the session that the path names."""
    if access.named is None:
        raise NoSuchSession
    return ok(access.named.as_json())
