"""The two clients: alike, except that one blocks and the other is awaited."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Self, TypeVar

import httpx

from sessions_client import operations
from sessions_client.errors import NetworkError, SessionsError, without_frames
from sessions_client.model import Page, Session, Token
from sessions_client.operations import Login, Operation, Walk, seconds_to_wait

# API Gateway answers within 29 seconds ("Amazon API Gateway quotas", integration timeout).
_TIMEOUT_SECONDS = 30.0
_NO_ANSWER = "No answer from the session service"

_Result = TypeVar("_Result")


class _Hidden(str):
    """A token or a secret, which nobody shows who shows what an object holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


def _hidden(text: str | None) -> _Hidden | None:
    # Whoever keeps it in a file reads a line end with it.
    return None if text is None else _Hidden(text.strip())


class _Caller:
    """The common part of the two clients.

    A token is in no variable of a function that can fail: some tracebacks show variables.
    """

    _token: _Hidden | None
    _back_end_secret: _Hidden | None
    _last_login: Login | None = None

    def __init__(self, base_url: str, retries: int) -> None:
        self._base_url = _checked(base_url).rstrip("/")
        self._retries = retries

    @property
    def token(self) -> str | None:
        """The token of the session in use, as secret as a password, or None."""
        return None if self._token is None else str(self._token)

    @token.setter
    def token(self, token: str | None) -> None:
        self._token = _hidden(token)

    def _request(
        self, http: httpx.Client | httpx.AsyncClient, operation: Operation[_Result]
    ) -> httpx.Request:
        headers = {b"Accept": b"application/json"}
        content = None
        if operation.body is not None:  # in ASCII: httpx's own JSON fails on half a surrogate pair
            headers[b"Content-Type"] = b"application/json"
            content = json.dumps(operation.body).encode()
        request = http.build_request(
            operation.method,
            self._base_url + operation.path,
            params=operation.query,
            content=content,
            headers=headers,
        )
        if operation.needs_token:
            token = self._token if operation.token is None else operation.token
            _put(request, "Authorization", "token", token)
        if operation.replaces_session:
            request.headers["X-Replace-Session"] = "true"
        if self._back_end_secret is not None:
            _put(request, "X-Back-End-Secret", "secret", self._back_end_secret)
            _put(request, "X-Viewer-Address", "address", operation.address)
        return request


def _put(request: httpx.Request, header: str, noun: str, value: str | None) -> None:
    if value is None:
        return
    if not value.isprintable():  # h11's own error would show it
        raise SessionsError(f"The {noun} is none: no header can hold it")
    request.headers[header] = value


def _checked(base_url: str) -> str:
    """Return the URL, unless it is none, or httpx would send a password of it as the token."""
    try:
        has_password = bool(httpx.URL(base_url).userinfo)
    except httpx.InvalidURL:
        raise SessionsError("The base URL is no URL") from None  # the cause may show a password
    if has_password:
        raise SessionsError("The base URL must hold no user name and no password")
    return base_url


