"""Draws what a million of each request costs, of what `benchmarks.money` measured.

`.venv-bench/bin/python -m benchmarks.chart` reads build/bench/money.json and writes
docs/performance/cost.png: the same bytes for the same figures.
"""

import json
from pathlib import Path

from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "build" / "bench" / "money.json"
CHART = ROOT / "docs" / "performance" / "cost.png"

# Okabe and Ito, "Color Universal Design": told apart with any kind of colour vision.
PARTS = {
    "api": ("API Gateway", "#0072B2"),
    "function": ("function", "#E69F00"),
    "authorizer": ("authorizer", "#F0E442"),
    "tables": ("DynamoDB", "#009E73"),
    "logs": ("logs", "#CC79A7"),
    "traces": ("traces", "#999999"),
    "events": ("what follows: events, clean-up", "#D55E00"),
}
OFF_THE_SCALE = "delete_sessions, 100 named"


def draw(figures: dict[str, dict[str, float]], path: Path = CHART) -> None:
    """Draw a bar for each route, in parts."""
    beyond = figures.get(OFF_THE_SCALE)
    shown = {name: parts for name, parts in figures.items() if name != OFF_THE_SCALE}
    names = list(shown)[::-1]  # bars grow from the bottom up
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    ends = [0.0] * len(names)
    for part, (label, colour) in PARTS.items():
        widths = [shown[name][part] for name in names]
        axes.barh(
            names, widths, left=ends, color=colour, label=label, edgecolor="white", linewidth=0.4
        )
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for place, end in enumerate(ends):
        axes.text(end, place, f" ${end:.2f}", va="center")
    axes.set_xlim(0, max(ends) * 1.1)
    axes.set_xlabel("dollars for a million requests")
    title = "What a million requests cost, for users with 10 sessions"
    if beyond:
        title += f"\nNot shown: delete_sessions that ends 99 sessions, ${sum(beyond.values()):.0f}"
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    draw(json.loads(FIGURES.read_text(encoding="utf-8")))
