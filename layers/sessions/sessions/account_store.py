"""Changes of users by account operations. Only they import this.

A user has one row in Users, and one row in Logins for each of the two names to log in with, which
also has the password's hash. A change of several rows is one transaction. Each function raises
`Unavailable` for a fault of DynamoDB that outlasts the retries.
"""

from typing import Any

from sessions import dynamodb
from sessions.dynamodb import ConditionFailed
from sessions.errors import ChangedMeanwhile, UnknownUser, UserTaken
from sessions.items import Item, from_item, to_attribute, to_item
from sessions.logins import Login, login_key
from sessions.model import ACCOUNT_DELETED, TOMBSTONE_ID, Session, User
from sessions.session_epoch import epoch_in, every_shard
from sessions.user_store import REVOKE_ALL, find_login

_CHANGED = "the user was changed at this moment; try again"

# A login under way stores its session within the minute that Lambda gives it.
_TOMBSTONE_SECONDS = 86_400


def create_user(user: User, password_hash: str) -> None:
    """Store a new user and both names to log in with, all or nothing.

    Raises:
        UserTaken: another user has the name, the address or the ID.
    """
    puts = [_put_new(dynamodb.USERS, "id", to_item(user))]
    for name in (user.username, user.email):
        login = Login(login_key(name), user.id, password_hash)
        puts.append(_put_new(dynamodb.LOGINS, "login", to_item(login)))
    if dynamodb.transact(puts):
        raise UserTaken("the name or the address is taken")


def replace_password(
    user: User, password_hash: str, session_epoch: int, *, keep_sessions: bool
) -> None:
    """Give the user another password and, unless told not to, revoke every session: one write.

    A login that has found the old password right, and has no ID yet, is refused one. The addresses
    of logins are forgotten: whoever knew the old password may have chosen them.

    Raises:
        ChangedMeanwhile: the user is not as it was read.
    """
    version = {":next": {"N": str(user.password_version + 1)}}
    update = "SET password_version = :next, login_addresses = :none"
    values: Item = version | {":none": to_attribute({})}
    if not keep_sessions:
        update += f", {REVOKE_ALL} REMOVE revoked_except"
        values |= _revocation("password_changed", session_epoch)
    changes = [{**_user_as_read(user, values), "UpdateExpression": update}]
    for name in (user.username, user.email):
        login = _login_of(user, name, version | {":hash": {"S": password_hash}})
        set_both = "SET password_hash = :hash, password_version = :next"
        changes.append({**login, "UpdateExpression": set_both})
    if dynamodb.transact([{"Update": change} for change in changes]):
        raise ChangedMeanwhile(_CHANGED)


