"""How many records a second one shard of a table's stream passes, beside one record after another.

`python -m benchmarks.shard` prints a table. DynamoDB and EventBridge are answered in this process,
each call after a fixed time, so that a ratio is that of round trips and our own work. *One by one*
is what version 0.1 did: each record by itself, with its calls one after another.
"""

import argparse
import base64
import contextlib
import io
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from botocore.awsrequest import AWSRequest, AWSResponse

from benchmarks.tables import markdown, median_ratio
from benchmarks.workload import record_of
from local.functions import functions_of, invoke, load_handlers, runtime_environment
from local.template import load_template
from sessions import aws
from sessions.items import to_item
from sessions.model import Session, User

LATENCY_SECONDS = 0.01
ROUNDS = 5
FUNCTION = "PublishEventsFunction"
LASTS = 4_000_000_000  # sessions that do not expire here

Record = dict[str, Any]


class Workload(NamedTuple):
    """Records of a stream, the rows that they are about by user, and what is counted."""

    name: str
    records: list[Record]
    rows: dict[str, list[int]]
    amount: int
    lanes: int


class Stub:
    """DynamoDB and EventBridge: session rows by their user, and answers that take their time."""

    def __init__(self, latency_seconds: float) -> None:
        self.rows: dict[str, list[int]] = {}
        self.events = 0
        self._latency_seconds = latency_seconds

    def answer(self, request: AWSRequest, **_: Any) -> AWSResponse:
        """Answer a call, as botocore's hook before it is sent."""
        time.sleep(self._latency_seconds)
        target, body = request.headers["X-Amz-Target"], json.loads(request.body)
        if isinstance(target, bytes):
            target = target.decode()
        answered = getattr(self, f"_{target.partition('.')[2]}")(body)
        return AWSResponse(request.url, 200, {}, _Raw(json.dumps(answered).encode()))

    def _Query(self, body: Any) -> Any:  # noqa: N802 - DynamoDB's own name
        values = body["ExpressionAttributeValues"]
        user, below = values[":user"]["S"], int(values.get(":below", {"N": LASTS})["N"])
        iats = sorted((iat for iat in self.rows[user] if iat < below), reverse=True)
        sessions = (_session(user, iat) for iat in iats[: body.get("Limit")])
        items = [to_item(session) for session in sessions]
        for item in items:
            item["jti_sha256"]["B"] = base64.b64encode(item["jti_sha256"]["B"]).decode()
        return {"Items": items}

    def _BatchWriteItem(self, body: Any) -> Any:  # noqa: N802 - DynamoDB's own name
        for write in itertools.chain(*body["RequestItems"].values()):
            key = write["DeleteRequest"]["Key"]
            self.rows[key["user"]["S"]].remove(int(key["iat"]["N"]))
        return {"UnprocessedItems": {}}

    def _PutEvents(self, body: Any) -> Any:  # noqa: N802 - EventBridge's own name
        self.events += len(body["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]}


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def _session(user: str, iat: int) -> Session:
    return Session(user, iat, LASTS, "Chrome on Windows", bytes(32), created_at=iat)


def _revoked(user: str, iats: list[int]) -> Record:
    before = User(user, user, f"{user}@example.com", 1, last_iat=max(iats))
    return record_of(before, before._replace(revoked_through=max(iats), revoked_reason="all"))


def workloads(records: int, sessions: int, at_once: int) -> list[Workload]:
    """Return the work: many logins, many revocations, and one of a user with many sessions."""
    users = [f"user{number}" for number in range(records)]
    logins = [record_of(None, _session(user, 5)) for user in users]
    revocations = [_revoked(user, [5]) for user in users]
    many = list(range(1, sessions + 1))
    return [
        Workload("logins", logins, {}, records, at_once),
        Workload("revocations", revocations, {user: [5] for user in users}, records, at_once),
        Workload(
            f"one user's {sessions:,} sessions", [_revoked("u", many)], {"u": many}, sessions, 1
        ),
    ]


def seconds(act: Callable[[list[Record]], None], work: Workload, stub: Stub, batch: int) -> float:
    """Return how long the records took, a batch after the other.

    Raises:
        ValueError: not all was done.
    """
    stub.rows = {user: list(iats) for user, iats in work.rows.items()}
    stub.events = 0
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        for start in range(0, len(work.records), batch):
            act(work.records[start : start + batch])
        took = time.perf_counter() - began
    if any(stub.rows.values()) or stub.events != work.amount:
        raise ValueError(f"{work.name}: {stub.events} events, and rows are left")
    return took


def one_by_one(records: list[Record]) -> None:
    """Publish and purge as version 0.1 did."""
    from sessions import event_bus, session_store  # noqa: PLC0415 - once the environment is set
    from sessions.session_events import read_change  # noqa: PLC0415

    for record in records:
        steps = [read_change(record)]
        while steps[-1].rest:
            steps.append(steps[-1].rest())
        events = [event for step in steps for event in step.events]
        for start in range(0, len(events), event_bus.LARGEST_PUT):
            event_bus.publish(events[start : start + event_bus.LARGEST_PUT])
        session_store.purge_rows(row for step in steps for row in step.purgeable)


def main() -> None:
    """Measure, one way and the other in turn, and print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.shard", description=__doc__)
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    template = load_template()
    (mapping, *_) = template.resources_of("AWS::Lambda::EventSourceMapping").values()
    function = functions_of(template)[FUNCTION]
    stub = Stub(LATENCY_SECONDS)
    # Of the session that makes every client of the function, and before it makes the first.
    aws._session.register("before-send", stub.answer)  # noqa: SLF001 - as in benchmarks/service.py
    runtime = runtime_environment("http://127.0.0.1:9", os.environ)
    with contextlib.redirect_stdout(io.StringIO()):  # where loggers write is settled at import
        handler = load_handlers({FUNCTION: function}, runtime)[FUNCTION]

    def as_now(records: list[Record]) -> None:
        invoke(function, handler, {"Records": records}, "request")

    lines = []
    for work in workloads(options.records, options.sessions, mapping["ParallelizationFactor"]):
        before, now = [], []
        for _ in range(options.rounds):
            before.append(seconds(one_by_one, work, stub, mapping["BatchSize"]))
            now.append(seconds(as_now, work, stub, mapping["BatchSize"]))
        old, new = (work.amount / statistics.median(times) for times in (before, now))
        ratio = median_ratio(before, now)
        shard = new * work.lanes
        lines.append(
            (
                work.name,
                f"{old:,.0f}",
                f"{new:,.0f}",
                ratio,
                work.lanes,
                f"{shard:,.0f}",
            )
        )
    head = ("a second", "one by one", "now", "ratio", "batches at once", "a shard")
    print(markdown(head, lines))


if __name__ == "__main__":
    main()
