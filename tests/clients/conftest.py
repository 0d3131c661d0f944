"""Services that run, for clients to call."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Service, watched


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service without limits."""
    with watched(tmp_path_factory.mktemp("service"), "--no-rate-limit") as service:
        yield service


def operate(service: Service, operation: str, event: dict[str, Any]) -> Any:
    """Carry out an account operation, as operators do."""
    payload = json.dumps(event).encode()
    answer = service.client("lambda").invoke(FunctionName=operation, Payload=payload)
    result = json.load(answer["Payload"])
    assert "FunctionError" not in answer, result
    return result
