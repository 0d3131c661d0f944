"""Users and sessions, and the one rule that says whether a session counts.

Nothing here knows AWS or the clock. Times are epoch seconds.
"""

from collections.abc import Iterable
from typing import NamedTuple

# JavaScript's largest exact integer has 16 digits (ECMA-262, Number.MAX_SAFE_INTEGER), and
# clients of the API read IDs as its numbers; 15 digits of seconds last 31 million years.
_SESSION_ID_DIGITS = 15
_SESSION_IDS = range(1, 10**_SESSION_ID_DIGITS)

ACCOUNT_DELETED = "account_deleted"  # why sessions of a deleted user are revoked
BY_PASSWORD = "password"  # noqa: S105  the `method` of a login; rows of earlier versions say none
TOMBSTONE_ID = 0  # of no session (`parse_session_id`), but of the row that a deleted user leaves


class User(NamedTuple):
    """A user, with all that decides about the user's sessions.

    Attributes:
        id: a random ID, which never changes.
        username: a name to log in with.
        email: an e-mail address to log in with.
        created_at: when the user was created.
        last_iat: the newest session ID that was allocated.
        last_login_at: when it was; None if no login has said it.
        password_version: how often the password was changed.
        banned_at: when a ban began; None without a ban.
        ban_reason: the reason of the ban.
        banned_until: when the ban ends; None for a ban without an end.
        ban_is_told: whether the user is told the reason and the end (`told_of_ban`).
        revoked_through: sessions up to this ID are revoked, but for `revoked_except`.
        revoked_except: the one session that was kept.
        revoked_reason: why they were revoked, in the words of docs/events.md.
        ended_epoch: the session epoch when they were revoked, or the user banned: sessions of an
            earlier one had ended with everyone's.
        login_addresses: when the user last logged in from an address, by that address or network.
        login_devices: the kinds of device that the user logged in on, as `session_name` knows them;
            None if no login has said one.
    """

    id: str
    username: str
    email: str
    created_at: int
    last_iat: int = 0
    last_login_at: int | None = None
    password_version: int = 0
    banned_at: int | None = None
    ban_reason: str | None = None
    banned_until: int | None = None
    ban_is_told: bool | None = None
    revoked_through: int = 0
    revoked_except: int | None = None
    revoked_reason: str | None = None
    ended_epoch: int = 0
    login_addresses: dict[str, int] = {}
    login_devices: tuple[str, ...] | None = None


class Standing(NamedTuple):
    """Those attributes of a `User` that decide about the user's sessions, and say nothing else."""

    id: str
    banned_at: int | None = None
    banned_until: int | None = None
    revoked_through: int = 0
    revoked_except: int | None = None
    revoked_reason: str | None = None


