"""How a session begins, however its user was authenticated.

Only the login and the account operation `issue_session` import this: what they have proved, a
password or a word of the operator, is theirs; all that comes after it is here.
"""

from collections.abc import Callable
from functools import partial

from sessions import session_store, settings, tokens, user_store
from sessions.concurrent import run_concurrently
from sessions.errors import Banned, InvalidSession
from sessions.logins import Login
from sessions.model import Session, User
from sessions.proof import Claims, check, jti_sha256
from sessions.signing_keys import signing_keys
from sessions.telemetry import best_effort

ISSUER = settings.text("TOKEN_ISSUER")
SESSION_SECONDS = settings.number("SESSION_SECONDS")
REMEMBERED_SESSION_SECONDS = settings.number("REMEMBERED_SESSION_SECONDS")
MAX_SESSIONS_PER_USER = settings.number("MAX_SESSIONS_PER_USER")
IDLE_SECONDS = settings.number("IDLE_SECONDS")
KEEP_ADDRESSES = settings.flag("KEEP_ADDRESSES")


def issue_session(
    login: Login,
    draft: Session,
    jti: str,
    now: int,
    request_id: str,
    *,
    address: str | None,
    device: str | None = None,
    meanwhile: Callable[[], None] | None = None,
    presented: Claims | None = None,
) -> tuple[str, Session]:
    """Allocate the session's ID, store it, enforce the limit of sessions; return its token, and it.

    Args:
        login: the user, and the password version that was read before the user was authenticated.
        draft: the session, but for its ID, the hash of `jti`, its idle limit and `known`.
        jti: 128 random bits.
        now: epoch seconds.
        request_id: the request's ID, for the log.
        address: the address or network from which the user logs in; None if that is not known.
        device: the kind of device on which the user logs in; None if that is not known.
        meanwhile: what to do beside the first write.
        presented: what a token says; a live session of the user whose token it is, is replaced.

    Raises:
        InvalidUser, InvalidPassword, Banned, Internal: as `user_store.allocate_session_id`.
        Unavailable: AWS does not answer. Nobody has a token; the session to replace may have ended.
    """
    # The key first: a session whose token cannot be signed must not be left behind.
    kid, key = signing_keys.current(now)
    allocate = partial(user_store.allocate_session_id, login, now, address, device)
    user, known = allocate() if meanwhile is None else run_concurrently(allocate, meanwhile)[0]
    draft = _as_deployed(draft._replace(known=known), now)
    session = draft._replace(iat=user.last_iat, jti_sha256=jti_sha256(jti))
    token = tokens.issue(Claims(user.id, session.iat, session.ends_at, jti), ISSUER, kid, key)
    _store(session, _live_session(user.id, presented, now), now)
    _clean_up(user, session.session_epoch, now, request_id)
    return token, session


def _as_deployed(draft: Session, now: int) -> Session:
    """Return the session with the idle limit of this deployment, and with what it keeps alone.

    One that somebody else begins is not known to the user, wherever that is.
    """
    if draft.by is not None:
        draft = draft._replace(known=False)
    if IDLE_SECONDS:
        draft = draft._replace(until=draft.exp, exp=min(draft.exp, now + IDLE_SECONDS))
    return draft if KEEP_ADDRESSES else draft._replace(address=None, country=None)


def _store(session: Session, replaced: int | None, now: int) -> None:
    if replaced is None:
        session_store.put_session(session, now)
    else:
        session_store.replace_session(replaced, session, now)


def _clean_up(user: User, session_epoch: int, now: int, request_id: str) -> None:
    """Do what the next session's beginning does as well, if it fails."""
    with best_effort("enforce_session_limit", request_id):
        session_store.enforce_session_limit(user, session_epoch, MAX_SESSIONS_PER_USER, now)
    with best_effort("forget_oldest_addresses", request_id):
        user_store.forget_oldest_addresses(user)


def _live_session(user: str, presented: Claims | None, now: int) -> int | None:
    """Return the ID of the live session of `user` that a token proves; None if it proves none."""
    if presented is None or presented.sub != user:
        return None
    row, session_epoch, sessions = session_store.read_user_and_sessions(user, (presented.iat,))
    try:
        check(presented, row, sessions.get(presented.iat), session_epoch, now)
    except (InvalidSession, Banned):
        return None
    return presented.iat
