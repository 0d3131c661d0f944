"""Give a user another password. Invoked with IAM rights; there is no route."""

import secrets
from typing import Any

from sessions import passwords, store
from sessions.account import Password, WhichUser, parse_input, read_user
from sessions.endpoint import account_operation


class NewPassword(WhichUser):
    """A user, the password to be, and whether whoever is logged in stays so."""

    password: Password
    keep_sessions: bool = False


@account_operation("set_password", "PasswordSet")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the password's hash and, unless told not to, end every session, in one write."""
    new = parse_input(event, NewPassword)
    user = read_user(new)
    password_hash = passwords.hash_password(new.password, secrets.token_bytes(16))
    store.replace_password(user, password_hash, keep_sessions=new.keep_sessions)
    return {"id": user.id, "kept_sessions": new.keep_sessions}
