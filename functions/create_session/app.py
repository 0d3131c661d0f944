"""POST /user/session: log in."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from sessions import passwords, session_issue, settings, user_store
from sessions.body import Fields, parse
from sessions.endpoint import endpoint, refuse_foreign_page, verify_token
from sessions.errors import InvalidSession, InvalidUser
from sessions.login_throttle import Attempt
from sessions.logins import Login
from sessions.model import Session
from sessions.proof import Claims
from sessions.request import Request
from sessions.responses import Answer, created, created_in_cookie
from sessions.session_name import kind_of_device, session_name

TELL_UNKNOWN_USERS = settings.flag("TELL_UNKNOWN_USERS")

# Room for the longest login, password and name of a session in any spelling: each letter as twelve
# (JSON's escapes of a surrogate pair, or four bytes percent-encoded); decomposed ones fit, too.
LARGEST_BODY_BYTES = 20_480
CREDENTIALS: Fields = {
    "user": {"type": "string", "minLength": 1, "maxLength": 320},
    "pass": {"type": "string", "minLength": 1, "maxLength": 1024},
    "rememberMe": {"type": "boolean", "default": False},
    # A text that is no name is no mistake: the session gets another name.
    "name": {"type": "string", "default": ""},
}
PREPARE: dict[str, Callable[[str], str]] = {"user": str.strip, "pass": passwords.prepare}


@endpoint("create_session", "SessionCreated", refused="LoginRefused")
def handler(request: Request) -> Answer:
    """Count the attempt, check the password, begin the session.

    What a page of another origin sends is refused before anything is counted or read.
    """
    refuse_foreign_page(request)
    credentials = parse(request, CREDENTIALS, LARGEST_BODY_BYTES, PREPARE)
    name, attempt_id = credentials["user"], secrets.token_urlsafe(6)
    with Attempt(request, name, attempt_id, tell_unknown_users=TELL_UNKNOWN_USERS) as attempt:
        login, session_epoch = attempt.begin()
        if login is None:
            refuse_unknown_user(credentials["pass"])
        request.log["user"] = login.user
        check_password(login, credentials["pass"])
        token, session = session_issue.issue_session(
            login,
            draft_session(request, credentials, login.user, session_epoch),
            secrets.token_urlsafe(16),
            request.now,
            request.request_id,
            address=attempt.address,
            device=kind_of_device(request.headers.get("user-agent", "")),
            meanwhile=attempt.release,
            presented=presented_claims(request),
        )
    if request.wants_cookie:
        max_age = session.ends_at - request.now if credentials["rememberMe"] else None
        return created_in_cookie(token, session.ends_at, max_age)
    return created({"token": token, "exp": session.ends_at})


def draft_session(
    request: Request, credentials: dict[str, Any], user: str, session_epoch: int
) -> Session:
    """Return the session to begin, which has no ID yet."""
    lasts = session_issue.SESSION_SECONDS
    if credentials["rememberMe"]:
        lasts = session_issue.REMEMBERED_SESSION_SECONDS
    exp = request.now + lasts  # not of the ID, which can be ahead of the clock
    given = (credentials["name"], request.headers.get("x-session-name", ""))
    name = session_name(given, request.headers.get("user-agent", ""))
    return Session(
        user,
        0,
        exp,
        name,
        session_epoch=session_epoch,
        created_at=request.now,
        address=request.source_ip or None,
        country=request.country or None,
    )


def presented_claims(request: Request) -> Claims | None:
    """Return what the token says whose session this login is to replace; None for no such token."""
    if request.headers.get("x-replace-session") == "true":
        with suppress(InvalidSession):
            return verify_token(request)
    return None


def refuse_unknown_user(password: str) -> NoReturn:
    """Refuse a name that nobody has: as a wrong password, and in its time, if it is not told."""
    if not TELL_UNKNOWN_USERS:
        passwords.check_password("", password)
    raise InvalidUser


def check_password(login: Login, password: str) -> None:
    """Check the password; renew a hash that was made with other parameters than today's."""
    passwords.check_password(login.password_hash, password)
    if passwords.is_outdated(login.password_hash):
        renewed = passwords.hash_password(password, secrets.token_bytes(16))
        user_store.replace_password_hash(login, renewed)