def rename_user(user: User, username: str, email: str) -> None:
    """Give the user other names to log in with, all or nothing; the password stays.

    Raises:
        UserTaken: another user has the name or the address.
        ChangedMeanwhile: the user is not as it was read.
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
        if login is None:
            raise ChangedMeanwhile(_CHANGED)
        renamed = login._replace(login=login_key(new))
        puts.append(_put_new(dynamodb.LOGINS, "login", to_item(renamed)))
        delete = _login_of(user, old, {":hash": {"S": login.password_hash}})
        delete["ConditionExpression"] += " AND password_hash = :hash"
        deletes.append({"Delete": delete})
    failed = dynamodb.transact([*puts, {"Update": update}, *deletes])
    if any(place < len(puts) for place in failed):
        raise UserTaken("the name or the address is taken")
    if failed:
        raise ChangedMeanwhile(_CHANGED)


def ban(
    user: str,
    now: int,
    reason: str | None,
    until: int | None,
    session_epoch: int,
    *,
    tell_user: bool = False,
) -> None:
    """Ban the user from `now` on; an earlier ban is replaced.

    Args:
        user: the user's ID.
        now: epoch seconds.
        reason: the reason of the ban, if there is one.
        until: when the ban ends, in epoch seconds, if it ends.
        session_epoch: the epoch in force.
        tell_user: whether the user is told the reason and the end.

    Raises:
        UnknownUser: there is no such user.
    """
    ban = {"banned_at": now, "ban_reason": reason, "banned_until": until}
    ban |= {"ban_is_told": tell_user or None, "ended_epoch": session_epoch}
    given = {name: value for name, value in ban.items() if value is not None}
    update = "SET " + ", ".join(f"{name} = :{name}" for name in given)
    if absent := ban.keys() - given.keys():
        update += f" REMOVE {', '.join(absent)}"
    values = {f":{name}": to_attribute(value) for name, value in given.items()}
    _update_user(user, update, values)


def lift_ban(user: str, session_epoch: int, *, revoke_sessions: bool) -> None:
    """Lift the user's ban, if there is one; its sessions count again, or are revoked.

    Raises:
        UnknownUser: there is no such user.
    """
    ban = "banned_at, ban_reason, banned_until, ban_is_told"
    if revoke_sessions:
        update = f"SET {REVOKE_ALL} REMOVE revoked_except, {ban}"
        _update_user(user, update, _revocation("all", session_epoch))
    else:
        _update_user(user, f"REMOVE {ban}", {})


def close_account(user: str, now: int, session_epoch: int) -> User:
    """Revoke every session of the user and refuse logins, so that nothing comes meanwhile.

    Returns:
        The user's row just before, which says which sessions had ended by then. Where the account
        is closed already, by an earlier attempt, its reason says so.

    Raises:
        UnknownUser: there is no such user.
    """
    update = f"SET {REVOKE_ALL}, banned_at = :now REMOVE revoked_except, banned_until"
    update += ", ban_is_told"  # what an earlier ban told is not why logins are refused now
    values = {":now": {"N": str(now)}, **_revocation(ACCOUNT_DELETED, session_epoch)}
    return from_item(User, _update_user(user, update, values)["Attributes"])


def delete_user(user: User, now: int) -> None:
    """Delete the user and both names to log in with, all or nothing.

    A login under way may still store its session. So the ID stays in a row among the sessions: when
    its TTL deletes that one, publish_events purges what has come (docs/decisions/0018).

    Raises:
        ChangedMeanwhile: the user is not as it was read.
    """
    rows = [_user_as_read(user), _login_of(user, user.username), _login_of(user, user.email)]
    exp = now + _TOMBSTONE_SECONDS
    tombstone = Session(user.id, TOMBSTONE_ID, exp, revoked_reason=ACCOUNT_DELETED)
    put = {"TableName": dynamodb.SESSIONS, "Item": to_item(tombstone)}
    if dynamodb.transact([*({"Delete": row} for row in rows), {"Put": put}]):
        raise ChangedMeanwhile(_CHANGED)


def advance_session_epoch() -> int:
    """Revoke every session of every user: one atomic write, whatever their number.

    A session carries the epoch in which its login read the counter. A login that is under way may
    have read the old one, and its session is revoked as well.

    Returns:
        The new epoch.

    Raises:
        ChangedMeanwhile: another call advances the epoch at this moment.
        Unavailable: DynamoDB does not answer.
    """
    keys = every_shard()
    epoch = epoch_in(dynamodb.get_items({dynamodb.USERS: keys})[dynamodb.USERS])
    update = {
        "TableName": dynamodb.USERS,
        "UpdateExpression": "SET session_epoch = :next",
        "ConditionExpression": "attribute_not_exists(session_epoch) OR session_epoch <= :epoch",
        "ExpressionAttributeValues": {":epoch": {"N": str(epoch)}, ":next": {"N": str(epoch + 1)}},
    }
    if dynamodb.transact([{"Update": {**update, "Key": key}} for key in keys]):
        raise ChangedMeanwhile("another call revokes everyone's sessions at this moment")
    return epoch + 1


def _update_user(user: str, update: str, values: Item) -> Any:
    given = {"ExpressionAttributeValues": values} if values else {}  # DynamoDB takes no empty one
    try:
        return dynamodb.call(
            "update_item",
            TableName=dynamodb.USERS,
            Key={"id": {"S": user}},
            UpdateExpression=update,
            ConditionExpression="attribute_exists(username)",
            ReturnValues="ALL_OLD",
            **given,
        )
    except ConditionFailed as error:
        raise UnknownUser from error


def _revocation(reason: str, session_epoch: int) -> Item:
    return {":reason": {"S": reason}, ":epoch": {"N": str(session_epoch)}}


def _user_as_read(user: User, values: Item | None = None) -> dict[str, Any]:
    """Return a write of the user's row, which fails if names or password are others by now."""
    read = {
        ":username": {"S": user.username},
        ":email": {"S": user.email},
        ":version": {"N": str(user.password_version)},
    }
    return {
        "TableName": dynamodb.USERS,
        "Key": {"id": {"S": user.id}},
        "ConditionExpression": (
            "username = :username AND email = :email AND password_version = :version"
        ),
        "ExpressionAttributeValues": read | (values or {}),
    }


def _login_of(user: User, name: str, values: Item | None = None) -> dict[str, Any]:
    """Return a write of the row of a name to log in with, which fails if it is not the user's."""
    return {
        "TableName": dynamodb.LOGINS,
        "Key": {"login": {"S": login_key(name)}},
        "ConditionExpression": "#user = :user",
        "ExpressionAttributeNames": {"#user": "user"},
        "ExpressionAttributeValues": {":user": {"S": user.id}} | (values or {}),
    }


def _put_new(table: str, key: str, item: Item) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": item,
            "ConditionExpression": f"attribute_not_exists({key})",
        }
    }
