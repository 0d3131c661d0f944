"""Answers that the gateway makes itself, and answers that it takes from a function."""

import base64
import binascii
import json
import re
from typing import Any

from local.messages import Pairs, Request, Response, last_values, with_defaults

# API Gateway Developer Guide, "Gateway response types for API Gateway", and the messages that
# API Gateway sends where a template says nothing.
DEFAULTS = {
    "ACCESS_DENIED": (403, "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, None),
    "BAD_GATEWAY": (502, "Internal server error"),  # our name for what AWS leaves without one
    "INTEGRATION_FAILURE": (504, "Internal server error"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "INVALID_API_KEY": (403, "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "QUOTA_EXCEEDED": (429, "Limit Exceeded"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "THROTTLED": (429, "Too Many Requests"),
    "UNAUTHORIZED": (401, "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type"),
}
JSON = "application/json"
HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
CONTEXT_VARIABLE = re.compile(r"\$(\{)?context\.(\w+(?:\.\w+)*)(?(1)\})")
FRAMING = {"connection", "content-length", "transfer-encoding"}  # these are the server's to say


class Refused(Exception):
    """The gateway answers by itself, with the gateway response of this type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class MalformedAnswer(Exception):
    """A function's answer is not what a proxy integration must return."""


def gateway_response(
    body: dict[str, Any], kind: str, request: Request, context: dict[str, Any]
) -> Response:
    """Make the gateway response of a type as the API's definition has it, or as AWS does."""
    defined = body.get("x-amazon-apigateway-gateway-responses", {})
    status, message = DEFAULTS[kind]
    fallback = defined.get(f"DEFAULT_{status // 100}XX", {})
    response = defined.get(kind, fallback)
    status = int(response.get("statusCode") or fallback.get("statusCode") or status)
    error = {"message": message, "messageString": json.dumps(message), "responseType": kind}
    templates = response.get("responseTemplates") or {
        JSON: '{"message":$context.error.messageString}'
    }
    media_type = JSON if JSON in templates else next(iter(templates))
    text = _filled(templates[media_type], {**context, "error": error})
    headers = tuple(
        (name.removeprefix("gatewayresponse.header."), value)
        for name, expression in response.get("responseParameters", {}).items()
        if (value := parameter_value(expression, request, context)) is not None
    )
    return Response(status, with_defaults(headers, {"Content-Type": media_type}), text.encode())


def parameter_value(expression: str, request: Request, context: dict[str, Any]) -> str | None:
    """Work out a response parameter: `'text'`, `context.x` or `method.request.header.x`."""
    if expression.startswith("'"):
        return expression.strip("'")
    if expression.startswith("context."):
        return _context_value(expression.removeprefix("context."), context)
    kind, _, name = expression.removeprefix("method.request.").partition(".")
    if kind == "header":
        return request.header(name)
    return last_values(request.query_pairs).get(name) if kind == "querystring" else None


def proxy_response(answer: Any) -> Response:
    """Take a function's answer apart.

    Source: "Output format of a Lambda function for proxy integration". One thing is not played:
    AWS renames a function's `WWW-Authenticate` to `x-amzn-Remapped-WWW-Authenticate`.
    """
    if not isinstance(answer, dict):
        raise MalformedAnswer("the answer is not an object")
    status, body = answer.get("statusCode"), answer.get("body")
    if type(status) is not int or not 200 <= status <= 599:
        raise MalformedAnswer("statusCode is not a final HTTP status")
    if not isinstance(body, str | None):
        raise MalformedAnswer("body is not a string")
    try:
        is_binary = answer.get("isBase64Encoded", False)
        content = (
            base64.b64decode(body or "", validate=True) if is_binary else (body or "").encode()
        )
    except (ValueError, binascii.Error) as error:
        raise MalformedAnswer("body is not what isBase64Encoded says") from error
    headers = with_defaults(_headers(answer), {"Content-Type": JSON})
    return Response(status, headers, content)


def _headers(answer: dict[str, Any]) -> Pairs:
    """Merge both maps of headers; a name that is in both counts in the second."""
    single, multiple = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise MalformedAnswer("headers is not an object")
    if not all(isinstance(values, list) for values in multiple.values()):
        raise MalformedAnswer("multiValueHeaders is not an object of lists")
    repeated = {name.lower() for name in multiple}
    pairs = [(name, value) for name, value in single.items() if name.lower() not in repeated]
    pairs += [(name, value) for name, values in multiple.items() for value in values]
    for name, value in pairs:
        if not isinstance(value, str) or set(value) & set("\r\n\0"):
            raise MalformedAnswer(f"header {name} is not one line of text")
        if not HEADER_NAME.fullmatch(name):
            raise MalformedAnswer(f"{name!r} is not the name of a header")
    return tuple(pair for pair in pairs if pair[0].lower() not in FRAMING)


def _filled(template: str, context: dict[str, Any]) -> str:
    def replacement(match: re.Match[str]) -> str:
        return _context_value(match[2], context) or ""

    return CONTEXT_VARIABLE.sub(replacement, template)


def _context_value(name: str, context: dict[str, Any]) -> str | None:
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if value is None else str(value)
