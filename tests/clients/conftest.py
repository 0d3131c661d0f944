"""Services that run, for clients to call."""

import pytest

from tests.support.service import Service, Start


@pytest.fixture(scope="session")
def limited(start: Start) -> Service:
    """A service with its limits."""
    return start()
