"""Create a user and both names to log in with. Invoked with IAM rights; there is no route."""

import secrets
from typing import Any

from pydantic import Field

from sessions import passwords, store
from sessions.body import Body, parse_input
from sessions.endpoint import account_operation
from sessions.model import User


class NewUser(Body):
    """A username has no @, so that nobody's name can be somebody's address."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[^@\s\x00-\x1f\x7f]+$")
    email: str = Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
    password: str = Field(min_length=1, max_length=1024)


@account_operation("UserCreated")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the user, refusing a name or address that is taken."""
    new = parse_input(event, NewUser)
    user = User(secrets.token_urlsafe(16), new.username, new.email, created_at=now)
    password_hash = passwords.hash_password(new.password, secrets.token_bytes(16))
    store.create_user(user, password_hash)
    return {"id": user.id, "username": user.username, "email": user.email}
