"""The layer's clients are held to DynamoDB's limits, and to no narrower ones."""

import pytest

from sessions import store
from sessions.model import Session, User
from tests.support.dynamodb_limits import OverLimit

pytestmark = pytest.mark.usefixtures("aws")

SESSION = Session("u", 1, 2, "n", b"x")
NEW_USER = User("new", "ann", "ann@example.com", created_at=1)


def batch_write(number):
    keys = [store._session_key("u", iat) for iat in range(1, number + 1)]
    deletes = [{"DeleteRequest": {"Key": key}} for key in keys]
    store._dynamodb.batch_write_item(RequestItems={store.SESSIONS: deletes})


def transact(number, name_bytes=1):
    name = {"S": "n" * name_bytes}
    puts = [
        {"Put": {"TableName": store.SESSIONS, "Item": {**store._session_key("t", iat), "n": name}}}
        for iat in range(1, number + 1)
    ]
    store._dynamodb.transact_write_items(TransactItems=puts)


def update(expression="SET a = :a", **given):
    store._dynamodb.update_item(
        TableName=store.USERS,
        Key={"id": {"S": "somebody"}},
        UpdateExpression=expression,
        **{"ExpressionAttributeValues": {":a": {"N": "1"}}, **given},
    )


def number(text):
    update(ExpressionAttributeValues={":a": {"N": text}})


def put(**attributes):
    store._dynamodb.put_item(TableName=store.SESSIONS, Item=attributes)


REFUSED = {
    "a partition key of 2,049 bytes": lambda: store.query_sessions("é" * 1024 + "x"),
    "a partition key of no byte": lambda: store.query_sessions(""),
    "a user with an ID that is too long": lambda: store.ban("x" * 2049, 1, None, None),
    "a new user with an ID that is empty": lambda: store.create_user(
        NEW_USER._replace(id=""), "hash"
    ),
    "a sort key that is text": lambda: put(user={"S": "u"}, iat={"S": "1"}),
    "no sort key": lambda: put(user={"S": "u"}),
    "an ID of 39 digits": lambda: store.put_session(SESSION._replace(iat=10**39 - 1)),
    "a number of 39 digits": lambda: number("1." + "1" * 38),
    "a number that is too large": lambda: number("1E126"),
    "a number that is too small": lambda: number("-1E-131"),
    "101 rows read at once": lambda: store.read_user_and_sessions("u", range(1, 100)),
    "a row read twice at once": lambda: store.read_user_and_sessions("u", [1, 1]),
    "26 rows written at once": lambda: batch_write(26),
    "a row written twice at once": lambda: store.clear_sessions("u", [1, 1]),
    "no row written": lambda: batch_write(0),
    "101 rows in a transaction": lambda: transact(101),
    "a row twice in a transaction": lambda: store.end_sessions("u", [1, 1], "bulk", 2),
    "a transaction of over 4 MB": lambda: transact(11, 390_000),
    "an item of over 400 KB": lambda: store.put_session(SESSION._replace(name="n" * 409_600)),
    "an expression of over 4 KB": lambda: update(f"SET a = :a{' ' * 4087}"),
    "an empty expression": lambda: update(ConditionExpression=""),
    "no values": lambda: update("REMOVE a", ExpressionAttributeValues={}),
    "no names": lambda: update(ExpressionAttributeNames={}),
}

TAKEN = {
    "a partition key of 2,048 bytes": lambda: store.query_sessions("é" * 1024),
    "a number of 38 digits": lambda: number("-1." + "1" * 37),
    "a number of many zeros": lambda: number("1" + "0" * 125),
    "zero": lambda: number("0"),
    "100 rows read at once": lambda: store.read_user_and_sessions("u", range(1, 99)),
    "25 rows written at once": lambda: batch_write(25),
    "100 rows in a transaction": lambda: transact(100),
    "an item as large as moto takes": lambda: store.put_session(
        SESSION._replace(name="n" * 404_900)
    ),
    "an expression of 4 KB": lambda: update(f"SET a = :a{' ' * 4086}"),
}


@pytest.mark.parametrize("breach", REFUSED)
def test_what_dynamodb_would_refuse_fails_whatever_test_asks_for_it(breach):
    with pytest.raises(OverLimit):
        REFUSED[breach]()


@pytest.mark.parametrize("limit", TAKEN)
def test_what_is_just_within_the_limits_is_sent(limit):
    TAKEN[limit]()
