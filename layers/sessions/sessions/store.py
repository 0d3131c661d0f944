"""Users, sessions and log-in names in DynamoDB. Nothing else talks to it.

The user's row is where a user's history is ordered: a session's ID is allotted there, and
*delete all* is one update of it. Every read is strongly consistent and every change is a
conditional write. A fault of DynamoDB that outlasts the retries is `Unavailable`.
"""

import functools
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from sessions import clients, settings
from sessions.errors import (
    Banned,
    ChangedMeanwhile,
    InvalidPassword,
    InvalidSession,
    InvalidUser,
    SessionMissing,
    Unavailable,
    UnknownUser,
    UserTaken,
)
from sessions.model import Login, Session, User, is_banned, is_live, login_key

SESSIONS = settings.text("SESSIONS_TABLE")
USERS = settings.text("USERS_TABLE")
LOGINS = settings.text("LOGINS_TABLE")
ATTEMPTS = settings.text("ATTEMPTS_TABLE")

# DynamoDB Developer Guide, "Quotas": what one call takes, and the longest partition key.
LARGEST_TRANSACTION = 100
LARGEST_BATCH_WRITE = 25
LONGEST_KEY_BYTES = 2048

# One item serves 3,000 strongly consistent reads a second ("Burst and adaptive capacity"), and
# every request reads everybody's generation; so it stands in as many rows as this. A change of
# their number must take the generation along.
EVERYONE_ROWS = 16

# How many addresses that a user logged in from are kept: each has its place by a hash, so that
# the row stays small, and the update that allots a session stores it without a read.
_ADDRESSES = [f"login_address_{place}" for place in range(8)]

# How long to wait, in seconds, before what DynamoDB left undone is asked for again: as its
# guide says, doubling. One hot partition recovers within a second or not at all.
_PAUSES = (0.05, 0.1, 0.2, 0.4)

_CHANGED = "the user was changed at this moment; try again"
# What ends every session allotted so far; `:why` is what the stream tells of it.
_REVOKED = "revoked_through = last_iat, revoked_by = :why"
_NOT_BANNED = "(attribute_not_exists(banned_at) OR banned_until <= :now)"

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

    What does not exist is None, or absent. Whether a session counts is `is_live`'s to say; for
    that the user comes with everybody's generation, read by the way.

    Raises:
        Unavailable: DynamoDB does not answer, or not in full.
    """
    keys = [{"id": {"S": user}}, _everyone_key(user)]
    rows = _read_rows({USERS: keys, SESSIONS: [_session_key(user, iat) for iat in iats]})
    found = [row for row in rows[USERS] if row["id"]["S"] == user]
    sessions = {session.iat: session for session in map(_session, rows[SESSIONS])}
    if not found:
        return None, sessions
    return _user(found[0])._replace(generation=_generation(rows[USERS])), sessions


@_unavailable_on_fault
def query_sessions(user: str, newest: int | None = None) -> list[Session]:
    """Return every session row of the user, newest first, dead ones included.

    Args:
        user: the user's ID.
        newest: how many rows to return, if not all.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    sessions: list[Session] = []
    page: dict[str, Any] = {}
    while True:
        if newest is not None:
            page["Limit"] = newest - len(sessions)  # a page ends after a megabyte, too
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
        if "LastEvaluatedKey" not in answer or len(sessions) == newest:
            return sessions
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@_unavailable_on_fault
def allot_iat(login: Login, now: int, address: str) -> User:
    """Allot the ID of a new session: `now`, or one more than the newest, if that is later.

    IDs of a user are therefore never used twice, however many log-ins share a second, and
    whatever was revoked in between. It is the `last_iat` of the row that is returned.

    Args:
        login: what was read, and its password found right.
        now: epoch seconds.
        address: where the user logs in from, for `User.login_addresses`.

    Raises:
        InvalidUser: there is no such user (any more).
        InvalidPassword: the password was changed since `login` was read.
        Banned: the user is banned.
        Unavailable: DynamoDB does not answer.
    """
    place = _ADDRESSES[zlib.crc32(address.encode()) % len(_ADDRESSES)]
    values: _Row = {
        ":now": {"N": str(now)},
        ":version": {"N": str(login.password_version)},
        ":from": {"M": {"address": {"S": address}, "at": {"N": str(now)}}},
    }
    is_later = ("SET last_iat = :now", "last_iat < :now", values)
    one_more = values | {":one": {"N": "1"}}
    is_not_later = ("SET last_iat = last_iat + :one", "last_iat >= :now", one_more)
    allowed = f"password_version = :version AND {_NOT_BANNED}"
    for update, condition, given in (is_later, is_not_later):
        try:
            answer = _dynamodb.update_item(
                TableName=USERS,
                Key={"id": {"S": login.user}},
                UpdateExpression=f"{update}, {place} = :from",
                ConditionExpression=f"{condition} AND {allowed}",
                ExpressionAttributeValues=given,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            row = _row_that_refused(error)
            if not row:
                raise InvalidUser from error
            user = _user(row)
            if user.password_version != login.password_version:
                raise InvalidPassword from error
            if is_banned(user, now):
                raise Banned from error
        else:
            return _user(answer["Attributes"])
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
                "generation": {"N": str(session.generation)},
            },
            ConditionExpression="attribute_not_exists(iat)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        row = _row_that_refused(error)
        if not row or _session(row) != session:
            raise


