"""What API Gateway knows of a request: `requestContext` in events, `$context` in templates.

Sources: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration" and
"Variables for access logging for API Gateway".
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.intrinsics import ACCOUNT
from local.request import ApiRequest
from local.routes import Api, Route

IAM = ("accessKey", "accountId", "caller", "principalOrgId", "user", "userArn")
COGNITO = ("AuthenticationProvider", "AuthenticationType", "IdentityId", "IdentityPoolId")
NO_IDENTITY = dict.fromkeys([*IAM, *(f"cognito{name}" for name in COGNITO)])
VARIABLE = re.compile(r"\$(\{)?context\.(\w+(?:\.\w+)*)(?(1)\})")


def request_context(api: Api, request: ApiRequest, route: Route | None) -> dict[str, Any]:
    """Return what is known before the authorizer and the integration add to it."""
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
