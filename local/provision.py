"""The template's tables and secrets, made in whatever engine the clients point at."""

import json
from typing import Any

from botocore.exceptions import ClientError

from local.template import Template, TemplateError

# What CreateTable takes of AWS::DynamoDB::Table under the same name and with the same meaning.
TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
)


def provision(template: Template, dynamodb: Any, secretsmanager: Any) -> None:
    """Create what is missing and leave what is there; the clients may be boto3's or botocore's."""
    for name, properties in template.resources_of("AWS::DynamoDB::Table").items():
        create_table(dynamodb, name, properties)
    for name, properties in template.resources_of("AWS::SecretsManager::Secret").items():
        _create_secret(secretsmanager, name, properties)


def create_table(dynamodb: Any, name: str, properties: dict[str, Any]) -> None:
    """Create a table of the template under any name, and wait until it can be used."""
    wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
    if "StreamSpecification" in properties:
        wanted["StreamSpecification"] = {**properties["StreamSpecification"], "StreamEnabled": True}
    try:
        dynamodb.create_table(TableName=name, **wanted)
    except dynamodb.exceptions.ResourceInUseException:
        _add_stream(dynamodb, name, wanted.get("StreamSpecification"))
        return
    waiter = dynamodb.get_waiter("table_exists")
    waiter.wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if time_to_live := properties.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live)


def _add_stream(dynamodb: Any, name: str, stream: dict[str, Any] | None) -> None:
    """Give a table that an earlier version made the stream that it lacks."""
    if stream and not dynamodb.describe_table(TableName=name)["Table"].get("LatestStreamArn"):
        dynamodb.update_table(TableName=name, StreamSpecification=stream)


def _create_secret(secretsmanager: Any, name: str, properties: dict[str, Any]) -> None:
    try:
        secretsmanager.describe_secret(SecretId=name)
    except secretsmanager.exceptions.ResourceNotFoundException:
        secretsmanager.create_secret(
            Name=name, SecretString=_secret_string(secretsmanager, properties)
        )
    except ClientError as error:
        endpoint = secretsmanager.meta.endpoint_url
        raise TemplateError(f"{endpoint} does not serve Secrets Manager: {error}") from error


def _secret_string(secretsmanager: Any, properties: dict[str, Any]) -> str:
    if "SecretString" in properties:
        return str(properties["SecretString"])
    # GenerateSecretString is GetRandomPassword's parameters, and two that say where it goes.
    options = dict(properties["GenerateSecretString"])
    template = options.pop("SecretStringTemplate", None)
    key = options.pop("GenerateStringKey", None)
    password = str(secretsmanager.get_random_password(**options)["RandomPassword"])
    return password if template is None else json.dumps({**json.loads(template), key: password})
