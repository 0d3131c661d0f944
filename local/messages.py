"""What comes in and what goes out, as HTTP has it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request whose path and query are as sent, still percent-encoded."""

    id: str
    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    source_ip: str
    protocol: str
    received_at: float

    def header(self, name: str) -> str | None:
        """Return the last value of a header; its name is compared without case."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[-1] if found else None

    @property
    def media_type(self) -> str:
        """Return the content type in lower case and without its parameters."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def query_pairs(self) -> Pairs:
        """Return the query's names and values, decoded; a name without a value has ""."""
        return tuple(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    """An answer, ready to be sent."""

    status: int
    headers: Pairs
    body: bytes


def last_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the last value of each name."""
    return {name: values[-1] for name, values in all_values(pairs).items()}


def all_values(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return all values of each name."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def with_defaults(headers: Pairs, defaults: Mapping[str, str]) -> Pairs:
    """Add the headers that are not there yet, whatever the case of their names."""
    names = {name.lower() for name, _ in headers}
    return headers + tuple(pair for pair in defaults.items() if pair[0].lower() not in names)
