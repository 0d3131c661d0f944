"""List the signing keys without the keys. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions.operations import OperationInput, account_operation, parse_input
from sessions.signing_keys import read_key_set


@account_operation("list_signing_keys", "SigningKeysListed")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with each key's `kid`, its role, when it stopped signing, and when it is dead."""
    parse_input(event, OperationInput)
    key_set, _ = read_key_set()
    roles = {key_set.current: "current", key_set.next: "next"}
    roles |= dict.fromkeys(key_set.dropped, "dropped")
    return {
        "keys": [
            {
                "kid": kid,
                "role": roles.get(kid, "retired"),
                "retired_at": key_set.retired.get(kid),
                "dead_at": key_set.dropped.get(kid),
            }
            for kid in key_set.keys
        ],
        "next_since": key_set.next_since if key_set.next is not None else None,
    }
