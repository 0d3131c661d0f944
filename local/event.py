"""The events that API Gateway sends to functions.

Source: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration"
and "Input to an API Gateway Lambda authorizer" (type REQUEST).
"""

import base64
from typing import Any

from starlette.datastructures import ImmutableMultiDict

from local.intrinsics import ACCOUNT, REGION
from local.request import ApiRequest, Headers
from local.routes import Api, Route


def proxy_event(
    api: Api, request: ApiRequest, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what a function behind a route is called with."""
    is_binary = bool({request.media_type, "*/*"} & api.binary_media_types)
    body = base64.b64encode(request.body).decode("ascii") if is_binary else request.text
    return {
        **_common(api, request, route),
        "requestContext": context,
        "body": body or None,
        "isBase64Encoded": is_binary and bool(body),
    }


def authorizer_event(
    api: Api, request: ApiRequest, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what an authorizer is called with."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn(api, request),
        **_common(api, request, route),
        "requestContext": context,
    }


def method_arn(api: Api, request: ApiRequest) -> str:
    """Return what policies call the request: its method and path, not its resource."""
    path = request.path.removeprefix(f"/{api.stage}").removeprefix("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{api.stage}/{request.method}/{path}"


def _common(api: Api, request: ApiRequest, route: Route) -> dict[str, Any]:
    headers = _forwarded(request)
    return {
        "resource": route.resource,
        "path": request.path.removeprefix(f"/{api.stage}") or "/",
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _lists(headers),
        "queryStringParameters": dict(request.query) or None,
        "multiValueQueryStringParameters": _lists(request.query) or None,
        "pathParameters": route.path_parameters or None,
        "stageVariables": None,
    }


def _forwarded(request: ApiRequest) -> Headers:
    """Return the headers with the caller's address behind those that the request claims."""
    pairs = request.headers.multi_items()
    hops = [value for name, value in pairs if name.lower() == "x-forwarded-for"]
    others = [pair for pair in pairs if pair[0].lower() != "x-forwarded-for"]
    return Headers([*others, ("X-Forwarded-For", ", ".join([*hops, request.source_ip]))])


def _lists(pairs: ImmutableMultiDict[str, str]) -> dict[str, list[str]]:
    return {name: pairs.getlist(name) for name in pairs}
