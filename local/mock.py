"""Mock integrations: answers that the gateway makes of mapping templates (VTL).

Source: API Gateway Developer Guide, "Mock integrations for REST APIs", "Variables for data
transformations" and "Override your API's request and response parameters"; `airspeed` is the
template language.

Not supported: more than one response, response parameters (a template sets headers itself), and a
body that passes through as its own template.
"""

import json
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import airspeed  # type: ignore[import-untyped]  # has no types
from starlette.responses import Response

from local.intrinsics import TemplateError
from local.request import ApiRequest
from local.responses import JSON, Refused, response_of, with_defaults
from local.routes import Route


class _Overrides(dict[str, Any]):
    """The headers that a template sets; AWS applies an override to each only once."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            raise TemplateError(f"a mapping template overrides {name} a second time")
        super().__setitem__(name, value)


def mock_response(request: ApiRequest, route: Route, context: dict[str, Any]) -> Response:
    """Answer a request by its method's mapping templates, without any function."""
    integration = route.integration
    if integration.get("passthroughBehavior") != "never":
        raise TemplateError(f"{route.resource}: only passthroughBehavior `never` is supported")
    if set(integration["responses"]) != {"default"}:
        raise TemplateError(f"{route.resource}: only the response `default` is supported")
    response = integration["responses"]["default"]
    if "responseParameters" in response:
        raise TemplateError(f"{route.resource}: response parameters are not supported")
    parameters = {
        "path": route.path_parameters,
        "querystring": dict(request.query),
        "header": dict(request.headers),
    }
    names = {"input": SimpleNamespace(params=lambda: parameters), "context": context}
    _check_request(integration.get("requestTemplates") or {}, request, names)
    # A template sets the answer's headers under $context.responseOverride.
    override: dict[str, Any] = {"header": _Overrides()}
    names["context"] = {**context, "responseOverride": override}
    template = (response.get("responseTemplates") or {}).get(JSON, "")
    text = _rendered(template, names)
    headers = [(name, str(value)) for name, value in override["header"].items()]
    status = int(response["statusCode"])
    return response_of(status, with_defaults(headers, {"Content-Type": JSON}), text.encode())


def _check_request(templates: dict[str, str], request: ApiRequest, names: dict[str, Any]) -> None:
    """Render the template of the body's type, which must say which answer is asked for."""
    template = templates.get(request.media_type or JSON)
    if template is None:
        raise Refused("UNSUPPORTED_MEDIA_TYPE")
    try:
        int(json.loads(_rendered(template, names))["statusCode"])
    except (ValueError, TypeError, KeyError) as error:
        raise Refused("API_CONFIGURATION_ERROR") from error


def _rendered(template: str, names: dict[str, Any]) -> str:
    """Render a template, without the empty lines that its directives leave at either end."""
    return str(_compiled(template).merge(names)).strip()


@lru_cache(maxsize=256)
def _compiled(template: str) -> Any:
    return airspeed.Template(template)
