"""The EventBridge bus that events are put on. Only publish_events imports this."""

import json
from collections.abc import Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from sessions import aws, retries, settings
from sessions.concurrent import run_concurrently
from sessions.errors import Unavailable

EVENT_BUS = settings.text("EVENT_BUS")
SOURCE = f"sessions.{settings.text('TOKEN_ISSUER')}"  # tells two stacks on one bus apart

# Entries of one call (EventBridge API Reference, "PutEvents"). Its size has a limit too, 1 MB now
# and 256 KB before: ten entries of ours are 15 KB at most, with a name of 64 characters.
LARGEST_PUT = 10
PUTS_AT_ONCE = 10  # botocore keeps as many connections open (Config, max_pool_connections)

eventbridge = aws.client("events")

Event = dict[str, object]


class EventsRefused(Unavailable):
    """The bus has not taken all events.

    Attributes:
        taken: how many it has taken, from the first on.
    """

    def __init__(self, taken: int) -> None:
        super().__init__()
        self.taken = taken


def publish(events: Sequence[Event]) -> None:
    """Put events on the bus, those of one session one after the other, in their order.

    The bus may refuse one entry of a call and take those behind it, so no two events of a session
    are under way at once.

    Raises:
        EventsRefused: the bus has not taken them all.
    """
    left = dict(enumerate(events))
    while left:
        first_of_session: dict[tuple[object, object], int] = {}
        for place, event in left.items():
            first_of_session.setdefault((event["user"], event.get("session")), place)
        places = list(first_of_session.values())[: LARGEST_PUT * PUTS_AT_ONCE]
        starts = range(0, len(places), LARGEST_PUT)
        puts = [partial(_put, left, places[start : start + LARGEST_PUT]) for start in starts]
        try:
            run_concurrently(*puts)
        except Unavailable as error:
            raise EventsRefused(min(left)) from error


def _put(left: dict[int, Event], places: list[int]) -> None:
    """Put the events at these places of `left`, and remove what the bus has taken from it."""
    for _ in retries.tries():
        entries = [_entry(left[place]) for place in places]
        try:
            results = eventbridge.put_events(Entries=entries)["Entries"]
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
        for place, result in zip(places, results, strict=True):
            if "ErrorCode" not in result:
                del left[place]
        places = [place for place in places if place in left]
        if not places:
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