class SessionsClient(_Caller):
    """A client of the service for one user, which blocks while it waits.

    A request that is answered 429 or 503 is repeated after the time that the answer names, unless
    that is longer than 30 seconds. A request without an answer is not repeated: it may have been
    carried out; nor is `verify`, for which somebody waits. Every method raises `SessionsError`s.

    Args:
        base_url: the service's, such as `https://accounts.example.com/api`.
        token: the token of an earlier login.
        back_end_secret: the secret by which the service trusts this back end.
        http_client: the client that makes requests; the caller closes it.
        retries: how often a request is repeated.
        sleep: the function that waits before a request is repeated; it takes seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        back_end_secret: str | None = None,
        http_client: httpx.Client | None = None,
        retries: int = 3,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.token = token
        self._back_end_secret = _hidden(back_end_secret)
        del token, back_end_secret
        super().__init__(base_url, retries)
        self._http = http_client or httpx.Client(timeout=_TIMEOUT_SECONDS)
        self._is_ours = http_client is None
        self._sleep = sleep

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections; the session goes on."""
        if self._is_ours:
            self._http.close()

    def log_in(
        self,
        user: str,
        password: str,
        *,
        remember_me: bool = False,
        name: str | None = None,
        address: str | None = None,
    ) -> Token:
        """Log in, and use the new session from now on.

        Args:
            user: the username or the e-mail address.
            password: the password.
            remember_me: whether the session lasts ten years.
            name: the session's name, of 1 to 64 printable characters.
            address: the IP address of the person, from a back end; sent with its secret alone.
        """
        login = Login(user, remember_me, name, address)
        operation = operations.log_in(login, password)
        del password
        return self._begin(login, operation)

    def reauthenticate(
        self,
        password: str,
        *,
        user: str | None = None,
        remember_me: bool | None = None,
        name: str | None = None,
        address: str | None = None,
    ) -> Token:
        """Log in afresh, as before a sensitive act: the new session takes the place of this one.

        It is asked for as at the last `log_in` of this client, but for what is given; a client that
        was made with a token must be told the user. A wrong password leaves all as it was.
        """
        password = _Hidden(password)
        login = operations.login_again(
            self._last_login, user=user, remember_me=remember_me, name=name, address=address
        )
        operation = operations.log_in(login, password, replaces_session=True)
        del password
        return self._begin(login, operation)

    def _begin(self, login: Login, operation: Operation[Token]) -> Token:
        token = self._perform(operation)
        self.token = token.token
        self._last_login = login
        return token

    def verify(self, token: str | None) -> Session:
        """Return the session of a token that a caller of yours shows; this is asked only once.

        The client's own token stays as it is.
        """
        token = _Hidden((token or "").strip())
        return self._perform(operations.verify(token))

    def current_session(self) -> Session:
        """Return the session in use."""
        return self._perform(operations.current_session())

    def session(self, session_id: int) -> Session:
        """Return the session of this ID, which is its `iat`."""
        return self._perform(operations.session(session_id))

    def sessions(self, *, limit: int | None = None, offset: int | None = None) -> Page:
        """Return `limit` live sessions, 50 at most, after the `offset` newest ones."""
        return self._perform(operations.sessions(limit=limit, offset=offset))

    def all_sessions(self, page_size: int = 50) -> Iterator[Session]:
        """Go through every live session, newest first; each may be ended as it comes."""
        walk = Walk(page_size)
        while not walk.is_done:
            yield from walk.take(self._perform(walk.next_page()))

    def end_session(self, session_id: int) -> None:
        """End the session of this ID; to end the one in use is to log out."""
        self._perform(operations.end_session(session_id))

    def end_sessions(self, session_ids: Iterable[int]) -> int:
        """End several sessions, and return their number; IDs of no live session are ignored."""
        return self._perform(operations.end_sessions(session_ids))

    def end_all_sessions(self, *, except_this: bool = False) -> int:
        """End all sessions, or all but the one in use, and return their number."""
        return self._perform(operations.end_all_sessions(except_this=except_this))

    def _perform(self, operation: Operation[_Result]) -> _Result:
        retries = self._retries if operation.may_be_repeated else 0
        while True:
            request = self._request(self._http, operation)
            try:
                response = self._http.send(request, follow_redirects=False)
            except httpx.RequestError as error:
                reason = without_frames(error)
                break
            seconds = seconds_to_wait(response, retries)
            if seconds is None:
                return operation.result(response)
            self._sleep(seconds)
            retries -= 1
        raise NetworkError(_NO_ANSWER) from reason