@_unavailable_on_fault
def end_session(user: str, iat: int, now: int) -> None:
    """End a session, which was read as live in this very request.

    Its row stays until TTL deletes it, with nothing in it but its ID and why it ended, for the
    table's stream to tell (docs/events.md).

    Raises:
        SessionMissing: another request has ended it since.
        Unavailable: DynamoDB does not answer.
    """
    try:
        _dynamodb.update_item(**_end(user, iat, "deleted", now))
    except ClientError as error:
        _row_that_refused(error)
        if not _was_retried(error.response):
            raise SessionMissing from error
        # An earlier attempt of this call was committed and its answer lost.


@_unavailable_on_fault
def end_sessions(user: str, iats: Collection[int], reason: str, now: int) -> int:
    """End several sessions for `reason`, and return how many this call ended.

    Each is counted by the one call that ended it, however many calls name it at once: the
    updates are conditional, in transactions, whose token (botocore makes it) lets a retry
    find that it was done already.

    Raises:
        Unavailable: DynamoDB does not answer; some may be ended.
    """
    remaining = iter(iats)
    ended = 0
    while batch := list(islice(remaining, LARGEST_TRANSACTION)):
        ended += _end_together(user, batch, reason, now)
    return ended


def _end_together(user: str, iats: list[int], reason: str, now: int) -> int:
    cancellation: ClientError | None = None
    for _ in _tries():
        try:
            _dynamodb.transact_write_items(
                TransactItems=[{"Update": _end(user, iat, reason, now)} for iat in iats]
            )
        except ClientError as error:
            iats = [
                iat
                for iat, refused in zip(iats, _cancellation_reasons(error), strict=True)
                if refused != "ConditionalCheckFailed"
            ]
            if not iats:
                return 0
            cancellation = error
        else:
            return len(iats)
    raise Unavailable from cancellation


def _end(user: str, iat: int, reason: str, now: int) -> dict[str, Any]:
    return {
        "TableName": SESSIONS,
        "Key": _session_key(user, iat),
        "UpdateExpression": "SET ended = :reason, exp = :now REMOVE #name, jti_sha256",
        "ConditionExpression": "attribute_exists(iat) AND attribute_not_exists(ended)",
        "ExpressionAttributeNames": {"#name": "name"},
        "ExpressionAttributeValues": {":reason": {"S": reason}, ":now": {"N": str(now)}},
    }


def keep_newest(user: User, most: int, now: int) -> None:
    """End the oldest live sessions of the user until `most` are left.

    Whoever of many concurrent log-ins asks last sees all their rows, so no more are left when
    all are done. It looks at no more rows than `most`, the one too many and a batch; dead ones
    are cleared away once they fill that batch, which bounds the rows however often somebody
    logs in.

    Raises:
        Unavailable: DynamoDB does not answer; the next log-in's call does what is left.
    """
    sessions = query_sessions(user.id, most + 1 + LARGEST_BATCH_WRITE)
    live = [session.iat for session in sessions if is_live(session, user, now)]
    end_sessions(user.id, live[most:], "evicted", now)
    # What was revoked is cleared away by who follows the user's stream, once its end is told.
    unrevoked = {session.iat for session in sessions if session.iat > user.revoked_through}
    dead = unrevoked.difference(live)
    if len(dead) >= LARGEST_BATCH_WRITE:
        clear_sessions(user.id, dead)


