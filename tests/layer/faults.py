"""AWS as it is on a bad day: faults put in where botocore sends a request or reads an answer."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.core.models import botocore_stubber

Hook = Callable[..., Any]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def error(status: int, code: str) -> Hook:
    """Return what makes AWS answer with an error."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret details"}

    def send(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {}, _Raw(json.dumps(body).encode()))

    return send


def failure(exception: type[Exception]) -> Hook:
    """Return what makes the connection fail."""

    def send(request: Any, **_: Any) -> None:
        raise exception(endpoint_url=request.url)

    return send


FAULTS: dict[str, Hook] = {
    "throttled": error(400, "ProvisionedThroughputExceededException"),
    "throttled by the account": error(400, "ThrottlingException"),
    "over the limit": error(400, "RequestLimitExceeded"),
    "an internal error": error(500, "InternalServerError"),
    "down": error(503, "ServiceUnavailable"),
    "no rights": error(400, "AccessDeniedException"),
    "no such table": error(400, "ResourceNotFoundException"),
    "a validation error": error(400, "ValidationException"),
    "no connection": failure(EndpointConnectionError),
    "a time-out on connecting": failure(ConnectTimeoutError),
    "a time-out on reading": failure(ReadTimeoutError),
}


def inject(client: Any, operation: str, fault: Hook, *, times: int | None = None) -> list[bytes]:
    """Let a fault befall an operation, always or the first times; return the bodies sent."""
    sent: list[bytes] = []

    def send(event_name: str, request: Any, **rest: Any) -> Any:
        if not event_name.endswith(f".{operation}"):
            return botocore_stubber(event_name, request, **rest)
        sent.append(request.body)
        if times is not None and len(sent) > times:
            return botocore_stubber(event_name, request, **rest)
        return fault(request=request)

    # moto would carry out the request as well: botocore asks everybody before it sends.
    client.meta.events.unregister("before-send", botocore_stubber)
    client.meta.events.register("before-send", send)
    return sent


def lose_first_answers(client: Any, operation: str) -> None:
    """Let an operation be done, but its first answer be lost, so that botocore tries again."""

    def again(attempts: int, **_: Any) -> int | None:
        return 0 if attempts == 1 else None

    client.meta.events.register(f"needs-retry.dynamodb.{operation}", again)
