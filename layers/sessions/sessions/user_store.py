"""Users in DynamoDB, as logins and revocations need them; `account_store` has the rest.

The user's row orders a user's history: a session's ID is allocated there, and *delete all* is one
update of it. Every read is strongly consistent, and every change is a conditional write. Each
function raises `Unavailable` for a fault of DynamoDB that outlasts the retries.
"""

from contextlib import suppress

from sessions import dynamodb
from sessions.dynamodb import ConditionFailed
from sessions.errors import (
    ApiError,
    Banned,
    Internal,
    InvalidPassword,
    InvalidSession,
    InvalidUser,
    Unavailable,
)
from sessions.items import Item, from_item, to_attribute
from sessions.logins import Login, login_key
from sessions.model import ACCOUNT_DELETED, User, is_banned, told_of_ban
from sessions.session_epoch import epoch_in, shard_key

# From how many addresses a user is known to log in. Up to twice as many are stored: so only a few
# logins make the second write that forgets the oldest (docs/decisions/0009).
LOGIN_ADDRESSES = 8

# How far a new session's ID may be ahead of the clock, in seconds. It takes that many logins of one
# user, or one on a machine whose clock is wrong.
_FURTHEST_AHEAD = 86_400

# Revokes every session allocated so far; the stream tells `:reason` (docs/events.md) of those that
# had not ended by `:epoch`.
REVOKE_ALL = "revoked_through = last_iat, revoked_reason = :reason, ended_epoch = :epoch"

_IS_LATER = "last_iat < :now"
_MAY_LOG_IN = (
    "password_version = :version AND (attribute_not_exists(banned_at) OR banned_until <= :now)"
)


def read_user(user: str) -> User | None:
    """Return the user with this ID, None if there is none."""
    if not dynamodb.can_be_key(user):
        return None
    item = dynamodb.get_item(dynamodb.USERS, {"id": {"S": user}})
    return from_item(User, item) if item and "username" in item else None


def find_login(name: str) -> Login | None:
    """Return the login of a username or e-mail address, None if there is none."""
    login = login_key(name)
    if not dynamodb.can_be_key(login):
        return None
    item = dynamodb.get_item(dynamodb.LOGINS, {"login": {"S": login}})
    return from_item(Login, item) if item else None


def find_login_and_epoch(name: str) -> tuple[Login | None, int]:
    """Return the login of a name, as `find_login` does, with the session epoch: one round trip."""
    login = login_key(name)
    if not dynamodb.can_be_key(login):
        return None, 0
    keys = {dynamodb.LOGINS: [{"login": {"S": login}}], dynamodb.USERS: [shard_key(login)]}
    items = dynamodb.get_items(keys)
    found = [from_item(Login, item) for item in items[dynamodb.LOGINS]]
    return (found[0] if found else None), epoch_in(items[dynamodb.USERS])


def login_of(user: User) -> Login:
    """Return the username of `user` as a login, without the password's hash."""
    return Login(login_key(user.username), user.id, password_version=user.password_version)


def replace_password_hash(login: Login, password_hash: str) -> None:
    """Store a newer hash of the password of `login`, unless the password was changed since."""
    with suppress(ConditionFailed):
        dynamodb.call(
            "update_item",
            TableName=dynamodb.LOGINS,
            Key={"login": {"S": login.login}},
            UpdateExpression="SET password_hash = :new",
            ConditionExpression="password_hash = :old",
            ExpressionAttributeValues={
                ":new": {"S": password_hash},
                ":old": {"S": login.password_hash},
            },
        )


def allocate_session_id(login: Login, now: int, address: str | None) -> User:
    """Allocate the ID of a new session: `now`, or one more than the newest, if that is later.

    IDs of a user are never used twice, however many logins share a second, and whatever was revoked
    between them.

    Args:
        login: a login of the user, as it was read before the user was authenticated.
        now: epoch seconds.
        address: the address, or the network of it, for `User.login_addresses`; None for none.

    Returns:
        The user's row, whose `last_iat` is the new ID.

    Raises:
        InvalidUser: the user does not exist any more.
        InvalidPassword: the password was changed since `login` was read.
        Banned: the user is banned.
        Internal: the ID would be more than a day ahead of the clock.
    """
    values = {
        ":now": {"N": str(now)},
        ":version": {"N": str(login.password_version)},
    }
    try:
        return _allocate(login.user, address, ":now", f"{_IS_LATER} AND {_MAY_LOG_IN}", values)
    except ConditionFailed as error:
        if refusal := _refusal(error.item, login, now):
            raise refusal from error
    # An ID of this second, or of a later one, was allocated already; `last_iat` only grows.
    values |= {":one": {"N": "1"}, ":furthest": {"N": str(now + _FURTHEST_AHEAD)}}
    condition = f"last_iat < :furthest AND {_MAY_LOG_IN}"
    try:
        return _allocate(login.user, address, "last_iat + :one", condition, values)
    except ConditionFailed as error:
        raise _refusal(error.item, login, now) or Unavailable() from error


