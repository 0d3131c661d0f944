"""Every error that a caller can meet: its name, its status and its words.

The words are the contract's and say no more than it does. Details for the operator go into the
log instead, as the exception's cause.
"""

from collections.abc import Sequence


class ApiError(Exception):
    """A request that is answered with an error of the contract.

    Attributes:
        status: the HTTP status.
        code: the contract's name for it, for programs.
        message: the contract's words for it, for people.
        headers: headers of this answer beside those of every answer.
    """

    status = 500
    code = "INTERNAL_SERVER_ERROR"
    message = "Internal Server Error"
    headers: dict[str, str] = {}

    @property
    def is_client_error(self) -> bool:
        """Say whether the request is to blame (RFC 9110, section 15.5), and not the service."""
        return self.status < 500

    def body(self) -> dict[str, object]:
        """Return the answer's body."""
        return {"code": self.code, "message": self.message}


class Internal(ApiError):
    """A mistake of ours."""


class MissingFields(ApiError):
    """The request lacks `fields`, or they are not as they should be."""

    status = 400
    code = "MISSING_FIELDS_ERROR"
    message = "Missing Fields"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = list(fields)

    def body(self) -> dict[str, object]:
        """Return the answer's body, which names the fields."""
        return {**super().body(), "fields": self.fields}


class InvalidSession(ApiError):
    """The token is not that of a live session; or, as a 404, the path names no live session.

    Attributes:
        reason: why the session is over, in the words of docs/events.md; None where the token does
            not prove that it was its caller's, or that is not known.
    """

    status = 401
    code = "INVALID_SESSION_ERROR"
    message = "Invalid Session"
    headers = {"WWW-Authenticate": "Bearer"}  # RFC 9110, section 11.6.1

    def __init__(self, status: int = 401, *, reason: str | None = None) -> None:
        super().__init__()
        self.reason = reason
        if status != self.status:
            self.status = status
            self.headers = {}

    def body(self) -> dict[str, object]:
        """Return the answer's body, with the reason where it is told."""
        return {**super().body(), **({"reason": self.reason} if self.reason else {})}


class StaleSession(ApiError):
    """The session counts, but its user logged in over `max_age` seconds ago.

    Only the Verifier raises this: what a product asks a fresh login for is its own business.
    """

    status = 401
    code = "STALE_SESSION_ERROR"
    message = "Session Too Old"

    def __init__(self, max_age: int) -> None:
        super().__init__()
        self.max_age = max_age
        self.headers = {  # RFC 9470, section 3
            "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", '
            f'error_description="A more recent login is needed", max_age="{max_age}"'
        }


class InvalidPassword(ApiError):
    """The password is not the user's; or nobody has the name, where that is not told."""

    status = 401
    code = "INVALID_PASSWORD_ERROR"
    message = "Invalid Password"
    headers = InvalidSession.headers


class Banned(ApiError):
    """The user is banned.

    Attributes:
        reason: the ban's reason; None where there is none, or the user is not told.
        until: when the ban ends, in epoch seconds; None likewise.
    """

    status = 403
    code = "BANNED_ERROR"
    message = "Account Banned"

    def __init__(self, reason: str | None = None, until: int | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.until = until

    def body(self) -> dict[str, object]:
        """Return the answer's body, with what the user is told of the ban."""
        told = {"reason": self.reason, "until": self.until}
        return {**super().body(), **{name: value for name, value in told.items() if value}}


class OriginNotAllowed(ApiError):
    """A page sends the login whose origin is neither an allowed one nor our own."""

    status = 403
    code = "ORIGIN_NOT_ALLOWED_ERROR"
    message = "Origin Not Allowed"


class InvalidUser(ApiError):
    """No user has this name or address."""

    status = 404
    code = "INVALID_USER_ERROR"
    message = "Invalid User"


class SessionMissing(ApiError):
    """The session to delete is not a live one of this user."""

    status = 404
    code = "SESSION_NOT_FOUND_ERROR"
    message = "Session Not Found"


class InvalidEndpoint(ApiError):
    """There is no such route."""

    status = 404
    code = "ENDPOINT_NOT_FOUND_ERROR"
    message = "Endpoint Not Found"


class BodyTooLarge(ApiError):
    """The body is larger than the service takes."""

    status = 413
    code = "BODY_TOO_LARGE_ERROR"
    message = "Body Too Large"


class RateLimited(ApiError):
    """The caller has made as many requests as `limit`, and may try again at `reset_at`."""

    status = 429
    code = "RATELIMITED_ERROR"
    message = "You Have Been Ratelimited. Please Try Again Later."

    def __init__(self, limit: int, reset_at: int, now: int) -> None:
        super().__init__()
        self.headers = {
            "Retry-After": str(reset_at - now),  # RFC 9110, section 10.2.3
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(reset_at),
        }


class Unavailable(ApiError):
    """A service behind us does not answer; the exception's cause is the fault itself."""

    status = 503
    code = "SERVICE_UNAVAILABLE_ERROR"
    message = "Service Unavailable"
    headers = {"Retry-After": "1"}


class AccountError(Exception):
    """An account operation that was refused; the message is for the operator."""


class UserTaken(AccountError):
    """Another user has this name or address already."""


class UnknownUser(AccountError):
    """No user has this name, address or ID."""

    def __init__(self) -> None:
        super().__init__("no user has this name, address or ID")


class UserBanned(AccountError):
    """The user is banned, and gets no session."""

    def __init__(self) -> None:
        super().__init__("the user is banned")


class UnknownKey(AccountError):
    """The key set has no key of this `kid`."""


class NextKeyTooYoung(AccountError):
    """The current key cannot be dropped yet: some functions may not know the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} seconds")


class ChangedMeanwhile(AccountError):
    """Another operation changed the same thing at this moment, and this one changed nothing."""


class InvalidInput(AccountError):
    """The operation's input is wrong; the message names the fields."""
