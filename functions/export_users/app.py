"""Answer with users as `import_users` takes them, with the hashes of their passwords.

Invoked with IAM rights; there is no route. Whoever has the hashes can try passwords at leisure, so
this has a function, a right and a line in the audit of its own.
"""

from typing import Annotated, Any

from pydantic import Field

from sessions import user_listing
from sessions.operations import Page, account_operation, parse_input


class PageOfExport(Page):
    """The hashes of a page are one BatchGetItem, which reads a hundred rows."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100


@account_operation("export_users", "PasswordHashesExported")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Answer with a page of users, as `list_users` does; a user without a password has no hash."""
    page = parse_input(event, PageOfExport)
    users, following = user_listing.scan_users(page.limit, page.after)
    hashes = user_listing.find_password_hashes(users)
    items = [
        user_listing.as_listed(user) | {"password_hash": hashes.get(user.id)} for user in users
    ]
    return {"items": items} if following is None else {"items": items, "next": following}
