"""The layer is watched as its handlers are, and waits for nobody."""

import time

import pytest

from tests.functions.conftest import dynamodb, dynamodb_calls, lines, logged

__all__ = ["dynamodb", "dynamodb_calls", "lines", "logged"]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, which are over at once; how long they would have been."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made
