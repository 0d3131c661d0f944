"""Events for other services: when sessions begin and end, read off the tables' streams.

docs/events.md describes the events. Only publish_events imports this.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from sessions.event_bus import LARGEST_PUT, PUTS_AT_ONCE, Event
from sessions.items import Item, from_item
from sessions.model import (
    ACCOUNT_DELETED,
    TOMBSTONE_ID,
    Session,
    User,
    is_banned,
    is_live,
    is_revoked,
)
from sessions.session_epoch import epoch_in, is_first_shard
from sessions.session_store import query_sessions

ALL_USERS = "*"
LARGEST_PAGE = LARGEST_PUT * PUTS_AT_ONCE  # rows of a step: as many as events are put at once

Record = dict[str, Any]


class Step(NamedTuple):
    """What is to be done for a record of a stream, or a part of it.

    Attributes:
        events: the events to publish.
        purgeable: the sessions, by user and ID, whose rows are of no use once that is done.
        rest: reads the next step; None if this is the record's last.
        error: why this is no step.
    """

    events: list[Event]
    purgeable: list[tuple[str, int]] = []
    rest: Callable[[], "Step"] | None = None
    error: Exception | None = None


def read_change(record: Record) -> Step:
    """Return the news in a stream's record; where they are about a user's rows, these are the rest.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: it is no record of our tables.
    """
    change = record["dynamodb"]
    key, old, new = change["Keys"], change.get("OldImage"), change.get("NewImage")
    at = int(change["ApproximateCreationDateTime"])
    if "iat" in key:
        if int(key["iat"]["N"]) == TOMBSTONE_ID:
            return Step([]) if new else _of_deleted_user(key["user"]["S"], at)
        return Step(list(_of_session(old, new, at)))
    if new is None:
        return _of_deleted_user(key["id"]["S"], at)
    if "session_epoch" in new:
        epoch = epoch_in([new])
        is_news = is_first_shard(key) and epoch > epoch_in([old or {}])
        return Step([_ended_for_all_users(epoch, at)] if is_news else [])
    return _of_user(from_item(User, old), from_item(User, new), at) if old else Step([])


def _of_session(old: Item | None, new: Item | None, at: int) -> Iterator[Event]:
    before = from_item(Session, old) if old is not None else None
    after = from_item(Session, new) if new is not None else None
    if before is None:
        if after is not None:
            yield {"type": "SessionCreated", **_about(after), **_origin(after)}
    elif before.revoked_reason is not None:
        return
    elif after is None:
        # Deleted by TTL, or purged by a login. Any other end was published before its row went.
        if before.exp <= at:
            yield _ended(before, before.expiry_reason, before.exp)
    elif after.revoked_reason is not None:
        yield _ended(before, after.revoked_reason, after.exp)


def _of_user(before: User, after: User, at: int) -> Step:
    is_revocation = _boundary(after) != _boundary(before)
    is_ban = is_banned(after, at) and not is_banned(before, at)
    if not is_revocation and not is_ban:
        return Step([])
    reason = (after.revoked_reason or "") if is_revocation else "banned"
    if reason == ACCOUNT_DELETED:
        return Step([])  # that operation revokes each session by itself, and purges the rows
    more: Event = {}
    if not is_revocation and after.banned_until is not None:
        more = {"banned_until": after.banned_until}

    def end_of(session: Session) -> Event | None:
        # A session of a banned user ends a second time once it is revoked: for good.
        is_end = is_revoked(session, after) if is_revocation else session.iat <= after.last_iat
        is_news = is_end and is_live(session, before, after.ended_epoch, at)
        return _ended(session, reason, at, **more) if is_news else None

    return Step([], rest=partial(_read_rows, after.id, end_of, partial(is_revoked, user=after)))


def _of_deleted_user(user: str, at: int) -> Step:
    """Return the step about sessions that a login under way stored when all else was deleted.

    It is taken when the user's row goes, and again when the tombstone's time is over.
    """

    def is_late(session: Session) -> bool:
        return session.revoked_reason is None

    def end_of(session: Session) -> Event | None:
        return _ended(session, ACCOUNT_DELETED, at) if is_late(session) else None

    # Not before the earlier records of the batch are done: of their rows, they tell why they ended.
    rows = partial(_read_rows, user, end_of, is_late)
    return Step([], rest=lambda: Step([], rest=rows))


def _read_rows(
    user: str,
    end_of: Callable[[Session], Event | None],
    is_purgeable: Callable[[Session], bool],
    below: int | None = None,
) -> Step:
    """Return the step about the user's newest sessions, or the newest of those below an ID.

    Raises:
        LookupError, TypeError, ValueError: a row is no session.
        Unavailable: DynamoDB does not answer.
    """
    rows = query_sessions(user, LARGEST_PAGE, below)
    sessions = [session for session in rows if session.iat != TOMBSTONE_ID]
    ends = [end for session in sessions if (end := end_of(session))]
    purgeable = [(user, session.iat) for session in sessions if is_purgeable(session)]
    rest = partial(_read_rows, user, end_of, is_purgeable)
    is_last = len(rows) < LARGEST_PAGE
    return Step(ends, purgeable, None if is_last else partial(rest, rows[-1].iat))


def _boundary(user: User) -> tuple[int, int | None]:
    """Return what changes with each revocation on the user's row that revokes any session."""
    return user.revoked_through, user.revoked_except


def _ended(session: Session, reason: str, at: int, **more: object) -> Event:
    # Two machines' clocks may differ.
    ended_at = max(at, session.began_at)
    about = _about(session)
    return {"type": "SessionEnded", **about, "reason": reason, "ended_at": ended_at, **more}


def _ended_for_all_users(session_epoch: int, at: int) -> Event:
    return {
        "type": "SessionEnded",
        "user": ALL_USERS,
        "session_epoch": session_epoch,
        "reason": "everyone",
        "ended_at": at,
    }


def _about(session: Session) -> Event:
    return {
        "user": session.user,
        "session": session.iat,
        "session_epoch": session.session_epoch,
        "created_at": session.began_at,
        "expires_at": session.ends_at,
        "name": session.name,
        "method": session.method,
        **({} if session.by is None else {"by": session.by}),
    }


def _origin(session: Session) -> Event:
    """Return where a session that has just begun comes from, as far as its row says it."""
    told = {"address": session.address, "country": session.country, "known": session.known}
    return {name: value for name, value in told.items() if value is not None}
