"""One class for each error of the contract, with its name."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

_Member = TypeVar("_Member")

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
    "OriginNotAllowed",
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
    """401: the token is not that of a live session, or no longer: it is time to log in.

    Attributes:
        reason: why the session is over, such as `password_changed`; None where that is not told.
    """

    reason: str | None = None


class InvalidPassword(SessionsError):
    """401: the password is not the user's; or nobody has the name, where that is not told."""


class Banned(SessionsError):
    """403: the user is banned.

    Attributes:
        reason: why, in the operator's words; None where there are none for the user to see.
        until: when the ban ends, in seconds since 1970; None where that is not told.
    """

    reason: str | None = None
    until: int | None = None


class OriginNotAllowed(SessionsError):
    """403: the header `Origin` of a login names an origin that the service does not allow."""


class InvalidUser(SessionsError):
    """404: nobody has this name or address; a service may not tell, and answer 401."""


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
    (403, "ORIGIN_NOT_ALLOWED_ERROR"): OriginNotAllowed,
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


# RFC 9111, section 1.2.2: what a number of seconds that is too large to be told counts as.
_LARGEST_NUMBER = 2**31
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}(:[0-9]{2}){2} GMT")


def error_of(response: httpx.Response) -> SessionsError:
    """Return the error that an answer stands for."""
    body = body_of(response)
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
        case InvalidSession():
            error.reason = _told(given, "reason", str)
        case Banned():
            error.reason = _told(given, "reason", str)
            error.until = _told(given, "until", int)
        case MissingFields():
            fields = given.get("fields")
            named = fields if isinstance(fields, list) else ()
            error.fields = tuple(field for field in named if isinstance(field, str))
        case RateLimited():
            error.retry_after = seconds_named(response)
            error.limit = _whole_number(response, "X-RateLimit-Limit")
            error.remaining = _whole_number(response, "X-RateLimit-Remaining")
        case Unavailable():
            error.retry_after = seconds_named(response)
    return error


def _told(body: Mapping[str, Any], name: str, kind: type[_Member]) -> _Member | None:
    """Return a member that may be there; None also for one of another type."""
    value = body.get(name)
    return value if type(value) is kind else None  # `isinstance` would take true for the number 1


def without_frames(error: Exception) -> Exception:
    """Return an error without the frames that it came through, and without its own causes.

    Their variables hold tokens and passwords, such as the octets of the request that h11 writes.
    To be raised from outside of `except`, where no error becomes the context of another.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def body_of(response: httpx.Response) -> Any:
    """Return what an answer holds; None if that is no JSON, or is nested too deeply."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def seconds_named(response: httpx.Response) -> int | None:
    """Return the seconds until the moment in `Retry-After`; None if it names none.

    It is a number or a date (RFC 9110, section 10.2.3). A date counts by the sender's clock, where
    that is told: ours may be wrong. One that is over is a second away, so that nobody hurries.
    """
    moment = _moment(response, "Retry-After")
    if moment is None:
        return _whole_number(response, "Retry-After")
    now = _moment(response, "Date") or datetime.now(UTC)
    return max(1, math.ceil((moment - now).total_seconds()))


def _whole_number(response: httpx.Response, header: str) -> int | None:
    value = response.headers.get(header, "")
    if not re.fullmatch("[0-9]+", value):
        return None
    return int(min(float(value), _LARGEST_NUMBER))  # a float takes digits without end


def _moment(response: httpx.Response, header: str) -> datetime | None:
    value = response.headers.get(header, "")
    try:
        return parsedate_to_datetime(value) if _DATE.fullmatch(value) else None
    except ValueError:  # such as the 31st of February
        return None
