"""Authentication: a token of ours, and the live session that it names."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from sessions import clock, settings
from sessions.endpoint import LambdaHandler, endpoint, verify_token
from sessions.last_use import after_use
from sessions.model import Session, User, is_live, parse_session_id
from sessions.proof import check
from sessions.request import Request
from sessions.responses import Answer
from sessions.session_store import read_user_and_sessions, store_last_use
from sessions.telemetry import best_effort

IMPERSONATORS_MAY_REVOKE = settings.flag("IMPERSONATORS_MAY_REVOKE")
USED_SECONDS = settings.number("USED_SECONDS")
KEEP_ADDRESSES = settings.flag("KEEP_ADDRESSES")

# After a slower read, a write that fails (sessions/aws.py) could outlast the function.
_SLOWEST_READ_SECONDS = 4


class Access(NamedTuple):
    """The user and the sessions that an authenticated request may act on.

    Attributes:
        user: the caller.
        session: the session in use, as this request leaves it.
        session_epoch: the epoch in force, for `model.is_live`.
        target: the live session that the path's `id` names; None if there is none.
    """

    user: User
    session: Session
    session_epoch: int
    target: Session | None

    @property
    def may_revoke_others(self) -> bool:
        """Say whether the session in use may end other sessions of the user.

        One that somebody else began for the user may end itself alone (docs/decisions/0021).
        """
        return self.session.by is None or IMPERSONATORS_MAY_REVOKE

    def may_revoke(self, iat: int) -> bool:
        """Say whether the session in use may end the session of this ID."""
        return self.may_revoke_others or iat == self.session.iat


def authenticated(
    operation: str, outcome: str
) -> Callable[[Callable[[Request, Access], Answer]], LambdaHandler]:
    """Make a handler of a route that needs the token of a live session.

    That the session was used is stored beside what the handler does, where that is due; the request
    does not need it.

    Args:
        operation: the operation's name, which is its folder's.
        outcome: the metric and the log line of a request that was done.
    """

    def decorate(handle: Callable[[Request, Access], Answer]) -> LambdaHandler:
        @endpoint(operation, outcome)
        @functools.wraps(handle)
        def handler(request: Request) -> Answer:
            access = authenticate(request)
            used = _use(access, request)
            if used is None:
                return handle(request, access)
            return _handle_and_store(handle, request, access, used)

        return handler

    return decorate


def authenticate(request: Request) -> Access:
    """Return what the request may act on, after one read.

    Raises:
        InvalidSession: the token is not that of a live session; the reason is told, if it is one
            of ours and that is known.
        Banned: it is, and its user is banned.
        Unavailable: the keys or the rows cannot be read.
    """
    claims = verify_token(request)
    request.log["user"] = claims.sub
    target_id = parse_session_id(request.path_parameters.get("id"))
    iats = {claims.iat} if target_id is None else {claims.iat, target_id}
    user, session_epoch, sessions = read_user_and_sessions(claims.sub, iats)
    in_use = sessions.get(claims.iat)
    user, session = check(claims, user, in_use, session_epoch, request.now, is_signed=True)
    target = sessions.get(target_id) if target_id is not None else None
    if target is not None and not is_live(target, user, session_epoch, request.now):
        target = None
    return Access(user, session, session_epoch, target)


def _use(access: Access, request: Request) -> Session | None:
    """Return the session in use as this request leaves it; None if that need not be stored."""
    session = access.session
    is_log_out = request.method == "DELETE" and access.target == session
    if is_log_out or clock.epoch_seconds() - request.now > _SLOWEST_READ_SECONDS:
        return None
    used = after_use(session, request.now, USED_SECONDS)
    if used is None:
        return None
    kept = (request.source_ip, request.country) if KEEP_ADDRESSES else ("", "")
    return used._replace(address=kept[0] or None, country=kept[1] or None)


def _handle_and_store(
    handle: Callable[[Request, Access], Answer], request: Request, access: Access, used: Session
) -> Answer:
    """Return the handler's answer, once the use is stored or has failed to be."""
    # A use is due once in a while: most processes end before one is.
    from sessions.concurrent import run_concurrently  # noqa: PLC0415

    def store() -> None:
        with best_effort("store_last_use", request.request_id):
            store_last_use(access.session, used)

    target = used if access.target == access.session else access.target
    after = access._replace(session=used, target=target)
    return run_concurrently(lambda: handle(request, after), store)[0]
