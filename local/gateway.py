"""API Gateway's part: from a request to an answer, by way of the template.

Source: API Gateway Developer Guide, "API Gateway REST APIs". The order of the checks is AWS's:
the route, the authorizer, the key it names, that key's limits, and then the integration.

Not emulated: integrations other than `aws_proxy` and `mock`, request validators, keys that a
client sends, the throttling of a stage or an account, the limits on all headers (10,240 bytes), a
URL (10,240) and a method's ARN (1,600), whose answers no document of AWS has, the answer to a path
outside the stage, VPC links, and the functions' IAM policies.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from local.authorizer import Authorizer, AuthorizerAnswer, Identity, authorizer_of, needs_key
from local.event import access_line, authorizer_event, method_arn, proxy_event, request_context
from local.functions import (
    MAX_EVENT_BYTES,
    Function,
    FunctionError,
    Handler,
    invoke,
    size_of,
)
from local.intrinsics import TemplateError
from local.invocations import invocation, is_invocation
from local.mock import mock_response
from local.request import ApiRequest
from local.responses import (
    DEFAULTS,
    MalformedAnswer,
    Refused,
    body_too_large,
    event_too_large,
    gateway_response,
    proxy_response,
)
from local.routes import Api, Route, function_arn, route_of
from local.usage_plan import UsagePlans

# API Gateway's fixed quotas: "Amazon API Gateway quotas and important notes".
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_INTEGRATION_SECONDS = 29.0
THREADS = 64
CACHED_ANSWERS = 10_000  # of authorizers; then the oldest goes, so that no flood fills the memory


@dataclass(frozen=True)
class Outcome:
    """An answer, and what made it: a function's logical ID, or what the gateway did instead."""

    response: Response
    made_by: str


