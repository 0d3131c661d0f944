"""API Gateway's part: from a request to an answer, by way of the template.

Source: API Gateway Developer Guide, "API Gateway REST APIs". The order of the checks is AWS's:
the route, the authorizer, the key it names, that key's limits, and then the integration.

Not played: integrations other than `aws_proxy` and `mock`, request validators, an account's own
throttling, API Gateway's limit on headers, VPC links, and the functions' IAM policies.
"""

import asyncio
import re
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local.access_log import access_line
from local.authorizer import (
    AnswerCache,
    Authorizer,
    allows,
    authorizer_context,
    authorizer_of,
    checked,
    needs_key,
)
from local.event import authorizer_event, method_arn, proxy_event, request_context
from local.functions import Function, FunctionError, Handler, invoke
from local.invocations import invocation, is_invocation
from local.messages import Request, Response
from local.mock import mock_response
from local.responses import DEFAULTS, MalformedAnswer, Refused, gateway_response, proxy_response
from local.routes import Api, Route, route_of
from local.template import TemplateError
from local.usage_plan import UsagePlans

# API Gateway's fixed quotas: "Amazon API Gateway quotas and important notes".
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_INTEGRATION_SECONDS = 29.0
THREADS = 64
# A function's ARN, without the alias that may follow: there is but one version here.
FUNCTION_IN_URI = re.compile(r"/functions/(.+:function:[^:/]+)(?::[^:/]+)?/invocations$")


@dataclass(frozen=True)
class Outcome:
    """An answer, and who made it: a function's logical ID, or what the gateway did instead."""

    response: Response
    made_by: str


