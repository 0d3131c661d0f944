"""GET /user/session: get the session in use."""

from sessions.authentication import Access, authenticated
from sessions.request import Request
from sessions.responses import Answer, ok


@authenticated("get_current_session", "CurrentSessionRead")
def handler(request: Request, access: Access) -> Answer:
    """Answer with the session that the token names."""
    return ok(access.session.as_json())
