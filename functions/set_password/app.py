"""Give a user another password. Invoked with IAM rights; there is no route."""

import secrets
from typing import Any

from sessions import account_store, passwords, settings
from sessions.login_throttle import forget_attempts
from sessions.operations import (
    UserSelector,
    account_operation,
    parse_input,
    read_user_and_epoch,
)

MIN_PASSWORD_CHARACTERS = settings.number("MIN_PASSWORD_CHARACTERS")


class NewPassword(UserSelector):
    """A user, the new password, and whether the user's sessions are kept."""

    password: str
    keep_sessions: bool = False


@account_operation("set_password", "PasswordSet")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the password's hash and, unless told not to, revoke every session, in one write.

    Attempts to log in with another password count no more.
    """
    new = parse_input(event, NewPassword)
    passwords.check_new_password(new.password, MIN_PASSWORD_CHARACTERS)
    user, session_epoch = read_user_and_epoch(new)
    password_hash = passwords.hash_password(new.password, secrets.token_bytes(16))
    account_store.replace_password(
        user, password_hash, session_epoch, keep_sessions=new.keep_sessions
    )
    forget_attempts((user.username, user.email), now)
    return {"id": user.id, "kept_sessions": new.keep_sessions}
