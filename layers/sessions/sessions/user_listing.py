"""Users, many at a time: a page of them, and whose some names are.

Only account operations import this. Each function raises `Unavailable` for a fault of DynamoDB
that outlasts the retries.
"""

from collections.abc import Collection

from sessions import dynamodb
from sessions.items import from_item
from sessions.logins import Login, login_key
from sessions.model import User


def scan_users(limit: int, after: str | None) -> tuple[list[User], str | None]:
    """Return the users of at most `limit` rows, and the ID behind which the next ones are.

    Rows of the session epoch and of deleted users are in the table, too: they count, and are left
    out. The addresses of logins are not read into the answer of DynamoDB.
    """
    start = {} if after is None else {"ExclusiveStartKey": {"id": {"S": after}}}
    answer = dynamodb.call(
        "scan",
        TableName=dynamodb.USERS,
        Limit=limit,
        ConsistentRead=True,
        FilterExpression="attribute_exists(username)",
        ProjectionExpression=(
            "id, username, email, created_at, banned_at, ban_reason, banned_until, ban_is_told"
        ),
        **start,
    )
    users = [from_item(User, item) for item in answer["Items"]]
    last = answer.get("LastEvaluatedKey")
    return users, None if last is None else str(last["id"]["S"])


def find_taken(ids: Collection[str], keys: Collection[str]) -> tuple[set[str], dict[str, str]]:
    """Return those of the IDs that users have, and the IDs of the users who have the names.

    Args:
        ids: IDs of users.
        keys: names to log in with, as `login_key` spells them; with the IDs at most a hundred.
    """
    items = dynamodb.get_items(
        {
            dynamodb.USERS: [{"id": {"S": each}} for each in ids],
            dynamodb.LOGINS: [{"login": {"S": key}} for key in keys],
        }
    )
    owners = {item["login"]["S"]: item["user"]["S"] for item in items[dynamodb.LOGINS]}
    return {item["id"]["S"] for item in items[dynamodb.USERS]}, owners


def find_password_hashes(users: Collection[User]) -> dict[str, str]:
    """Return the hashes of the passwords of at most a hundred users, by their IDs."""
    keys = {login_key(user.username): user.id for user in users}
    items = dynamodb.get_items({dynamodb.LOGINS: [{"login": {"S": key}} for key in keys]})
    logins = [from_item(Login, item) for item in items[dynamodb.LOGINS]]
    # Another user has the name where this one was renamed meanwhile.
    return {
        login.user: login.password_hash
        for login in logins
        if login.password_hash and keys[login.login] == login.user
    }


def as_listed(user: User) -> dict[str, object]:
    """Return a user as lists of them show it, without what its logins have left."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "created_at": user.created_at,
        "banned_at": user.banned_at,
        "ban_reason": user.ban_reason,
        "banned_until": user.banned_until,
        "ban_is_told": user.ban_is_told,
    }
