"""What the service answers with. Times are epoch seconds, or moments in UTC."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session; `iat`, when it began, is its ID, and `sub` is the user's."""

    iat: int
    exp: int
    sub: str
    name: str

    @property
    def began(self) -> datetime:
        """When the user logged in."""
        return datetime.fromtimestamp(self.iat, UTC)

    @property
    def ends(self) -> datetime:
        """When the session expires."""
        return datetime.fromtimestamp(self.exp, UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's live sessions, newest first; `count` is how many there are in all."""

    count: int
    items: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """What a log-in gives: a token, as secret as a password, and when it expires."""

    token: str = field(repr=False)
    exp: int

    @property
    def ends(self) -> datetime:
        """When the session expires."""
        return datetime.fromtimestamp(self.exp, UTC)
