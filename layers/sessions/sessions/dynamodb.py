"""Calls of DynamoDB: its client, the tables' names, and its errors made into ours.

Only the modules that know a table import this.
"""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from sessions import settings  # first, since it keeps the collector away from large imports

# isort: split
from botocore.exceptions import BotoCoreError, ClientError

from sessions import aws
from sessions.errors import Unavailable
from sessions.items import Item
from sessions.retries import tries, until_processed

SESSIONS = settings.text("SESSIONS_TABLE")
USERS = settings.text("USERS_TABLE")
LOGINS = settings.text("LOGINS_TABLE")
ATTEMPTS = settings.text("ATTEMPTS_TABLE")

# DynamoDB Developer Guide, "Quotas": the size of one call, and of a partition key.
LARGEST_TRANSACTION = 100
LARGEST_BATCH_WRITE = 25
LONGEST_KEY_BYTES = 2048

client = aws.client("dynamodb")


class ConditionFailed(Exception):
    """The condition of a write did not hold, and nothing was written.

    Attributes:
        item: the item as it stands, if the write asked for it; empty where there is none.
    """

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.item: Item = response.get("Item", {})


class Conflict(Unavailable):
    """A transaction of another request is writing the item at this moment; nothing was written."""


def call(operation: str, **parameters: Any) -> Any:
    """Make one call, by the name of a method of botocore's client, and return its answer.

    botocore makes a call again whose answer was lost, and does not tell whether it had been done;
    DynamoDB's own error 500 does not, either. So a write whose caller must know has an ID, which it
    stores and by which it finds itself done.

    Raises:
        ConditionFailed: the condition of a single write did not hold.
        Conflict: another request writes the item in a transaction.
        Unavailable: DynamoDB does not answer, or refuses.
    """
    try:
        return getattr(client, operation)(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed(error.response) from error
        raise (Conflict if code == "TransactionConflictException" else Unavailable) from error
    except BotoCoreError as error:
        raise Unavailable from error


def can_be_key(text: str) -> bool:
    """Say whether DynamoDB takes `text` for a partition key."""
    return 0 < len(text.encode()) <= LONGEST_KEY_BYTES


def get_item(table: str, key: Item) -> Item | None:
    """Return the item with this key, read strongly consistently; None if there is none."""
    answer = call("get_item", TableName=table, Key=key, ConsistentRead=True)
    item: Item | None = answer.get("Item")
    return item


def get_items(keys: Mapping[str, Collection[Item]]) -> dict[str, list[Item]]:
    """Return the items that exist of those with these keys, by table, in one round trip."""
    items: dict[str, list[Item]] = {table: [] for table in keys}
    request = {
        table: {"Keys": list(of), "ConsistentRead": True} for table, of in keys.items() if of
    }
    for answer in until_processed(partial(call, "batch_get_item"), "UnprocessedKeys", request):
        for table, found in answer["Responses"].items():
            items[table] += found
    return items


def delete_items(table: str, keys: Collection[Item]) -> None:
    """Delete the items with these keys, at most a batch of them, whether or not they exist.

    Raises:
        Unavailable: DynamoDB does not answer; some may be deleted.
    """
    deletes = [{"DeleteRequest": {"Key": key}} for key in keys]
    write = partial(call, "batch_write_item")
    for _ in until_processed(write, "UnprocessedItems", {table: deletes}):
        pass


def transact(writes: list[dict[str, Any]]) -> set[int]:
    """Make writes all together or not at all; conflicts and throttling are tried again.

    botocore gives each call a token, by which DynamoDB knows its retries (API Reference,
    "TransactWriteItems"): a call whose answer was lost is not made twice.

    Returns:
        The places of the writes whose conditions did not hold; if there are any, nothing was
        written.

    Raises:
        Unavailable: DynamoDB does not answer, refuses, or is too busy.
    """
    cancellation: ClientError | None = None
    for _ in tries():
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            codes = _cancellation_codes(error)
            if failed := {n for n, code in enumerate(codes) if code == "ConditionalCheckFailed"}:
                return failed
            cancellation = error
        except BotoCoreError as error:
            raise Unavailable from error
        else:
            return set()
    raise Unavailable from cancellation


def _cancellation_codes(error: ClientError) -> list[str]:
    """Return why each part of a transaction was refused.

    Raises:
        Unavailable: the transaction failed otherwise, or can never succeed.
    """
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        raise Unavailable from error
    reasons: list[dict[str, str]] = dict(error.response)["CancellationReasons"]
    codes = [reason.get("Code", "None") for reason in reasons]
    if "ValidationError" in codes:
        raise Unavailable from error
    return codes
