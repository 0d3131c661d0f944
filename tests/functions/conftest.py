"""What tests of handlers can watch: the calls that reach DynamoDB, and the log."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from local.provision import provision
from tests.contract import TEMPLATE


@pytest.fixture(scope="module", autouse=True)
def empty_tables(aws: None) -> None:
    """Tables that hold what this module puts there: moto walks through all rows at most calls."""
    import boto3  # noqa: PLC0415 - after the environment stands

    dynamodb = boto3.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName=table)
    provision(TEMPLATE, dynamodb, boto3.client("secretsmanager"))


@pytest.fixture
def dynamodb(aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The handlers' own client, anew: what a test does to it ends with the test."""
    from sessions import clients, store  # noqa: PLC0415 - after the environment stands

    client = clients.client("dynamodb")
    monkeypatch.setattr(store, "_dynamodb", client)
    return client


@pytest.fixture
def dynamodb_calls(dynamodb: Any) -> list[tuple[str, dict[str, Any]]]:
    """The names and parameters of the calls that handlers make."""
    made: list[tuple[str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.name, params))

    dynamodb.meta.events.register("provide-client-params.dynamodb", record)
    return made


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The lines that are logged during the test; metrics go to stdout, not here."""
    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    stream = io.StringIO()
    monkeypatch.setattr(endpoint.logger.registered_handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
