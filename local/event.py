"""The events that API Gateway sends to functions.

Source: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration"
and "Input to an API Gateway Lambda authorizer" (type REQUEST).
"""

import base64
import re
from datetime import UTC, datetime
from typing import Any

from local.intrinsics import ACCOUNT, REGION
from local.messages import Pairs, Request, all_values, last_values
from local.routes import Api, Route

NO_IDENTITY = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)


def request_context(api: Api, request: Request, route: Route | None) -> dict[str, Any]:
    """Return what events call `requestContext` and templates call `$context`."""
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


def proxy_event(
    api: Api, request: Request, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what a function behind a route is called with."""
    is_binary = request.media_type in api.binary_media_types or "*/*" in api.binary_media_types
    body = (
        base64.b64encode(request.body).decode("ascii")
        if is_binary
        else request.body.decode("utf-8", errors="replace")
    )
    return {
        **_common(api, request, route),
        "requestContext": context,
        "body": body or None,
        "isBase64Encoded": is_binary and bool(body),
    }


def authorizer_event(
    api: Api, request: Request, route: Route, context: dict[str, Any]
) -> dict[str, Any]:
    """Return what an authorizer is called with."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn(api, request),
        **_common(api, request, route),
        "requestContext": context,
    }


def method_arn(api: Api, request: Request) -> str:
    """Return what policies call the request: its method and path, not its resource."""
    path = request.path.removeprefix(f"/{api.stage}").removeprefix("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{api.stage}/{request.method}/{path}"


def _common(api: Api, request: Request, route: Route) -> dict[str, Any]:
    headers = _forwarded(request)
    return {
        "resource": route.resource,
        "path": request.path.removeprefix(f"/{api.stage}") or "/",
        "httpMethod": request.method,
        "headers": last_values(headers),
        "multiValueHeaders": all_values(headers),
        "queryStringParameters": last_values(request.query_pairs) or None,
        "multiValueQueryStringParameters": all_values(request.query_pairs) or None,
        "pathParameters": route.path_parameters or None,
        "stageVariables": None,
    }


def _forwarded(request: Request) -> Pairs:
    """Return the headers, each under the first spelling sent, with the hops API Gateway adds."""
    spelling: dict[str, str] = {}
    hops = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    kept = tuple(
        (spelling.setdefault(name.lower(), name), value)
        for name, value in request.headers
        if name.lower() != "x-forwarded-for"
    )
    return (*kept, ("X-Forwarded-For", ", ".join([*hops, request.source_ip])))
