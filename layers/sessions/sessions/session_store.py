"""Sessions in DynamoDB.

Every read is strongly consistent, and every change is a conditional write. Each function raises
`Unavailable` for a fault of DynamoDB that outlasts the retries.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from sessions import dynamodb
from sessions.dynamodb import ConditionFailed, Conflict
from sessions.errors import SessionMissing, Unavailable
from sessions.items import Item, from_item, to_item
from sessions.last_use import update_of_last_use
from sessions.model import Session, User, live_sessions
from sessions.session_epoch import epoch_in, shard_key

# Longer than a login can last, which Lambda stops at its function's time-out (template.yaml). Up to
# then botocore may put the row of a session again.
_LOGIN_SECONDS = 60

# What is of use only while a session counts.
_OF_USE = "#name, jti_sha256, used_at, #until, address, country, known"


def read_user_and_sessions(
    user: str, iats: Collection[int]
) -> tuple[User | None, int, dict[int, Session]]:
    """Return a user, the session epoch, and the sessions `iats` of the user, in one round trip.

    An absent user is None, and an absent session is left out. `model.is_live` says whether a
    session counts.
    """
    items = dynamodb.get_items(
        {
            dynamodb.USERS: [{"id": {"S": user}}, shard_key(user)],
            dynamodb.SESSIONS: [_key(user, iat) for iat in iats],
        }
    )
    of_users = items[dynamodb.USERS]
    found = [from_item(User, item) for item in of_users if item["id"]["S"] == user]
    sessions = [from_item(Session, item) for item in items[dynamodb.SESSIONS]]
    by_id = {session.iat: session for session in sessions}
    return (found[0] if found else None), epoch_in(of_users), by_id


def query_sessions(user: str, newest: int | None = None, below: int | None = None) -> list[Session]:
    """Return every session row of the user, newest first, whether or not it counts.

    Args:
        user: the user's ID.
        newest: how many rows to return, if not all.
        below: the ID that all of them are below, if there is one.
    """
    sessions: list[Session] = []
    page: dict[str, Any] = {}
    condition, values = "#user = :user", {":user": {"S": user}}
    if below is not None:
        condition += " AND iat < :below"
        values[":below"] = {"N": str(below)}
    while True:
        if newest is not None:
            page["Limit"] = newest - len(sessions)  # a page ends after a megabyte, too
        answer = dynamodb.call(
            "query",
            TableName=dynamodb.SESSIONS,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            ScanIndexForward=False,
            **page,
        )
        sessions += [from_item(Session, item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer or len(sessions) == newest:
            return sessions
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def put_session(session: Session, now: int) -> None:
    """Store a new session.

    If the write was committed and its answer lost, botocore's retry finds the row; its `jti`, which
    is 128 random bits, proves that it is ours.

    Args:
        session: the session.
        now: epoch seconds.

    Raises:
        Unavailable: DynamoDB does not answer, or the session was revoked meanwhile. It may be
            stored, and nobody gets its token: it is revoked, if DynamoDB answers that.
    """
    try:
        dynamodb.call(
            "put_item",
            TableName=dynamodb.SESSIONS,
            Item=to_item(session),
            ConditionExpression="attribute_not_exists(iat)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailed as error:
        if error.item != to_item(session):
            raise Unavailable from error
    except Unavailable:
        _withdraw(session, now)
        raise


def replace_session(replaced: int, session: Session, now: int) -> None:
    """Store a new session and revoke the one that it replaces: both, or neither.

    One that was revoked since it was read is not replaced; the new session is stored alone.

    Args:
        replaced: the ID of the session to replace, which was read as live in this very request.
        session: the new session, of the same user.
        now: epoch seconds.

    Raises:
        Unavailable: as `put_session`; the other session may be revoked.
    """
    put = {
        "TableName": dynamodb.SESSIONS,
        "Item": to_item(session),
        "ConditionExpression": "attribute_not_exists(iat)",
    }
    update = _revocation(session.user, replaced, "replaced", now)
    try:
        failed = dynamodb.transact([{"Put": put}, {"Update": update}])
    except Unavailable:
        _withdraw(session, now)
        raise
    if failed:
        put_session(session, now)


def _withdraw(session: Session, now: int) -> None:
    """Revoke a session that may be stored and whose token nobody gets, if DynamoDB answers."""
    with suppress(ConditionFailed, Unavailable):
        update = _revocation(session.user, session.iat, "deleted", now)
        dynamodb.call("update_item", **update)


def store_last_use(session: Session, used: Session) -> None:
    """Store that a session was used, unless it has ended since, or a later use is stored.

    Nor is it stored while a transaction writes the row, which mostly ends the session; if it does
    not, the next use is as good.

    Args:
        session: the session as it was read in this very request.
        used: the session as the use leaves it (`last_use.after_use`).

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    with suppress(ConditionFailed, Conflict):
        dynamodb.call("update_item", **update_of_last_use(dynamodb.SESSIONS, session, used))


