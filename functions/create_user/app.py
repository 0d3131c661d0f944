"""Create a user and both names to log in with. Invoked with IAM rights; there is no route."""

import secrets
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from sessions import passwords, store
from sessions.body import Body, parse_input
from sessions.endpoint import account_operation
from sessions.model import User, login_key


def _can_log_in(name: str) -> str:
    if not store.can_be_key(login_key(name)):
        raise ValueError("no key of DynamoDB")
    return name


def _is_no_address(name: str) -> str:
    """Refuse what is an address once it is compared, so that nobody can take another's."""
    if "@" in login_key(name):
        raise ValueError("an address")
    return name


Name = Annotated[str, AfterValidator(_can_log_in)]


class NewUser(Body):
    """A user to be, by a name that is no address, an address and a password."""

    username: Annotated[Name, AfterValidator(_is_no_address)] = Field(
        min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$"
    )
    email: Name = Field(max_length=320, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")
    password: str = Field(min_length=1, max_length=1024)


@account_operation("UserCreated")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the user, refusing a name or address that is taken."""
    new = parse_input(event, NewUser)
    user = User(secrets.token_urlsafe(16), new.username, new.email, created_at=now)
    password_hash = passwords.hash_password(new.password, secrets.token_bytes(16))
    store.create_user(user, password_hash)
    return {"id": user.id, "username": user.username, "email": user.email}