@_unavailable_on_fault
def revoke_all(user: User, kept: int | None = None) -> User:
    """End every session allotted so far, but for `kept`: one update, whatever their number.

    The boundary is copied from `last_iat` inside the update, so no clock is involved and no
    log-in can slip between. A session that another call has ended since it was read is not
    kept: that would bring it back. The rows are cleared away later, by who follows the table's
    stream.

    Returns:
        The user's row as it was just before, which says what was live until now.

    Raises:
        InvalidSession: there is no such user any more, and so no session; or `kept` is over.
        Unavailable: DynamoDB does not answer.
    """
    values = {":why": {"S": "all"}}
    condition = "attribute_exists(id)"
    if kept is None:
        update = f"SET {_REVOKED} REMOVE revoked_except"
    else:
        update = f"SET {_REVOKED}, revoked_except = :kept"
        values[":kept"] = {"N": str(kept)}
        counts = "attribute_not_exists(revoked_through) OR revoked_through < :kept"
        condition += f" AND ({counts} OR revoked_except = :kept)"
    try:
        answer = _dynamodb.update_item(
            TableName=USERS,
            Key={"id": {"S": user.id}},
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_OLD",
        )
    except ClientError as error:
        _row_that_refused(error)
        raise InvalidSession from error
    before = _user(answer["Attributes"])
    if _was_retried(answer):
        # The row before the retry may be the row after the first attempt: what that had revoked
        # was live.
        return user._replace(last_iat=before.last_iat)
    return before._replace(generation=user.generation)


@_unavailable_on_fault
def revoke_everyone() -> int:
    """End every session of every user: one atomic write, whatever their number.

    A session carries the generation that it was issued in, and counts only as long as that is
    everybody's. Log-ins that are under way may be issued in the old one, and are over too.

    Returns:
        The new generation.

    Raises:
        ChangedMeanwhile: another call ends everyone's sessions at this moment.
        Unavailable: DynamoDB does not answer.
    """
    rows = _read_rows({USERS: [_everyone_row(number) for number in range(EVERYONE_ROWS)]})[USERS]
    generation = _generation(rows)
    values = {":old": {"N": str(generation)}, ":new": {"N": str(generation + 1)}}
    refused = _write_together(
        [
            {
                "Update": {
                    "TableName": USERS,
                    "Key": _everyone_row(number),
                    "UpdateExpression": "SET generation = :new",
                    "ConditionExpression": (
                        "attribute_not_exists(generation) OR generation <= :old"
                    ),
                    "ExpressionAttributeValues": values,
                }
            }
            for number in range(EVERYONE_ROWS)
        ]
    )
    if refused:
        raise ChangedMeanwhile("somebody else ends everyone's sessions at this moment")
    return generation + 1


@_unavailable_on_fault
def clear_sessions(user: str, iats: Iterable[int]) -> None:
    """Delete the rows of sessions that are dead already.

    Raises:
        Unavailable: DynamoDB does not answer; some may be deleted, and all are dead.
    """
    remaining = iter(iats)
    while batch := list(islice(remaining, LARGEST_BATCH_WRITE)):
        deletes = [{"DeleteRequest": {"Key": _session_key(user, iat)}} for iat in batch]
        for _ in _until_processed(
            _dynamodb.batch_write_item, "UnprocessedItems", {SESSIONS: deletes}
        ):
            pass


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
    row = _dynamodb.get_item(TableName=LOGINS, Key=_login_row(login), ConsistentRead=True)
    return _login(row["Item"]) if "Item" in row else None


@_unavailable_on_fault
def find_login_and_generation(name: str) -> tuple[Login | None, int]:
    """Return what `find_login` does, and everybody's generation, in one round trip.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    login = login_key(name)
    if not can_be_key(login):
        return None, 0
    rows = _read_rows({LOGINS: [_login_row(login)], USERS: [_everyone_key(login)]})
    found = [_login(row) for row in rows[LOGINS]]
    return (found[0] if found else None), _generation(rows[USERS])


@_unavailable_on_fault
def read_user(user: str) -> User | None:
    """Return the user's row, None if there is no such user.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    if not can_be_key(user):
        return None
    row = _dynamodb.get_item(TableName=USERS, Key={"id": {"S": user}}, ConsistentRead=True).get(
        "Item"
    )
    return _user(row) if row and "username" in row else None