class Gateway:
    """One API; `log` takes the traceback of whatever fails behind it, `access_log` each request."""

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
        self.api = api
        self.clock = clock
        self._functions = {function.arn: function for function in functions.values()}
        self._handlers = handlers
        self._plans = plans
        self._log = log
        self._access_log = access_log
        self._cache = AnswerCache()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="function")

    async def answer(self, request: Request, *, too_large: bool = False) -> Outcome:
        """Answer a request; one whose body was too large has none and is refused."""
        if is_invocation(request):
            called = await invocation(request, self._functions, self._call, too_large=too_large)
            return Outcome(*called)
        started_at = time.perf_counter()
        route = route_of(self.api, request.method, request.path)
        context = request_context(self.api, request, route)
        outcome = await self._outcome(request, route, context, too_large=too_large)
        if self.api.access_log_format:
            told = {
                **context,
                "status": outcome.response.status,
                "responseLatency": _milliseconds_since(started_at),
                "responseLength": len(outcome.response.body),
            }
            self._access_log(access_line(self.api.access_log_format, told) + "\n")
        return outcome

    async def _outcome(
        self, request: Request, route: Route | None, context: dict[str, Any], *, too_large: bool
    ) -> Outcome:
        """Do what the API does with a request, and leave in the context what its log tells."""
        try:
            if not too_large and route is not None:
                await self._admit(request, route, context)
                return await self._integrate(request, route, context)
            kind = "REQUEST_TOO_LARGE" if too_large else "MISSING_AUTHENTICATION_TOKEN"
        except Refused as refusal:
            kind = refusal.kind
        except Exception as error:  # noqa: BLE001  # a template that cannot be followed must not end a connection
            self._report(error)
            kind = "API_CONFIGURATION_ERROR"
        context["error"] = {"message": DEFAULTS[kind][1], "responseType": kind}
        return Outcome(gateway_response(self.api.body, kind, request, context), kind)

    def close(self) -> None:
        """Let go of the threads; a call that hangs ends with its own time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _report(self, error: BaseException) -> None:
        self._log("".join(traceback.format_exception(error)))

    async def _admit(self, request: Request, route: Route, context: dict[str, Any]) -> None:
        """Let the request past the authorizer and the usage plan, or refuse it."""
        key = request.header("x-api-key")
        authorizer = authorizer_of(route.definition, self.api.body.get("securityDefinitions", {}))
        if authorizer is not None:
            answer = await self._authorization(authorizer, request, route, context)
            context["authorizer"] = {**context.get("authorizer", {}), **authorizer_context(answer)}
            if not allows(answer["policyDocument"], method_arn(self.api, request)):
                raise Refused("ACCESS_DENIED")
            if self.api.key_source == "AUTHORIZER":
                key = answer.get("usageIdentifierKey")
        if self._plans is not None and needs_key(route.definition):
            method = f"{route.resource}/{request.method}"
            if refusal := self._plans.charge(key, method, self.clock()):
                raise Refused(refusal)

    async def _authorization(
        self, authorizer: Authorizer, request: Request, route: Route, context: dict[str, Any]
    ) -> dict[str, Any]:
        identity = authorizer.identity(request)
        if (cached := self._cache.get(authorizer, identity, self.clock())) is not None:
            return cached
        event = authorizer_event(self.api, request, route, context)
        function = self._function(authorizer.uri)
        started_at = time.perf_counter()
        try:
            answer = checked(await self._call(function, event, request.id))
        except (FunctionError, TimeoutError) as error:
            if str(error) == "Unauthorized":  # how an authorizer says so, by AWS's convention
                raise Refused("UNAUTHORIZED") from error
            self._report(error)
            context["authorizer"] = {"error": str(error)}
            raise Refused("AUTHORIZER_CONFIGURATION_ERROR") from error
        context["authorizer"] = {"integrationLatency": _milliseconds_since(started_at)}
        self._cache.put(authorizer, identity, answer, self.clock())
        return answer

    async def _integrate(self, request: Request, route: Route, context: dict[str, Any]) -> Outcome:
        kind = route.integration["type"].lower()
        if kind == "mock":
            return Outcome(mock_response(request, route, context), "mock")
        if kind != "aws_proxy":
            raise TemplateError(f"{route.resource}: integrations of type {kind} are not played")
        function = self._function(route.integration["uri"])
        event = proxy_event(self.api, request, route, context)
        started_at = time.perf_counter()
        try:
            answer = await self._call(function, event, request.id)
            response = proxy_response(answer)
            context["integration"] = {"status": 200}  # Lambda's own: the function did run
            return Outcome(response, function.name)
        except TimeoutError:
            # A function that Lambda stopped has failed; one the gateway gave up on is late.
            late = function.timeout_seconds >= MAX_INTEGRATION_SECONDS
            kind = "INTEGRATION_TIMEOUT" if late else "BAD_GATEWAY"
            made_by = f"{function.name} timed out"
        except (FunctionError, MalformedAnswer) as error:
            self._report(error)
            reason = error.kind if isinstance(error, FunctionError) else f"malformed: {error}"
            kind, made_by = "BAD_GATEWAY", f"{function.name} failed ({reason})"
        finally:
            context["integrationLatency"] = _milliseconds_since(started_at)
        context["integration"] = {"error": made_by}
        context["error"] = {"message": DEFAULTS[kind][1], "responseType": kind}
        return Outcome(gateway_response(self.api.body, kind, request, context), made_by)

    def _function(self, uri: str) -> Function:
        found = FUNCTION_IN_URI.search(uri)
        if found is None or found[1] not in self._functions:
            raise TemplateError(f"no function of the template is at {uri}")
        return self._functions[found[1]]

    async def _call(self, function: Function, event: Any, request_id: str) -> Any:
        """Run a function on a thread, for as long as both Lambda and the gateway would wait."""
        arguments = (function, self._handlers[function.name], event, request_id)
        running = asyncio.get_running_loop().run_in_executor(self._threads, invoke, *arguments)
        limit = min(function.timeout_seconds, MAX_INTEGRATION_SECONDS)
        return await asyncio.wait_for(asyncio.shield(running), limit)


def _milliseconds_since(started_at: float) -> int:
    return round((time.perf_counter() - started_at) * 1000)
