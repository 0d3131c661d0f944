"""Answer with all that is stored about a user. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import store
from sessions.account import WhichUser, parse_input, read_user
from sessions.endpoint import account_operation


@account_operation("export_user", "UserExported")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with the user and every session that is stored, but for what must stay secret.

    A password's hash and the hash of a token's `jti` are no data of the person's, and whoever
    gets the export could attack them.
    """
    user = read_user(parse_input(event, WhichUser))
    sessions = store.query_sessions(user.id)
    person = user._asdict()
    del person["generation"]  # everybody's
    return {
        "id": user.id,
        "user": person,
        "sessions": [{**session.as_json(), "ended": session.ended} for session in sessions],
    }