@_unavailable_on_fault
def replace_password_hash(login: Login, password_hash: str) -> None:
    """Store a newer hash of the password of `login`, unless the password has changed since.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    try:
        _dynamodb.update_item(
            TableName=LOGINS,
            Key=_login_row(login.login),
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
        "password_version": {"N": str(user.password_version)},
    }
    puts = [_put_new(USERS, "id", row)]
    for name in (user.username, user.email):
        login = Login(login_key(name), user.id, password_hash)
        puts.append(_put_new(LOGINS, "login", _row_of(login)))
    if _write_together(puts):
        raise UserTaken("the name or the address is taken")


@_unavailable_on_fault
def replace_password(user: User, password_hash: str, *, keep_sessions: bool) -> None:
    """Give the user another password and, unless told not to, end every session: one write.

    A log-in that has found the old password right, and has no ID yet, is refused one.

    Raises:
        ChangedMeanwhile: the user is not as it was read.
        Unavailable: DynamoDB does not answer.
    """
    version = {":next": {"N": str(user.password_version + 1)}}
    if keep_sessions:
        update = "SET password_version = :next"
        values = version
    else:
        update = f"SET {_REVOKED}, password_version = :next REMOVE revoked_except"
        values = version | {":why": {"S": "password_changed"}}
    changes = [{**_user_as_read(user, values), "UpdateExpression": update}]
    for name in (user.username, user.email):
        login = _login_of(user, name, version | {":hash": {"S": password_hash}})
        set_both = "SET password_hash = :hash, password_version = :next"
        changes.append({**login, "UpdateExpression": set_both})
    if _write_together([{"Update": change} for change in changes]):
        raise ChangedMeanwhile(_CHANGED)


@_unavailable_on_fault
def rename(user: User, username: str, email: str) -> None:
    """Give the user other names to log in with, all or nothing; the password stays.

    Raises:
        UserTaken: the name or the address is somebody's.
        ChangedMeanwhile: the user is not as it was read.
        Unavailable: DynamoDB does not answer.
    """
    names = {":new_username": {"S": username}, ":new_email": {"S": email}}
    update = {
        **_user_as_read(user, names),
        "UpdateExpression": "SET username = :new_username, email = :new_email",
    }
    puts: list[dict[str, Any]] = []
    deletes: list[dict[str, Any]] = []
    for old, new in ((user.username, username), (user.email, email)):
        if login_key(old) == login_key(new):
            continue
        login = find_login(old)
        if login is None or login.user != user.id:
            raise ChangedMeanwhile(_CHANGED)
        puts.append(_put_new(LOGINS, "login", _row_of(login._replace(login=login_key(new)))))
        delete = _login_of(user, old, {":hash": {"S": login.password_hash}})
        delete["ConditionExpression"] += " AND password_hash = :hash"
        deletes.append({"Delete": delete})
    refused = _write_together([*puts, {"Update": update}, *deletes])
    if any(part < len(puts) for part in refused):
        raise UserTaken("the name or the address is taken")
    if refused:
        raise ChangedMeanwhile(_CHANGED)


@_unavailable_on_fault
def ban(user: str, now: int, reason: str | None, until: int | None) -> None:
    """Ban the user from `now` on, until then, if it has an end; an earlier ban is replaced.

    Raises:
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    given = {"ban_reason": {"S": reason} if reason is not None else None}
    given["banned_until"] = {"N": str(until)} if until is not None else None
    values = {f":{name}": value for name, value in given.items() if value is not None}
    update = ", ".join(["SET banned_at = :now", *(f"{name[1:]} = {name}" for name in values)])
    if absent := [name for name, value in given.items() if value is None]:
        update += f" REMOVE {', '.join(absent)}"
    _update_user(user, update, {":now": {"N": str(now)}, **values})


@_unavailable_on_fault
def lift_ban(user: str, *, revoke_sessions: bool) -> None:
    """Lift the user's ban, if there is one; the sessions it covered count again, or end.

    Raises:
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    ban = "banned_at, ban_reason, banned_until"
    if revoke_sessions:
        update = f"SET {_REVOKED} REMOVE revoked_except, {ban}"
        _update_user(user, update, {":why": {"S": "banned"}})
    else:
        _update_user(user, f"REMOVE {ban}", {})


@_unavailable_on_fault
def close_account(user: str, now: int) -> None:
    """Let nobody in to this account any more, so that it can be deleted in peace: one write.

    Raises:
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    update = f"SET {_REVOKED}, banned_at = :now REMOVE revoked_except, banned_until"
    _update_user(user, update, {":now": {"N": str(now)}, ":why": {"S": "account_deleted"}})


