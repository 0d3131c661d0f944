"""What every handler wears: authentication, errors made into answers, log line and metric.

A handler reads as its operation's definition; what all of them need stands here, once. One
log line and one outcome metric per call, never a token, a password or a hash in either.
"""

import functools
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from sessions import clients, settings, tokens
from sessions.errors import (
    AccountError,
    Banned,
    Internal,
    InvalidSession,
    Refusal,
    Unavailable,
)
from sessions.model import Session, User, is_live, session_id
from sessions.request import Request, read_request
from sessions.responses import Answer, to_proxy

ISSUER = settings.text("TOKEN_ISSUER")
_ALLOWED_ORIGINS = settings.listed("ALLOWED_ORIGINS")
_SIGNING_KEYS_SECRET = settings.text("SIGNING_KEYS_SECRET")

_Event = dict[str, Any]
_LambdaHandler = Callable[[_Event, Any], dict[str, Any]]

logger = Logger()


class Access(NamedTuple):
    """What an authenticated request may act on.

    `named` is the live session that the path's `id` names, None if there is none.
    """

    user: User
    session: Session
    named: Session | None


class Grant(NamedTuple):
    """Who calls, and the usage-plan key that pays for the call."""

    principal: str
    usage_plan_key: str


def epoch_seconds() -> int:
    """Return the time, in epoch seconds: the one place where the layer reads the clock."""
    return int(time.time())


# ------------------------------------------------------------- decorators


def endpoint(
    outcome: str, *, refused: str = "RequestRefused"
) -> Callable[[Callable[[Request], Answer]], _LambdaHandler]:
    """Make a handler of a route that needs no token.

    Args:
        outcome: the metric and the log line of a request that was done.
        refused: those of a request that was refused.
    """

    def decorate(handle: Callable[[Request], Answer]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            return _answer(event, handle, outcome, refused)

        return handler

    return decorate


def authenticated(
    outcome: str,
) -> Callable[[Callable[[Request, Access], Answer]], _LambdaHandler]:
    """Make a handler of a route that needs the token of a live session.

    Args:
        outcome: the metric and the log line of a request that was done.
    """
    # Here, so that who never reads a session does not pay for DynamoDB's client at init.
    from sessions import store  # noqa: PLC0415

    def authenticate(request: Request) -> Access:
        claims = verify_token(request)
        named = session_id(request.path_parameters.get("id"))
        wanted = {claims.iat} if named is None else {claims.iat, named}
        user, sessions = store.read_user_and_sessions(claims.sub, wanted)
        session = sessions.get(claims.iat)
        if user is None or session is None:
            raise InvalidSession
        if not hmac.compare_digest(session.jti_sha256, jti_sha256(claims.jti)):
            raise InvalidSession
        if not is_live(session, user, request.now):
            raise InvalidSession
        if user.banned_at is not None:
            raise Banned
        other = sessions.get(named) if named is not None else None
        if other is not None and not is_live(other, user, request.now):
            other = None
        return Access(user, session, other)

    def decorate(handle: Callable[[Request, Access], Answer]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            return _answer(
                event,
                lambda request: handle(request, authenticate(request)),
                outcome,
                "RequestRefused",
            )

        return handler

    return decorate


def account_operation(
    outcome: str,
) -> Callable[[Callable[[_Event, int], dict[str, object]]], _LambdaHandler]:
    """Make a handler of an operation that operators invoke, with IAM rights and no route.

    The handler gets the event and the time, in epoch seconds. What it raises fails the
    invocation, so that `aws lambda invoke` shows a FunctionError with its words.

    Args:
        outcome: the metric and the log line of an operation that was done.
    """

    def decorate(handle: Callable[[_Event, int], dict[str, object]]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            try:
                result = handle(event, epoch_seconds())
            except AccountError as error:
                logger.info("OperationRefused", operation=outcome, reason=str(error))
                _count("OperationRefused")
                raise
            except Exception:
                logger.exception("OperationFailed", operation=outcome)
                _count("OperationFailed")
                raise
            logger.info(outcome, user=result.get("id"))
            _count(outcome)
            return result

        return handler

    return decorate


def authorizer(grant: Callable[[Request], Grant]) -> _LambdaHandler:
    """Make a REQUEST authorizer of a function that says who pays for a call.

    A refusal is a policy that denies, which the gateway answers with 401 by its response
    ACCESS_DENIED and caches; an exception would be logged and counted by Lambda as a
    failure of ours, and anybody could cause it (docs/decisions/0002).
    """

    @functools.wraps(grant)
    def handler(event: _Event, context: Any) -> dict[str, Any]:
        request = read_request(event, epoch_seconds())
        # A cached policy serves every route of the stage, so it must speak of them all.
        resource = "/".join([*request.method_arn.split("/")[:2], "*"])
        try:
            granted = grant(request)
        except InvalidSession:
            logger.info("CallRefused", correlation_id=request.request_id)
            _count("CallRefused")
            return _policy("nobody", "Deny", resource)
        _count("CallAuthorized")
        return {
            **_policy(granted.principal, "Allow", resource),
            "usageIdentifierKey": granted.usage_plan_key,
        }

    return handler


# -------------------------------------------------------------- key ring


def verify_token(request: Request) -> tokens.Claims:
    """Return what the request's token says, if we signed it and it is not over.

    Raises:
        InvalidSession: there is no such token.
        Unavailable: there are no keys to check it with.
    """
    return tokens.verify(
        request.token(), ISSUER, lambda kid: signing_keys.key(kid, request.now), request.now
    )


def jti_sha256(jti: str) -> bytes:
    """Return what is stored of a token's `jti`: with it alone, nobody can make a token."""
    return hashlib.sha256(jti.encode()).digest()


def _read_ring() -> tokens.Ring:
    try:
        secret = _secrets_client().get_secret_value(SecretId=_SIGNING_KEYS_SECRET)
        return tokens.parse_ring(secret["SecretString"])
    except (BotoCoreError, ClientError, KeyError, tokens.MalformedRing) as error:
        logger.exception("SigningKeysUnreadable", secret=_SIGNING_KEYS_SECRET)
        raise Unavailable from error


@functools.cache
def _secrets_client() -> Any:
    return clients.client("secretsmanager")


signing_keys = tokens.KeyRing(_read_ring)


# --------------------------------------------------------------- answers


def _answer(
    event: _Event, handle: Callable[[Request], Answer], outcome: str, refused: str
) -> dict[str, Any]:
    request = read_request(event, epoch_seconds())
    refusal: Refusal | None = None
    try:
        answer = handle(request)
    except Refusal as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - the last line: whatever it is, the client gets an answer
        refusal = Internal()
        refusal.__cause__ = error
    fields: dict[str, Any] = {"correlation_id": request.request_id}
    if refusal is None:
        logger.info(outcome, status=answer.status, **fields)
    elif refusal.status < 500:
        outcome, answer = refused, Answer(refusal.status, refusal.body())
        logger.info(outcome, status=refusal.status, code=refusal.code, **fields)
    else:
        outcome, answer = "RequestFailed", Answer(refusal.status, refusal.body())
        logger.error(outcome, status=refusal.status, exc_info=refusal, **fields)
    _count(outcome)
    return to_proxy(
        answer,
        refusal.headers if refusal else {},
        request_id=request.request_id,
        origin=request.headers.get("origin"),
        allowed_origins=_ALLOWED_ORIGINS,
    )


def _count(outcome: str) -> None:
    with single_metric(name=outcome, unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="service", value=logger.service)


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
    }
