"""What a call of DynamoDB consumes, by the rules in its documentation.

ministack counts writes as documented, but every read as one unit whatever is read, a BatchGetItem
as none, and an error says nothing. So reads and refused writes are worked out here, from the sizes
of what came back.

Sources: DynamoDB Developer Guide, "DynamoDB read and write operations" (capacity unit
consumption), "DynamoDB item sizes and formats", and "Working with items", "Capacity units consumed
by conditional writes".
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

READ_BYTES = 4096
WRITE_BYTES = 1024

Row = Mapping[str, Mapping[str, Any]]


def item_bytes(row: Row) -> int:
    """Return the size of an item: the names of its attributes in UTF-8, and their values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in row.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return _number_bytes(content)
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + len(content) + item_bytes(content)
        case "L":
            return 3 + len(content) + sum(map(_value_bytes, content))
        case _:  # a set
            return sum(_value_bytes({kind[0]: each}) for each in content)


def _number_bytes(number: str) -> int:
    """Return "approximately" one byte for two significant digits, and one; one more if negative."""
    digits = number.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + number.startswith("-")


def read_units(sizes: Iterable[int], *, is_consistent: bool = True) -> float:
    """Return what reading items one by one consumes; a size of 0 is an item that is missing."""
    each = sum(max(1, math.ceil(size / READ_BYTES)) for size in sizes)
    return each if is_consistent else each / 2


def query_units(sizes: Iterable[int], *, is_consistent: bool = True) -> float:
    """Return what one page of a query consumes: its items are rounded up together."""
    return read_units([sum(sizes)], is_consistent=is_consistent)


def write_units(before: int, after: int, *, is_transaction: bool = False) -> float:
    """Return what a write of an item consumes, by its sizes in bytes before and after; 0 is none.

    A write that its condition refuses consumes what the item that is there would.
    """
    units = max(1, math.ceil(max(before, after) / WRITE_BYTES))
    return 2.0 * units if is_transaction else float(units)


def consumed(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """Return the units that a call consumed; of reads for a read, of writes for a write.

    Args:
        operation: DynamoDB's name of it.
        request: the call's parameters.
        answer: what came back, an error's body too.
    """
    if operation == "GetItem":
        size = item_bytes(answer.get("Item", {}))
        return read_units([size], is_consistent=request.get("ConsistentRead", False))
    if operation == "BatchGetItem":
        return sum(
            _batch_units(keys, answer, table) for table, keys in request["RequestItems"].items()
        )
    if operation == "Query":
        if "ProjectionExpression" in request or "FilterExpression" in request:
            raise ValueError("the answer does not hold what was read")
        sizes = map(item_bytes, answer["Items"])
        return query_units(sizes, is_consistent=request.get("ConsistentRead", False))
    if "Error" in answer:
        if answer["Error"]["Code"] != "ConditionalCheckFailedException":
            raise ValueError(f"{operation}: {answer['Error']}")
        size = item_bytes(answer.get("Item", {}))
        return write_units(size, size)
    reported = answer["ConsumedCapacity"]
    tables = reported if isinstance(reported, list) else [reported]
    return float(sum(table["CapacityUnits"] for table in tables))


def _batch_units(keys: Mapping[str, Any], answer: Mapping[str, Any], table: str) -> float:
    sizes = [item_bytes(row) for row in answer["Responses"].get(table, [])]
    later = len(answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []))
    missing = len(keys["Keys"]) - later - len(sizes)
    return read_units(sizes + [0] * missing, is_consistent=keys.get("ConsistentRead", False))
