"""Create users as another service had them. Invoked with IAM rights; there is no route."""

import secrets
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import ConfigDict, Field

from sessions import account_store, foreign_hashes, user_listing
from sessions.concurrent import run_concurrently
from sessions.errors import InvalidInput, UserTaken
from sessions.logins import login_key
from sessions.model import User
from sessions.operations import (
    Email,
    OperationInput,
    UserId,
    Username,
    account_operation,
    parse_input,
)

# All of their rows are one BatchGetItem: a user has three, and it reads a hundred.
MOST_USERS = 25
AT_ONCE = 5  # each has a connection; botocore keeps ten

Time = Annotated[int, Field(ge=0, lt=10**12)]


class Users(OperationInput):
    """The users, each as a `NewUser`; or whether they could be imported."""

    users: Annotated[list[Any], Field(min_length=1, max_length=MOST_USERS)]
    dry_run: bool = False


class NewUser(OperationInput):
    """A user. A member of another name may be a mistake, and is one of the user's problems."""

    model_config = ConfigDict(extra="forbid")

    id: UserId | None = None
    username: Username
    email: Email
    password_hash: str | None = None
    created_at: Time | None = None
    banned_at: Time | None = None
    ban_reason: str | None = Field(default=None, max_length=512)
    banned_until: Time | None = None
    ban_is_told: bool = False


class Row(NamedTuple):
    """A user to store, and its place in the input."""

    place: int
    user: User
    has_id: bool
    password_hash: str

    @property
    def keys(self) -> dict[str, str]:
        """Return its names to log in with as they are compared."""
        names = {"username": self.user.username, "email": self.user.email}
        return {field: login_key(name) for field, name in names.items()}


@account_operation("import_users", "UsersImported")
def handler(event: dict[str, Any], now: int) -> dict[str, object]:
    """Store the users, each all or nothing, and say which were there and which have a problem.

    A call that is made again skips those that it has stored. A user that is there already is one
    with the same ID; or, without an ID, with both names.
    """
    given = parse_input(event, Users)
    problems: dict[int, str] = {}
    skipped: list[int] = []
    imported = 0
    rows = read_rows(given.users, now, problems)
    while rows:
        new = choose_new(rows, skipped, problems)
        rows = [] if given.dry_run else store(new)
        imported += len(new) - len(rows)
    return {
        "imported": imported,
        "skipped": sorted(skipped),
        "problems": [{"index": each, "problem": problems[each]} for each in sorted(problems)],
    }


def read_rows(users: list[Any], now: int, problems: dict[int, str]) -> list[Row]:
    """Return the users that are given as they should be; of the others the problems."""
    rows = []
    for place, user in enumerate(users):
        try:
            rows.append(read_row(place, user, now))
        except InvalidInput as error:
            problems[place] = str(error)
    return rows


def read_row(place: int, given: object, now: int) -> Row:
    """Return the user that is given.

    Raises:
        InvalidInput: it says what is wrong.
    """
    new = parse_input(given, NewUser)
    if new.banned_at is None and (
        new.ban_reason is not None or new.banned_until is not None or new.ban_is_told
    ):
        raise InvalidInput("banned_at, which a ban has")
    for name, time in (("created_at", new.created_at), ("banned_at", new.banned_at)):
        if time is not None and time > now:
            raise InvalidInput(f"{name}, which is in the future")
    if new.banned_until is not None and new.banned_until <= (new.banned_at or 0):
        raise InvalidInput("banned_until, which is before banned_at")
    user = User(
        new.id or secrets.token_urlsafe(16),
        new.username,
        new.email,
        created_at=now if new.created_at is None else new.created_at,
        banned_at=new.banned_at,
        ban_reason=new.ban_reason,
        banned_until=new.banned_until,
        ban_is_told=new.ban_is_told or None,
    )
    password_hash = foreign_hashes.inspect(new.password_hash) if new.password_hash else ""
    return Row(place, user, new.id is not None, password_hash)


def choose_new(rows: list[Row], skipped: list[int], problems: dict[int, str]) -> list[Row]:
    """Return those whose ID and names nobody has, nor a user before them in the input."""
    keys = [key for row in rows for key in row.keys.values()]
    ids, owners = user_listing.find_taken({row.user.id for row in rows}, set(keys))
    new = []
    for row in rows:
        taken = {name: owners[key] for name, key in row.keys.items() if key in owners}
        if row.has_id:
            is_there = row.user.id in taken.values()  # it may have been renamed since
        else:
            is_there = len(taken) == 2 and len(set(taken.values())) == 1
        if is_there:
            skipped.append(row.place)
        elif row.user.id in ids or taken:
            fields = "id" if row.user.id in ids else ", ".join(taken)
            problems[row.place] = f"{fields} (another user has it)"
        else:
            new.append(row)
            ids.add(row.user.id)
            owners |= dict.fromkeys(row.keys.values(), row.user.id)
    return new


def store(rows: list[Row]) -> list[Row]:
    """Store the users, several at once, and return those whose names were taken meanwhile."""
    shares = [rows[start::AT_ONCE] for start in range(AT_ONCE)]
    lost = run_concurrently(*(partial(store_each, share) for share in shares))
    return [row for share in lost for row in share]


def store_each(rows: Iterable[Row]) -> list[Row]:
    """Store the users one by one, and return those whose names were taken meanwhile."""
    lost = []
    for row in rows:
        try:
            account_store.create_user(row.user, row.password_hash)
        except UserTaken:
            lost.append(row)
    return lost
