"""GET /user/sessions: list the user's sessions, newest first."""

from sessions import session_store
from sessions.authentication import Access, authenticated
from sessions.errors import MissingFields
from sessions.model import live_sessions
from sessions.request import Request
from sessions.responses import Answer, ok

LONGEST_PAGE = 50


@authenticated("list_sessions", "SessionsListed")
def handler(request: Request, access: Access) -> Answer:
    """Answer with one page of the live sessions, and with the number of all."""
    limit = _number(request, "limit", LONGEST_PAGE, smallest=1)
    offset = _number(request, "offset", 0, smallest=0)
    if limit is None or offset is None:
        values = {"limit": limit, "offset": offset}
        raise MissingFields([name for name, value in values.items() if value is None])
    sessions = session_store.query_sessions(access.user.id)
    live = live_sessions(sessions, access.user, access.session_epoch, request.now)
    # As it is in use now: that may be written just now.
    live = [access.session if each.iat == access.session.iat else each for each in live]
    page = live[offset : offset + min(limit, LONGEST_PAGE)]
    return ok({"count": len(live), "items": [session.as_json() for session in page]})


def _number(request: Request, name: str, default: int, *, smallest: int) -> int | None:
    """Return a query parameter, in ASCII digits; None if it is anything else."""
    values = request.query.get(name, [str(default)])
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        return None
    # Python refuses to read thousands of digits, and any number so large is past the end.
    digits = values[0].lstrip("0")
    number = int(digits or "0") if len(digits) < 19 else 10**18
    return number if number >= smallest else None
