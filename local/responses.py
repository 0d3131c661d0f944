"""Answers that the gateway makes itself, and answers that it takes from a function."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from local.event import context_value, fill
from local.intrinsics import TemplateError

# API Gateway Developer Guide, "Gateway response types for API Gateway", and the messages that
# API Gateway sends where a template has none. That of a function which crashes is not documented:
# AWS logs it as INTEGRATION_FAILURE (DataBiosphere/azul#8192).
DEFAULTS = {
    "ACCESS_DENIED": (403, "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, None),
    "INTEGRATION_FAILURE": (502, "Internal server error"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "INVALID_API_KEY": (403, "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "THROTTLED": (429, "Too Many Requests"),
    "UNAUTHORIZED": (401, "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type"),
}
JSON = "application/json"
NO_CONTENT = {204, 304}
FRAMING = {"connection", "content-length", "transfer-encoding"}  # the server writes these
# API Gateway Developer Guide, "Amazon API Gateway important notes": of the headers that are renamed
# on the way back, the one that functions of ours send.
RENAMED = {"www-authenticate": "x-amzn-Remapped-WWW-Authenticate"}

Pairs = Iterable[tuple[str, str]]


class Refused(Exception):
    """The gateway answers by itself, with the gateway response of this type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def body_too_large() -> Response:
    """Make API Gateway's answer to a body over its limit, which it sends before it sees the API.

    No definition changes it: "Amazon API Gateway important notes". The words are those that AWS
    sent in koki-develop/lgtm-generator#10, and so are those of `event_too_large`.
    """
    headers = [("Content-Type", "text; charset=utf-8")]
    return response_of(413, headers, b"HTTP content length exceeded 10485760 bytes.")


def event_too_large(request_id: str) -> Response:
    """Make the answer to a request whose event is over Lambda's limit; no definition changes it."""
    headers = [
        ("Content-Type", JSON),
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", "BadRequestException"),
    ]
    return response_of(413, headers, b'{"message": "Request Too Long"}')


class MalformedAnswer(Exception):
    """A function's answer is not what a proxy integration must return: these fields are not."""


def response_of(status: int, headers: Pairs, body: bytes) -> Response:
    """Make an answer whose headers keep their order and the case of their names."""
    response = Response(None if status in NO_CONTENT else body, status)
    named = [(name.encode("latin-1"), value.encode()) for name, value in headers]
    response.raw_headers = [*named, *response.raw_headers]
    return response


def with_defaults(headers: Pairs, defaults: Mapping[str, str]) -> list[tuple[str, str]]:
    """Add the headers that are not there yet, whatever the case of their names."""
    found = list(headers)
    names = {name.lower() for name, _ in found}
    return found + [pair for pair in defaults.items() if pair[0].lower() not in names]


def gateway_response(api_body: dict[str, Any], kind: str, context: dict[str, Any]) -> Response:
    """Make the gateway response of a type as the API's definition has it, or as AWS does."""
    defined = api_body.get("x-amazon-apigateway-gateway-responses", {})
    status, message = DEFAULTS[kind]
    fallback = defined.get(f"DEFAULT_{status // 100}XX", {})
    response = defined.get(kind, fallback)
    status = int(response.get("statusCode") or fallback.get("statusCode") or status)
    error = {"message": message, "messageString": json.dumps(message), "responseType": kind}
    templates = response.get("responseTemplates") or {
        JSON: '{"message":$context.error.messageString}'
    }
    media_type = JSON if JSON in templates else next(iter(templates))
    text = fill(templates[media_type], {**context, "error": error})
    headers = [
        (name.removeprefix("gatewayresponse.header."), value)
        for name, expression in response.get("responseParameters", {}).items()
        if (value := _parameter(expression, context)) is not None
    ]
    return response_of(status, with_defaults(headers, {"Content-Type": media_type}), text.encode())


def _parameter(expression: str, context: dict[str, Any]) -> str | None:
    """Work out a response parameter: `'text'` or `context.x`."""
    if expression.startswith("'"):
        return expression.strip("'")
    if expression.startswith("context."):
        return context_value(context, expression.removeprefix("context."))
    raise TemplateError(f"the response parameter {expression} is not supported")


# RFC 9110, section 5.6.2
HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]*$")]


class ProxyAnswer(BaseModel, strict=True, alias_generator=to_camel, hide_input_in_errors=True):
    """Source: "Output format of a Lambda function for proxy integration"."""

    status_code: int = Field(ge=200, le=599)
    headers: dict[HeaderName, HeaderValue] | None = None
    multi_value_headers: dict[HeaderName, list[HeaderValue]] | None = None
    body: str | None = None
    is_base64_encoded: bool = False


def proxy_response(given: Any) -> Response:
    """Make a response of a function's answer."""
    try:
        answer = ProxyAnswer.model_validate(given)
        text = answer.body or ""
        binary = answer.is_base64_encoded
        body = base64.b64decode(text, validate=True) if binary else text.encode()
    except ValidationError as error:  # its text has many lines
        fields = sorted({str(field) for each in error.errors() for field in each["loc"][:1]})
        raise MalformedAnswer(", ".join(fields) or "no object") from error
    except ValueError as error:
        raise MalformedAnswer("body") from error
    single, multiple = answer.headers or {}, answer.multi_value_headers or {}
    repeated = {name.lower() for name in multiple}
    pairs = [(name, value) for name, value in single.items() if name.lower() not in repeated]
    pairs += [(name, value) for name, values in multiple.items() for value in values]
    pairs = [
        (RENAMED.get(name.lower(), name), value)
        for name, value in pairs
        if name.lower() not in FRAMING
    ]
    return response_of(answer.status_code, with_defaults(pairs, {"Content-Type": JSON}), body)
