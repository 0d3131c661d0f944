"""The tries of a call to AWS whose answer was a success in part, or a conflict.

botocore does not retry those: items left unprocessed, cancelled transactions, events not taken.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from sessions.errors import Unavailable

# Doubled pauses, in seconds, as the DynamoDB Developer Guide advises ("Error retries and
# exponential backoff"): a hot partition recovers within a second or not at all.
_PAUSES = (0.05, 0.1, 0.2, 0.4)


def tries() -> Iterator[None]:
    """Yield for each try of a call, and wait before every try but the first."""
    yield
    for pause in _PAUSES:
        time.sleep(pause)
        yield


def until_processed(
    call: Callable[..., Any], unprocessed: str, request: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the answers to a batch call of DynamoDB, made again for what it did not process.

    Args:
        call: makes the call; it takes `RequestItems`.
        unprocessed: the member of an answer that holds the rest.
        request: the call's `RequestItems`.

    Raises:
        Unavailable: a rest is left after all tries; and what `call` raises.
    """
    for _ in tries():
        answer = call(RequestItems=request)
        yield answer
        request = answer.get(unprocessed) or {}
        if not request:
            return
    raise Unavailable(unprocessed)
