"""Tell the event bus when sessions begin and end. Invoked by the tables' streams.

What the events say, and to whom, is in docs/events.md.
"""

import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sessions import clients, settings, store
from sessions.endpoint import ISSUER, stream_consumer
from sessions.errors import Unavailable
from sessions.model import Session, User, is_banned, is_live, is_revoked

EVENT_BUS = settings.text("EVENT_BUS")
SOURCE = f"sessions.{ISSUER}"  # tells two stacks on one bus apart
EVERYBODY = "*"
MOST_ENTRIES = 10  # EventBridge API Reference, PutEvents
PAUSES = (0.0, 0.1, 0.4)  # in seconds, before what the bus did not take is put again

Event = dict[str, object]

_events = clients.client("events")


@stream_consumer("publish_events", "EventsPublished")
def handler(record: dict[str, Any]) -> list[Event]:
    """Put what the record says on the bus; then delete the rows of what it revoked."""
    change = record["dynamodb"]
    old, new = change.get("OldImage"), change.get("NewImage")
    at = int(change["ApproximateCreationDateTime"])
    if "iat" in change["Keys"]:
        events = list(_of_session(old, new, at))
        _put(events)
        return events
    if new is None:
        return _of_deleted_user(change["Keys"]["id"]["S"], at)
    if (generation := store.generation_of_image(change["Keys"], new)) is not None:
        events = [_ended_for_everybody(at)] if generation > _generation(change, old) else []
        _put(events)
        return events
    return _of_user(old, new, at) if old is not None else []


def _of_session(old: dict[str, Any] | None, new: dict[str, Any] | None, at: int) -> list[Event]:
    before = store.session_of_image(old) if old is not None else None
    after = store.session_of_image(new) if new is not None else None
    if before is None and after is not None:
        return [_began(after)]
    if before is None or before.ended is not None:
        return []
    if after is not None:
        return [_ended(before, after.ended, after.exp)] if after.ended is not None else []
    # By TTL, or by a log-in that cleared the row away. Any other end was told before its row went.
    return [_ended(before, "expired", before.exp)] if before.exp <= at else []


def _of_user(old: dict[str, Any], new: dict[str, Any], at: int) -> list[Event]:
    before, after = store.user_of_image(old), store.user_of_image(new)
    revoked = after.revoked_through > before.revoked_through
    banned = is_banned(after, at)
    if not revoked and (not banned or is_banned(before, at)):
        return []
    reason = new["revoked_by"]["S"] if revoked else "banned"
    if reason == "account_deleted":
        return []  # that operation ends each session by itself, and deletes the rows
    more: Event = {}
    if not revoked and after.banned_until is not None:
        more = {"banned_until": after.banned_until}
    sessions = store.query_sessions(after.id)
    events = [
        _ended(session, reason, at, **more)
        for session in sessions
        if _counts(session, before, at) and not _counts(session, after, at)
    ]
    _put(events)
    # Only now: until they are told, the rows are all that knows of them.
    store.clear_sessions(after.id, [each.iat for each in sessions if is_revoked(each, after)])
    return events


def _of_deleted_user(user: str, at: int) -> list[Event]:
    """Tell and delete what a log-in that was under way stored when all else was deleted."""
    late = [session for session in store.query_sessions(user) if session.ended is None]
    events = [_ended(session, "account_deleted", at) for session in late]
    _put(events)
    store.clear_sessions(user, [session.iat for session in late])
    return events


def _counts(session: Session, user: User, at: int) -> bool:
    """Say whether a session of that moment let its user in."""
    is_older = session.iat <= user.last_iat
    return is_older and is_live(session, user, at) and not is_banned(user, at)


def _generation(change: dict[str, Any], image: dict[str, Any] | None) -> int:
    return store.generation_of_image(change["Keys"], image or {}) or 0


# ----------------------------------------------------------------- events


def _began(session: Session) -> Event:
    return {"type": "SessionCreated", **_of(session)}


def _ended(session: Session, reason: str, at: int, **more: object) -> Event:
    return {"type": "SessionEnded", **_of(session), "reason": reason, "ended_at": at, **more}


def _ended_for_everybody(at: int) -> Event:
    return {"type": "SessionEnded", "user": EVERYBODY, "reason": "everyone", "ended_at": at}


def _of(session: Session) -> Event:
    return {
        "user": session.user,
        "session": session.iat,
        "created_at": session.iat,
        "expires_at": session.exp,
        "name": session.name,
    }


def _put(events: list[Event]) -> None:
    """Put events on the bus.

    Raises:
        Unavailable: the bus has not taken them all.
    """
    entries = [_entry(event) for event in events]
    for start in range(0, len(entries), MOST_ENTRIES):
        _put_together(entries[start : start + MOST_ENTRIES])


def _put_together(entries: list[dict[str, str]]) -> None:
    for pause in PAUSES:
        if pause:
            time.sleep(pause)
        try:
            answer = _events.put_events(Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
        results = zip(entries, answer["Entries"], strict=True)
        entries = [entry for entry, result in results if "ErrorCode" in result]
        if not entries:
            return
    raise Unavailable(f"the bus answered {answer['Entries']}")


def _entry(event: Event) -> dict[str, str]:
    detail = {name: value for name, value in event.items() if name != "type"}
    return {
        "EventBusName": EVENT_BUS,
        "Source": SOURCE,
        "DetailType": str(event["type"]),
        "Detail": json.dumps(detail),
    }
