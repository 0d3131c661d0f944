"""Events for other services: when sessions begin and end, read off the tables' streams.

docs/events.md describes the events. Only publish_events imports this.
"""

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from sessions import aws, settings
from sessions.errors import Unavailable
from sessions.items import Item, from_item
from sessions.model import Session, User, is_banned, is_live, is_revoked
from sessions.session_epoch import epoch_in, is_first_shard
from sessions.session_store import query_sessions
from sessions.telemetry import count, logger

EVENT_BUS = settings.text("EVENT_BUS")
SOURCE = f"sessions.{settings.text('TOKEN_ISSUER')}"  # tells two stacks on one bus apart
ALL_USERS = "*"
LARGEST_PUT = 10  # EventBridge API Reference, PutEvents

_LARGEST_LOG = 100  # events in one line: CloudWatch takes 256 KB

eventbridge = aws.client("events")

Event = dict[str, object]
Record = dict[str, Any]


class Change(NamedTuple):
    """The news in a stream's record.

    Attributes:
        events: the events to publish.
        user: the ID of the user whose sessions they are about.
        purgeable: the IDs of sessions whose rows are of no use once the events are published.
    """

    events: list[Event]
    user: str = ""
    purgeable: tuple[int, ...] = ()


def stream_consumer(
    operation: str, outcome: str
) -> Callable[[Callable[[Record], list[Event]]], Callable[[Record, Any], dict[str, Any]]]:
    """Make a handler of the records of DynamoDB's streams; it gets one at a time, in order.

    A record that cannot be published now is reported, and Lambda comes again with it and the
    records behind it (Lambda Developer Guide, "Configuring partial batch response with DynamoDB").
    A record that cannot be read is logged and passed over: it would hold up the others for a day.
    `outcome` is the metric of published records.
    """

    def decorate(handle: Callable[[Record], list[Event]]) -> Callable[[Record, Any], Any]:
        @functools.wraps(handle)
        def handler(event: Record, context: Any) -> dict[str, Any]:
            request_id = getattr(context, "aws_request_id", "")
            fields: dict[str, Any] = {"operation": operation, "correlation_id": request_id}
            published: list[Event] = []
            failures: list[dict[str, str]] = []
            unreadable = 0
            for record in event["Records"]:
                try:
                    published += handle(record)
                except Unavailable:
                    logger.exception("RecordPostponed", **fields, record=record.get("eventID"))
                    failures = [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]
                    break
                except (AttributeError, LookupError, TypeError, ValueError):
                    event_id = record.get("eventID") if isinstance(record, dict) else None
                    logger.exception("RecordUnreadable", **fields, record=event_id)
                    unreadable += 1
            result = "OperationFailed" if failures or unreadable else outcome
            fields |= {"events": len(published), "published": published[:_LARGEST_LOG]}
            logger.info(result, **fields)
            count(operation, result)
            return {"batchItemFailures": failures}

        return handler

    return decorate


def read_change(record: Record) -> Change:
    """Return the news in a stream's record.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: it is no record of our tables.
        Unavailable: DynamoDB does not answer.
    """
    change = record["dynamodb"]
    key, old, new = change["Keys"], change.get("OldImage"), change.get("NewImage")
    at = int(change["ApproximateCreationDateTime"])
    if "iat" in key:
        return Change(list(_of_session(old, new, at)))
    if new is None:
        return _of_deleted_user(key["id"]["S"], at)
    if "session_epoch" in new:
        is_news = is_first_shard(key) and epoch_in([new]) > epoch_in([old or {}])
        return Change([_ended_for_all_users(at)] if is_news else [])
    return _of_user(from_item(User, old), from_item(User, new), at) if old else Change([])


def _of_session(old: Item | None, new: Item | None, at: int) -> Iterator[Event]:
    before = from_item(Session, old) if old is not None else None
    after = from_item(Session, new) if new is not None else None
    if before is None:
        if after is not None:
            yield {"type": "SessionCreated", **_about(after)}
    elif before.revoked_reason is not None:
        return
    elif after is None:
        # Deleted by TTL, or purged by a login. Any other end was published before its row went.
        if before.exp <= at:
            yield _ended(before, "expired", before.exp)
    elif after.revoked_reason is not None:
        yield _ended(before, after.revoked_reason, after.exp)


def _of_user(before: User, after: User, at: int) -> Change:
    is_revocation = after.revoked_through > before.revoked_through
    is_ban = is_banned(after, at) and not is_banned(before, at)
    if not is_revocation and not is_ban:
        return Change([])
    reason = (after.revoked_reason or "") if is_revocation else "banned"
    if reason == "account_deleted":
        return Change([])  # that operation revokes each session by itself, and purges the rows
    more: Event = {}
    if not is_revocation and after.banned_until is not None:
        more = {"banned_until": after.banned_until}
    sessions = query_sessions(after.id)
    return Change(
        [
            _ended(session, reason, at, **more)
            for session in sessions
            if _lets_in(session, before, at) and not _lets_in(session, after, at)
        ],
        after.id,
        tuple(session.iat for session in sessions if is_revoked(session, after)),
    )


def _of_deleted_user(user: str, at: int) -> Change:
    """Return the sessions that a login under way stored when all else was deleted."""
    late = [session for session in query_sessions(user) if session.revoked_reason is None]
    events = [_ended(session, "account_deleted", at) for session in late]
    return Change(events, user, tuple(session.iat for session in late))


def _lets_in(session: Session, user: User, at: int) -> bool:
    """Say whether the session let its user in at that moment, in any session epoch."""
    is_older = session.iat <= user.last_iat
    return is_older and is_live(session, user, 0, at) and not is_banned(user, at)


def _ended(session: Session, reason: str, at: int, **more: object) -> Event:
    about = _about(session)
    return {"type": "SessionEnded", **about, "reason": reason, "ended_at": at, **more}


def _ended_for_all_users(at: int) -> Event:
    return {"type": "SessionEnded", "user": ALL_USERS, "reason": "everyone", "ended_at": at}


def _about(session: Session) -> Event:
    return {
        "user": session.user,
        "session": session.iat,
        "created_at": session.iat,
        "expires_at": session.exp,
        "name": session.name,
    }


def publish(events: list[Event]) -> None:
    """Put events on the bus.

    Raises:
        Unavailable: the bus has not taken them all.
    """
    entries = [_entry(event) for event in events]
    for start in range(0, len(entries), LARGEST_PUT):
        _put(entries[start : start + LARGEST_PUT])


def _put(entries: list[dict[str, str]]) -> None:
    for _ in aws.tries():
        try:
            results = eventbridge.put_events(Entries=entries)["Entries"]
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
        pairs = zip(entries, results, strict=True)
        entries = [entry for entry, result in pairs if "ErrorCode" in result]
        if not entries:
            return
    raise Unavailable(f"the bus answered {results}")


def _entry(event: Event) -> dict[str, str]:
    detail = {name: value for name, value in event.items() if name != "type"}
    return {
        "EventBusName": EVENT_BUS,
        "Source": SOURCE,
        "DetailType": str(event["type"]),
        "Detail": json.dumps(detail),
    }
