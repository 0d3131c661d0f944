"""A request as API Gateway reads it."""

import uuid
from dataclasses import dataclass, field

from starlette.datastructures import ImmutableMultiDict, QueryParams
from starlette.types import Scope

Headers = ImmutableMultiDict[str, str]


@dataclass(frozen=True)
class ApiRequest:
    """A request with its whole body.

    The path is as it was sent, still percent-encoded. Headers keep the case of their names, and
    one name has one spelling, the first that was sent. Where a name has many values, the last
    value is the one that API Gateway shows alone, and Starlette's dictionaries do so too.
    """

    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    source_ip: str
    protocol: str
    received_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def of(cls, scope: Scope, body: bytes, received_at: float) -> "ApiRequest":
        """Return the request of an ASGI scope."""
        spellings: dict[str, str] = {}
        pairs = [(_text(name), _text(value)) for name, value in scope["headers"]]
        return cls(
            method=scope.get("method", "GET"),  # ASGI has no method in the scope of a WebSocket
            path=scope["raw_path"].decode("ascii"),
            query=QueryParams(scope["query_string"]),
            headers=Headers([(spellings.setdefault(k.lower(), k), value) for k, value in pairs]),
            body=body,
            source_ip=scope["client"][0],
            protocol=f"HTTP/{scope['http_version']}",
            received_at=received_at,
        )

    def header(self, name: str) -> str | None:
        """Return the last value of a header, whatever the case of its name."""
        found = (value for key, value in self.headers.items() if key.lower() == name.lower())
        return next(found, None)

    @property
    def text(self) -> str:
        """Return the body as API Gateway decodes it, unless its media type is a binary one."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def media_type(self) -> str:
        """Return the content type in lower case and without its parameters."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