def revoke_session(user: str, iat: int, now: int, revocation_id: str) -> None:
    """Revoke a session, which was read as live in this very request.

    Its row stays until TTL deletes it, with only its ID, its beginning (when, how and by whom) and
    the reason, for the table's stream to publish (docs/events.md).

    Args:
        user: the user's ID.
        iat: the session's ID.
        now: epoch seconds.
        revocation_id: a random ID; under it, a call that is made again finds that it was done.

    Raises:
        SessionMissing: another request has revoked it since.
    """
    update = _revocation(user, iat, "deleted", now)
    update["UpdateExpression"] += ", revocation_id = :id"
    update["ConditionExpression"] += " OR revocation_id = :id"
    update["ExpressionAttributeValues"][":id"] = {"S": revocation_id}
    try:
        dynamodb.call("update_item", **update)
    except ConditionFailed as error:
        raise SessionMissing from error


def revoke_sessions(user: str, iats: Iterable[int], reason: str, now: int) -> int:
    """Revoke several sessions for `reason`, and return how many this call revoked.

    Each is counted by the one call that revoked it, however many calls name it at once: the updates
    are conditional, and made in transactions.

    Raises:
        Unavailable: DynamoDB does not answer; some may be revoked.
    """
    revoked = 0
    for batch in _batches(iats, dynamodb.LARGEST_TRANSACTION):
        updates = [{"Update": _revocation(user, iat, reason, now)} for iat in batch]
        while updates and (failed := dynamodb.transact(updates)):
            # Another call has revoked these since.
            updates = [update for place, update in enumerate(updates) if place not in failed]
        revoked += len(updates)
    return revoked


def enforce_session_limit(user: User, session_epoch: int, limit: int, now: int) -> None:
    """Revoke the oldest live sessions of the user until `limit` are left.

    The last of many concurrent logins sees all their rows, so no more are left when all are done.
    It reads no more rows than `limit`, the one too many and a batch; rows that do not count are
    purged once they fill that batch, which bounds the rows however often the user logs in. A row
    whose login may be under way stays: it keeps that login from putting a revoked session again.

    Raises:
        Unavailable: DynamoDB does not answer; the next login's call does the rest.
    """
    sessions = query_sessions(user.id, limit + 1 + dynamodb.LARGEST_BATCH_WRITE)
    live = [session.iat for session in live_sessions(sessions, user, session_epoch, now)]
    revoke_sessions(user.id, live[limit:], "evicted", now)
    # publish_events purges rows that were revoked on the user's row after it has published their
    # end.
    others = {
        session.iat
        for session in sessions
        if session.iat > user.revoked_through and session.began_at < now - _LOGIN_SECONDS
    }
    purgeable = others.difference(live)
    if len(purgeable) >= dynamodb.LARGEST_BATCH_WRITE:
        purge_sessions(user.id, purgeable)


def purge_sessions(user: str, iats: Iterable[int]) -> None:
    """Delete the rows of sessions that do not count any more.

    Raises:
        Unavailable: DynamoDB does not answer; some may be deleted.
    """
    purge_rows((user, iat) for iat in iats)


def purge_rows(sessions: Iterable[tuple[str, int]]) -> None:
    """Delete rows as `purge_sessions` does, of several users: each by the user and its ID."""
    for batch in _batches(sessions, dynamodb.LARGEST_BATCH_WRITE):
        dynamodb.delete_items(dynamodb.SESSIONS, [_key(user, iat) for user, iat in batch])


def _batches(those: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(those)
    while batch := list(islice(remaining, size)):
        yield batch


def _key(user: str, iat: int) -> Item:
    return {"user": {"S": user}, "iat": {"N": str(iat)}}


def _revocation(user: str, iat: int, reason: str, now: int) -> dict[str, Any]:
    """Return the update that revokes a session once."""
    return {
        "TableName": dynamodb.SESSIONS,
        "Key": _key(user, iat),
        "UpdateExpression": f"REMOVE {_OF_USE} SET revoked_reason = :reason, exp = :now",
        "ConditionExpression": "attribute_exists(iat) AND attribute_not_exists(revoked_reason)",
        "ExpressionAttributeNames": {"#name": "name", "#until": "until"},
        "ExpressionAttributeValues": {":reason": {"S": reason}, ":now": {"N": str(now)}},
    }
