"""What DynamoDB refuses and an engine on this machine may take, asserted of each of our requests.

So is that each read is strongly consistent: no engine here answers with an older row.

Sources: Amazon DynamoDB Developer Guide, "Constraints in Amazon DynamoDB" and "DynamoDB item sizes
and formats"; Amazon DynamoDB API Reference, "BatchGetItem", "BatchWriteItem", "TransactWriteItems".
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.support.contract import TEMPLATE

KB, MB = 2**10, 2**20
READS = ("BatchGetItem", "GetItem", "Query", "Scan")
MOST_ITEMS = {"BatchGetItem": 100, "BatchWriteItem": 25, "TransactWriteItems": 100}
LARGEST_TRANSACTION_BYTES = 4 * MB
LARGEST_ITEM_BYTES = 400 * KB
LONGEST_PARTITION_KEY_BYTES = 2048
LONGEST_EXPRESSION_BYTES = 4 * KB
MOST_DIGITS = 38
NUMBERS = range(-130, 126)  # the exponents that a number may have

EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
SUBSTITUTES = ("ExpressionAttributeNames", "ExpressionAttributeValues")

# The key of each table, as the types of its attributes by their names.
KEYS = {
    name: {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    for name, table in TEMPLATE.resources_of("AWS::DynamoDB::Table").items()
}

_Item = Mapping[str, Mapping[str, Any]]


class OverLimit(BaseException):
    """DynamoDB would refuse the request, or answer it with older rows.

    Not an `Exception`: no handler may answer it away.
    """


def hold(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Refuse a request as DynamoDB would; a hook for botocore's `before-parameter-build`.

    Raises:
        OverLimit: it breaks a limit; the message says which.
    """
    parts = list(parts_of(params))
    if model.name in READS:
        reads = params.get("RequestItems", {"": params}).values()
        _require(all(read.get("ConsistentRead") for read in reads), "a read that may be stale")
    if model.name in MOST_ITEMS:
        _require(1 <= len(parts) <= MOST_ITEMS[model.name], f"{len(parts)} items at once")
        keys = [(table, repr(_key(table, part))) for table, part in parts]
        _require(len(set(keys)) == len(keys), "an item twice in one request")
    if model.name == "TransactWriteItems":
        size = sum(_size(_written(part)) for _, part in parts)
        _require(size <= LARGEST_TRANSACTION_BYTES, f"a transaction of {size} bytes")
    for table, part in parts:
        _hold_part(table, part)


def parts_of(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, of each item in a request, the table, and what a request for it alone would say."""
    for table, request in params.get("RequestItems", {}).items():
        if "Keys" in request:
            yield from ((table, {"Key": key}) for key in request["Keys"])
        else:
            yield from ((table, part) for write in request for part in write.values())
    for write in params.get("TransactItems", ()):
        yield from ((part["TableName"], part) for part in write.values())
    if "TableName" in params:
        yield params["TableName"], params


def _hold_part(table: str, part: dict[str, Any]) -> None:
    key = _key(table, part)
    if "KeyConditionExpression" in part:  # what a query compares with the key
        key = part["ExpressionAttributeValues"]
    elif key or "FilterExpression" not in part:  # else a scan, from a table's first item on
        types = {name: kind for name, value in key.items() for kind in value}
        _require(types == _key_types(table), f"a key of {types}")
    for text in (value["S"] for value in key.values() if "S" in value):
        size = len(text.encode())
        _require(1 <= size <= LONGEST_PARTITION_KEY_BYTES, f"a key of {size} bytes")
    for name in EXPRESSIONS:
        size = len(part.get(name, "x").encode())
        _require(1 <= size <= LONGEST_EXPRESSION_BYTES, f"a {name} of {size} bytes")
    for name in SUBSTITUTES:
        _require(part.get(name) != {}, f"an empty {name}")
    written = _written(part)
    for number in (value["N"] for value in written.values() if "N" in value):
        _hold_number(number)
    size = _size(written)
    _require(size <= LARGEST_ITEM_BYTES, f"an item of {size} bytes")


def _hold_number(text: str) -> None:
    number = Decimal(text)
    digits = text.lstrip("-").partition("E")[0].replace(".", "").strip("0")
    _require(len(digits) <= MOST_DIGITS, f"a number of {len(digits)} digits")
    _require(not number or number.adjusted() in NUMBERS, f"the number {text}")


def _key_types(table: str) -> dict[str, str]:
    return KEYS[table.rpartition("-")[2]]  # the conformance suite puts a prefix before it


def _key(table: str, part: dict[str, Any]) -> _Item:
    item: _Item = part.get("Item", {})
    own: _Item = {name: item[name] for name in _key_types(table) if name in item}
    return part.get("Key", part.get("ExclusiveStartKey", own))


def _written(part: dict[str, Any]) -> _Item:
    """Return what a request writes, as far as it says so: of an update, not what is there."""
    values = part.get("ExpressionAttributeValues", {})
    return {**part.get("Key", {}), **part.get("Item", {}), **values}


def _size(item: _Item) -> int:
    values = (value for attribute in item.values() for value in attribute.values())
    lengths = (len(value if isinstance(value, bytes) else str(value).encode()) for value in values)
    return sum(len(name.encode()) for name in item) + sum(lengths)


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - as `assert` takes it
    if not condition:
        raise OverLimit(otherwise)
