"""The routes that need a token, and what all answers have in common."""

from typing import Any

from tests.support.calls import Answer, call
from tests.support.events import load_event

# What every answer carries, and nothing else where no page of another origin asks.
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Origin",
    "X-Request-Id": load_event("create_session")["requestContext"]["requestId"],
}
UNAUTHORIZED_HEADERS = {**HEADERS, "WWW-Authenticate": "Bearer"}

AUTHENTICATED = [
    "get_current_session",
    "get_session",
    "list_sessions",
    "delete_session",
    "delete_sessions",
    "delete_all_sessions",
]


def call_route(
    name: str, token: str | None, session: int, headers: dict[str, Any] | None = None
) -> Answer:
    """Call an authenticated route for what it is there for; `session` is what it acts on."""
    if name in {"get_session", "delete_session"}:
        return call(name, token, session=session, headers=headers)
    if name == "delete_sessions":
        return call(name, token, body={"sessions": [session]}, headers=headers)
    return call(name, token, headers=headers)
