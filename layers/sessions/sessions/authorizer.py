"""The decorator of the gateway's authorizer. Only the function `authorize` imports this."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from sessions import clock
from sessions.endpoint import PAGE_SECRET, Event, LambdaHandler, log_call
from sessions.errors import InvalidSession
from sessions.request import Request, read_request
from sessions.telemetry import count, logger


class Grant(NamedTuple):
    """The caller of an allowed call, and the usage-plan key that pays for it."""

    principal: str
    usage_plan_key: str


def authorizer(grant: Callable[[Request], Grant]) -> LambdaHandler:
    """Make a REQUEST authorizer of a function that says which usage-plan key pays for a call.

    A refusal is a policy that denies, which the gateway answers with 401 by its response
    ACCESS_DENIED and caches; an exception would be logged and counted by Lambda as a failure of
    ours, and any caller could cause it (docs/decisions/0002).
    """

    @functools.wraps(grant)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        request = read_request(event, clock.epoch_seconds(), PAGE_SECRET)
        # A cached policy serves every route of the stage, so it must speak of them all.
        resource = "/".join([*request.method_arn.split("/")[:2], "*"])
        try:
            granted = grant(request)
        except InvalidSession:
            log_call(logger.info, "CallRefused", "authorize", request)
            count("authorize", "CallRefused")
            return _policy("nobody", "Deny", resource)
        count("authorize", "CallAuthorized")
        return {
            **_policy(granted.principal, "Allow", resource),
            "usageIdentifierKey": granted.usage_plan_key,
        }

    return handler


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
    }
