"""Whom an account operation is about."""

from typing import Any

from pydantic import Field

from sessions import store
from sessions.body import Body, parse_input
from sessions.errors import UnknownUser


class WhichUser(Body):
    """A user, by the name or address that logs in."""

    user: str = Field(min_length=1, max_length=320)


def find_user(event: dict[str, Any]) -> str:
    """Return the ID of the user whose username or e-mail address is the event's `user`.

    Raises:
        InvalidInput: the event names nobody.
        UnknownUser: nobody has that name or address.
        Unavailable: DynamoDB does not answer.
    """
    login = store.find_login(parse_input(event, WhichUser).user)
    if login is None:
        raise UnknownUser("nobody has this name or address")
    return login.user
