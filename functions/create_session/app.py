"""POST /user/session: log in."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from sessions import passwords, session_store, settings, tokens, user_store
from sessions.body import Fields, parse
from sessions.concurrent import run_concurrently
from sessions.endpoint import ISSUER, endpoint, refuse_foreign_page
from sessions.errors import InvalidUser
from sessions.login_throttle import Attempt
from sessions.logins import Login
from sessions.model import Session
from sessions.proof import Claims, jti_sha256
from sessions.request import Request
from sessions.responses import Answer, created
from sessions.session_name import session_name
from sessions.signing_keys import signing_keys
from sessions.telemetry import best_effort

SESSION_SECONDS = settings.number("SESSION_SECONDS")
REMEMBERED_SESSION_SECONDS = settings.number("REMEMBERED_SESSION_SECONDS")
TELL_UNKNOWN_USERS = settings.text("TELL_UNKNOWN_USERS") == "true"
MAX_SESSIONS_PER_USER = settings.number("MAX_SESSIONS_PER_USER")

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
    """Count the attempt, check the password, allocate the session's ID, sign its token.

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
        # The key first: a login that cannot be signed must leave no session behind.
        kid, key = signing_keys.current(request.now)
        user, _ = run_concurrently(
            partial(user_store.allocate_session_id, login, request.now, attempt.address),
            attempt.release,
        )
    iat = user.last_iat
    lasts = REMEMBERED_SESSION_SECONDS if credentials["rememberMe"] else SESSION_SECONDS
    exp = request.now + lasts  # not of the ID, which can be ahead of the clock
    jti = secrets.token_urlsafe(16)
    given = (credentials["name"], request.headers.get("x-session-name", ""))
    name = session_name(given, request.headers.get("user-agent", ""))
    token = tokens.issue(Claims(user.id, iat, exp, jti), ISSUER, kid, key)
    digest = jti_sha256(jti)
    session = Session(user.id, iat, exp, name, digest, session_epoch, created_at=request.now)
    session_store.put_session(session, request.now)
    with best_effort("enforce_session_limit", request.request_id):
        session_store.enforce_session_limit(user, session_epoch, MAX_SESSIONS_PER_USER, request.now)
    with best_effort("forget_oldest_addresses", request.request_id):
        user_store.forget_oldest_addresses(user)
    return created({"token": token, "exp": exp})


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
