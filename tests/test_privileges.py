"""Each function may do what it does, and nothing else.

What a function does is what botocore is asked for while it answers every kind of call; what it
may do is its role in the template.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from local.functions import logical_id
from sessions import dynamodb, event_bus, signing_keys
from tests.support.contract import TEMPLATE
from tests.support.operations import ON_A_USER, OPERATIONS
from tests.support.scenarios import prepare

pytestmark = pytest.mark.usefixtures("aws")

Grants = set[tuple[str, str]]
WRITES = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem"}


def resources(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the IAM actions that an operation needs, each with what it is done to.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
    DynamoDB": a transaction needs the rights of its parts.
    """
    if "SecretId" in parameters:
        yield f"secretsmanager:{operation}", parameters["SecretId"]
    elif operation == "TransactWriteItems":
        for part in parameters["TransactItems"]:
            ((kind, write),) = part.items()
            yield f"dynamodb:{WRITES[kind]}", write["TableName"]
    elif operation == "PutEvents":
        for entry in parameters["Entries"]:
            yield f"events:{operation}", entry["EventBusName"]
    elif "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", table
    else:
        yield f"dynamodb:{operation}", parameters["TableName"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grants]:
    """What is done from here on, by functions whose key set is cold."""
    done: Grants = set()

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        done.update(resources(model.name, params))

    clients = [dynamodb.client, signing_keys.secretsmanager, event_bus.eventbridge]
    for client in clients:
        client.meta.events.register("provide-client-params", record, unique_id="privileges")
    monkeypatch.setattr(signing_keys.signing_keys, "_key_set", None)
    yield done
    for client in clients:
        client.meta.events.unregister("provide-client-params", unique_id="privileges")


def granted(folder: str) -> Grants:
    """Return what the function's role allows, beside its log and its trace."""
    role = TEMPLATE.resources_of("AWS::IAM::Role")[f"{logical_id(folder)}Role"]
    grants = set()
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            found = statement["Resource"]
            for resource in found if isinstance(found, list) else [found]:
                # A table's ARN ends with its name; a secret is named by its reference.
                target = resource.rpartition("/")[2]
                grants |= {(action, target) for action in statement["Action"]}
    return grants


@pytest.mark.parametrize("folder", OPERATIONS)
def test_a_function_may_do_just_what_it_does(folder, done):
    act = prepare(folder)
    signing_keys.signing_keys._key_set = None
    done.clear()
    act()
    assert done == granted(folder)


def test_only_operations_that_take_a_name_of_a_user_touch_names_and_hashes():
    allowed = {name for name in OPERATIONS if "LoginsTable" in {t for _, t in granted(name)}}
    assert allowed == {"create_session", "create_user", *ON_A_USER}


def test_only_the_rotation_may_write_the_secret():
    writers = {
        name
        for name in OPERATIONS
        if ("secretsmanager:PutSecretValue", "SigningKeys") in granted(name)
    }
    assert writers == {"rotate_signing_key"}
    actions = {action for name in OPERATIONS for action, _ in granted(name)}
    assert {action for action in actions if action.startswith("secretsmanager")} == {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    }
