"""Users, sessions and log-in names in DynamoDB. Nothing else talks to it.

The user's row is where a user's history is ordered: a session's ID is allotted there, and
*delete all* is one update of it. Every read is strongly consistent and every change is a
conditional write. A fault of DynamoDB that outlasts the retries is `Unavailable`.
"""

import functools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from sessions import clients, settings
from sessions.errors import (
    Banned,
    InvalidSession,
    InvalidUser,
    SessionMissing,
    Unavailable,
    UnknownUser,
    UserTaken,
)
from sessions.model import Login, Session, User, login_key

SESSIONS = settings.text("SESSIONS_TABLE")
USERS = settings.text("USERS_TABLE")
LOGINS = settings.text("LOGINS_TABLE")

# DynamoDB Developer Guide, "Quotas": what one call takes, and the longest partition key.
LARGEST_TRANSACTION = 100
LARGEST_BATCH_WRITE = 25
LONGEST_KEY_BYTES = 2048

# How long to wait, in seconds, before what DynamoDB left undone is asked for again: as its
# guide says, doubling. One hot partition recovers within a second or not at all.
_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)

_dynamodb = clients.client("dynamodb")

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Row = dict[str, dict[str, Any]]


def _unavailable_on_fault(
    function: Callable[_Arguments, _Result],
) -> Callable[_Arguments, _Result]:
    @functools.wraps(function)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error

    return guarded


# ---------------------------------------------------------------- sessions


@_unavailable_on_fault
def read_user_and_sessions(
    user: str, iats: Collection[int]
) -> tuple[User | None, dict[int, Session]]:
    """Return the user's row and those of the sessions `iats`, in one round trip.

    What does not exist is None, or absent. Whether a session counts is `is_live`'s to say.

    Raises:
        Unavailable: DynamoDB does not answer, or not in full.
    """
    wanted = {
        USERS: {"Keys": [{"id": {"S": user}}], "ConsistentRead": True},
        SESSIONS: {"Keys": [_session_key(user, iat) for iat in iats], "ConsistentRead": True},
    }
    found: User | None = None
    sessions: dict[int, Session] = {}
    for answer in _until_processed(_dynamodb.batch_get_item, "UnprocessedKeys", wanted):
        for row in answer["Responses"].get(USERS, ()):
            found = _user(row)
        for row in answer["Responses"].get(SESSIONS, ()):
            session = _session(row)
            sessions[session.iat] = session
    return found, sessions


@_unavailable_on_fault
def query_sessions(user: str) -> list[Session]:
    """Return every session row of the user, newest first, dead ones included.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    sessions: list[Session] = []
    page: dict[str, Any] = {}
    while True:
        answer = _dynamodb.query(
            TableName=SESSIONS,
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": user}},
            ConsistentRead=True,
            ScanIndexForward=False,
            **page,
        )
        sessions += map(_session, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return sessions
        page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@_unavailable_on_fault
def allot_iat(user: str, now: int) -> int:
    """Allot the ID of a new session: `now`, or one more than the newest, if that is later.

    IDs of a user are therefore never used twice, however many log-ins share a second, and
    whatever was revoked in between.

    Raises:
        InvalidUser: there is no such user (any more).
        Banned: the user is banned.
        Unavailable: DynamoDB does not answer.
    """
    is_later: dict[str, Any] = {
        "UpdateExpression": "SET last_iat = :now",
        "ConditionExpression": "last_iat < :now",
        "ExpressionAttributeValues": {":now": {"N": str(now)}},
    }
    is_not_later: dict[str, Any] = {
        "UpdateExpression": "SET last_iat = last_iat + :one",
        "ConditionExpression": "last_iat >= :now",
        "ExpressionAttributeValues": {":now": {"N": str(now)}, ":one": {"N": "1"}},
    }
    for case in (is_later, is_not_later):
        condition = f"{case['ConditionExpression']} AND attribute_not_exists(banned_at)"
        try:
            answer = _dynamodb.update_item(
                TableName=USERS,
                Key={"id": {"S": user}},
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **{**case, "ConditionExpression": condition},
            )
        except ClientError as error:
            row = _row_that_refused(error)
            if not row:
                raise InvalidUser from error
            if "banned_at" in row:
                raise Banned from error
        else:
            return _integer(answer["Attributes"], "last_iat")
    # `last_iat` only grows, so it cannot have refused both.
    raise Unavailable


@_unavailable_on_fault
def put_session(session: Session) -> None:
    """Store a new session.

    If the write was committed and its answer lost, the client's own retry finds the row;
    that it is ours is proved by its `jti`, which is 128 random bits.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    try:
        _dynamodb.put_item(
            TableName=SESSIONS,
            Item={
                **_session_key(session.user, session.iat),
                "exp": {"N": str(session.exp)},
                "name": {"S": session.name},
                "jti_sha256": {"B": session.jti_sha256},
            },
            ConditionExpression="attribute_not_exists(iat)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        row = _row_that_refused(error)
        if not row or _session(row) != session:
            raise


@_unavailable_on_fault
def delete_session(user: str, iat: int) -> None:
    """Delete a session's row, which was read as live in this very request.

    Raises:
        SessionMissing: another request has ended it since.
        Unavailable: DynamoDB does not answer.
    """
    try:
        _dynamodb.delete_item(
            TableName=SESSIONS,
            Key=_session_key(user, iat),
            ConditionExpression="attribute_exists(iat)",
        )
    except ClientError as error:
        _row_that_refused(error)
        if not _was_retried(error.response):
            raise SessionMissing from error
        # An earlier attempt of this call was committed and its answer lost.


@_unavailable_on_fault
def delete_sessions(user: str, iats: Collection[int]) -> int:
    """Delete the rows of several sessions, and return how many this call deleted.

    Each is counted by the one call that ended it, however many calls name it at once: the
    deletes are conditional, in transactions, whose token (botocore makes it) lets a retry
    find that it was done already.

    Raises:
        Unavailable: DynamoDB does not answer; some may be deleted.
    """
    remaining = iter(iats)
    deleted = 0
    while batch := list(islice(remaining, LARGEST_TRANSACTION)):
        deleted += _delete_together(user, batch)
    return deleted


def _delete_together(user: str, iats: list[int]) -> int:
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            _dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Delete": {
                            "TableName": SESSIONS,
                            "Key": _session_key(user, iat),
                            "ConditionExpression": "attribute_exists(iat)",
                        }
                    }
                    for iat in iats
                ]
            )
        except ClientError as error:
            iats = [
                iat
                for iat, reason in zip(iats, _cancellation_reasons(error), strict=True)
                if reason != "ConditionalCheckFailed"
            ]
            if not iats:
                return 0
        else:
            return len(iats)
    raise Unavailable


