"""Lambda's pollers: functions that follow a table's stream.

Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "Control which events
Lambda sends to your function".

Not emulated: batching windows, the bisection of batches, limits on retries, streams of many
shards, and a start in the past: a change that is made while no poller runs reaches no function.
"""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.functions import Function, FunctionError, Handler, invoke
from local.intrinsics import TemplateError
from local.template import Template

POLL_SECONDS = 0.3

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
        shard = Shard(client("dynamodbstreams"), stream, mapping.get("BatchSize", 100))
        arguments = (function, handlers[function.name], shard, patterns(mapping), log, stopped)
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
        except ClientError:
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
    function: Function,
    handler: Handler,
    shard: Shard,
    patterns: list[Any],
    log: Callable[[str], object],
    stopped: threading.Event,
) -> None:
    records: Records = []
    while not stopped.wait(POLL_SECONDS):
        try:
            records = records or [each for each in shard.read() if is_wanted(each, patterns)]
            if records:
                answer = invoke(function, handler, {"Records": records}, str(uuid.uuid4()))
                records = not_done(records, answer)
        except (FunctionError, BotoCoreError, ClientError) as error:
            log(f"{type(error).__name__}: {error}; it is tried again\n")


def not_done(records: Records, answer: Any) -> Records:
    """Return the records from the first on that the function reports as failed."""
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {failure["itemIdentifier"] for failure in failures}
    for number, record in enumerate(records):
        if record["dynamodb"]["SequenceNumber"] in failed:
            return records[number:]
    return []


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
