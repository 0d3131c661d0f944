"""Create a user and both names to log in with. Invoked with IAM rights; there is no route."""

import secrets
from typing import Any

from sessions import account_store, passwords, settings
from sessions.model import User
from sessions.operations import (
    Email,
    OperationInput,
    Username,
    account_operation,
    parse_input,
)

MIN_PASSWORD_CHARACTERS = settings.number("MIN_PASSWORD_CHARACTERS")


class NewUser(OperationInput):
    """The names of the new user, of which the first is no address, and the password, if any."""

    username: Username
    email: Email
    password: str | None = None


@account_operation("create_user", "UserCreated")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the user, refusing a name or address that is taken.

    Without a password, no login by one is right until `set_password` has given one.
    """
    new = parse_input(event, NewUser)
    user = User(secrets.token_urlsafe(16), new.username, new.email, created_at=now)
    password_hash = ""
    if new.password is not None:
        passwords.check_new_password(new.password, MIN_PASSWORD_CHARACTERS)
        password_hash = passwords.hash_password(new.password, secrets.token_bytes(16))
    account_store.create_user(user, password_hash)
    return {"id": user.id, "username": user.username, "email": user.email}
