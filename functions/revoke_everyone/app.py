"""Revoke every session of every user. Invoked with IAM rights; there is no route, and no undo."""

from typing import Any

from sessions.account_store import advance_session_epoch
from sessions.errors import InvalidInput
from sessions.operations import OperationInput, account_operation, parse_input


class Everyone(OperationInput):
    """A word that must be said, so that no input sent to the wrong function does this."""

    everyone: bool


@account_operation("revoke_everyone", "EveryoneRevoked")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Revoke every session issued so far, in one write; the users just log in again."""
    if not parse_input(event, Everyone).everyone:
        raise InvalidInput("everyone")
    return {"session_epoch": advance_session_epoch()}