@_unavailable_on_fault
def revoke_all(user: User, kept: int | None) -> User:
    """End every session allotted so far, but for `kept`: one update, whatever their number.

    The boundary is copied from `last_iat` inside the update, so no clock is involved and no
    log-in can slip between. Deleting the rows is `clear_sessions`, and need not happen.

    Returns:
        The user's row as it was just before, which says what was live until now.

    Raises:
        InvalidSession: there is no such user any more, and so no session.
        Unavailable: DynamoDB does not answer.
    """
    update: dict[str, Any] = {"UpdateExpression": "SET revoked_through = last_iat"}
    if kept is None:
        update["UpdateExpression"] += " REMOVE revoked_except"
    else:
        update["UpdateExpression"] += ", revoked_except = :kept"
        update["ExpressionAttributeValues"] = {":kept": {"N": str(kept)}}
    try:
        answer = _dynamodb.update_item(
            TableName=USERS,
            Key={"id": {"S": user.id}},
            ConditionExpression="attribute_exists(id)",
            ReturnValues="ALL_OLD",
            **update,
        )
    except ClientError as error:
        _row_that_refused(error)
        raise InvalidSession from error
    if _was_retried(answer):
        # The row before the retry may be the row after the first attempt.
        return user
    return _user(answer["Attributes"])


def clear_sessions(user: str, iats: Sequence[int]) -> int:
    """Delete the rows of dead sessions, and return how many are gone.

    It is only clean-up: what a fault leaves is dead all the same, and TTL deletes it.
    """
    cleared = 0
    remaining = iter(iats)
    while batch := list(islice(remaining, LARGEST_BATCH_WRITE)):
        deletes = [{"DeleteRequest": {"Key": _session_key(user, iat)}} for iat in batch]
        try:
            for _ in _until_processed(
                _dynamodb.batch_write_item, "UnprocessedItems", {SESSIONS: deletes}
            ):
                pass
        except (BotoCoreError, ClientError, Unavailable):
            return cleared
        cleared += len(batch)
    return cleared


# ---------------------------------------------------------- users and logins


def can_be_key(text: str) -> bool:
    """Say whether DynamoDB takes `text` for a partition key."""
    return 0 < len(text.encode()) <= LONGEST_KEY_BYTES


@_unavailable_on_fault
def find_login(name: str) -> Login | None:
    """Return what the username or e-mail address `name` leads to, None if nothing.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    login = login_key(name)
    if not can_be_key(login):
        return None
    row = _dynamodb.get_item(
        TableName=LOGINS, Key={"login": {"S": login}}, ConsistentRead=True
    ).get("Item")
    if row is None:
        return None
    return Login(login, row["user"]["S"], row["password_hash"]["S"])


@_unavailable_on_fault
def replace_password_hash(login: Login, password_hash: str) -> None:
    """Store a newer hash of the password of `login`, unless the password has changed since.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    try:
        _dynamodb.update_item(
            TableName=LOGINS,
            Key={"login": {"S": login.login}},
            UpdateExpression="SET password_hash = :new",
            ConditionExpression="password_hash = :old",
            ExpressionAttributeValues={
                ":new": {"S": password_hash},
                ":old": {"S": login.password_hash},
            },
        )
    except ClientError as error:
        _row_that_refused(error)


