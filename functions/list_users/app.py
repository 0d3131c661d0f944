"""List the users, a page at a time. Invoked with IAM rights; there is no route."""

from typing import Any

from sessions import user_listing
from sessions.operations import Page, account_operation, parse_input


@account_operation("list_users", "UserListRead")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with a page of users, in the order of the table, which is that of nothing.

    A page may have fewer than `limit`, or none. There are more as long as it has a `next`, which
    is the `after` of the next page.
    """
    page = parse_input(event, Page)
    users, following = user_listing.scan_users(page.limit, page.after)
    items = [user_listing.as_listed(user) for user in users]
    return {"items": items} if following is None else {"items": items, "next": following}
