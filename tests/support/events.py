"""The events of `events/`, as API Gateway would change them for another request."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
ALLOWED_ORIGINS = ["https://app.example.com", "http://localhost:8080"]


def load_event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def event_for(
    name: str,
    token: str | None = None,
    *,
    session: object = None,
    body: Any = None,
    raw_body: str | None = None,
    query: dict[str, list[str]] | None = None,
    headers: dict[str, str | list[str] | None] | None = None,
    is_base64: bool = False,
) -> Any:
    """Return the event that API Gateway makes of a request.

    Args:
        name: the function's folder; its event is the one of that name.
        token: the header `Authorization`, if any.
        session: the path's `id`.
        body: sent as JSON.
        raw_body: sent as it is, instead.
        query: names and values; none, if not given.
        headers: more headers; None takes one away, a list sends one several times.
        is_base64: what `isBase64Encoded` says.
    """
    event = load_event(name)
    sent = {k: v for k, v in event["headers"].items() if k.lower() != "authorization"}
    if token is not None:
        sent["Authorization"] = token
    for header, value in (headers or {}).items():
        sent.pop(header, None)
        if value is not None:
            sent[header] = value
    lists = {name: [value] if isinstance(value, str) else value for name, value in sent.items()}
    event["headers"] = {name: values[-1] for name, values in lists.items()}
    event["multiValueHeaders"] = lists
    if session is not None:
        event["pathParameters"] = {"id": str(session)}
    event["multiValueQueryStringParameters"] = query
    event["queryStringParameters"] = {k: v[-1] for k, v in query.items()} if query else None
    event["body"] = json.dumps(body) if body is not None else raw_body
    event["isBase64Encoded"] = is_base64
    return event
