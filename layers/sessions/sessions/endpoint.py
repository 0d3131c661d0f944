"""What every handler wears: authentication, errors made into answers, log line and metric.

A handler reads as its operation's definition; what all of them need stands here, once. One
log line and one outcome metric per call, never a token, a password or a hash in either.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
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
from sessions.model import Session, User, is_banned, is_live, session_id
from sessions.request import Request, read_request
from sessions.responses import Answer, to_proxy

ISSUER = settings.text("TOKEN_ISSUER")
_ALLOWED_ORIGINS = settings.listed("ALLOWED_ORIGINS")
_SIGNING_KEYS_SECRET = settings.text("SIGNING_KEYS_SECRET")
_PAGE_SECRET = settings.text("PAGE_SECRET")

_LONGEST_LOGGED = 320  # as long as a name may be
_MOST_LOGGED = 100  # events in one line: CloudWatch takes 256 KB

_Event = dict[str, Any]
_LambdaHandler = Callable[[_Event, Any], dict[str, Any]]

# In ASCII: control characters that JSON lets through would reach a terminal, and a line with half a
# surrogate pair, which no output takes, would be lost; both come from callers.
logger = Logger(json_serializer=functools.partial(json.dumps, default=str, separators=(",", ":")))


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
    operation: str, outcome: str, *, refused: str = "RequestRefused"
) -> Callable[[Callable[[Request], Answer]], _LambdaHandler]:
    """Make a handler of a route that needs no token.

    Args:
        operation: what it is called, as its folder is.
        outcome: the metric and the log line of a request that was done.
        refused: those of a request that was refused.
    """

    def decorate(handle: Callable[[Request], Answer]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            return _answer(event, handle, operation, outcome, refused)

        return handler

    return decorate


def authenticated(
    operation: str, outcome: str
) -> Callable[[Callable[[Request, Access], Answer]], _LambdaHandler]:
    """Make a handler of a route that needs the token of a live session.

    Args:
        operation: what it is called, as its folder is.
        outcome: the metric and the log line of a request that was done.
    """
    # Here, so that who never reads a session does not pay for DynamoDB's client at init.
    from sessions import store  # noqa: PLC0415

    def authenticate(request: Request) -> Access:
        claims = verify_token(request)
        request.log["user"] = claims.sub
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
        if is_banned(user, request.now):
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
                operation,
                outcome,
                "RequestRefused",
            )

        return handler

    return decorate


def account_operation(
    operation: str, outcome: str
) -> Callable[[Callable[[_Event, int], dict[str, object]]], _LambdaHandler]:
    """Make a handler of an operation that operators invoke, with IAM rights and no route.

    The handler gets the event and the time, in epoch seconds. What it raises fails the
    invocation, so that `aws lambda invoke` shows a FunctionError with its words. Each call
    writes one line for the audit: who did what to whom, and when.

    Args:
        operation: what it is called, as its folder is.
        outcome: the metric and the log line of an operation that was done.
    """

    def decorate(handle: Callable[[_Event, int], dict[str, object]]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            now = epoch_seconds()
            audit: dict[str, Any] = {
                "operation": operation,
                "actor": _actor(event, context),
                "user": _asked_for(event, "id") or _asked_for(event, "user"),
                "at": now,
                "correlation_id": getattr(context, "aws_request_id", ""),
            }
            try:
                result = handle(event, now)
            except AccountError as error:
                logger.info("OperationRefused", **audit, reason=str(error))
                _count(operation, "OperationRefused")
                raise
            except Exception:
                logger.exception("OperationFailed", **audit)
                _count(operation, "OperationFailed")
                raise
            logger.info(outcome, **{**audit, "user": result.get("id", audit["user"])})
            _count(operation, outcome)
            return result

        return handler

    return decorate


def stream_consumer(
    operation: str, outcome: str
) -> Callable[[Callable[[_Event], list[dict[str, object]]]], _LambdaHandler]:
    """Make a handler of the records of DynamoDB's streams; it gets one at a time, in order.

    A record that cannot be dealt with now is reported, and Lambda comes again with it and those
    behind it (Lambda Developer Guide, "Configuring partial batch response with DynamoDB"). One
    that nobody can read is logged and passed over: it would hold up the others for a day.

    Args:
        operation: what it is called, as its folder is.
        outcome: the metric and the log line of records that were all dealt with.
    """

    def decorate(handle: Callable[[_Event], list[dict[str, object]]]) -> _LambdaHandler:
        @functools.wraps(handle)
        def handler(event: _Event, context: Any) -> dict[str, Any]:
            known: dict[str, Any] = {
                "operation": operation,
                "correlation_id": getattr(context, "aws_request_id", ""),
            }
            told: list[dict[str, object]] = []
            failed: list[dict[str, str]] = []
            unreadable = 0
            for record in event["Records"]:
                try:
                    told += handle(record)
                except Unavailable:
                    logger.exception("RecordPostponed", **known, record=record.get("eventID"))
                    failed = [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]
                    break
                except (AttributeError, LookupError, TypeError, ValueError):
                    logger.exception(
                        "RecordUnreadable", **known, record=_asked_for(record, "eventID")
                    )
                    unreadable += 1
            result = "OperationFailed" if failed or unreadable else outcome
            logger.info(result, **known, events=len(told), told=told[:_MOST_LOGGED])
            _count(operation, result)
            return {"batchItemFailures": failed}

        return handler

    return decorate


def _actor(event: Any, context: Any) -> str | None:
    """Return who invokes: Lambda tells only of callers that Amazon Cognito knows."""
    identity = getattr(context, "identity", None)
    return getattr(identity, "cognito_identity_id", None) or _asked_for(event, "actor")


def _asked_for(event: Any, name: str) -> str | None:
    value = event.get(name) if isinstance(event, dict) else None
    return value[:_LONGEST_LOGGED] if isinstance(value, str) else None


@contextlib.contextmanager
def clean_up(request: Request, step: str) -> Iterator[None]:
    """Let a request succeed although a step behind what it promised fails; log that it did."""
    try:
        yield
    except Unavailable as error:
        logger.warning(
            "CleanUpFailed", step=step, correlation_id=request.request_id, exc_info=error
        )


def authorizer(grant: Callable[[Request], Grant]) -> _LambdaHandler:
    """Make a REQUEST authorizer of a function that says who pays for a call.

    A refusal is a policy that denies, which the gateway answers with 401 by its response
    ACCESS_DENIED and caches; an exception would be logged and counted by Lambda as a
    failure of ours, and anybody could cause it (docs/decisions/0002).
    """

    @functools.wraps(grant)
    def handler(event: _Event, context: Any) -> dict[str, Any]:
        request = read_request(event, epoch_seconds(), _PAGE_SECRET)
        # A cached policy serves every route of the stage, so it must speak of them all.
        resource = "/".join([*request.method_arn.split("/")[:2], "*"])
        try:
            granted = grant(request)
        except InvalidSession:
            _log_call(logger.info, "CallRefused", "authorize", request)
            _count("authorize", "CallRefused")
            return _policy("nobody", "Deny", resource)
        _count("authorize", "CallAuthorized")
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
        _count("read_signing_keys", "SigningKeysUnreadable")
        raise Unavailable from error


@functools.cache
def _secrets_client() -> Any:
    return clients.client("secretsmanager")


signing_keys = tokens.KeyRing(_read_ring)


# --------------------------------------------------------------- answers


def _answer(
    event: _Event,
    handle: Callable[[Request], Answer],
    operation: str,
    outcome: str,
    refused: str,
) -> dict[str, Any]:
    request = read_request(event, epoch_seconds(), _PAGE_SECRET)
    refusal: Refusal | None = None
    try:
        answer = handle(request)
    except Refusal as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - the last line: whatever it is, the client gets an answer
        refusal = Internal()
        refusal.__cause__ = error
    if refusal is None:
        _log_call(logger.info, outcome, operation, request, status=answer.status)
    else:
        answer = Answer(refusal.status, refusal.body())
        told: dict[str, Any] = {"status": refusal.status, "code": refusal.code}
        if refusal.status < 500:
            outcome = refused
            _log_call(logger.info, outcome, operation, request, **told)
        else:
            outcome = "RequestFailed"
            _log_call(logger.error, outcome, operation, request, **told, exc_info=refusal)
    _count(operation, outcome)
    return to_proxy(
        answer,
        refusal.headers if refusal else {},
        request_id=request.request_id,
        origin=request.headers.get("origin"),
        allowed_origins=_ALLOWED_ORIGINS,
    )


def _log_call(
    write: Callable[..., None], outcome: str, operation: str, request: Request, **told: Any
) -> None:
    write(
        outcome,
        operation=operation,
        correlation_id=request.request_id,
        address=request.source_ip,
        **request.log,
        **told,
    )


def _count(operation: str, outcome: str) -> None:
    measure(operation, outcome, 1, MetricUnit.Count)


def measure(operation: str, name: str, value: float, unit: MetricUnit) -> None:
    """Write a metric of an operation, in the stack's name."""
    with single_metric(name=name, unit=unit, value=value) as metric:
        metric.add_dimension(name="service", value=logger.service)
        metric.add_dimension(name="operation", value=operation)


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
    }
