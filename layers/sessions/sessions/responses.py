"""Answers, made into what API Gateway expects of a proxy integration, and of an authorizer."""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

# The headers of every answer. The gateway's own answers carry the same, by template.yaml.
_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",  # RFC 6750, section 5.3: tokens are not for caches
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Origin",
}
# RFC 6265bis, section 4.1.3.2: a cookie whose name begins so is of this host alone, over TLS.
_COOKIE = "__Host-session={}; Path=/; Secure; HttpOnly; SameSite=Strict"
NO_COOKIE = {"Set-Cookie": f"{_COOKIE.format('')}; Max-Age=0"}
LONGEST_COOKIE_SECONDS = 34_560_000  # RFC 6265bis, section 5.5: browsers keep none for longer
_READABLE = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"


class Answer(NamedTuple):
    """An answer: a status, and a body that is sent as JSON.

    Attributes:
        status: the HTTP status.
        body: the body, before it is JSON.
        headers: headers of this answer beside those of every answer.
        ends_own: whether the session in use is over now.
    """

    status: int
    body: dict[str, object]
    headers: dict[str, str] = {}
    ends_own: bool = False


def ok(body: dict[str, object], *, ends_own: bool = False) -> Answer:
    """Return the answer to a request that was done."""
    return Answer(200, body, ends_own=ends_own)


def created(body: dict[str, object]) -> Answer:
    """Return the answer to a request that made something new."""
    return Answer(201, body)


def created_in_cookie(token: str, exp: int, max_age: int | None) -> Answer:
    """Return the answer to a login whose token no script may see (docs/decisions/0022).

    Args:
        token: the token, for the browser to keep.
        exp: when the session ends.
        max_age: for how many seconds to keep it; None: until the browser is closed.
    """
    kept = "" if max_age is None else f"; Max-Age={min(max_age, LONGEST_COOKIE_SECONDS)}"
    return Answer(201, {"exp": exp}, {"Set-Cookie": f"{_COOKIE.format(token)}{kept}"})


def to_proxy(
    answer: Answer,
    headers: dict[str, str],
    *,
    request_id: str,
    origin: str | None,
    allowed_origins: Collection[str],
) -> dict[str, Any]:
    """Return `answer` in the proxy integration's format (payload format 1.0).

    A page of another origin may read it only if that origin is allowed: the origin is compared
    whole, and never repeated unless it is on the list (Fetch Standard, section 3.2.3).
    """
    headers = {**_HEADERS, "X-Request-Id": request_id, **headers}
    if origin in allowed_origins and origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Expose-Headers"] = _READABLE
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": json.dumps(answer.body, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def to_policy(principal: str, effect: str, method_arn: str) -> dict[str, Any]:
    """Return an authorizer's answer, a policy that allows or denies every route of the stage.

    A policy that is cached serves all of them, so it must speak of all.

    Args:
        principal: who calls, for the API's log.
        effect: `Allow` or `Deny`.
        method_arn: the method that the authorizer is asked about.
    """
    resource = "/".join([*method_arn.split("/")[:2], "*"])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
