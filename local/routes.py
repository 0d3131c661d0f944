"""The API of the template, and which of its methods a request is for."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from local.intrinsics import TemplateError
from local.template import Template

ANY_METHOD = "x-amazon-apigateway-any-method"
FUNCTION_IN_URI = re.compile(r"/functions/(.+:function:[^:/]+)/invocations$")


@dataclass(frozen=True)
class Api:
    """One REST API at its one stage; `body` is its OpenAPI definition."""

    id: str
    stage: str
    body: dict[str, Any]
    binary_media_types: frozenset[str]
    access_log_format: str = ""  # without a format nothing is logged


@dataclass(frozen=True)
class Route:
    """One method of one resource, and the path parameters of a request."""

    resource: str
    definition: dict[str, Any]
    path_parameters: dict[str, str]

    @property
    def integration(self) -> dict[str, Any]:
        """Return what answers the method: a function, or a mock."""
        found: dict[str, Any] = self.definition["x-amazon-apigateway-integration"]
        return found


def api_of(template: Template) -> Api:
    """Return the template's one API."""
    name, properties = template.only("AWS::ApiGateway::RestApi")
    _, stage = template.only("AWS::ApiGateway::Stage")
    if properties.get("ApiKeySourceType") != "AUTHORIZER":
        raise TemplateError("only the ApiKeySourceType AUTHORIZER is supported")
    body = properties["Body"]
    binary = [
        *properties.get("BinaryMediaTypes", ()),
        *body.get("x-amazon-apigateway-binary-media-types", ()),
    ]
    return Api(
        id=name,
        stage=stage["StageName"],
        body=body,
        binary_media_types=frozenset(kind.replace("~1", "/").lower() for kind in binary),
        access_log_format=stage.get("AccessLogSetting", {}).get("Format", ""),
    )


def route_of(api: Api, method: str, path: str) -> Route | None:
    """Find the method for a request's path, stage included, as sent: still percent-encoded."""
    first, *segments = path.removeprefix("/").split("/")
    if not path.startswith("/") or first != api.stage:
        return None
    # Each segment is decoded alone, so that its %2F splits nothing.
    path = "/" + "/".join(quote(unquote(segment), safe="") for segment in segments)
    for resource in sorted(api.body["paths"], key=_specificity):
        if found := re.fullmatch(_pattern(resource), path):
            methods = api.body["paths"][resource]
            definition = methods.get(method.lower(), methods.get(ANY_METHOD))
            parameters = {name: unquote(value) for name, value in found.groupdict().items()}
            return None if definition is None else Route(resource, definition, parameters)
    return None


def function_arn(uri: str) -> str | None:
    """Return the ARN of the function that a URI of API Gateway invokes, if it invokes one."""
    found = FUNCTION_IN_URI.search(uri)
    return found[1] if found else None


def paths_of(api: Api, arn: str) -> list[str]:
    """Return the paths at which a function answers, the shortest first."""
    found = {
        path
        for path, methods in api.body["paths"].items()
        for method in methods.values()
        if function_arn(method["x-amazon-apigateway-integration"].get("uri", "")) == arn
    }
    return sorted(found, key=len)


def _specificity(resource: str) -> list[int]:
    """Sort a static segment before `{name}`, and that before `{name+}`."""
    segments = resource.strip("/").split("/")
    return [2 if each.endswith("+}") else 1 if each.startswith("{") else 0 for each in segments]


@cache
def _pattern(resource: str) -> str:
    """Return the expression of a resource's paths, `{name}` and `{name+}` being its groups."""
    parts = re.split(r"\{(\w+)(\+?)\}", resource)
    expression = re.escape(parts[0])
    for name, greedy, static in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        expression += f"(?P<{name}>{'.' if greedy else '[^/]'}+){re.escape(static)}"
    return expression