@_unavailable_on_fault
def create_user(user: User, password_hash: str) -> None:
    """Store a new user and both names to log in with, all or nothing.

    Raises:
        UserTaken: the name, the address or the ID is somebody's.
        Unavailable: DynamoDB does not answer.
    """
    row: _Row = {
        "id": {"S": user.id},
        "username": {"S": user.username},
        "email": {"S": user.email},
        "created_at": {"N": str(user.created_at)},
        "last_iat": {"N": str(user.last_iat)},
    }
    puts = [_put_new(USERS, "id", row)]
    for name in (user.username, user.email):
        login = {"user": {"S": user.id}, "password_hash": {"S": password_hash}}
        puts.append(_put_new(LOGINS, "login", {"login": {"S": login_key(name)}, **login}))
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            _dynamodb.transact_write_items(TransactItems=puts)
        except ClientError as error:
            if "ConditionalCheckFailed" in _cancellation_reasons(error):
                raise UserTaken("the name or the address is taken") from error
        else:
            return
    raise Unavailable


@_unavailable_on_fault
def ban(user: str, now: int) -> int:
    """Ban the user from `now` on; return since when the user is banned.

    Raises:
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    row = _update_user(
        user,
        UpdateExpression="SET banned_at = if_not_exists(banned_at, :now)",
        ExpressionAttributeValues={":now": {"N": str(now)}},
    )
    return _integer(row, "banned_at")


@_unavailable_on_fault
def lift_ban(user: str) -> None:
    """Lift the user's ban, if there is one.

    Raises:
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    _update_user(user, UpdateExpression="REMOVE banned_at")


def _update_user(user: str, **update: Any) -> _Row:
    try:
        answer = _dynamodb.update_item(
            TableName=USERS,
            Key={"id": {"S": user}},
            ConditionExpression="attribute_exists(id)",
            ReturnValues="ALL_NEW",
            **update,
        )
    except ClientError as error:
        _row_that_refused(error)
        raise UnknownUser(user) from error
    row: _Row = answer["Attributes"]
    return row


# --------------------------------------------------------------- DynamoDB's


def _until_processed(
    call: Callable[..., Any], unprocessed: str, wanted: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the answers to a batch call, made again for what DynamoDB did not process."""
    for pause in _PAUSES:
        time.sleep(pause)
        answer = call(RequestItems=wanted)
        yield answer
        wanted = answer.get(unprocessed) or {}
        if not wanted:
            return
    raise Unavailable


def _row_that_refused(error: ClientError) -> _Row:
    """Return the row that failed a condition, if it was asked for; raise any other error."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    row: _Row = dict(error.response).get("Item", {})
    return row


def _cancellation_reasons(error: ClientError) -> list[str]:
    """Return why each part of a transaction was refused; raise any other error.

    Conflicts and throttling pass, so the caller may try again; the rest does not.
    """
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        raise error
    reasons: list[dict[str, str]] = dict(error.response)["CancellationReasons"]
    codes = [reason.get("Code", "None") for reason in reasons]
    if "ValidationError" in codes:
        raise error
    return codes


def _was_retried(response: Any) -> bool:
    return bool(response["ResponseMetadata"].get("RetryAttempts"))


def _put_new(table: str, key: str, row: _Row) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": row,
            "ConditionExpression": f"attribute_not_exists({key})",
        }
    }


def _session_key(user: str, iat: int) -> _Row:
    return {"user": {"S": user}, "iat": {"N": str(iat)}}


def _session(row: _Row) -> Session:
    return Session(
        user=row["user"]["S"],
        iat=_integer(row, "iat"),
        exp=_integer(row, "exp"),
        name=row["name"]["S"],
        jti_sha256=row["jti_sha256"]["B"],
    )


def _user(row: _Row) -> User:
    return User(
        id=row["id"]["S"],
        username=row["username"]["S"],
        email=row["email"]["S"],
        created_at=_integer(row, "created_at"),
        last_iat=_integer(row, "last_iat"),
        banned_at=_integer(row, "banned_at") if "banned_at" in row else None,
        revoked_through=_integer(row, "revoked_through") if "revoked_through" in row else 0,
        revoked_except=_integer(row, "revoked_except") if "revoked_except" in row else None,
    )


def _integer(row: _Row, name: str) -> int:
    return int(row[name]["N"])
