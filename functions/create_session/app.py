"""POST /user/session: log in."""

import secrets
from functools import partial

from sessions import attempts, passwords, settings, store, tokens
from sessions.body import parse
from sessions.endpoint import ISSUER, clean_up, endpoint, jti_sha256, signing_keys
from sessions.errors import InvalidUser
from sessions.model import Session
from sessions.request import Request, address_block
from sessions.responses import Answer, created
from sessions.session_name import session_name
from sessions.side_by_side import side_by_side

SESSION_SECONDS = settings.number("SESSION_SECONDS")
REMEMBERED_SESSION_SECONDS = settings.number("REMEMBERED_SESSION_SECONDS")
MAX_SESSIONS_PER_USER = settings.number("MAX_SESSIONS_PER_USER")


# What logs a user in.
CREDENTIALS = {
    "user": {"type": "string", "minLength": 1, "maxLength": 320},
    "pass": {"type": "string", "minLength": 1, "maxLength": 1024},
    "rememberMe": {"type": "boolean", "default": False},
}


@endpoint("create_session", "SessionCreated", refused="LoginRefused")
def handler(request: Request) -> Answer:
    """Count the attempt, check the password, allot the session, sign its token."""
    credentials = parse(request, CREDENTIALS)
    attempt = secrets.token_urlsafe(6)
    with attempts.counted(request, credentials["user"], attempt) as (login, generation, take_back):
        if login is None:
            raise InvalidUser
        request.log["user"] = login.user
        passwords.check_password(login.password_hash, credentials["pass"])
        if passwords.is_outdated(login.password_hash):
            renewed = passwords.hash_password(credentials["pass"], secrets.token_bytes(16))
            store.replace_password_hash(login, renewed)
        # The key first: a login that cannot be signed must leave no session behind.
        kid, key = signing_keys.current(request.now)

    address = address_block(request.source_ip)
    user, _ = side_by_side(partial(store.allot_iat, login, request.now, address), take_back)
    iat = user.last_iat
    exp = iat + (REMEMBERED_SESSION_SECONDS if credentials["rememberMe"] else SESSION_SECONDS)
    jti = secrets.token_urlsafe(16)
    name = session_name(
        request.headers.get("x-session-name", ""), request.headers.get("user-agent", "")
    )
    store.put_session(Session(user.id, iat, exp, name, jti_sha256(jti), generation))
    with clean_up(request, "keep_newest"):
        store.keep_newest(user._replace(generation=generation), MAX_SESSIONS_PER_USER, request.now)
    token = tokens.issue(tokens.Claims(user.id, iat, exp, jti), ISSUER, kid, key)
    return created({"token": token, "exp": exp})
