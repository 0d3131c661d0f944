"""Every operation: its request, and how its answer is read. Nothing here waits."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import httpx

from sessions_client.errors import InvalidSession, body_of, error_of, seconds_named, without_frames
from sessions_client.model import Page, Session, Token, member

LONGEST_WAIT_SECONDS = 30
_WAIT_SECONDS = 1  # after an answer without Retry-After, such as a proxy's
# What was answered 503 may have been done all the same: a repeated login then leaves one session
# too many, and all else does no harm. After a 504 the service may still be at work.
_RETRIED = (429, 503)
# API Gateway takes 10,240 bytes of all headers ("Amazon API Gateway quotas"), and answers more than
# that in words of its own.
_LONGEST_TOKEN_BYTES = 8192

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Operation(Generic[_Result]):
    """One request, and how to read its success."""

    method: str
    path: str
    read: Callable[[Any], _Result]
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, object] | None = field(default=None, repr=False)  # it may hold a password
    address: str | None = None  # of the viewer for whom a back end asks
    token: str | None = field(default=None, repr=False)  # in place of the client's own
    needs_token: bool = True
    replaces_session: bool = False
    may_be_repeated: bool = True

    def result(self, response: httpx.Response) -> _Result:
        """Return the result in an answer.

        Raises:
            SessionsError: the answer is no success, or not the service's.
        """
        if not response.is_success:
            raise error_of(response)
        try:
            return self.read(body_of(response))
        except (LookupError, TypeError, ValueError) as error:
            wrong = without_frames(error)
        raise error_of(response) from wrong


def seconds_to_wait(response: httpx.Response, retries: int) -> int | None:
    """Return how long to wait before the request is repeated; None if it should not be.

    Args:
        response: the answer to the request.
        retries: how often the request may still be repeated.
    """
    if response.status_code not in _RETRIED or retries <= 0:
        return None
    named = seconds_named(response)
    seconds = _WAIT_SECONDS if named is None else named
    return seconds if seconds <= LONGEST_WAIT_SECONDS else None


@dataclass(frozen=True, slots=True)
class Login:
    """What a login is asked for, but for the password."""

    user: str
    remember_me: bool = False
    name: str | None = None
    address: str | None = None


def log_in(login: Login, password: str, *, replaces_session: bool = False) -> Operation[Token]:
    """Log in; with `replaces_session`, in the place of the session in use."""
    body: dict[str, object] = {
        "user": login.user,
        "pass": password,
        "rememberMe": login.remember_me,
    }
    if login.name is not None:
        body["name"] = login.name
    return Operation(
        "POST",
        "/session",
        Token.read,
        body=body,
        address=login.address,
        needs_token=replaces_session,
        replaces_session=replaces_session,
    )


def login_again(
    last: Login | None,
    *,
    user: str | None,
    remember_me: bool | None,
    name: str | None,
    address: str | None,
) -> Login:
    """Return the last login, but for what is given.

    Raises:
        ValueError: neither says the user.
    """
    if last is None and user is None:
        raise ValueError("the user of the password is not known: name it")
    given = {"user": user, "remember_me": remember_me, "name": name, "address": address}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(last or Login(""), **changes)


def current_session() -> Operation[Session]:
    """Return the session in use."""
    return Operation("GET", "/session", Session.read)


def verify(token: str) -> Operation[Session]:
    """Return the session of a token that somebody else shows, who waits for the answer."""
    if not token or not token.isprintable() or len(token.encode()) > _LONGEST_TOKEN_BYTES:
        raise InvalidSession("Invalid Session")  # the service's own words
    return Operation("GET", "/session", Session.read, token=token, may_be_repeated=False)


def session(session_id: int) -> Operation[Session]:
    """Return one session."""
    return Operation("GET", _path_of(session_id), Session.read)


def sessions(*, limit: int | None, offset: int | None) -> Operation[Page]:
    """Return a page of sessions."""
    given = {"limit": limit, "offset": offset}
    query = {name: value for name, value in given.items() if value is not None}
    return Operation("GET", "/sessions", _page, query=query)


def end_session(session_id: int) -> Operation[None]:
    """End one session."""
    return Operation("DELETE", _path_of(session_id), _done)


def end_sessions(session_ids: Iterable[int]) -> Operation[int]:
    """End several sessions."""
    return Operation("DELETE", "/sessions", _count, body={"sessions": list(session_ids)})


def end_all_sessions(*, except_this: bool) -> Operation[int]:
    """End all sessions, or all but the one in use."""
    query = {"allButSelf": "true"} if except_this else {}
    return Operation("DELETE", "/sessions/all", _count, query=query)


class Walk:
    """A position on the way through all sessions.

    Pages overlap by one session. If it is not there, earlier sessions have ended meanwhile and
    later ones have moved up: then the walk goes one page back.
    """

    def __init__(self, page_size: int) -> None:
        self.is_done = False
        self._limit = max(2, page_size)
        self._offset = 0
        self._last: int | None = None

    def next_page(self) -> Operation[Page]:
        """Return the operation that gets the next page."""
        return sessions(limit=self._limit, offset=self._offset)

    def take(self, page: Page) -> list[Session]:
        """Take the page that it gave, and return the sessions that were not in an earlier one."""
        last = self._last
        is_joined = last is None or bool(page.items and page.items[0].iat >= last)
        if self._offset and not is_joined:
            self._offset = max(0, self._offset - self._limit)
            return []
        unseen = [session for session in page.items if last is None or session.iat < last]
        if unseen:
            self._last = unseen[-1].iat
        # A page is two sessions at least, or the last one: to go on would ask without end.
        self.is_done = len(page.items) < 2 or self._offset + len(page.items) >= page.count
        self._offset += len(page.items) - 1
        return unseen


def _path_of(session_id: int) -> str:
    # Only a number leads to one session: `..` would lead to a path that answers 200 to everything.
    # Whoever mistakes a token for an ID does not see it in the error.
    with suppress(ValueError):
        return f"/session/{int(session_id)}"
    raise ValueError("invalid literal for the ID of a session, which is a whole number")


def _page(body: Any) -> Page:
    return Page(member(body, "count", int), tuple(map(Session.read, member(body, "items", list))))


def _count(body: Any) -> int:
    return member(body, "count", int)


def _done(body: Any) -> None:
    """Read a success that holds nothing but words."""
    if not isinstance(body, dict):
        raise TypeError("no object")
