"""Lambda's pollers: functions that follow a table's stream.

Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", "Configuring partial batch
response with DynamoDB and Lambda" and "Control which events Lambda sends to your function".

With a `ParallelizationFactor`, as many batches are passed at once; only the records of one item
keep their order. A batch waits here for the slowest of those before it, in AWS for its own items.

Not emulated: batching windows, the bisection of batches that fail as a whole, limits on retries,
streams of many shards, and a start in the past: a change that is made while no poller runs reaches
no function. A mapping that is new in the template counts from the next start on.
"""

import base64
import json
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.functions import Function, FunctionError, Handler, invoke
from local.intrinsics import TemplateError
from local.template import Template

POLL_SECONDS = 0.3
BATCH = 100  # records, where a mapping does not say: Lambda's default

Records = list[dict[str, Any]]


@contextmanager
def following(
    template: Template,
    functions: Mapping[str, Function],
    handlers: Mapping[str, Handler],
    client: Callable[[str], Any],
    log: Callable[[str], object],
) -> Iterator[None]:
    """Hand the template's streams to their functions for as long as the block lasts."""
    stopped = threading.Event()
    threads = []
    for mapping in template.resources_of("AWS::Lambda::EventSourceMapping").values():
        table, _, attribute = mapping["EventSourceArn"].rpartition(".")
        function = functions.get(mapping["FunctionName"])
        if function is None or attribute != "StreamArn":
            raise TemplateError(f"{mapping['FunctionName']} cannot follow {table}")
        stream = client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        shard = Shard(client("dynamodbstreams"), stream, mapping.get("BatchSize", BATCH))
        call = partial(_pass, function, handlers, log)  # the handler is looked up at each call
        arguments = (call, shard, mapping, log, stopped)
        threads.append(threading.Thread(target=_poll, args=arguments, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


class Shard:
    """The one shard of a stream on this machine, from now on."""

    def __init__(self, streams: Any, stream: str, limit: int) -> None:
        self._streams = streams
        self._stream = stream
        self._limit = limit
        self._iterator = self._newest()

    def read(self) -> Records:
        """Return the records since the last call, as Lambda shows them."""
        try:
            answer = self._streams.get_records(ShardIterator=self._iterator, Limit=self._limit)
        except self._streams.exceptions.ExpiredIteratorException:
            self._iterator = self._newest()  # it expires in 15 minutes: the machine has slept
            return []
        self._iterator = answer["NextShardIterator"]
        return [self._record(record) for record in answer["Records"]]

    def _newest(self) -> str:
        described = self._streams.describe_stream(StreamArn=self._stream)
        (shard,) = described["StreamDescription"]["Shards"]
        answer = self._streams.get_shard_iterator(
            StreamArn=self._stream, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )
        return str(answer["ShardIterator"])

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        shown = json.loads(json.dumps(record, default=_as_json))
        if identity := shown.get("userIdentity"):  # whose names begin with capitals in the API
            shown["userIdentity"] = {
                name.lower()[:1] + name[1:]: identity[name] for name in identity
            }
        return {**shown, "eventSourceARN": self._stream}


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(value)


def _poll(
    call: Callable[[Records], Records],
    shard: Shard,
    mapping: dict[str, Any],
    log: Callable[[str], object],
    stopped: threading.Event,
) -> None:
    wanted, limit = patterns(mapping), mapping.get("BatchSize", BATCH)
    queues: list[Records] = [[] for _ in range(mapping.get("ParallelizationFactor", 1))]
    with ThreadPoolExecutor(len(queues)) as threads:
        while not stopped.wait(POLL_SECONDS):
            try:
                records = [each for each in shard.read() if is_wanted(each, wanted)]
            except (BotoCoreError, ClientError) as error:
                log(f"{type(error).__name__}: {error}; it is tried again\n")
                continue
            for record in records:
                queues[place_of(record, len(queues))].append(record)
            left = threads.map(call, [queue[:limit] for queue in queues])
            queues = [[*first, *queue[limit:]] for first, queue in zip(left, queues, strict=True)]


def place_of(record: dict[str, Any], queues: int) -> int:
    """Return the queue of a record: the same for every change of an item."""
    item = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
    return zlib.crc32(item.encode()) % queues


def _pass(
    function: Function,
    handlers: Mapping[str, Handler],
    log: Callable[[str], object],
    records: Records,
) -> Records:
    """Invoke a function with records, if there are any, and return those that are not done."""
    if not records:
        return []
    try:
        answer = invoke(function, handlers[function.name], {"Records": records}, str(uuid.uuid4()))
    except FunctionError as error:
        log(f"{type(error).__name__}: {error}; it is tried again\n")
        return records
    return not_done(records, answer)


def not_done(records: Records, answer: Any) -> Records:
    """Return the records from the first on that the function reports as failed.

    All have failed where it reports one by no sequence number, or by that of no record.
    """
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {failure.get("itemIdentifier") for failure in failures}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    if not failed.issubset(numbers):
        return records
    return records[min(map(numbers.index, failed), default=len(records)) :]


def patterns(mapping: dict[str, Any]) -> list[Any]:
    """Return the filters of a mapping, which may have none."""
    filters = mapping.get("FilterCriteria", {}).get("Filters", ())
    return [json.loads(each["Pattern"]) for each in filters]


def is_wanted(record: dict[str, Any], patterns: list[Any]) -> bool:
    """Say whether any of a mapping's filters lets the record pass, or there is none."""
    return not patterns or any(_matches(pattern, record) for pattern in patterns)


def _matches(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        found = value if isinstance(value, dict) else {}
        return all(_matches(rule, found.get(name)) for name, rule in pattern.items())
    return any(_passes(rule, value) for rule in pattern)


def _passes(rule: Any, value: Any) -> bool:
    if isinstance(rule, str):
        return bool(value == rule)
    if rule == {"exists": True}:
        return value is not None
    raise TemplateError(f"filters by {rule} are not supported")
