"""The floor: boto3's client, and the calls that the event names, with nothing around them."""

from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    """Make the calls; where there is a password, check it first."""
    if "password" in event:
        # Here, since a cold start of the floor has none to check.
        import argon2  # noqa: PLC0415

        argon2.PasswordHasher().verify(event["password_hash"], event["password"])
    for operation, parameters in event["calls"]:
        getattr(dynamodb, operation)(**parameters)
