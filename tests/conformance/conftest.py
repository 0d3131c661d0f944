"""The engines that must keep what the store promises.

They are moto and ministack; or, where CONFORMANCE_ENDPOINT names it, one DynamoDB instead: `aws` is
AWS itself, in the account and region of the caller's environment (`make conformance`). On each, the
suite makes tables of its own, reaches no other, and deletes them in the end.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import moto  # first: it hooks into botocore only for clients that are made after it
import pytest
from botocore.session import Session

from local.create_resources import TABLE_PROPERTIES, create_table
from local.engine import engine
from sessions import aws, dynamodb
from tests.support.contract import TEMPLATE
from tests.support.dynamodb_limits import parts_of

ENDPOINT = os.environ.get("CONFORMANCE_ENDPOINT")
ENGINES = [ENDPOINT] if ENDPOINT else ["moto", "ministack"]


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a ministack, started as the development gateway starts it."""
    with engine(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module", params=ENGINES, autouse=True)
def engine_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine behind the store, by its name or endpoint."""
    name: str = request.param
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        if name == "moto":
            stack.enter_context(moto.mock_aws())
        elif name == "ministack":
            patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", request.getfixturevalue("ministack"))
        elif name != "aws":
            patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", name)
        prefix = f"conformance-{secrets.token_hex(8)}-"
        patch.setattr(dynamodb, "client", _client_for(prefix))
        stack.enter_context(_tables(prefix, patch))
        yield name


def _client_for(prefix: str) -> Any:
    """Return a client as the handlers have it, which reaches tables with the prefix alone."""

    def refuse_others(params: dict[str, Any], **_: Any) -> None:
        if others := [table for table, _ in parts_of(params) if not table.startswith(prefix)]:
            pytest.fail(f"the suite has not made {others}")  # an outcome, which no code catches

    client = aws.client("dynamodb")
    client.meta.events.register_first("before-parameter-build.dynamodb", refuse_others)
    return client


@contextmanager
def _tables(prefix: str, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the template's tables under names with the prefix, for as long as the block lasts."""
    administrator = Session().create_client("dynamodb")  # more patient than the handlers' client
    with ExitStack() as stack:
        for table, properties in TEMPLATE.resources_of("AWS::DynamoDB::Table").items():
            stack.callback(_delete, administrator, prefix + table)
            # No stream, which moto copies at each transaction, nor TTL: what tests write is old.
            plain = {name: properties[name] for name in TABLE_PROPERTIES if name in properties}
            create_table(administrator, prefix + table, plain)
            for constant in [name for name, value in vars(dynamodb).items() if value == table]:
                patch.setattr(dynamodb, constant, prefix + table)
        yield


def _delete(administrator: Any, table: str) -> None:
    with suppress(administrator.exceptions.ResourceNotFoundException):  # it was never made
        administrator.delete_table(TableName=table)


@pytest.fixture
def conditional_writes(engine_name: str) -> None:
    """Skip moto: it checks a condition and writes in two steps, and threads come between them."""
    if engine_name == "moto":
        pytest.skip("threads come between a condition and its write")
