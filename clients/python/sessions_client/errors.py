"""One class for each error of the contract, with its name."""

import re

import httpx

__all__ = [
    "Banned",
    "BodyTooLarge",
    "Internal",
    "InvalidEndpoint",
    "InvalidPassword",
    "InvalidSession",
    "InvalidUser",
    "MissingFields",
    "NetworkError",
    "RateLimited",
    "SessionMissing",
    "SessionsError",
    "Unavailable",
]


class SessionsError(Exception):
    """The base of all errors; the text of an answer is the service's own.

    Attributes:
        status: the HTTP status; None where there was no answer.
        code: the service's code of the error; None where the answer was not the service's.
        request_id: operators find the request by this ID.
    """

    status: int | None = None
    code: str | None = None
    request_id: str | None = None


class NetworkError(SessionsError):
    """The request got no answer, and its cause says why; it may have been carried out or not."""


class MissingFields(SessionsError):
    """400: `fields` are absent from the request, or they are wrong."""

    fields: tuple[str, ...] = ()


class InvalidSession(SessionsError):
    """401: the token is not that of a live session, or no longer: it is time to log in."""


class InvalidPassword(SessionsError):
    """401: the password is not the user's."""


class Banned(SessionsError):
    """403: the user is banned."""


class InvalidUser(SessionsError):
    """404: nobody has this name or address."""


class SessionMissing(SessionsError):
    """404: the session to read or to end is not a live one of this user."""


class InvalidEndpoint(SessionsError):
    """404: there is no such route: the base URL may be wrong."""


class BodyTooLarge(SessionsError):
    """413: the request was larger than the service takes."""


class RateLimited(SessionsError):
    """429: there were more requests than `limit`; the next may come in `retry_after` seconds."""

    retry_after: int | None = None
    limit: int | None = None
    remaining: int | None = None


class Internal(SessionsError):
    """500: the service made a mistake."""


class Unavailable(SessionsError):
    """503, 504: something behind the service does not answer; it may in `retry_after` seconds."""

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
