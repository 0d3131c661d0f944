"""The decorator of routes: errors made into answers, one log line and one metric for each call.

A handler reads as its operation's definition; the rest, which all of them need, stands here once.
"""

import functools
from collections.abc import Callable
from typing import Any

from sessions import clock, settings, tokens
from sessions.errors import ApiError, Internal, InvalidSession, OriginNotAllowed
from sessions.proof import Claims
from sessions.request import Request, read_request
from sessions.responses import NO_COOKIE, Answer, to_proxy
from sessions.signing_keys import signing_keys
from sessions.telemetry import count, logger

ISSUER = settings.text("TOKEN_ISSUER")
_ALLOWED_ORIGINS = settings.listed("ALLOWED_ORIGINS")
PAGE_SECRET = settings.text("PAGE_SECRET")
BACK_END_SECRET_HASHES = settings.listed("BACK_END_SECRET_HASHES")

Event = dict[str, Any]
LambdaHandler = Callable[[Event, Any], dict[str, Any]]


def endpoint(
    operation: str, outcome: str, *, refused: str = "RequestRefused"
) -> Callable[[Callable[[Request], Answer]], LambdaHandler]:
    """Make a handler of a route.

    Args:
        operation: the operation's name, which is its folder's.
        outcome: the metric and the log line of a request that was done.
        refused: those of a request that was refused.
    """

    def decorate(handle: Callable[[Request], Answer]) -> LambdaHandler:
        @functools.wraps(handle)
        def handler(event: Event, context: Any) -> dict[str, Any]:
            now = clock.epoch_seconds()
            request = read_request(event, now, PAGE_SECRET, BACK_END_SECRET_HASHES)
            try:
                answer = handle(request)
            except ApiError as error:
                return _refuse(request, error, operation, refused)
            except Exception as error:  # noqa: BLE001 - the last line: every caller gets an answer
                internal = Internal()
                internal.__cause__ = error
                return _refuse(request, internal, operation, refused)
            log_call(logger.info, outcome, operation, request, status=answer.status)
            count(operation, outcome)
            return _answer(request, answer)

        return handler

    return decorate


def refuse_foreign_page(request: Request) -> None:
    """Refuse what a page sends whose origin is neither an allowed one nor the service's own.

    A browser posts the form of any page without asking first (Fetch Standard, "CORS protocol"), so
    a page could spend its visitor's attempts to log in. Behind CloudFront the service does not know
    its own origin, but the browser does: no page can set a header that begins with `Sec-` (Fetch
    Standard, "forbidden request-header").

    Raises:
        OriginNotAllowed: such a page sends the request.
    """
    origin = request.headers.get("origin")
    is_own = request.headers.get("sec-fetch-site") == "same-origin"
    if origin is not None and origin not in _ALLOWED_ORIGINS and not is_own:
        raise OriginNotAllowed


def verify_token(request: Request) -> Claims:
    """Return the claims of the request's token, if we signed it and it is not expired.

    Raises:
        InvalidSession: there is no such token; the reason is told of one that is expired.
        Unavailable: there are no keys to check it with.
    """
    return tokens.verify(
        request.token(), ISSUER, lambda kid: signing_keys.key(kid, request.now), request.now
    )


def _refuse(request: Request, error: ApiError, operation: str, refused: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"status": error.status, "code": error.code}
    if isinstance(error, InvalidSession) and error.reason:
        fields["reason"] = error.reason
    if error.is_client_error:
        log_call(logger.info, refused, operation, request, **fields)
        count(operation, refused)
    else:
        log_call(logger.error, "RequestFailed", operation, request, **fields, exc_info=error)
        count(operation, "RequestFailed")
    is_over = error.status == 401 and isinstance(error, InvalidSession)
    return _answer(request, Answer(error.status, error.body(), error.headers, is_over))


def _answer(request: Request, answer: Answer) -> dict[str, Any]:
    is_cleared = answer.ends_own and request.is_by_cookie
    headers = {**answer.headers, **NO_COOKIE} if is_cleared else answer.headers
    return to_proxy(
        answer,
        headers,
        request_id=request.request_id,
        origin=request.headers.get("origin"),
        allowed_origins=_ALLOWED_ORIGINS,
    )


def log_call(
    write: Callable[..., None], outcome: str, operation: str, request: Request, **fields: Any
) -> None:
    """Write a call's log line, at the level of `write`."""
    write(
        outcome,
        operation=operation,
        correlation_id=request.request_id,
        address=request.source_ip,
        **request.log,
        **fields,
    )
