"""What can go wrong: one class for each error of the contract, named as there."""

import re

import httpx


class SessionsError(Exception):
    """An answer that is no success; its text is the service's words.

    Attributes:
        status: the HTTP status; None where there was no answer.
        code: what the service calls the error; None where it was not the service that answered.
        request_id: what operators find the request by.
    """

    status: int | None = None
    code: str | None = None
    request_id: str | None = None


class NetworkError(SessionsError):
    """The request never got an answer; the cause says why, but not whether it was carried out."""


class MissingFields(SessionsError):
    """The request lacks `fields`, or they are not what they should be."""

    fields: tuple[str, ...] = ()


class InvalidSession(SessionsError):
    """The token is not, or no longer, that of a live session: it is time to log in."""


class InvalidPassword(SessionsError):
    """The password is not the user's."""


class Banned(SessionsError):
    """The user is banned."""


class InvalidUser(SessionsError):
    """Nobody has this name or address."""


class SessionMissing(SessionsError):
    """The session that was asked for, or was to be ended, is not a live one of this user."""


class InvalidEndpoint(SessionsError):
    """There is no such route: the base URL may be wrong."""


class BodyTooLarge(SessionsError):
    """The request was larger than the service takes."""


class RateLimited(SessionsError):
    """There were more requests than `limit`; the next may come in `retry_after` seconds."""

    retry_after: int | None = None
    limit: int | None = None
    remaining: int | None = None


class Internal(SessionsError):
    """The service made a mistake."""


class Unavailable(SessionsError):
    """Something behind the service does not answer; it may in `retry_after` seconds."""

    retry_after: int | None = None


# By status and code, since one code can mean two things.
_ERRORS = {
    (400, "MISSING_FIELDS_ERROR"): MissingFields,
    (401, "INVALID_SESSION_ERROR"): InvalidSession,
    (401, "INVALID_PASSWORD_ERROR"): InvalidPassword,
    (403, "BANNED_ERROR"): Banned,
    (404, "INVALID_USER_ERROR"): InvalidUser,
    (404, "INVALID_SESSION_ERROR"): SessionMissing,
    (404, "SESSION_NOT_FOUND_ERROR"): SessionMissing,
    (404, "ENDPOINT_NOT_FOUND_ERROR"): InvalidEndpoint,
    (413, "BODY_TOO_LARGE_ERROR"): BodyTooLarge,
    (429, "RATELIMITED_ERROR"): RateLimited,
    (500, "INTERNAL_SERVER_ERROR"): Internal,
    (503, "SERVICE_UNAVAILABLE_ERROR"): Unavailable,
    (504, "SERVICE_UNAVAILABLE_ERROR"): Unavailable,
}


def error_of(response: httpx.Response) -> SessionsError:
    """Return the error that an answer stands for."""
    try:
        body = response.json()
    except ValueError:
        body = None
    given = body if isinstance(body, dict) else {}
    code = given.get("code")
    words = given.get("message")
    if not isinstance(words, str):
        words = f"Not an answer of the session service: HTTP status {response.status_code}"
    error = _ERRORS.get((response.status_code, str(code)), SessionsError)(words)
    error.status = response.status_code
    error.code = code if isinstance(code, str) else None
    error.request_id = response.headers.get("X-Request-Id")
    match error:
        case MissingFields():
            error.fields = tuple(given.get("fields", ()))
        case RateLimited():
            error.retry_after = whole_number(response, "Retry-After")
            error.limit = whole_number(response, "X-RateLimit-Limit")
            error.remaining = whole_number(response, "X-RateLimit-Remaining")
        case Unavailable():
            error.retry_after = whole_number(response, "Retry-After")
    return error


def whole_number(response: httpx.Response, header: str) -> int | None:
    """Return the number in a header of an answer; None if there is none."""
    value = response.headers.get(header, "")
    return int(value) if re.fullmatch(r"[0-9]{1,15}", value) else None
