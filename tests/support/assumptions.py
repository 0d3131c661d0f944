"""The list in docs/deploy.md of what only a deployment in AWS can show."""

import re
from typing import NamedTuple

from tests.support.events import ROOT

HEADING = "## What only AWS can show"
IF_NOT, BY_EYE = "If not: ", "*By eye:* "
"""How the advice of a point begins that a test tries, and of one that none does."""


class Assumption(NamedTuple):
    """One point: what is assumed, and what to do if it is not so."""

    sentence: str
    advice: str


def assumptions() -> dict[int, Assumption]:
    """Return the points of the list by their numbers."""
    text = (ROOT / "docs" / "deploy.md").read_text()
    _, _, section = text.partition(HEADING + "\n")
    section = section.partition("\n## ")[0]
    points = re.findall(r"^(\d+)\. \*\*(.+?)\*\*(.*?)(?=^\S|\Z)", section, re.MULTILINE | re.DOTALL)
    return {
        int(number): Assumption(*(" ".join(part.split()) for part in (sentence, advice)))
        for number, sentence, advice in points
    }
