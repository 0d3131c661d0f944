"""Give a user another username or address. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import account_store
from sessions.errors import InvalidInput
from sessions.operations import (
    Email,
    Username,
    UserSelector,
    account_operation,
    parse_input,
    read_user,
)


class NewNames(UserSelector):
    """A user, and the new username, the new address, or both."""

    username: Username | None = None
    email: Email | None = None


@account_operation("rename_user", "UserRenamed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Change the names in one write; sessions and the password stay as they are."""
    new = parse_input(event, NewNames)
    if new.username is None and new.email is None:
        raise InvalidInput("username or email, or both")
    user = read_user(new)
    username, email = new.username or user.username, new.email or user.email
    account_store.rename_user(user, username, email)
    return {"id": user.id, "username": username, "email": email}
