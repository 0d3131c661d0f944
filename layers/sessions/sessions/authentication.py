"""Authentication: a token of ours, and the live session that it names."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from sessions import settings
from sessions.endpoint import LambdaHandler, endpoint, verify_token
from sessions.model import Session, User, is_live, parse_session_id
from sessions.proof import check
from sessions.request import Request
from sessions.responses import Answer
from sessions.session_store import read_user_and_sessions

IMPERSONATORS_MAY_REVOKE = settings.text("IMPERSONATORS_MAY_REVOKE") == "true"


class Access(NamedTuple):
    """The user and the sessions that an authenticated request may act on.

    Attributes:
        user: the caller.
        session: the session in use.
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

    Args:
        operation: the operation's name, which is its folder's.
        outcome: the metric and the log line of a request that was done.
    """

    def decorate(handle: Callable[[Request, Access], Answer]) -> LambdaHandler:
        @endpoint(operation, outcome)
        @functools.wraps(handle)
        def handler(request: Request) -> Answer:
            return handle(request, authenticate(request))

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
