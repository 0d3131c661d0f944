"""The layer's clients are held to strong reads and DynamoDB's limits, and to no narrower ones."""

import pytest

from sessions import account_store, dynamodb, session_store
from sessions.dynamodb import LOGINS, SESSIONS, USERS
from tests.support.dynamodb_limits import OverLimit
from tests.support.records import session, user

pytestmark = pytest.mark.usefixtures("aws")

SESSION, NEW_USER = session(), user(id="new")


def batch_write(number):
    keys = [session_store._key("u", iat) for iat in range(1, number + 1)]
    deletes = [{"DeleteRequest": {"Key": key}} for key in keys]
    dynamodb.client.batch_write_item(RequestItems={SESSIONS: deletes})


def transact(number, name_bytes=1):
    name = {"S": "n" * name_bytes}
    puts = [
        {"Put": {"TableName": SESSIONS, "Item": {**session_store._key("t", iat), "n": name}}}
        for iat in range(1, number + 1)
    ]
    dynamodb.client.transact_write_items(TransactItems=puts)


def update(expression="SET a = :a", **given):
    dynamodb.client.update_item(
        TableName=USERS,
        Key={"id": {"S": "somebody"}},
        UpdateExpression=expression,
        **{"ExpressionAttributeValues": {":a": {"N": "1"}}, **given},
    )


def number(text):
    update(ExpressionAttributeValues={":a": {"N": text}})


def put(**attributes):
    dynamodb.client.put_item(TableName=SESSIONS, Item=attributes)


KEY = {"id": {"S": "somebody"}}
QUERY = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": KEY["id"]}}

REFUSED = {
    "a row that may be an old one": lambda: dynamodb.client.get_item(TableName=USERS, Key=KEY),
    "several rows of which one may be old": lambda: dynamodb.client.batch_get_item(
        RequestItems={
            USERS: {"Keys": [KEY], "ConsistentRead": True},
            LOGINS: {"Keys": [{"login": {"S": "joe"}}], "ConsistentRead": False},
        }
    ),
    "a query that may miss a row": lambda: dynamodb.client.query(TableName=USERS, **QUERY),
    "a partition key of 2,049 bytes": lambda: session_store.query_sessions("é" * 1024 + "x"),
    "a partition key of no byte": lambda: session_store.query_sessions(""),
    "a user with an ID that is too long": lambda: account_store.ban("x" * 2049, 1, None, None, 0),
    "a new user with an ID that is empty": lambda: account_store.create_user(
        NEW_USER._replace(id=""), "hash"
    ),
    "a sort key that is text": lambda: put(user={"S": "u"}, iat={"S": "1"}),
    "no sort key": lambda: put(user={"S": "u"}),
    "an ID of 39 digits": lambda: session_store.put_session(SESSION._replace(iat=10**39 - 1), 1),
    "a number of 39 digits": lambda: number("1." + "1" * 38),
    "a number that is too large": lambda: number("1E126"),
    "a number that is too small": lambda: number("-1E-131"),
    "101 rows read at once": lambda: session_store.read_user_and_sessions("u", range(1, 100)),
    "a row read twice at once": lambda: session_store.read_user_and_sessions("u", [1, 1]),
    "26 rows written at once": lambda: batch_write(26),
    "a row written twice at once": lambda: session_store.purge_sessions("u", [1, 1]),
    "no row written": lambda: batch_write(0),
    "101 rows in a transaction": lambda: transact(101),
    "a row twice in a transaction": lambda: session_store.revoke_sessions("u", [1, 1], "bulk", 2),
    "a transaction of over 4 MB": lambda: transact(11, 390_000),
    "an item of over 400 KB": lambda: session_store.put_session(
        SESSION._replace(name="n" * 409_600), 1
    ),
    "an expression of over 4 KB": lambda: update(f"SET a = :a{' ' * 4087}"),
    "an empty expression": lambda: update(ConditionExpression=""),
    "no values": lambda: update("REMOVE a", ExpressionAttributeValues={}),
    "no names": lambda: update(ExpressionAttributeNames={}),
}

TAKEN = {
    "a partition key of 2,048 bytes": lambda: session_store.query_sessions("é" * 1024),
    "a number of 38 digits": lambda: number("-1." + "1" * 37),
    "a number of many zeros": lambda: number("1" + "0" * 125),
    "zero": lambda: number("0"),
    "100 rows read at once": lambda: session_store.read_user_and_sessions("u", range(1, 99)),
    "25 rows written at once": lambda: batch_write(25),
    "100 rows in a transaction": lambda: transact(100),
    "an item as large as moto takes": lambda: session_store.put_session(
        SESSION._replace(name="n" * 404_900), 1
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
