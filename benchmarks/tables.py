"""Tables of GitHub Flavored Markdown, and the ratios that stand in them."""

import statistics
from collections.abc import Iterable, Sequence


def markdown(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a table; its first column is text, and the others are figures."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    rows = [head, marks, *([_text(cell) for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def median_ratio(measured: Iterable[float], floors: Iterable[float]) -> str:
    """Return the median of what was measured over its floor in the same round."""
    return f"{statistics.median(a / b for a, b in zip(measured, floors, strict=True)):.2f}"


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
