"""Mock integrations: answers that the gateway makes of mapping templates (VTL).

Source: API Gateway Developer Guide, "Mock integrations for REST APIs", "Integration passthrough
behaviors" and "Variables for data transformations"; `airspeed` is the template language.
"""

import json
import re
from functools import lru_cache
from typing import Any

import airspeed  # type: ignore[import-untyped]  # has no types

from local.messages import Request, Response, last_values, with_defaults
from local.responses import JSON, Refused, parameter_value
from local.routes import Route

RESPONSE_HEADER = "method.response.header."


class _Input:
    """`$input`: the request's body and parameters."""

    def __init__(self, request: Request, route: Route) -> None:
        self.body = request.body.decode("utf-8", errors="replace")
        self._params = {
            "path": route.path_parameters,
            "querystring": last_values(request.query_pairs),
            "header": last_values(request.headers),
        }

    def params(self, name: str | None = None) -> Any:
        if name is None:
            return self._params
        places = (self._params[place] for place in ("path", "querystring", "header"))
        return next((place[name] for place in places if name in place), "")


class _Util:
    """`$util`."""

    def escapeJavaScript(self, text: object) -> str:  # noqa: N802  # the name is API Gateway's
        return json.dumps(str(text))[1:-1].replace("'", "\\'")


def mock_response(request: Request, route: Route, context: dict[str, Any]) -> Response:
    """Answer a request by its method's mapping templates, without any function."""
    names = {"input": _Input(request, route), "util": _Util()}
    status = _chosen_status(request, route, {**names, "context": context})
    response = _integration_response(route.integration.get("responses", {}), status)
    # What the template sets under $context.responseOverride is its answer's.
    override: dict[str, Any] = {"header": {}}
    own_context = {**context, "responseOverride": override}
    templates = response.get("responseTemplates") or {}
    media_type = JSON if JSON in templates else next(iter(templates), JSON)
    text = _rendered(templates.get(media_type, ""), {**names, "context": own_context})
    parameters = {
        name.removeprefix(RESPONSE_HEADER): parameter_value(expression, request, context)
        for name, expression in response.get("responseParameters", {}).items()
    }
    overridden = {name: str(value) for name, value in override["header"].items()}
    headers = with_defaults(
        tuple(overridden.items()),
        {name: value for name, value in parameters.items() if value is not None},
    )
    return Response(
        status=int(override.get("status") or response.get("statusCode") or status),
        headers=with_defaults(headers, {"Content-Type": media_type}),
        body=text.encode(),
    )


def _chosen_status(request: Request, route: Route, names: dict[str, Any]) -> int:
    """Render the request's template, whose `statusCode` says which answer is wanted."""
    templates = route.integration.get("requestTemplates") or {}
    template = templates.get(request.media_type or JSON)
    if template is None:
        passthrough = route.integration.get("passthroughBehavior", "when_no_match").lower()
        if passthrough == "never" or (passthrough == "when_no_templates" and templates):
            raise Refused("UNSUPPORTED_MEDIA_TYPE")
        text = names["input"].body  # goes through as it is, and a mock must still understand it
    else:
        text = _rendered(template, names)
    try:
        return int(json.loads(text)["statusCode"])
    except (ValueError, TypeError, KeyError) as error:
        raise Refused("API_CONFIGURATION_ERROR") from error


def _integration_response(responses: dict[str, Any], status: int) -> dict[str, Any]:
    for pattern, response in responses.items():
        if pattern != "default" and re.fullmatch(pattern, str(status)):
            return dict(response)
    if "default" not in responses:
        raise Refused("API_CONFIGURATION_ERROR")
    return dict(responses["default"])


def _rendered(template: str, names: dict[str, Any]) -> str:
    """Render a template, without the empty lines that its directives leave at either end."""
    return str(_compiled(template).merge(names)).strip()


@lru_cache(maxsize=256)
def _compiled(template: str) -> Any:
    return airspeed.Template(template)
