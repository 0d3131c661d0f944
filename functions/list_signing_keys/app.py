"""List the signing keys, without the keys themselves. Invoked with IAM rights."""

from typing import Any

from sessions import rotation
from sessions.account import OperationInput, parse_input
from sessions.endpoint import account_operation


@account_operation("list_signing_keys", "SigningKeysListed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with each key's `kid`, what it is for, and when it stopped signing."""
    parse_input(event, OperationInput)
    ring, _ = rotation.read_ring()
    roles = {ring.current: "current", ring.next: "next"}
    return {
        "keys": [
            {
                "kid": kid,
                "role": roles.get(kid, "retired"),
                "retired_at": ring.retired.get(kid),
            }
            for kid in ring.keys
        ],
        "next_since": ring.next_since if ring.next is not None else None,
    }
