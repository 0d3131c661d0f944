"""Users and sessions of a test's own, made and read back through the store alone."""

import secrets
from collections.abc import Collection

from sessions import account_store, session_store, user_store
from sessions.logins import Login
from sessions.model import Session, User, live_sessions
from tests.support import records

NOW = 1_800_000_000
LATER = NOW + 1_000_000
EXP = LATER + 1  # of every session
ADDRESS = "203.0.113.7"
NOBODY = Login("nobody", "nobody", "hash")


def new_name() -> str:
    return f"u{secrets.token_hex(8)}"


def unsaved_user() -> User:
    name = new_name()
    id_, email = secrets.token_urlsafe(16), f"{name}@example.com"
    return records.user(id=id_, username=name, email=email, created_at=NOW)


def new_user() -> User:
    user = unsaved_user()
    account_store.create_user(user, "hash")
    return read(user)


def login_of(user: User) -> Login:
    login = user_store.find_login(user.username)
    assert login is not None
    return login


def session_of(user: User, iat: int, session_epoch: int | None = None) -> Session:
    """Return a session of the user, of the epoch in force unless another one is given."""
    if session_epoch is None:
        session_epoch = epoch_of(user)
    return records.session(user=user.id, iat=iat, exp=EXP, session_epoch=session_epoch)


def epoch_of(user: User) -> int:
    """Return the session epoch as a request of the user would read it."""
    return session_store.read_user_and_sessions(user.id, ())[1]


def add_sessions(user: User, iats: range) -> None:
    session_epoch = epoch_of(user)
    for iat in iats:
        session_store.put_session(session_of(user, iat, session_epoch), NOW)


def log_in(user: User, now: int = NOW) -> int:
    """Log in as the handler does, and return the session's ID."""
    login, session_epoch = user_store.find_login_and_epoch(user.username)
    assert login is not None
    return begin(login, session_epoch, now)


def begin(login: Login, session_epoch: int, now: int = NOW) -> int:
    """Begin a session of a user whose password was found right, and return its ID."""
    user, _ = user_store.allocate_session_id(login, now, ADDRESS)
    session_store.put_session(session_of(user, user.last_iat, session_epoch), now)
    return user.last_iat


def revoke(user: User, iat: int, now: int = NOW) -> None:
    """Revoke a session as a request of its own does."""
    session_store.revoke_session(user.id, iat, now, secrets.token_urlsafe(6))


def revoke_all(user: User, kept: int | None = None) -> User:
    """Revoke every session but one as a request of its own does."""
    return user_store.revoke_all_sessions(user, 0, secrets.token_urlsafe(6), kept)


def user_and_sessions(user: str, iats: Collection[int]) -> tuple[User | None, dict[int, Session]]:
    """Return the user and the sessions as a request would read them, without the epoch."""
    found, _, sessions = session_store.read_user_and_sessions(user, iats)
    return found, sessions


def read(user: User) -> User:
    """Return the user's row as a request would read it."""
    found, _ = user_and_sessions(user.id, ())
    assert found is not None
    return found


def live(user: User, now: int = LATER) -> list[int]:
    """Return the IDs of the sessions that count, newest first."""
    row, sessions = read(user), session_store.query_sessions(user.id)
    return [session.iat for session in live_sessions(sessions, row, epoch_of(user), now)]


def rows(user: User) -> list[int]:
    """Return the IDs of all sessions that are stored, newest first."""
    return [session.iat for session in session_store.query_sessions(user.id)]
