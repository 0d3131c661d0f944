"""Publish events when sessions begin and end. Invoked by the tables' streams."""

from typing import Any

from sessions import session_store
from sessions.session_events import Event, publish, read_change, stream_consumer


@stream_consumer("publish_events", "EventsPublished")
def handler(record: dict[str, Any]) -> list[Event]:
    """Publish the record's events; then purge the rows of the sessions that it revoked."""
    change = read_change(record)
    publish(change.events)
    # The rows go last: until their end is published, nothing else knows of those sessions.
    session_store.purge_sessions(change.user, change.purgeable)
    return change.events
