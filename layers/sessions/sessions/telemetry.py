"""Log lines and metrics. Never a token, a password or a hash in either."""

import contextlib
import functools
import json
from collections.abc import Iterator

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from sessions.errors import Unavailable

# In ASCII: control characters that JSON lets through would reach a terminal, and a line with half a
# surrogate pair, which no output takes, would be lost; both come from callers.
logger = Logger(json_serializer=functools.partial(json.dumps, default=str, separators=(",", ":")))


def count(operation: str, outcome: str) -> None:
    """Count one outcome of an operation, in the stack's name."""
    measure(operation, outcome, 1)


def measure(operation: str, name: str, value: float) -> None:
    """Write a metric of an operation, in the stack's name."""
    with single_metric(name=name, unit=MetricUnit.Count, value=value) as metric:
        metric.add_dimension(name="service", value=logger.service)
        metric.add_dimension(name="operation", value=operation)


@contextlib.contextmanager
def best_effort(step: str, correlation_id: str) -> Iterator[None]:
    """Let a request succeed although a step behind its promise fails; log the failure.

    Args:
        step: the name of the step, for the log.
        correlation_id: the request's ID, for the log.
    """
    try:
        yield
    except Unavailable as error:
        logger.warning("CleanUpFailed", step=step, correlation_id=correlation_id, exc_info=error)
