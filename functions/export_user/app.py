"""Answer with all that is stored about a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import session_store
from sessions.operations import UserSelector, account_operation, parse_input, read_user


@account_operation("export_user", "UserExported")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with the user and every session that is stored, without secrets.

    A password's hash and the hash of a token's `jti` are no data of the person's, and a reader of
    the export could attack them.
    """
    user = read_user(parse_input(event, UserSelector))
    return {
        "id": user.id,
        "user": user._asdict(),
        "sessions": [
            {
                **session.as_json(),
                "known": session.known,
                "revoked_reason": session.revoked_reason,
            }
            for session in session_store.query_sessions(user.id)
        ],
    }
