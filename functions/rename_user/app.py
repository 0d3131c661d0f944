"""Give a user another username or address. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import Email, Username, WhichUser, parse_input, read_user
from sessions.endpoint import account_operation
from sessions.errors import InvalidInput


class NewNames(WhichUser):
    """A user, and the username, the address, or both to be."""

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
    store.rename(user, username, email)
    return {"id": user.id, "username": username, "email": email}
