"""What runs side by side, one after the other, in an order of the test's choice.

For tests that let something happen at a point of a request: which point that is must not be left
to chance. That the calls are made at once is tests/layer/test_concurrent.py's to show.
"""

import contextlib
from collections.abc import Iterator
from threading import Thread

import pytest

from sessions import concurrent


class _AtOnce(Thread):
    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        pass


class _AtTheEnd(Thread):
    def start(self) -> None:
        pass

    def join(self, timeout: float | None = None) -> None:  # noqa: ARG002 - as in Thread
        self.run()


# The last call is the caller's own.
ORDERS: dict[str, type[Thread]] = {"as they stand": _AtOnce, "the last one first": _AtTheEnd}


@contextlib.contextmanager
def in_order(order: str) -> Iterator[None]:
    """Let calls that would be made side by side be made one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concurrent, "Thread", ORDERS[order])
        yield
