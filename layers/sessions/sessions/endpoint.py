"""What every handler of a route wears: errors made into answers, log line and metric.

A handler reads as its operation's definition; what all of them need stands here, once. Each call
writes one log line and counts one outcome.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from sessions import clock, settings, tokens
from sessions.errors import ApiError, Internal, InvalidSession
from sessions.request import Request, read_request
from sessions.responses import Answer, to_proxy
from sessions.signing_keys import signing_keys
from sessions.telemetry import count, logger

ISSUER = settings.text("TOKEN_ISSUER")
_ALLOWED_ORIGINS = settings.listed("ALLOWED_ORIGINS")
_PAGE_SECRET = settings.text("PAGE_SECRET")

Event = dict[str, Any]
LambdaHandler = Callable[[Event, Any], dict[str, Any]]


class Grant(NamedTuple):
    """The caller of an allowed call, and the usage-plan key that pays for it."""

    principal: str
    usage_plan_key: str


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
            request = read_request(event, clock.epoch_seconds(), _PAGE_SECRET)
            try:
                answer = handle(request)
            except ApiError as error:
                return _refuse(request, error, operation, refused)
            except Exception as error:  # noqa: BLE001 - the last line: every caller gets an answer
                internal = Internal()
                internal.__cause__ = error
                return _refuse(request, internal, operation, refused)
            _log_call(logger.info, outcome, operation, request, status=answer.status)
            count(operation, outcome)
            return _answer(request, answer, {})

        return handler

    return decorate


def authorizer(grant: Callable[[Request], Grant]) -> LambdaHandler:
    """Make a REQUEST authorizer of a function that says which usage-plan key pays for a call.

    A refusal is a policy that denies, which the gateway answers with 401 by its response
    ACCESS_DENIED and caches; an exception would be logged and counted by Lambda as a failure of
    ours, and any caller could cause it (docs/decisions/0002).
    """

    @functools.wraps(grant)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        request = read_request(event, clock.epoch_seconds(), _PAGE_SECRET)
        # A cached policy serves every route of the stage, so it must speak of them all.
        resource = "/".join([*request.method_arn.split("/")[:2], "*"])
        try:
            granted = grant(request)
        except InvalidSession:
            _log_call(logger.info, "CallRefused", "authorize", request)
            count("authorize", "CallRefused")
            return _policy("nobody", "Deny", resource)
        count("authorize", "CallAuthorized")
        return {
            **_policy(granted.principal, "Allow", resource),
            "usageIdentifierKey": granted.usage_plan_key,
        }

    return handler


def verify_token(request: Request) -> tokens.Claims:
    """Return the claims of the request's token, if we signed it and it is not expired.

    Raises:
        InvalidSession: there is no such token.
        Unavailable: there are no keys to check it with.
    """
    return tokens.verify(
        request.token(), ISSUER, lambda kid: signing_keys.key(kid, request.now), request.now
    )


def _refuse(request: Request, error: ApiError, operation: str, refused: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"status": error.status, "code": error.code}
    if error.is_client_error:
        _log_call(logger.info, refused, operation, request, **fields)
        count(operation, refused)
    else:
        _log_call(logger.error, "RequestFailed", operation, request, **fields, exc_info=error)
        count(operation, "RequestFailed")
    return _answer(request, Answer(error.status, error.body()), error.headers)


def _answer(request: Request, answer: Answer, headers: dict[str, str]) -> dict[str, Any]:
    return to_proxy(
        answer,
        headers,
        request_id=request.request_id,
        origin=request.headers.get("origin"),
        allowed_origins=_ALLOWED_ORIGINS,
    )


def _log_call(
    write: Callable[..., None], outcome: str, operation: str, request: Request, **fields: Any
) -> None:
    write(
        outcome,
        operation=operation,
        correlation_id=request.request_id,
        address=request.source_ip,
        **request.log,
        **fields,
    )


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
    }
