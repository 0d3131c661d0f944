"""The time, as handlers read it."""

import contextlib
from collections.abc import Iterator

import pytest


class Clock:
    """A clock that stands still; `now` is epoch seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000


@contextlib.contextmanager
def at(now: int) -> Iterator[None]:
    """Let handlers read this time, in epoch seconds, where no test holds the clock yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sessions.clock.epoch_seconds", lambda: now)
        yield
