"""The time, as handlers read it."""

import contextlib
import time
from collections.abc import Iterator

import pytest


class Clock:
    """A clock that stands still; `now` is epoch seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000


def wait_for_window(seconds: int, needed_seconds: int = 20) -> None:
    """Wait until a window of login attempts lasts long enough: its end would forget them."""
    left = seconds - time.time() % seconds
    if left < needed_seconds:
        time.sleep(left + 1)  # a service elsewhere may have a slower clock


@contextlib.contextmanager
def at(now: int) -> Iterator[None]:
    """Let handlers read this time, in epoch seconds, where no test holds the clock yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sessions.clock.epoch_seconds", lambda: now)
        yield
