"""What a client is promised, read from where the project says it: the template and the layer.

That these say what the contract does is held to it once: the errors in
tests/layer/test_responses.py, the rest in tests/test_template.py.
"""

import tomllib
from typing import Any

from local.functions import logical_id
from local.routes import api_of
from local.template import load_template
from sessions import errors
from tests.support.events import ALLOWED_ORIGINS

TEMPLATE = load_template(parameters={"AllowedOrigins": ALLOWED_ORIGINS})
API = api_of(TEMPLATE).body

SESSION_SECONDS: int = TEMPLATE.parameters["SessionSeconds"]
REMEMBERED_SESSION_SECONDS: int = TEMPLATE.parameters["RememberedSessionSeconds"]

# Of the paths of an operation, as `paths` returns them.
SHORT, CANONICAL = 0, 1
# What every answer carries; the names as HTTP clients see them.
EVERY_ANSWER = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "vary": "Origin",
}

INVALID_SESSION = errors.InvalidSession().body()
INVALID_PASSWORD = errors.InvalidPassword().body()
INVALID_USER = errors.InvalidUser().body()
INVALID_ENDPOINT = errors.InvalidEndpoint().body()
BANNED = errors.Banned().body()
SESSION_MISSING = errors.SessionMissing().body()
BODY_TOO_LARGE = errors.BodyTooLarge().body()
RATE_LIMITED = errors.RateLimited(1, 1).body()
INTERNAL = errors.Internal().body()
UNAVAILABLE = errors.Unavailable().body()

_PROJECT = tomllib.loads((TEMPLATE.root / "pyproject.toml").read_text())["project"]
UP = {"hello": "world", "version": _PROJECT["version"]}


def missing(*fields: str) -> dict[str, Any]:
    """Return the body that names wrong fields."""
    return errors.MissingFields(fields).body()


def is_refusal(status: int, body: Any) -> bool:
    """Say whether the contract has this answer to a request that it refuses; a 5xx is none."""
    if status == 400:
        return isinstance(body, dict) and body == missing(*body.get("fields", ["?"]))
    return (status, body) in [
        (refusal.status, {"code": refusal.code, "message": refusal.message})
        for refusal in errors.Refusal.__subclasses__()
        if refusal.status < 500
    ]


def routes_of(function: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the template says of each path, with its method, at which a function answers."""
    return {
        (path, method.upper()): definition
        for path, methods in API["paths"].items()
        for method, definition in methods.items()
        if f":{function}:" in definition["x-amazon-apigateway-integration"].get("uri", "")
    }


def paths(folder: str) -> list[str]:
    """Return the paths at which a function answers, the short one first."""
    return sorted((path for path, _ in routes_of(logical_id(folder))), key=len)
