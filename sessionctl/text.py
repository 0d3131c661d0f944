"""Text for people: tables, times, and the text of others, made harmless for a terminal."""

import json
import re
from collections.abc import Sequence
from datetime import datetime

# What Python calls printable and yet shows nothing: marks and letters among Unicode's
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and the blank of braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def printable(value: object) -> str:
    """Return text with an escape for what could steer or turn a terminal, or is invisible."""
    return "".join(
        letter
        if letter.isprintable() and not _INVISIBLE.match(letter)
        else letter.encode("unicode_escape").decode()
        for letter in str(value)
    )


def as_json(answer: object) -> str:
    """Return JSON in ASCII, which no terminal takes for a command."""
    return json.dumps(answer, indent=2)


def time_text(epoch_seconds: int | None) -> str:
    """Return a time as ISO 8601 has it, in local time with its offset; "-" for none."""
    if epoch_seconds is None:
        return "-"
    try:
        return datetime.fromtimestamp(epoch_seconds).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):  # past the calendar's last year
        return str(epoch_seconds)


def aligned(rows: Sequence[Sequence[object]]) -> str:
    """Return rows whose columns start below each other."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
