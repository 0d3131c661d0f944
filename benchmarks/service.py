"""The functions of the template in this process, ministack behind them, and each call observed."""

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.units import consumed
from local.create_resources import create_resources
from local.engine import engine
from local.functions import (
    Function,
    Handler,
    functions_of,
    invoke,
    load_handler,
    load_handlers,
    logical_id,
    runtime_environment,
)
from local.template import Template, load_template
from tests.support.operations import OPERATIONS

READS = frozenset({"GetItem", "BatchGetItem", "Query"})
REQUEST_ID = "8a1cf4cb-2ba1-4f5e-9a2e-6d1f6c6a3f10"


@dataclass(frozen=True)
class Call:
    """One call of an AWS service: when, in seconds, and what it took.

    Bytes are those of the bodies; retries of botocore are within the call.
    """

    service: str
    operation: str
    start: float
    end: float
    read_units: float
    write_units: float
    sent_bytes: int
    received_bytes: int
    entries: int = 0  # events that EventBridge was given


@dataclass(frozen=True)
class Observed:
    """One invocation of a function: its answer, and what it took."""

    answer: Any
    calls: tuple[Call, ...]
    logged_bytes: int
    wall_seconds: float
    cpu_seconds: float  # of this process, all threads; the database is another one

    @property
    def read_units(self) -> float:
        """Return the units that all reads consumed."""
        return float(sum(call.read_units for call in self.calls))

    @property
    def write_units(self) -> float:
        """Return the units that all writes consumed."""
        return float(sum(call.write_units for call in self.calls))

    def __str__(self) -> str:
        """Return the answer, which says what is wrong with it."""
        return json.dumps(self.answer)


def round_trips(calls: Iterable[Call]) -> int:
    """Return how many calls came one after the other: those under way at once count as one.

    It is the longest chain of calls each of which began when the one before had ended.
    """
    chain, ended = 0, float("-inf")
    for call in sorted(calls, key=lambda call: call.end):
        if call.start >= ended:
            chain, ended = chain + 1, call.end
    return chain


@dataclass
class Service:
    """The functions by the names of their folders, and what they do while they are observed."""

    functions: dict[str, Function]
    handlers: dict[str, Handler]
    database: Any  # a client of the benchmark's own, which is not observed
    latency_seconds: float = 0.0  # added to each call, as if the database were across a network
    calls: list[Call] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)

    def invoke(self, function: str, event: Any) -> Observed:
        """Invoke a function, as Lambda does.

        Raises:
            FunctionError: the function raised an exception.
        """
        self.calls.clear()
        logged = self.log.tell()
        with contextlib.redirect_stdout(self.log):
            wall, cpu = time.perf_counter(), time.process_time()
            answer = invoke(self.functions[function], self.handlers[function], event, REQUEST_ID)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Observed(answer, tuple(self.calls), self.log.tell() - logged, wall, cpu)

    def load_again(self, function: str, **environment: object) -> None:
        """Load a function with other variables than the template's."""
        os.environ.update({name: str(value) for name, value in environment.items()})
        self.handlers[function] = load_handler(self.functions[function])

    # ------------------------------------------------------------ botocore's hooks

    def called(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Have DynamoDB say what it consumes."""
        if model.service_model.service_name == "dynamodb":
            params["ReturnConsumedCapacity"] = "TOTAL"
        context["request"] = params

    def sent(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Note when a call began, and its size."""
        context["sent_bytes"] = len(params["body"])
        context["start"] = time.perf_counter()

    def travels(self, **_: Any) -> None:
        """Let other threads' calls begin, as they would while this one travels."""
        time.sleep(self.latency_seconds)

    def answered(
        self, http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        """Note what a call took."""
        end = time.perf_counter()
        service, operation = model.service_model.service_name, model.name
        units = consumed(operation, context["request"], parsed) if service == "dynamodb" else 0.0
        self.calls.append(
            Call(
                service,
                operation,
                context["start"],
                end,
                units if operation in READS else 0.0,
                units if operation not in READS else 0.0,
                context["sent_bytes"],
                len(http_response.content),
                len(context["request"].get("Entries", ())),
            )
        )


@contextmanager
def running_service() -> Iterator[Service]:
    """Run the functions on an empty database for as long as the block lasts; once in a process."""
    template = load_template()
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder)) as endpoint:
        yield _service(template, endpoint)


def _service(template: Template, endpoint: str) -> Service:
    environment = runtime_environment(endpoint, os.environ)
    os.environ.update(environment)
    import boto3  # noqa: PLC0415 - it reads the environment

    create_resources(template, boto3.client("dynamodb"), boto3.client("secretsmanager"))
    functions = {name: functions_of(template)[logical_id(name)] for name in OPERATIONS}
    service = Service(functions, {}, boto3.client("dynamodb"))
    sys.path[:0] = {str(layer) for each in functions.values() for layer in each.layers}
    from sessions import aws  # noqa: PLC0415 - it makes clients at import, for this engine

    # Of the session that makes every client of the functions, and before it makes the first.
    hooks = aws._session  # noqa: SLF001 - production code has no such seam, and needs none
    hooks.register("before-parameter-build", service.called)
    hooks.register("before-call", service.sent)
    hooks.register("before-send", service.travels)
    hooks.register("after-call", service.answered)
    with contextlib.redirect_stdout(service.log):  # where loggers write is settled at import
        service.handlers = load_handlers(service.functions, environment)
    service.invoke("rotate_signing_key", {"when": "due"})  # a stack's first makes the next key
    return service