class Session(NamedTuple):
    """A session.

    Attributes:
        user: the user's ID.
        iat: the session's ID, unique for the user: the second of issue, or a later one, and so no
            time.
        exp: when it ends, unless it is used before that and has an idle limit.
        name: its name; empty once it is revoked.
        jti_sha256: the SHA-256 of its token's `jti`; empty once it is revoked.
        session_epoch: the session epoch in which it began.
        revoked_reason: why it was revoked by itself; None if it was not.
        created_at: when it began; None in rows of earlier versions (`began_at`).
        method: how its user was authenticated.
        by: who else began it for the user; None if the user did.
        used_at: when it was last used, as far as that was stored; None before (`last_used_at`).
        until: its end at the latest, where it has an idle limit: `exp` is then the earlier of that
            and the end of the limit. None where it has none.
        address: where it was last used from; None if that is not kept.
        country: the country of that address; None if it is not known.
        known: whether its user had logged in from this address, and on such a device, before; None
            if nobody could tell.
    """

    user: str
    iat: int
    exp: int
    name: str = ""
    jti_sha256: bytes = b""
    session_epoch: int = 0
    revoked_reason: str | None = None
    created_at: int | None = None
    method: str = BY_PASSWORD
    by: str | None = None
    used_at: int | None = None
    until: int | None = None
    address: str | None = None
    country: str | None = None
    known: bool | None = None

    @property
    def began_at(self) -> int:
        """When it began, by its ID where the row does not say it."""
        return self.iat if self.created_at is None else self.created_at

    @property
    def last_used_at(self) -> int:
        """When it was last used: its login is the first use."""
        return self.began_at if self.used_at is None else self.used_at

    @property
    def ends_at(self) -> int:
        """When it ends at the latest, however much it is used."""
        return self.exp if self.until is None else self.until

    @property
    def may_idle_out(self) -> bool:
        """Say whether `exp` is the end of its idle limit, which the next use puts off."""
        return self.exp < self.ends_at

    @property
    def expiry_reason(self) -> str:
        """Return why it is over once `exp` has come, in the words of docs/events.md."""
        return "idle" if self.may_idle_out else "expired"

    def as_json(self) -> dict[str, object]:
        """Return what a client may see of the session."""
        sometimes = {
            "idleExp": None if self.until is None else self.exp,
            "address": self.address,
            "country": self.country,
            "by": self.by,
        }
        return {
            "iat": self.iat,
            "exp": self.ends_at,
            "sub": self.user,
            "name": self.name,
            "createdAt": self.began_at,
            "usedAt": self.last_used_at,
            "method": self.method,
            **{name: value for name, value in sometimes.items() if value is not None},
        }


def is_live(session: Session, user: User | Standing, session_epoch: int, now: int) -> bool:
    """Say whether `session` of `user` counts at `now`, as `end_reason` has it."""
    return end_reason(session, user, session_epoch, now) is None


def end_reason(session: Session, user: User | Standing, session_epoch: int, now: int) -> str | None:
    """Say why `session` of `user` does not count at `now`; None if it does.

    A row proves nothing: DynamoDB deletes expired rows late (its TTL documentation says "within a
    few days"), and rows of revoked sessions stay until they are purged. So this is asked wherever
    a row is read.

    Args:
        session: the session.
        user: its user.
        session_epoch: the epoch in force; sessions of an earlier one are revoked.
        now: epoch seconds.

    Returns:
        The reason, in the words of docs/events.md.
    """
    if session.revoked_reason is not None:
        return session.revoked_reason
    if is_revoked(session, user):
        return user.revoked_reason or "all"
    if session.session_epoch < session_epoch:
        return "everyone"
    return session.expiry_reason if session.exp <= now else None


def live_sessions(
    sessions: Iterable[Session], user: User, session_epoch: int, now: int
) -> list[Session]:
    """Return those of the `sessions` of `user` that count at `now`, in their order."""
    return [session for session in sessions if is_live(session, user, session_epoch, now)]


def is_revoked(session: Session, user: User | Standing) -> bool:
    """Say whether `session` is one of those that were revoked all at once on the user's row."""
    return session.iat <= user.revoked_through and session.iat != user.revoked_except


def is_banned(user: User | Standing, now: int) -> bool:
    """Say whether a ban of `user` is in force at `now`, in epoch seconds."""
    return user.banned_at is not None and (user.banned_until is None or now < user.banned_until)


def told_of_ban(user: User | Standing) -> tuple[str | None, int | None]:
    """Return the reason and the end of a user's ban, as far as the user is told.

    Both are told where the operator said so (`ban_user`). Other services learn neither.
    """
    if not isinstance(user, User) or not user.ban_is_told:
        return None, None
    return user.ban_reason, user.banned_until


def parse_session_id(value: object) -> int | None:
    """Return the session ID that `value`, from a path or a body, spells; None if it spells none."""
    if type(value) is int and value in _SESSION_IDS:  # True is no ID
        return value
    if not isinstance(value, str) or not 0 < len(value) <= _SESSION_ID_DIGITS:
        return None
    is_spelled_once = value.isascii() and value.isdigit() and value[0] != "0"
    return int(value) if is_spelled_once else None
