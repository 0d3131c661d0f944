"""The rows of the tables, as tests look at them and put there what no handler would."""

import functools
from typing import Any

import boto3

from sessions import session_store
from sessions.dynamodb import LOGINS, SESSIONS, USERS
from sessions.items import to_item
from sessions.logins import login_key
from tests.support.people import Person
from tests.support.records import session


def stored_sessions(person: Person) -> dict[int, dict[str, Any]]:
    """Return every session row of the user that was not revoked by itself, by ID."""
    rows = session_store.query_sessions(person.id)
    return {row.iat: row._asdict() for row in rows if row.revoked_reason is None}


def shown_sessions(person: Person) -> dict[int, dict[str, object]]:
    """Return what clients may see of every session row of the user, by ID, newest first."""
    return {row.iat: row.as_json() for row in session_store.query_sessions(person.id)}


def stored_user(person: Person) -> Any:
    """Return the user's row."""
    return session_store.read_user_and_sessions(person.id, {1})[0]


@functools.cache
def tables() -> Any:
    """Return a client to look into the tables with, and to put there what no handler would."""
    return boto3.client("dynamodb")


def stored_rows(person: Person, dynamodb: Any = None) -> dict[str, Any]:
    """Return all rows about the user, as the tables hold them, or those of another client."""
    dynamodb = dynamodb or tables()
    names = [login_key(name) for name in (person.username, person.email)]
    found = dynamodb.batch_get_item(
        RequestItems={
            USERS: {"Keys": [{"id": {"S": person.id}}]},
            LOGINS: {"Keys": [{"login": {"S": name}} for name in names]},
        }
    )["Responses"]
    logins = {row["login"]["S"]: row for row in found[LOGINS]}
    return {
        "user": next(iter(found[USERS]), None),
        "logins": [logins.get(name) for name in names],
        "sessions": dynamodb.query(
            TableName=SESSIONS,
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": person.id}},
        )["Items"],
    }


def age_session(person: Person, iat: int) -> None:
    """Let a session have begun an hour sooner, so that its next use is to be stored."""
    tables().update_item(
        TableName=SESSIONS,
        Key={"user": {"S": person.id}, "iat": {"N": str(iat)}},
        UpdateExpression="SET created_at = created_at - :hour",
        ExpressionAttributeValues={":hour": {"N": "3600"}},
    )


def add_sessions(person: Person, iats: range) -> None:
    """Store sessions that last, without the cost of so many logins; nobody has their tokens."""
    _, epoch, _ = session_store.read_user_and_sessions(person.id, ())
    lasting = session(user=person.id, exp=99_999_999_999, session_epoch=epoch)
    puts = [{"PutRequest": {"Item": to_item(lasting._replace(iat=iat))}} for iat in iats]
    for start in range(0, len(puts), 25):
        tables().batch_write_item(RequestItems={SESSIONS: puts[start : start + 25]})