class Gateway:
    """One API; `log` takes the traceback of each failure behind it, `access_log` each request."""

    def __init__(
        self,
        api: Api,
        functions: Mapping[str, Function],
        handlers: Mapping[str, Handler],
        *,
        plans: UsagePlans | None,
        log: Callable[[str], object],
        access_log: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self._log = log
        self._access_log = access_log
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="function")
        self.load(api, functions, handlers, plans)

    def load(
        self,
        api: Api,
        functions: Mapping[str, Function],
        handlers: Mapping[str, Handler],
        plans: UsagePlans | None,
    ) -> None:
        """Answer by these from the next request on."""
        self.api = api
        self._functions = {function.arn: function for function in functions.values()}
        self._handlers = handlers
        self._plans = plans
        self._cache: dict[tuple[Authorizer, Identity], tuple[float, AuthorizerAnswer]] = {}

    async def answer(self, request: ApiRequest, *, too_large: bool = False) -> Outcome:
        """Answer a request; one whose body was too large has none and is refused."""
        if is_invocation(request):
            called = await invocation(request, self._functions, self._call, too_large=too_large)
            return Outcome(*called)
        if too_large:
            return Outcome(body_too_large(), "REQUEST_TOO_LARGE")
        started_at = time.perf_counter()
        route = route_of(self.api, request.method, request.path)
        context = request_context(self.api, request, route)
        outcome = await self._outcome(request, route, context)
        if self.api.access_log_format:
            logged = {
                **context,
                "status": outcome.response.status_code,
                "responseLatency": _milliseconds_since(started_at),
                "responseLength": len(outcome.response.body),
            }
            self._access_log(access_line(self.api.access_log_format, logged) + "\n")
        return outcome

    async def _outcome(
        self, request: ApiRequest, route: Route | None, context: dict[str, Any]
    ) -> Outcome:
        """Do what the API does with a request, and leave in the context what its log shows."""
        try:
            if route is not None:
                await self._admit(request, route, context)
                return await self._integrate(request, route, context)
            kind = "MISSING_AUTHENTICATION_TOKEN"
        except Refused as refusal:
            kind = refusal.kind
        except Exception as error:  # noqa: BLE001  # a template that is not supported must not end a connection
            self._report(error)
            kind = "API_CONFIGURATION_ERROR"
        return self._refusal(kind, kind, context)

    def close(self) -> None:
        """Let go of the threads; a call that hangs ends with its own time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _report(self, error: BaseException) -> None:
        self._log("".join(traceback.format_exception(error)))

    def _refusal(self, kind: str, made_by: str, context: dict[str, Any]) -> Outcome:
        context["error"] = {"message": DEFAULTS[kind][1], "responseType": kind}
        return Outcome(gateway_response(self.api.body, kind, context), made_by)

    async def _admit(self, request: ApiRequest, route: Route, context: dict[str, Any]) -> None:
        """Let the request past the authorizer and the usage plan, or refuse it."""
        key = None
        authorizer = authorizer_of(route.definition, self.api.body.get("securityDefinitions", {}))
        if authorizer is not None:
            answer = await self._authorization(authorizer, request, route, context)
            context["authorizer"] = {**context.get("authorizer", {}), **answer.shown()}
            if not answer.allows(method_arn(self.api, request)):
                raise Refused("ACCESS_DENIED")
            key = answer.usage_identifier_key
        if self._plans is not None and needs_key(route.definition):
            method = f"{route.resource}/{request.method}"
            if refusal := self._plans.charge(key, method, self.clock()):
                raise Refused(refusal)

    async def _authorization(
        self, authorizer: Authorizer, request: ApiRequest, route: Route, context: dict[str, Any]
    ) -> AuthorizerAnswer:
        """Ask the authorizer, unless its last answer to the same caller still holds."""
        caller, now = (authorizer, authorizer.identity(request)), self.clock()
        expires, cached = self._cache.get(caller, (now, None))
        if cached is not None and now < expires:
            return cached
        event = authorizer_event(self.api, request, route, context)
        function = self._function(authorizer.authorizer_uri)
        started_at = time.perf_counter()
        try:
            answer = AuthorizerAnswer.model_validate(await self._call(function, event, request.id))
        except (FunctionError, TimeoutError, ValidationError) as error:
            if str(error) == "Unauthorized":  # how an authorizer says so, by AWS's convention
                raise Refused("UNAUTHORIZED") from error
            self._report(error)
            context["authorizer"] = {"error": str(error)}
            raise Refused("AUTHORIZER_CONFIGURATION_ERROR") from error
        context["authorizer"] = {"integrationLatency": _milliseconds_since(started_at)}
        self._cache.pop(caller, None)
        self._cache[caller] = (now + authorizer.authorizer_result_ttl_in_seconds, answer)
        if len(self._cache) > CACHED_ANSWERS:
            del self._cache[next(iter(self._cache))]
        return answer

    async def _integrate(
        self, request: ApiRequest, route: Route, context: dict[str, Any]
    ) -> Outcome:
        kind = route.integration["type"].lower()
        if kind == "mock":
            return Outcome(mock_response(request, route, context), "mock")
        if kind != "aws_proxy":
            raise TemplateError(f"{route.resource}: integrations of type {kind} are not supported")
        function = self._function(route.integration["uri"])
        event = proxy_event(self.api, request, route, context)
        if size_of(event) > MAX_EVENT_BYTES:
            return Outcome(event_too_large(request.id), f"{function.name}'s event is too large")
        started_at = time.perf_counter()
        try:
            response = proxy_response(await self._call(function, event, request.id))
            # Lambda's own status: the function did run.
            context["integration"] = {"integrationStatus": 200}
            return Outcome(response, function.name)
        except TimeoutError:
            # A function that Lambda stops has failed; one that the gateway gives up on is late.
            late = function.timeout_seconds >= MAX_INTEGRATION_SECONDS
            kind = "INTEGRATION_TIMEOUT" if late else "INTEGRATION_FAILURE"
            made_by = f"{function.name} timed out"
        except (FunctionError, MalformedAnswer) as error:
            self._report(error)
            reason = error.kind if isinstance(error, FunctionError) else f"malformed: {error}"
            kind, made_by = "INTEGRATION_FAILURE", f"{function.name} failed ({reason})"
        finally:
            context["integrationLatency"] = _milliseconds_since(started_at)
        context["integration"] = {"error": made_by}
        return self._refusal(kind, made_by, context)

    def _function(self, uri: str) -> Function:
        function = self._functions.get(function_arn(uri) or "")
        if function is None:
            raise TemplateError(f"no function of the template is at {uri}")
        return function

    async def _call(self, function: Function, event: Any, request_id: str) -> Any:
        """Run a function on a thread, for as long as both Lambda and the gateway would wait."""
        arguments = (function, self._handlers[function.name], event, request_id)
        running = asyncio.get_running_loop().run_in_executor(self._threads, invoke, *arguments)
        limit = min(function.timeout_seconds, MAX_INTEGRATION_SECONDS)
        return await asyncio.wait_for(asyncio.shield(running), limit)


def _milliseconds_since(started_at: float) -> int:
    return round((time.perf_counter() - started_at) * 1000)
