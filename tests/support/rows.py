"""The rows of the tables, as tests look at them and put there what no handler would."""

import functools
from typing import Any

import boto3

from sessions import model, store
from tests.support.people import Person


def stored_sessions(person: Person) -> dict[int, dict[str, Any]]:
    """Return every session row of the user that nobody ended by itself, by ID."""
    rows = store.query_sessions(person.id)
    return {session.iat: session._asdict() for session in rows if session.ended is None}


def stored_user(person: Person) -> Any:
    """Return the user's row."""
    return store.read_user_and_sessions(person.id, {1})[0]


@functools.cache
def tables() -> Any:
    """Return a client to look into the tables with, and to put there what no handler would."""
    return boto3.client("dynamodb")


def stored_rows(person: Person, dynamodb: Any = None) -> dict[str, Any]:
    """Return all rows about the user, as the tables hold them, or those of another client."""
    dynamodb = dynamodb or tables()
    names = [model.login_key(name) for name in (person.username, person.email)]
    found = dynamodb.batch_get_item(
        RequestItems={
            store.USERS: {"Keys": [{"id": {"S": person.id}}]},
            store.LOGINS: {"Keys": [{"login": {"S": name}} for name in names]},
        }
    )["Responses"]
    logins = {row["login"]["S"]: row for row in found[store.LOGINS]}
    return {
        "user": next(iter(found[store.USERS]), None),
        "logins": [logins.get(name) for name in names],
        "sessions": dynamodb.query(
            TableName=store.SESSIONS,
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": person.id}},
        )["Items"],
    }


def add_sessions(person: Person, iats: range) -> None:
    """Store sessions that last, without the cost of so many log-ins; nobody has their tokens."""
    rest = {"exp": {"N": "99999999999"}, "name": {"S": "Added"}, "jti_sha256": {"B": bytes(32)}}
    puts = [
        {"PutRequest": {"Item": {"user": {"S": person.id}, "iat": {"N": str(iat)}, **rest}}}
        for iat in iats
    ]
    for start in range(0, len(puts), 25):
        tables().batch_write_item(RequestItems={store.SESSIONS: puts[start : start + 25]})