class AsyncSessionsClient(_Caller):
    """A client like `SessionsClient`, with methods to await.

    Args:
        base_url: the service's, such as `https://accounts.example.com/api`.
        token: the token of an earlier login.
        back_end_secret: the secret by which the service trusts this back end.
        http_client: the client that makes requests; the caller closes it.
        retries: how often a request is repeated.
        sleep: the function that waits before a request is repeated; it takes seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        back_end_secret: str | None = None,
        http_client: httpx.AsyncClient | None = None,
        retries: int = 3,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.token = token
        self._back_end_secret = _hidden(back_end_secret)
        del token, back_end_secret
        super().__init__(base_url, retries)
        self._http = http_client or httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)
        self._is_ours = http_client is None
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the session goes on."""
        if self._is_ours:
            await self._http.aclose()

    async def log_in(
        self,
        user: str,
        password: str,
        *,
        remember_me: bool = False,
        name: str | None = None,
        address: str | None = None,
    ) -> Token:
        """Log in, and use the new session from now on.

        Args:
            user: the username or the e-mail address.
            password: the password.
            remember_me: whether the session lasts ten years.
            name: the session's name, of 1 to 64 printable characters.
            address: the IP address of the person, from a back end; sent with its secret alone.
        """
        login = Login(user, remember_me, name, address)
        operation = operations.log_in(login, password)
        del password
        return await self._begin(login, operation)

    async def reauthenticate(
        self,
        password: str,
        *,
        user: str | None = None,
        remember_me: bool | None = None,
        name: str | None = None,
        address: str | None = None,
    ) -> Token:
        """Log in afresh, as before a sensitive act: the new session takes the place of this one.

        It is asked for as at the last `log_in` of this client, but for what is given; a client that
        was made with a token must be told the user. A wrong password leaves all as it was.
        """
        password = _Hidden(password)
        login = operations.login_again(
            self._last_login, user=user, remember_me=remember_me, name=name, address=address
        )
        operation = operations.log_in(login, password, replaces_session=True)
        del password
        return await self._begin(login, operation)

    async def _begin(self, login: Login, operation: Operation[Token]) -> Token:
        token = await self._perform(operation)
        self.token = token.token
        self._last_login = login
        return token

    async def verify(self, token: str | None) -> Session:
        """Return the session of a token that a caller of yours shows; this is asked only once.

        The client's own token stays as it is.
        """
        token = _Hidden((token or "").strip())
        return await self._perform(operations.verify(token))

    async def current_session(self) -> Session:
        """Return the session in use."""
        return await self._perform(operations.current_session())

    async def session(self, session_id: int) -> Session:
        """Return the session of this ID, which is its `iat`."""
        return await self._perform(operations.session(session_id))

    async def sessions(self, *, limit: int | None = None, offset: int | None = None) -> Page:
        """Return `limit` live sessions, 50 at most, after the `offset` newest ones."""
        return await self._perform(operations.sessions(limit=limit, offset=offset))

    async def all_sessions(self, page_size: int = 50) -> AsyncIterator[Session]:
        """Go through every live session, newest first; each may be ended as it comes."""
        walk = Walk(page_size)
        while not walk.is_done:
            for session in walk.take(await self._perform(walk.next_page())):
                yield session

    async def end_session(self, session_id: int) -> None:
        """End the session of this ID; to end the one in use is to log out."""
        await self._perform(operations.end_session(session_id))

    async def end_sessions(self, session_ids: Iterable[int]) -> int:
        """End several sessions, and return their number; IDs of no live session are ignored."""
        return await self._perform(operations.end_sessions(session_ids))

    async def end_all_sessions(self, *, except_this: bool = False) -> int:
        """End all sessions, or all but the one in use, and return their number."""
        return await self._perform(operations.end_all_sessions(except_this=except_this))

    async def _perform(self, operation: Operation[_Result]) -> _Result:
        retries = self._retries if operation.may_be_repeated else 0
        while True:
            request = self._request(self._http, operation)
            try:
                response = await self._http.send(request, follow_redirects=False)
            except httpx.RequestError as error:
                reason = without_frames(error)
                break
            seconds = seconds_to_wait(response, retries)
            if seconds is None:
                return operation.result(response)
            await self._sleep(seconds)
            retries -= 1
        raise NetworkError(_NO_ANSWER) from reason
