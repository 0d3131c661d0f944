"""What a client is promised, read from where the project says it: the template and the layer.

That these say what the contract does is held to it once: the errors in tests/test_openapi.py, the
rest in tests/test_template.py.
"""

from typing import Any

from local.functions import logical_id
from local.routes import api_of, function_arn, paths_of
from local.template import arn, load_template
from sessionctl.version import VERSION
from sessions import errors
from tests.support.events import ALLOWED_ORIGINS, load_event

TEMPLATE = load_template(parameters={"AllowedOrigins": ALLOWED_ORIGINS})
_API = api_of(TEMPLATE)
API = _API.body

SESSION_SECONDS: int = TEMPLATE.parameters["SessionSeconds"]
REMEMBERED_SESSION_SECONDS: int = TEMPLATE.parameters["RememberedSessionSeconds"]

# Of the paths of an operation, as `paths` returns them.
SHORT, CANONICAL = 0, 1
# What every answer of a function carries, and nothing else where no page of another origin asks.
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Origin",
    "X-Request-Id": load_event("create_session")["requestContext"]["requestId"],
}
UNAUTHORIZED_HEADERS = {**HEADERS, "WWW-Authenticate": "Bearer"}
# Those of them that never differ; the names as HTTP clients see them.
EVERY_ANSWER = {name.lower(): value for name, value in HEADERS.items() if name != "X-Request-Id"}

# Every error of the contract, at each of its statuses; the last kind is the Verifier's alone.
_WITH_EVIDENCE = [errors.MissingFields(["user"]), errors.RateLimited(1, 2, 1)]
_SET_APART = {*map(type, _WITH_EVIDENCE), errors.StaleSession}
ERRORS: list[errors.ApiError] = [
    *_WITH_EVIDENCE,
    *(kind() for kind in errors.ApiError.__subclasses__() if kind not in _SET_APART),
    errors.InvalidSession(404),
]
INVALID_SESSION = errors.InvalidSession().body()
INVALID_PASSWORD = errors.InvalidPassword().body()
INVALID_USER = errors.InvalidUser().body()
INVALID_ENDPOINT = errors.InvalidEndpoint().body()
BANNED = errors.Banned().body()
ORIGIN_NOT_ALLOWED = errors.OriginNotAllowed().body()
SESSION_MISSING = errors.SessionMissing().body()
BODY_TOO_LARGE = errors.BodyTooLarge().body()
RATE_LIMITED = errors.RateLimited(1, 2, 1).body()
INTERNAL = errors.Internal().body()
UNAVAILABLE = errors.Unavailable().body()

UP = {"hello": "world", "version": VERSION}


def session_over(reason: str) -> dict[str, Any]:
    """Return the body that says why a session is over."""
    return {**INVALID_SESSION, "reason": reason}


def missing(*fields: str) -> dict[str, Any]:
    """Return the body that names wrong fields."""
    return errors.MissingFields(fields).body()


def is_refusal(status: int, body: Any) -> bool:
    """Say whether the contract has this answer to a request that it refuses; a 5xx is none."""
    if status == 400:
        return isinstance(body, dict) and body == missing(*body.get("fields", ["?"]))
    known = [(error.status, error.body()) for error in ERRORS if error.is_client_error]
    if status == 401 and isinstance(body, dict) and body["code"] == INVALID_SESSION["code"]:
        body = {name: value for name, value in body.items() if name != "reason"}
    return (status, body) in known


def name_of_error(status: int, body: dict[str, Any]) -> str:
    """Return the contract's name of an error that was answered."""
    (name,) = {
        type(error).__name__
        for error in ERRORS
        if (error.status, error.code) == (status, body["code"])
    }
    return name


def routes_of(function: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the template says of each path, with its method, at which a function answers."""
    wanted = arn("AWS::Lambda::Function", function)
    return {
        (path, method.upper()): definition
        for path, methods in API["paths"].items()
        for method, definition in methods.items()
        if function_arn(definition["x-amazon-apigateway-integration"].get("uri", "")) == wanted
    }


def paths(folder: str) -> list[str]:
    """Return the paths at which a function answers, the short one first."""
    return paths_of(_API, arn("AWS::Lambda::Function", logical_id(folder)))