@_unavailable_on_fault
def delete_user(user: User) -> None:
    """Delete the user and both names to log in with, all or nothing.

    Raises:
        ChangedMeanwhile: the user is not as it was read.
        Unavailable: DynamoDB does not answer.
    """
    rows = [_user_as_read(user), _login_of(user, user.username), _login_of(user, user.email)]
    if _write_together([{"Delete": row} for row in rows]):
        raise ChangedMeanwhile(_CHANGED)


def _update_user(user: str, update: str, values: _Row) -> None:
    given = {"ExpressionAttributeValues": values} if values else {}  # DynamoDB takes no empty one
    try:
        _dynamodb.update_item(
            TableName=USERS,
            Key={"id": {"S": user}},
            UpdateExpression=update,
            ConditionExpression="attribute_exists(username)",
            **given,
        )
    except ClientError as error:
        _row_that_refused(error)
        raise UnknownUser from error


def _user_as_read(user: User, values: _Row | None = None) -> dict[str, Any]:
    """Return a write's user row, which refuses it if names or password are others by now."""
    same = "username = :username AND email = :email AND password_version = :version"
    seen = {
        ":username": {"S": user.username},
        ":email": {"S": user.email},
        ":version": {"N": str(user.password_version)},
    }
    return {
        "TableName": USERS,
        "Key": {"id": {"S": user.id}},
        "ConditionExpression": same,
        "ExpressionAttributeValues": seen | (values or {}),
    }


def _login_of(user: User, name: str, values: _Row | None = None) -> dict[str, Any]:
    """Return a write's row of a name to log in with, which refuses it if that is not the user's."""
    return {
        "TableName": LOGINS,
        "Key": _login_row(login_key(name)),
        "ConditionExpression": "#user = :user",
        "ExpressionAttributeNames": {"#user": "user"},
        "ExpressionAttributeValues": {":user": {"S": user.id}} | (values or {}),
    }


# ---------------------------------------------------------------- attempts


@_unavailable_on_fault
def count_attempt(key: str, limits: Mapping[str, int], attempt: str, expires: int) -> str | None:
    """Count an attempt to log in under each counter of a row, unless one has reached its limit.

    A counter is a set of attempts' IDs, so that a write whose answer was lost counts once.

    Args:
        key: the row's.
        limits: the most that each counter takes, by its name.
        attempt: the attempt's random ID.
        expires: when the row may go, in epoch seconds.

    Returns:
        None, or the first counter that is full; nothing was counted then.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    names = {f"#counter{number}": name for number, name in enumerate(limits)}
    mosts = {f":most{number}": {"N": str(most)} for number, most in enumerate(limits.values())}
    pairs = list(zip(names, mosts, strict=True))
    room = " AND ".join(f"(attribute_not_exists({c}) OR size({c}) < {m})" for c, m in pairs)
    values: _Row = {":attempts": {"SS": [attempt]}, ":attempt": {"S": attempt}}
    try:
        _dynamodb.update_item(
            TableName=ATTEMPTS,
            Key={"key": {"S": key}},
            UpdateExpression=f"SET expires = :expires ADD {_each(names)}",
            ConditionExpression=f"contains(#counter0, :attempt) OR {room}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**values, **mosts, ":expires": {"N": str(expires)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        row = _row_that_refused(error)
        full = (name for name, most in limits.items() if len(_attempts(row, name)) >= most)
        return next(full)
    return None


@_unavailable_on_fault
def take_back_attempt(key: str, counters: Iterable[str], attempt: str) -> None:
    """Let an attempt count no more; one that was not counted, or whose row is gone, need not.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    names = {f"#counter{number}": name for number, name in enumerate(counters)}
    try:
        _dynamodb.update_item(
            TableName=ATTEMPTS,
            Key={"key": {"S": key}},
            UpdateExpression=f"DELETE {_each(names)}",
            ConditionExpression="attribute_exists(expires)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":attempts": {"SS": [attempt]}},
        )
    except ClientError as error:
        _row_that_refused(error)


def _each(counters: Iterable[str]) -> str:
    return ", ".join(f"{counter} :attempts" for counter in counters)


def _attempts(row: _Row, counter: str) -> list[str]:
    return row[counter]["SS"] if counter in row else []


# ----------------------------------------------------------- what streams tell


def session_of_image(image: _Row) -> Session:
    """Return the session row that a stream's record shows, without its hash.

    Raises:
        KeyError, TypeError, ValueError: it is no session row.
    """
    return _session({name: value for name, value in image.items() if name != "jti_sha256"})


