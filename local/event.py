"""What events, templates and the access log say of a request.

Sources: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration",
"Input to an API Gateway Lambda authorizer" (type REQUEST) and "Variables for access logging for
API Gateway".
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import ImmutableMultiDict

from local.intrinsics import ACCOUNT, REGION
from local.request import ApiRequest, Headers
from local.routes import Api, Route

IAM = ("accessKey", "accountId", "caller", "principalOrgId", "user", "userArn")
COGNITO = ("AuthenticationProvider", "AuthenticationType", "IdentityId", "IdentityPoolId")
NO_IDENTITY = dict.fromkeys([*IAM, *(f"cognito{name}" for name in COGNITO)])
VARIABLE = re.compile(r"\$(\{)?context\.(\w+(?:\.\w+)*)(?(1)\})")


def request_context(api: Api, request: ApiRequest, route: Route | None) -> dict[str, Any]:
    """Return what events call `requestContext` and templates call `$context`, at the start.

    The authorizer and the integration add to it.
    """
    domain = re.sub(r":\d+$", "", request.header("Host") or "localhost")
    received_at = datetime.fromtimestamp(request.received_at, UTC)
    resource = route.resource if route else None
    return {
        "accountId": ACCOUNT,
        "apiId": api.id,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "extendedRequestId": request.id,
        "httpMethod": request.method,
        "identity": {
            **NO_IDENTITY,
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent"),
        },
        "path": request.path,
        "protocol": request.protocol,
        "requestId": request.id,
        "requestTime": received_at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(request.received_at * 1000),
        "resourceId": resource,
        "resourcePath": resource,
        "stage": api.stage,
    }


def context_value(context: dict[str, Any], name: str) -> str | None:
    """Return the text of a variable, such as `error.message`, or None if it has no value."""
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if value is None else str(value)


def fill(
    template: str,
    context: dict[str, Any],
    written: Callable[[str | None], str] = lambda value: value or "",
) -> str:
    """Replace the variables in a template; `written` says how a value is written."""
    return VARIABLE.sub(lambda match: written(context_value(context, match[2])), template)


def access_line(form: str, context: dict[str, Any]) -> str:
    """Fill in the format of the access log; no value can end the JSON string that it is in."""
    return fill(form, context, lambda value: json.dumps(value)[1:-1] if value else "-")


def proxy_event(
    api: Api, request: ApiRequest, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what a function behind a route is called with."""
    is_binary = bool({request.media_type, "*/*"} & api.binary_media_types)
    body = base64.b64encode(request.body).decode("ascii") if is_binary else request.text
    return {
        **_common(api, request, route, context),
        "body": body or None,
        "isBase64Encoded": is_binary and bool(body),
    }


def authorizer_event(
    api: Api, request: ApiRequest, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what an authorizer is called with."""
    shared = _common(api, request, route, context)
    return {"type": "REQUEST", "methodArn": method_arn(api, request), **shared}


def method_arn(api: Api, request: ApiRequest) -> str:
    """Return what policies call the request: its method and path, not its resource."""
    path = request.path.removeprefix(f"/{api.stage}").removeprefix("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{api.stage}/{request.method}/{path}"


def _common(api: Api, request: ApiRequest, route: Route, context: dict[str, Any]) -> dict[str, Any]:
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
        "requestContext": context,
    }


def _forwarded(request: ApiRequest) -> Headers:
    """Return the headers with the caller's address behind those that the request claims."""
    pairs = request.headers.multi_items()
    hops = [value for name, value in pairs if name.lower() == "x-forwarded-for"]
    others = [pair for pair in pairs if pair[0].lower() != "x-forwarded-for"]
    return Headers([*others, ("X-Forwarded-For", ", ".join([*hops, request.source_ip]))])


def _lists(pairs: ImmutableMultiDict[str, str]) -> dict[str, list[str]]:
    return {name: pairs.getlist(name) for name in pairs}
