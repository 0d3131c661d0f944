"""The decorator of the gateway's authorizer. Only the function `authorize` imports this."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from sessions import clock
from sessions.endpoint import (
    BACK_END_SECRET_HASHES,
    PAGE_SECRET,
    Event,
    LambdaHandler,
    verify_token,
)
from sessions.errors import InvalidSession, Unavailable
from sessions.request import Request, read_request
from sessions.responses import to_policy
from sessions.telemetry import count


class Payer(NamedTuple):
    """Who pays for a call, with which usage-plan key, and how many calls a second that key has."""

    caller: str
    usage_plan_key: str
    limit: str


def authorizer(payer: Callable[[Request], Payer]) -> LambdaHandler:
    """Make a REQUEST authorizer of a function that says who pays for a call.

    Every call is allowed: the function behind refuses (docs/decisions/0002).
    """

    @functools.wraps(payer)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        now = clock.epoch_seconds()
        request = read_request(event, now, PAGE_SECRET, BACK_END_SECRET_HASHES)
        caller, key, limit = payer(request)
        count("authorize", "CallAuthorized")
        return {
            **to_policy(caller, "Allow", request.method_arn),
            "usageIdentifierKey": key,
            "context": {"limit": limit},  # the gateway response THROTTLED names it
        }

    return handler


def signed_user(request: Request) -> str | None:
    """Return the user of a token that we signed; None for any other call, and without keys."""
    try:
        return verify_token(request).sub
    except (InvalidSession, Unavailable):
        return None
