"""The clock. Nothing below the decorators reads it: there, the time is an argument."""

import time


def epoch_seconds() -> int:
    """Return the time, in epoch seconds."""
    return int(time.time())
