"""POST /user/session: log in."""

import secrets

from pydantic import Field

from sessions import passwords, settings, store, tokens
from sessions.body import Body, parse
from sessions.endpoint import ISSUER, endpoint, jti_sha256, signing_keys
from sessions.errors import InvalidUser
from sessions.model import Session
from sessions.request import Request
from sessions.responses import Answer, created
from sessions.session_name import session_name

SESSION_SECONDS = settings.number("SESSION_SECONDS")
REMEMBERED_SESSION_SECONDS = settings.number("REMEMBERED_SESSION_SECONDS")


class Credentials(Body):
    """What logs a user in."""

    user: str = Field(min_length=1, max_length=320)
    password: str = Field(alias="pass", min_length=1, max_length=1024)
    remember_me: bool = Field(alias="rememberMe", default=False)


@endpoint("SessionCreated", refused="LoginRefused")
def handler(request: Request) -> Answer:
    """Check the password, allot the session, sign its token."""
    credentials = parse(request, Credentials)
    login = store.find_login(credentials.user)
    if login is None:
        raise InvalidUser
    passwords.check_password(login.password_hash, credentials.password)
    if passwords.is_outdated(login.password_hash):
        renewed = passwords.hash_password(credentials.password, secrets.token_bytes(16))
        store.replace_password_hash(login, renewed)

    # The key first: a login that cannot be signed must leave no session behind.
    kid, key = signing_keys.current(request.now)
    iat = store.allot_iat(login.user, request.now)
    exp = iat + (REMEMBERED_SESSION_SECONDS if credentials.remember_me else SESSION_SECONDS)
    jti = secrets.token_urlsafe(16)
    name = session_name(
        request.headers.get("x-session-name", ""), request.headers.get("user-agent", "")
    )
    store.put_session(Session(login.user, iat, exp, name, jti_sha256(jti)))
    token = tokens.issue(tokens.Claims(login.user, iat, exp, jti), ISSUER, kid, key)
    return created({"token": token, "exp": exp})
