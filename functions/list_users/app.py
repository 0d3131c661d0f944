"""List the users, a page at a time. Invoked with IAM rights; there is no route."""

from typing import Annotated, Any

from pydantic import Field

from sessions import account_store
from sessions.operations import OperationInput, account_operation, parse_input


class Page(OperationInput):
    """At most `limit` users: the first ones, or those that come behind an ID.

    That may be one of a row of the session epoch: the table Users has these, too.
    """

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_#-]+$")] | None = None


@account_operation("list_users", "UserListRead")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with a page of users, in the order of the table, which is that of nothing.

    A page may have fewer than `limit`, or none. There are more as long as it has a `next`, which
    is the `after` of the next page.
    """
    page = parse_input(event, Page)
    users, following = account_store.scan_users(page.limit, page.after)
    items = [
        {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "created_at": user.created_at,
            "banned_at": user.banned_at,
            "banned_until": user.banned_until,
        }
        for user in users
    ]
    return {"items": items} if following is None else {"items": items, "next": following}
