"""The authorizer of other APIs: what their gateways ask it, and what each makes of the answer.

Only the function `verify_session` imports this.

    |                 | REST API            | HTTP API | AppSync         |
    | allowed         | the call goes on, with the context of `_context` |
    | InvalidSession  | 401                 | 403      | 401             |
    | Banned          | 403                 | 403      | 401             |
    | a fault of ours | 500, or its own 503 | 500      | an error        |

Sources: API Gateway Developer Guide, "Use API Gateway Lambda authorizers" and "Control access to
HTTP APIs with AWS Lambda authorizers"; AppSync Developer Guide, "AWS_LAMBDA authorization".
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from sessions import clock
from sessions.errors import ApiError, Banned, Internal
from sessions.request import Request, read_request, token_in
from sessions.responses import to_policy
from sessions.telemetry import count, logger
from sessions.verifier import VerifiedSession

# Who asks: an HTTP API says the version of its payload, which a REST API does not.
_REST, _HTTP_1, _HTTP_2, _APPSYNC = "REST", "HTTP 1.0", "HTTP 2.0", "AppSync"

# What the Verifier logs is a line like any other here, and not one of Lambda's own beside it.
_log = logging.getLogger("sessions.verifier")
_log.addHandler(logger.registered_handler)
_log.propagate = False

Event = dict[str, Any]
Verify = Callable[[str, str | None], VerifiedSession]


class Unauthorized(Exception):
    """A REST API answers 401 to an authorizer that fails with this word, and to no other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def session_authorizer(
    operation: str, outcome: str
) -> Callable[[Verify], Callable[[Event, Any], dict[str, Any]]]:
    """Make a Lambda authorizer of a function that returns the session which a token proves.

    It is given the token, and the address that calls the API: None where the gateway says none.

    Args:
        operation: the operation's name, which is its folder's.
        outcome: the metric of a call that is allowed, which has no line: the API behind logs it.
    """

    def decorate(verify: Verify) -> Callable[[Event, Any], dict[str, Any]]:
        @functools.wraps(verify)
        def handler(event: Event, context: Any) -> dict[str, Any]:
            event = event if isinstance(event, dict) else {}
            request = read_request(event, clock.epoch_seconds())
            gateway = _gateway(event, request)
            try:
                token = token_in(_authorizations(gateway, event, request))
                session = verify(token, _address(gateway, event, request))
            except ApiError as error:
                return _refuse(gateway, request, error, operation)
            except Exception as error:  # noqa: BLE001 - the last line: each fault is one of ours
                internal = Internal()
                internal.__cause__ = error
                return _refuse(gateway, request, internal, operation)
            count(operation, outcome)
            return _answer(gateway, request, session.user, _context(session), is_allowed=True)

        return handler

    return decorate


def _gateway(event: Event, request: Request) -> str:
    """Return who asks; an event that no gateway sends is like one of AppSync without a token."""
    if event.get("version") == "2.0":
        return _HTTP_2
    if not request.method_arn:
        return _APPSYNC
    return _HTTP_1 if "version" in event else _REST


def _authorizations(gateway: str, event: Event, request: Request) -> list[str]:
    """Return the values of the header `Authorization`. A cookie counts for nothing here."""
    if gateway != _APPSYNC and event.get("type") != "TOKEN":
        return request.authorizations
    return [str(event.get("authorizationToken"))]


def _address(gateway: str, event: Event, request: Request) -> str | None:
    """Return the address that calls the API: the gateway's own word, and no header."""
    if gateway != _HTTP_2:
        return request.source_ip or None
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    return str(http.get("sourceIp") or "") or None if isinstance(http, dict) else None


def _context(session: VerifiedSession) -> dict[str, str]:
    """Return what the API behind learns, as texts, since a REST API makes them of all values."""
    return {
        "user": session.user,
        "session": str(session.id),
        "expires": str(session.expires),
        "name": session.name,
        "method": session.method,
        **({} if session.by is None else {"by": session.by}),
        **({} if session.idle_expires is None else {"idle_expires": str(session.idle_expires)}),
    }


def _answer(
    gateway: str, request: Request, principal: str, context: dict[str, str], *, is_allowed: bool
) -> dict[str, Any]:
    if gateway == _HTTP_2:
        return {"isAuthorized": is_allowed, "context": context}
    if gateway == _APPSYNC:
        # 0: AppSync keeps the answer for no other call, whatever the API's own setting is.
        return {"isAuthorized": is_allowed, "resolverContext": context, "ttlOverride": 0}
    effect = "Allow" if is_allowed else "Deny"
    return {**to_policy(principal, effect, request.method_arn), "context": context}


def _refuse(gateway: str, request: Request, error: ApiError, operation: str) -> dict[str, Any]:
    """Answer that the call is not allowed, and log why.

    Raises:
        Unauthorized: a REST API answers it with 401.
        ApiError: a fault of ours, which the gateway answers with an error of its own.
    """
    fields: dict[str, Any] = {
        "operation": operation,
        "correlation_id": request.request_id,
        "status": error.status,
        "code": error.code,
    }
    if not error.is_client_error:
        logger.error("RequestFailed", **fields, exc_info=error)
        count(operation, "RequestFailed")
        raise error
    reason = getattr(error, "reason", None)
    logger.info("RequestRefused", **fields, reason=reason)
    count(operation, "RequestRefused")
    if gateway == _REST and not isinstance(error, Banned):
        raise Unauthorized
    context = {"code": error.code, **({"reason": reason} if reason else {})}
    return _answer(gateway, request, "nobody", context, is_allowed=False)
