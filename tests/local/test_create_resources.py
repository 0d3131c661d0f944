"""The template's tables and secrets, made in an engine."""

import json

import moto
import pytest
from botocore.session import Session
from botocore.stub import Stubber

from local.create_resources import create_resources
from local.intrinsics import TemplateError


@pytest.fixture
def clients(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        session = Session()
        yield session.create_client("dynamodb"), session.create_client("secretsmanager")


def test_tables_are_made_as_the_template_says(ours, clients):
    dynamodb, secretsmanager = clients
    create_resources(ours, dynamodb, secretsmanager)
    wanted = ours.resources_of("AWS::DynamoDB::Table")
    assert set(dynamodb.list_tables()["TableNames"]) == set(wanted)
    for name, properties in wanted.items():
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert table["KeySchema"] == properties["KeySchema"]
        described = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        expected = properties.get("TimeToLiveSpecification", {}).get("AttributeName")
        assert described.get("AttributeName") == expected


def test_a_secret_is_generated_as_the_template_says(template, clients):
    create_resources(template, *clients)
    secret = json.loads(clients[1].get_secret_value(SecretId="Secret")["SecretString"])
    assert secret["current"] == "a"
    assert len(secret["a"]) == 48
    assert secret["a"].isalnum()


def test_what_is_there_already_stays(template, clients):
    dynamodb, secretsmanager = clients
    create_resources(template, *clients)
    dynamodb.put_item(TableName="Table", Item={"id": {"S": "x"}})
    before = secretsmanager.get_secret_value(SecretId="Secret")["SecretString"]
    create_resources(template, *clients)
    assert dynamodb.scan(TableName="Table")["Count"] == 1
    assert secretsmanager.get_secret_value(SecretId="Secret")["SecretString"] == before


def test_an_engine_without_secrets_is_refused(template, clients):
    dynamodb, secretsmanager = clients
    with Stubber(secretsmanager) as stubber:
        stubber.add_client_error("describe_secret", "UnknownOperationException")
        with pytest.raises(TemplateError, match="does not serve Secrets Manager"):
            create_resources(template, dynamodb, secretsmanager)
