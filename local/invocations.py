"""Lambda's Invoke API: `aws lambda invoke` and `sessionctl` talk to it.

Source: Lambda API Reference, "Invoke". Not emulated: the check of signatures (no key is known
here), logs in the answer, and client contexts.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from local.functions import MAX_EVENT_BYTES, Function, FunctionError, find_function
from local.request import ApiRequest
from local.responses import response_of

Call = Callable[[Function, Any, str], Awaitable[Any]]

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# A name, or an ARN whole or from the account on; the version may follow.
NAME = re.compile(
    r"(?:(?:arn:[a-z-]+:lambda:[a-z0-9-]+:)?\d{12}:function:)?([A-Za-z0-9_-]+)(?::([^:]+))?"
)
QUALIFIERS = {None, "$LATEST"}  # no version is ever published (docs/decisions/0015)
INVOCATION_TYPES = {"RequestResponse", "Event", "DryRun"}

_running: set[asyncio.Task[None]] = set()  # the loop itself does not keep its tasks alive


class _InvocationError(Exception):
    """Lambda refuses an invocation, with this status, kind and reason."""


def is_invocation(request: ApiRequest) -> bool:
    """Say whether a request is for Lambda, and not for the API."""
    return request.method == "POST" and PATH.fullmatch(request.path) is not None


async def invocation(
    request: ApiRequest, functions: Mapping[str, Function], call: Call, *, too_large: bool
) -> tuple[Response, str]:
    """Answer an invocation; return the answer, and what made it for the console."""
    try:
        function, kind, event = _checked(request, functions, too_large=too_large)
    except _InvocationError as error:
        status, code, reason = error.args
        body = json.dumps({"Type": "User", "Message": reason}).encode()
        return _answer(request, status, body, ("x-amzn-ErrorType", code)), code
    if kind == "DryRun":
        return _answer(request, 204, b""), function.name
    if kind == "Event":
        task = asyncio.create_task(_run_unwatched(call(function, event, request.id)))
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


def _checked(
    request: ApiRequest, functions: Mapping[str, Function], *, too_large: bool
) -> tuple[Function, str, Any]:
    """Return the function, the type of the invocation and the event.

    A page in a browser must not reach the account operations of a developer's machine. It
    cannot hide its `Origin`; and it cannot send an `Authorization` without a preflight, which is
    not answered here (Fetch Standard, "CORS protocol").
    """
    signed = (request.header("Authorization") or "").startswith("AWS4-HMAC-SHA256 ")
    if not signed or request.header("Origin") is not None:
        reason = "Only signed requests, and none of a page."
        raise _InvocationError(403, "AccessDeniedException", reason)
    if too_large or len(request.body) > MAX_EVENT_BYTES:
        raise _InvocationError(413, "RequestTooLargeException", "The payload is too large.")
    name = unquote(PATH.fullmatch(request.path)[1])  # type: ignore[index]  # is_invocation has matched
    found = NAME.fullmatch(name)
    known = found is not None and {found[2], request.query.get("Qualifier")} <= QUALIFIERS
    function = find_function(functions.values(), found[1]) if found and known else None
    if function is None:
        raise _InvocationError(404, "ResourceNotFoundException", f"Function not found: {name}")
    try:
        event = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        reason = "Could not parse request body into json."
        raise _InvocationError(400, "InvalidRequestContentException", reason) from None
    kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
    if kind not in INVOCATION_TYPES:
        reason = "InvocationType is RequestResponse, Event or DryRun."
        raise _InvocationError(400, "InvalidParameterValueException", reason)
    return function, kind, event


def _failure(
    error: FunctionError | TimeoutError, function: Function, request_id: str
) -> dict[str, str]:
    if isinstance(error, FunctionError):
        return error.report()
    message = f"{request_id} Task timed out after {function.timeout_seconds:.2f} seconds"
    return {"errorMessage": message, "errorType": "Sandbox.Timedout"}


def _answer(request: ApiRequest, status: int, body: bytes, *headers: tuple[str, str]) -> Response:
    shared = (
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", request.id),
        ("X-Amz-Executed-Version", "$LATEST"),
    )
    return response_of(status, [*shared, *headers], body)


async def _run_unwatched(running: Awaitable[Any]) -> None:
    """Run a function whose answer no client waits for; its log has what it reports."""
    with contextlib.suppress(FunctionError, TimeoutError):
        await running
