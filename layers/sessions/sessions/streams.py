"""The decorator of what follows the tables' streams: a batch of records, done in bounded steps."""

import functools
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import Any

from sessions.concurrent import run_concurrently
from sessions.errors import Unavailable
from sessions.event_bus import LARGEST_PUT, PUTS_AT_ONCE, EventsRefused
from sessions.session_events import Record, Step, read_change
from sessions.telemetry import count, logger

USERS_AT_ONCE = 10  # whose rows are read; botocore keeps as many connections open

# No further step is begun when less time is left: enough for one in which some calls take as long
# as they may (sessions/aws.py). A step is three round trips mostly, and some 70 at most: for ten
# users with as many rows as a step reads of one.
RESERVE_MILLISECONDS = 30_000

_LARGEST_LOG = 100  # events in one line: CloudWatch takes 256 KB

Handle = Callable[[list[Step]], None]


def stream_consumer(
    operation: str, outcome: str
) -> Callable[[Handle], Callable[[Record, Any], dict[str, Any]]]:
    """Make a handler of the records of DynamoDB's streams; it gets them as steps, in order.

    The first record that is not done is reported, and Lambda comes again with it and those behind
    it (Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda"). It
    is one that cannot be published now, an error, or one that there is no time for, which is none.
    A record that cannot be read is logged and passed over: it would hold up the others for a day.
    `outcome` is the metric of published records.
    """

    def decorate(handle: Handle) -> Callable[[Record, Any], dict[str, Any]]:
        @functools.wraps(handle)
        def handler(event: Record, context: Any) -> dict[str, Any]:
            request_id = getattr(context, "aws_request_id", "")
            fields: dict[str, Any] = {"operation": operation, "correlation_id": request_id}
            steps, failures = _work_through(event["Records"], handle, context, fields)
            left = event["Records"][sum(step.rest is None for step in steps) :]
            events = [event for step in steps for event in step.events]
            fields |= {"events": len(events), "published": events[:_LARGEST_LOG]}
            result = "OperationFailed" if failures else outcome
            logger.info(result, **fields, records_left=len(left))
            count(operation, result)
            numbers = [record["dynamodb"]["SequenceNumber"] for record in left[:1]]
            return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}

        return handler

    return decorate


def _work_through(
    records: list[Record], handle: Handle, context: Any, fields: dict[str, Any]
) -> tuple[list[Step], int]:
    """Have the steps of records done; return those that are, and how many records failed."""
    steps: list[Step] = []
    done = failures = 0
    try:
        for step in _steps_done(records, handle, context):
            if step.error:
                name = _event_id(records[done])
                logger.error("RecordUnreadable", **fields, record=name, exc_info=step.error)
                failures += 1
            done += step.rest is None
            steps.append(step)
    except Unavailable:
        logger.exception("RecordPostponed", **fields, record=_event_id(records[done]))
        failures += 1
    return steps, failures


def _event_id(record: Any) -> Any:
    return record.get("eventID") if isinstance(record, dict) else None


def _steps_done(records: list[Record], handle: Handle, context: Any) -> Iterator[Step]:
    """Have the steps of records done, and yield each that is, until all are or time is short.

    Lambda's next invocation begins at a record. So it stops only behind one that is done, or
    behind rows that are purged, since these are not read again: else it might never end.

    Raises:
        Unavailable: the next step cannot be done now.
    """
    remaining = getattr(context, "get_remaining_time_in_millis", lambda: RESERVE_MILLISECONDS)
    done, last = 0, Step([])
    while done < len(records):
        steps = _read_steps(records[done:], last.rest)
        for last in _done(steps, handle):
            yield last
            done += last.rest is None
        if remaining() < RESERVE_MILLISECONDS and (last.rest is None or last.purgeable):
            return


def _read_steps(records: list[Record], rest: Callable[[], Step] | None) -> list[Step]:
    """Read one step of each record, up to enough events, or to a record that has more.

    Args:
        records: those that are not done, in order.
        rest: reads the next step of the first one, if that is begun.
    """
    if rest:
        return [_read(rest)]
    steps: list[Step] = []
    for start in range(0, len(records), USERS_AT_ONCE):
        group = records[start : start + USERS_AT_ONCE]
        found = [_read(partial(read_change, record)) for record in group]
        of_users = iter(run_concurrently(*(partial(_read, it.rest) for it in found if it.rest)))
        for step in found:
            steps.append(next(of_users) if step.rest else step)
            if steps[-1].rest or isinstance(steps[-1].error, Unavailable):
                return steps
        if sum(len(step.events) for step in steps) >= LARGEST_PUT * PUTS_AT_ONCE:
            break
    return steps


def _read(read: Callable[[], Step]) -> Step:
    try:
        return read()
    except (Unavailable, AttributeError, LookupError, TypeError, ValueError) as error:
        return Step([], error=error)


def _done(steps: list[Step], handle: Handle) -> Iterator[Step]:
    """Have steps done, and yield those that are.

    Raises:
        Unavailable: the one behind them cannot be done now.
    """
    unread = steps.pop().error if isinstance(steps[-1].error, Unavailable) else None
    try:
        handle(steps)
    except EventsRefused as refusal:
        upto = accumulate(len(step.events) for step in steps)
        taken = [step for step, events in zip(steps, upto, strict=True) if events <= refusal.taken]
        handle([step._replace(events=[]) for step in taken])  # what is behind their events
        yield from taken
        raise
    yield from steps
    if unread:
        raise unread