def _allocate(user: str, address: str | None, iat: str, condition: str, values: Item) -> User:
    update = f"SET last_iat = {iat}, last_login_at = :now"
    names = {}
    if address is not None:
        update += ", login_addresses.#address = :now"
        names = {"ExpressionAttributeNames": {"#address": address}}
    answer = dynamodb.call(
        "update_item",
        TableName=dynamodb.USERS,
        Key={"id": {"S": user}},
        UpdateExpression=update,
        ConditionExpression=condition,
        ExpressionAttributeValues=values,
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **names,
    )
    return from_item(User, answer["Attributes"])


def forget_oldest_addresses(user: User) -> None:
    """Keep the addresses of the latest logins alone, once twice as many are stored.

    A login or another password since `user` was read has changed the addresses. Then nothing is
    forgotten here: the next login will do it.
    """
    if len(user.login_addresses) <= 2 * LOGIN_ADDRESSES:
        return
    by_time = sorted(user.login_addresses.items(), key=lambda used: used[1])
    with suppress(ConditionFailed):
        dynamodb.call(
            "update_item",
            TableName=dynamodb.USERS,
            Key={"id": {"S": user.id}},
            UpdateExpression="SET login_addresses = :latest",
            ConditionExpression="last_iat = :iat AND password_version = :version",
            ExpressionAttributeValues={
                ":latest": to_attribute(dict(by_time[-LOGIN_ADDRESSES:])),
                ":iat": {"N": str(user.last_iat)},
                ":version": {"N": str(user.password_version)},
            },
        )


def _refusal(item: Item, login: Login, now: int) -> ApiError | None:
    """Return why the user whose row is `item` may not log in, None if nothing speaks against it."""
    if not item:
        return InvalidUser()
    user = from_item(User, item)
    if user.password_version != login.password_version:
        return InvalidPassword()
    if is_banned(user, now):
        return Banned(*told_of_ban(user))
    if user.last_iat < now + _FURTHEST_AHEAD:
        return None
    return Internal(
        f"the session IDs of user {user.id} are over a day ahead of the clock, at {user.last_iat}: "
        "see docs/runbook.md#session-ids-are-ahead-of-the-clock"
    )


def revoke_all_sessions(
    user: User, session_epoch: int, revocation_id: str, kept: int | None = None
) -> User:
    """Revoke every session allocated so far, but for `kept`: one update, whatever their number.

    The boundary is copied from `last_iat` inside the update, so no clock is involved and no login
    can slip between. A session that another call has revoked since it was read is not kept: that
    would revive it. Under `revocation_id`, a random ID, a call made again finds that it was done.

    Returns:
        The user's row just before, which says which sessions were live until now.

    Raises:
        InvalidSession: the user does not exist any more; or `kept` is revoked. The reason says it.
    """
    values = {":reason": {"S": "all"}, ":id": {"S": revocation_id}}
    values[":epoch"] = {"N": str(session_epoch)}
    condition = "attribute_exists(id)"
    but = " REMOVE revoked_except" if kept is None else ", revoked_except = :kept"
    if kept is not None:
        values[":kept"] = {"N": str(kept)}
        is_live = "attribute_not_exists(revoked_through) OR revoked_through < :kept"
        condition += f" AND ({is_live} OR revoked_except = :kept)"
    try:
        answer = dynamodb.call(
            "update_item",
            TableName=dynamodb.USERS,
            Key={"id": {"S": user.id}},
            UpdateExpression=f"SET {REVOKE_ALL}, revocation_id = :id{but}",
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailed as error:
        raise InvalidSession(reason=_reason_in(error.item)) from error
    before = from_item(User, answer["Attributes"])
    if answer["Attributes"].get("revocation_id") == values[":id"]:  # by a try whose answer was lost
        return user._replace(last_iat=before.last_iat)
    return before


def _reason_in(item: Item) -> str:
    """Return why sessions of the user whose row is `item` were revoked all at once."""
    return (from_item(User, item).revoked_reason or "all") if item else ACCOUNT_DELETED
