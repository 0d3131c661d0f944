"""Publish events when sessions begin and end. Invoked by the tables' streams."""

from sessions import session_store
from sessions.event_bus import publish
from sessions.session_events import Step
from sessions.streams import stream_consumer


@stream_consumer("publish_events", "EventsPublished")
def handler(steps: list[Step]) -> None:
    """Publish the steps' events; then purge the rows of the sessions that they revoked."""
    publish([event for step in steps for event in step.events])
    # The rows go last: until their end is published, nothing else knows of those sessions.
    # A row is named twice where two changes of its user stand close together.
    session_store.purge_rows({row for step in steps for row in step.purgeable})
