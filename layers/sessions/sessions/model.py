"""Users and sessions, and the one rule that says whether a session counts.

Nothing here knows AWS or the clock.
"""

import re
import unicodedata
from typing import NamedTuple

# JavaScript's largest exact integer has 16 digits (ECMA-262, Number.MAX_SAFE_INTEGER), and
# clients of the API read IDs as its numbers; 15 digits of seconds last 31 million years.
_SESSION_ID = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_LARGEST_SESSION_ID = 10**15 - 1


class User(NamedTuple):
    """A user, and where the user's sessions stand.

    `last_iat` is the newest session ID allotted so far. Sessions up to `revoked_through`
    are over, but for `revoked_except`, and so are those of a smaller `generation`, which is
    everybody's and stands in no user's row. `password_version` counts the changes of the
    password. `login_addresses` says when the user last logged in from some addresses. Times
    are epoch seconds.
    """

    id: str
    username: str
    email: str
    created_at: int
    last_iat: int = 0
    password_version: int = 0
    banned_at: int | None = None
    ban_reason: str | None = None
    banned_until: int | None = None
    revoked_through: int = 0
    revoked_except: int | None = None
    generation: int = 0
    login_addresses: dict[str, int] = {}


class Session(NamedTuple):
    """A session. `iat`, its epoch second of issue, is its ID and unique per user.

    `ended` says why it is over, if it was ended by itself; what is left then is its ID.
    """

    user: str
    iat: int
    exp: int
    name: str
    jti_sha256: bytes
    generation: int = 0
    ended: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return what a client may see of the session."""
        return {"iat": self.iat, "exp": self.exp, "sub": self.user, "name": self.name}


class Login(NamedTuple):
    """What one name that a user can log in with leads to."""

    login: str
    user: str
    password_hash: str
    password_version: int = 0


def is_live(session: Session, user: User, now: int) -> bool:
    """Say whether `session` of `user` counts at `now`, in epoch seconds.

    DynamoDB deletes expired rows days late (its TTL documentation says "within a few
    days"), and rows that *delete all* covered may outlive it; so a row proves nothing, and
    this is asked wherever one is read.
    """
    return (
        session.ended is None
        and session.exp > now
        and session.generation >= user.generation
        and not is_revoked(session, user)
    )


def is_revoked(session: Session, user: User) -> bool:
    """Say whether `session` is one of those that were ended all at once on the user's row."""
    return session.iat <= user.revoked_through and session.iat != user.revoked_except


def is_banned(user: User, now: int) -> bool:
    """Say whether a ban of `user` is in force at `now`, in epoch seconds."""
    return user.banned_at is not None and (user.banned_until is None or now < user.banned_until)


def session_id(value: object) -> int | None:
    """Return the session ID that `value`, from a path or a body, spells; None if none."""
    if isinstance(value, str) and _SESSION_ID.fullmatch(value):
        return int(value)
    if type(value) is int and 0 < value <= _LARGEST_SESSION_ID:  # True is no ID
        return value
    return None


def login_key(name: str) -> str:
    """Return `name`, a username or e-mail address, as it is compared: without case.

    Unicode's NFKC and full case folding (Unicode Standard, section 3.13), so that names
    that look the same are the same.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
