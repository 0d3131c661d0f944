"""The objects in the service's answers. Times are epoch seconds, or moments in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar, get_type_hints

_Member = TypeVar("_Member")


def name_in_contract(attribute: str) -> str:
    """Return what the service calls an attribute: the same in camel case."""
    first, *others = attribute.split("_")
    return first + "".join(map(str.capitalize, others))


def member(body: Mapping[str, Any], name: str, kind: type[_Member]) -> _Member:
    """Return a member of an answer; a TypeError or LookupError if there is none of this type."""
    value = body[name]
    if type(value) is not kind:  # `isinstance` would take true for the number 1
        raise TypeError(f"{name} is no {kind.__name__}")
    return value


# The members of a session that an answer may lack.
_SOMETIMES = {"used_at": int, "idle_exp": int, "address": str, "country": str, "by": str}


@dataclass(frozen=True, slots=True)
class Session:
    """A session; `iat` is its ID, and `sub` is the user's."""

    iat: int
    exp: int  # when it ends at the latest
    sub: str
    name: str
    created_at: int
    method: str  # how its user was authenticated, such as `password`
    by: str | None = None  # who else began it for the user, such as a support agent
    used_at: int | None = None  # when it was last used; services of earlier versions do not say it
    idle_exp: int | None = None  # when it ends if it is not used, where there is such a limit
    address: str | None = None  # where it was last used from, where the service keeps that
    country: str | None = None  # of that address (ISO 3166-1 alpha-2), where it is known

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the session that an answer holds, with the attributes above."""
        kinds = {
            name: _SOMETIMES.get(name, kind)
            for name, kind in get_type_hints(cls).items()
            if name not in _SOMETIMES or name_in_contract(name) in body
        }
        own = {name: member(body, name_in_contract(name), kind) for name, kind in kinds.items()}
        return cls(**own)

    @property
    def began(self) -> datetime:
        """When the user logged in."""
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def ends(self) -> datetime:
        """When the session expires."""
        return datetime.fromtimestamp(self.exp, UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's live sessions, newest first; `count` is the number of all of them."""

    count: int
    items: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """The answer to a login: a token, as secret as a password, and when it expires."""

    token: str = field(repr=False)
    exp: int

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the token that an answer holds."""
        return cls(member(body, "token", str), member(body, "exp", int))

    @property
    def ends(self) -> datetime:
        """When the session expires."""
        return datetime.fromtimestamp(self.exp, UTC)