def user_of_image(image: _Row) -> User:
    """Return the user row that a stream's record shows.

    Raises:
        KeyError, TypeError, ValueError: it is no user row.
    """
    return _user(image)


def generation_of_image(key: _Row, image: _Row) -> int | None:
    """Return everybody's generation, where the record is of the one row that tells it."""
    return _generation([image]) if key == _everyone_row(0) else None


# --------------------------------------------------------------- DynamoDB's


def _read_rows(keys: Mapping[str, list[_Row]]) -> dict[str, list[_Row]]:
    """Return the rows that exist of those that the keys name, by table."""
    rows: dict[str, list[_Row]] = {table: [] for table in keys}
    wanted = {table: {"Keys": of, "ConsistentRead": True} for table, of in keys.items() if of}
    for answer in _until_processed(_dynamodb.batch_get_item, "UnprocessedKeys", wanted):
        for table, found in answer["Responses"].items():
            rows[table] += found
    return rows


def _tries() -> Iterator[None]:
    """Yield for each try of a call, and wait before all but the first."""
    yield
    for pause in _PAUSES:
        time.sleep(pause)
        yield


def _write_together(parts: list[dict[str, Any]]) -> list[int]:
    """Make a transaction; return which of its parts had a condition that refused it."""
    cancellation: ClientError | None = None
    for _ in _tries():
        try:
            _dynamodb.transact_write_items(TransactItems=parts)
        except ClientError as error:
            codes = _cancellation_reasons(error)
            refused = [n for n, code in enumerate(codes) if code == "ConditionalCheckFailed"]
            if refused:
                return refused
            cancellation = error
        else:
            return []
    raise Unavailable from cancellation


def _until_processed(
    call: Callable[..., Any], unprocessed: str, wanted: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the answers to a batch call, made again for what DynamoDB did not process."""
    for _ in _tries():
        answer = call(RequestItems=wanted)
        yield answer
        wanted = answer.get(unprocessed) or {}
        if not wanted:
            return
    raise Unavailable(unprocessed)


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


def _everyone_row(number: int) -> _Row:
    return {"id": {"S": f"everyone#{number}"}}  # users' IDs have no such character


def _everyone_key(reader: str) -> _Row:
    return _everyone_row(zlib.crc32(reader.encode()) % EVERYONE_ROWS)


def _generation(rows: Iterable[_Row]) -> int:
    """Return everybody's generation; nobody's sessions were ended that way if there is none."""
    return max((_integer(row, "generation", 0) for row in rows), default=0)


def _login_row(login: str) -> _Row:
    return {"login": {"S": login}}


def _row_of(login: Login) -> _Row:
    return {
        **_login_row(login.login),
        "user": {"S": login.user},
        "password_hash": {"S": login.password_hash},
        "password_version": {"N": str(login.password_version)},
    }


def _login(row: _Row) -> Login:
    return Login(
        row["login"]["S"],
        row["user"]["S"],
        row["password_hash"]["S"],
        _integer(row, "password_version"),
    )


def _session(row: _Row) -> Session:
    return Session(
        user=row["user"]["S"],
        iat=_integer(row, "iat"),
        exp=_integer(row, "exp"),
        name=_text(row, "name") or "",
        jti_sha256=row["jti_sha256"]["B"] if "jti_sha256" in row else b"",
        generation=_integer(row, "generation", 0),
        ended=_text(row, "ended"),
    )


def _user(row: _Row) -> User:
    return User(
        id=row["id"]["S"],
        username=row["username"]["S"],
        email=row["email"]["S"],
        created_at=_integer(row, "created_at"),
        last_iat=_integer(row, "last_iat"),
        password_version=_integer(row, "password_version"),
        banned_at=_integer(row, "banned_at", None),
        ban_reason=_text(row, "ban_reason"),
        banned_until=_integer(row, "banned_until", None),
        revoked_through=_integer(row, "revoked_through", 0),
        revoked_except=_integer(row, "revoked_except", None),
        login_addresses={
            kept["M"]["address"]["S"]: _integer(kept["M"], "at")
            for place in _ADDRESSES
            if (kept := row.get(place))
        },
    )


_Absent = TypeVar("_Absent")


def _integer(row: _Row, name: str, *absent: _Absent) -> int | _Absent:
    return absent[0] if absent and name not in row else int(row[name]["N"])


def _text(row: _Row, name: str) -> str | None:
    return row[name]["S"] if name in row else None
