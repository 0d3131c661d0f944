"""End every session of every user. Invoked with IAM rights; there is no route, and no undo."""

from typing import Any

from sessions import store
from sessions.account import OperationInput, parse_input
from sessions.endpoint import account_operation
from sessions.errors import InvalidInput


class Everyone(OperationInput):
    """What must be said, so that no input sent to the wrong function does this."""

    everyone: bool


@account_operation("revoke_everyone", "EveryoneRevoked")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """End every session issued so far, in one write; people just log in again."""
    if not parse_input(event, Everyone).everyone:
        raise InvalidInput("everyone")
    return {"generation": store.revoke_everyone()}
