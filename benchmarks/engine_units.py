"""Whether ministack says what DynamoDB would consume, case by case: what it reports, and the rule.

`python -m benchmarks.engine_units` prints the table on which `units.consumed` rests.
"""

from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from benchmarks import units
from benchmarks.service import Service, running_service
from benchmarks.tables import markdown

TOTAL = {"ReturnConsumedCapacity": "TOTAL"}


class Case(NamedTuple):
    """What was done, what DynamoDB's documentation says of it, and what the engine reported."""

    what: str
    documented: float
    reported: float | None


def cases(service: Service) -> list[Case]:
    """Return each rule that the operations depend on, tried."""
    table = service.functions["CreateSessionFunction"].environment["SESSIONS_TABLE"]
    database = service.database

    def row(iat: int, name_bytes: int) -> dict[str, Any]:
        key = {"user": {"S": "somebody"}, "iat": {"N": str(iat)}}
        return key | {"name": {"S": "x" * name_bytes}, "jti_sha256": {"B": bytes(32)}}

    def key(iat: int) -> dict[str, Any]:
        return {name: row(iat, 1)[name] for name in ("user", "iat")}

    small, large = row(1, 100), row(2, 5000)
    of_small, of_large = units.item_bytes(small), units.item_bytes(large)
    others = [row(iat, 100) for iat in range(101, 161)]
    put = {"TableName": table, **TOTAL}
    change = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "name"}}
    rename = {**change, "ExpressionAttributeValues": {":n": {"S": "x"}}}
    get = {"TableName": table, "ConsistentRead": True, **TOTAL}
    query = {
        "KeyConditionExpression": "#u = :u AND iat > :i",
        "ExpressionAttributeNames": {"#u": "user"},
        "ExpressionAttributeValues": {":u": {"S": "somebody"}, ":i": {"N": "100"}},
    }
    keys = {table: {"Keys": [key(1), key(2), key(9)], "ConsistentRead": True}}
    together = [
        {"Update": {"TableName": table, "Key": key(1), **rename}},
        {"Delete": {"TableName": table, "Key": key(2)}},
    ]
    deletes = [{"DeleteRequest": {"Key": key(iat)}} for iat in (101, 102, 9)]
    made = [
        Case("PutItem, 200 bytes", 1, _of(database.put_item(Item=small, **put))),
        Case("PutItem, 5 KB", 5, _of(database.put_item(Item=large, **put))),
        Case(
            "UpdateItem, 5 KB made small",
            units.write_units(of_large, of_small),
            _of(database.update_item(Key=key(2), **rename, **put)),
        ),
    ]
    database.put_item(Item=large, **put)
    for each in others:
        database.put_item(Item=each, **put)
    made += [
        Case("GetItem, 200 bytes", 1, _of(database.get_item(Key=key(1), **get))),
        Case("GetItem, 5 KB", 2, _of(database.get_item(Key=key(2), **get))),
        Case("GetItem, missing", 1, _of(database.get_item(Key=key(9), **get))),
        Case(
            "BatchGetItem, 200 bytes, 5 KB, missing",
            units.read_units([of_small, of_large, 0]),
            _of(database.batch_get_item(RequestItems=keys, **TOTAL)),
        ),
        Case(
            "Query, 60 items of 200 bytes",
            units.query_units(map(units.item_bytes, others)),
            _of(database.query(**query, **get)),
        ),
        Case("UpdateItem, refused", 1, _refused(database, Key=key(1), **rename, **put)),
        Case(
            "TransactWriteItems, 200 bytes and 5 KB",
            units.write_units(of_small, of_small, is_transaction=True)
            + units.write_units(of_large, 0, is_transaction=True),
            _of(database.transact_write_items(TransactItems=together, **TOTAL)),
        ),
        Case(
            "BatchWriteItem, 2 deleted, 1 missing",
            3,
            _of(database.batch_write_item(RequestItems={table: deletes}, **TOTAL)),
        ),
    ]
    return made


def _of(answer: dict[str, Any]) -> float | None:
    reported = answer.get("ConsumedCapacity")
    if isinstance(reported, list):
        return sum(float(table["CapacityUnits"]) for table in reported)
    return float(reported["CapacityUnits"]) if reported else None


def _refused(database: Any, **update: Any) -> float | None:
    try:
        database.update_item(ConditionExpression="attribute_not_exists(iat)", **update)
    except ClientError as error:
        return _of(dict(error.response))
    raise ValueError("the condition held")


def main() -> None:
    """Print the table."""
    with running_service() as service:
        found = cases(service)
    lines = [
        (case.what, f"{case.documented:g}", "nothing" if case.reported is None else case.reported)
        for case in found
    ]
    print(markdown(("call", "documented units", "ministack reports"), lines))


if __name__ == "__main__":
    main()
