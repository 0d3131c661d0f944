"""Users and sessions of a test's own, made and read back through the store alone."""

import secrets

from sessions import store
from sessions.model import Login, Session, User, is_live

NOW = 1_800_000_000
LATER = NOW + 1_000_000
EXP = LATER + 1  # of every session
ADDRESS = "203.0.113.7"
NOBODY = Login("nobody", "nobody", "hash")


def new_name() -> str:
    return f"u{secrets.token_hex(8)}"


def unsaved_user() -> User:
    name = new_name()
    return User(secrets.token_urlsafe(16), name, f"{name}@example.com", created_at=NOW)


def new_user() -> User:
    user = unsaved_user()
    store.create_user(user, "hash")
    return read(user)


def login_of(user: User) -> Login:
    login = store.find_login(user.username)
    assert login is not None
    return login


def session_of(user: User, iat: int) -> Session:
    return Session(user.id, iat, EXP, "Kitchen", b"j" * 32, user.generation)


def add_sessions(user: User, iats: range) -> None:
    for iat in iats:
        store.put_session(session_of(user, iat))


def log_in(user: User, now: int = NOW) -> int:
    """Log in as the handler does, and return the session's ID."""
    login, generation = store.find_login_and_generation(user.username)
    assert login is not None
    return begin(login, generation, now)


def begin(login: Login, generation: int, now: int = NOW) -> int:
    """Begin a session of a user whose password was found right, and return its ID."""
    user = store.allot_iat(login, now, ADDRESS)._replace(generation=generation)
    store.put_session(session_of(user, user.last_iat))
    return user.last_iat


def read(user: User) -> User:
    """Return the user's row as a request would read it."""
    found, _ = store.read_user_and_sessions(user.id, ())
    assert found is not None
    return found


def live(user: User, now: int = LATER) -> list[int]:
    """Return the IDs of the sessions that count, newest first."""
    row = read(user)
    return [each.iat for each in store.query_sessions(user.id) if is_live(each, row, now)]


def rows(user: User) -> list[int]:
    """Return the IDs of all sessions that are stored, newest first."""
    return [session.iat for session in store.query_sessions(user.id)]
