"""Lambda's Invoke API: what `aws lambda invoke` and `sessionctl` talk to.

Source: Lambda API Reference, "Invoke". Not played: signatures (nobody's key is known here),
logs in the answer, client contexts, and Lambda's limit on the size of an answer.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.functions import Function, FunctionError
from local.messages import Request, Response

Call = Callable[[Function, Any, str], Awaitable[Any]]

# Lambda quotas: 6 MB for a synchronous invocation.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# A name, or an ARN whole or from the account on; the alias or version may follow.
NAME = re.compile(
    r"(?:(?:arn:[a-z-]+:lambda:[a-z0-9-]+:)?\d{12}:function:)?([A-Za-z0-9_-]+)(?::([^:]+))?"
)
QUALIFIERS = {None, "live", "$LATEST"}  # there is but one version here
INVOCATION_TYPES = {"RequestResponse", "Event", "DryRun"}

_running: set[asyncio.Task[None]] = set()  # the loop itself does not keep its tasks alive


def is_invocation(request: Request) -> bool:
    """Say whether a request is for Lambda, and not for the API."""
    return request.method == "POST" and PATH.fullmatch(request.path) is not None


async def invocation(
    request: Request, functions: Mapping[str, Function], call: Call, *, too_large: bool
) -> tuple[Response, str]:
    """Answer an invocation; return the answer and who made it.

    A page in a browser must not reach the account operations of a developer's machine: it
    cannot hide its `Origin`, and without a preflight, which nobody answers here, it cannot
    send an `Authorization` either (Fetch Standard, "CORS protocol").
    """
    signed = (request.header("Authorization") or "").startswith("AWS4-HMAC-SHA256 ")
    if not signed or request.header("Origin") is not None:
        return _refused(request, 403, "AccessDeniedException", "Only signed requests, of no page.")
    if too_large or len(request.body) > MAX_PAYLOAD_BYTES:
        return _refused(request, 413, "RequestTooLargeException", "The payload is too large.")
    name = unquote(PATH.fullmatch(request.path)[1])  # type: ignore[index]  # is_invocation has matched
    function = _named(functions, name, dict(parse_qsl(request.query)).get("Qualifier"))
    if function is None:
        reason = f"Function not found: {name}"
        return _refused(request, 404, "ResourceNotFoundException", reason)
    try:
        event = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        reason = "Could not parse request body into json."
        return _refused(request, 400, "InvalidRequestContentException", reason)
    kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
    if kind not in INVOCATION_TYPES:
        reason = "InvocationType is RequestResponse, Event or DryRun."
        return _refused(request, 400, "InvalidParameterValueException", reason)
    if kind == "DryRun":
        return _answer(request, 204, b""), function.name
    if kind == "Event":
        task = asyncio.create_task(_forget(call(function, event, request.id)))
        _running.add(task)
        task.add_done_callback(_running.discard)
        return _answer(request, 202, b""), function.name
    try:
        result = await call(function, event, request.id)
    except (FunctionError, TimeoutError) as error:
        failure = _failure(error, function, request.id)
        body = json.dumps(failure).encode()
        made_by = f"{function.name} failed ({failure['errorType']})"
        return _answer(request, 200, body, ("X-Amz-Function-Error", "Unhandled")), made_by
    return _answer(request, 200, json.dumps(result).encode()), function.name


def _named(functions: Mapping[str, Function], name: str, qualifier: str | None) -> Function | None:
    """Return the function of that name: its logical ID or its folder's."""
    found = NAME.fullmatch(name)
    if found is None or not {found[2], qualifier} <= QUALIFIERS:
        return None
    for function in functions.values():
        if found[1] in (function.name, function.folder.name):
            return function
    return None


def _failure(
    error: FunctionError | TimeoutError, function: Function, request_id: str
) -> dict[str, str]:
    if isinstance(error, FunctionError):
        return {"errorMessage": error.message, "errorType": error.kind}
    message = f"{request_id} Task timed out after {function.timeout_seconds:.2f} seconds"
    return {"errorMessage": message, "errorType": "Sandbox.Timedout"}


def _refused(request: Request, status: int, kind: str, reason: str) -> tuple[Response, str]:
    body = json.dumps({"Type": "User", "Message": reason}).encode()
    return _answer(request, status, body, ("x-amzn-ErrorType", kind)), kind


def _answer(request: Request, status: int, body: bytes, *headers: tuple[str, str]) -> Response:
    shared = (
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", request.id),
        ("X-Amz-Executed-Version", "$LATEST"),
    )
    return Response(status, shared + headers, body)


async def _forget(running: Awaitable[Any]) -> None:
    """Let a function run whose answer nobody waits for; what it has to say is in its log."""
    with contextlib.suppress(FunctionError, TimeoutError):
        await running
