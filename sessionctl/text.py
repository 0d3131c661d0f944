"""What people read: tables, times, and text from others made harmless for a terminal."""

from collections.abc import Sequence
from datetime import datetime


def printable(value: object) -> str:
    """Return text in which whatever could steer a terminal, or turn it around, is escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(value)
    )


def moment(epoch_seconds: int | None) -> str:
    """Return a time as ISO 8601 has it, in local time with its offset; "-" for none."""
    if epoch_seconds is None:
        return "-"
    try:
        return datetime.fromtimestamp(epoch_seconds).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):  # past the last year of a calendar
        return str(epoch_seconds)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return aligned columns under their heads."""
    return aligned([heads, *rows])


def aligned(rows: Sequence[Sequence[object]]) -> str:
    """Return rows whose columns start below each other."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
