"""The template's tables and secrets, made in the engine that the clients point at."""

import json
from typing import Any

from botocore.exceptions import ClientError

from local.intrinsics import TemplateError
from local.template import Template

# What CreateTable takes of AWS::DynamoDB::Table under the same name and with the same meaning.
TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")


def create_resources(template: Template, dynamodb: Any, secretsmanager: Any) -> None:
    """Create what is missing and leave what is there; the clients may be boto3's or botocore's."""
    for name, properties in template.resources_of("AWS::DynamoDB::Table").items():
        create_table(dynamodb, name, properties)
    for name, properties in template.resources_of("AWS::SecretsManager::Secret").items():
        _create_secret(secretsmanager, name, properties)


def create_table(dynamodb: Any, name: str, properties: dict[str, Any]) -> None:
    """Create a table of the template under any name, and wait until it can be used."""
    request = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
    if stream := properties.get("StreamSpecification"):
        request["StreamSpecification"] = {**stream, "StreamEnabled": True}
    try:
        dynamodb.create_table(TableName=name, **request)
    except dynamodb.exceptions.ResourceInUseException:
        return
    waiter = dynamodb.get_waiter("table_exists")
    waiter.wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if time_to_live := properties.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live)


def _create_secret(secretsmanager: Any, name: str, properties: dict[str, Any]) -> None:
    try:
        secretsmanager.describe_secret(SecretId=name)
    except secretsmanager.exceptions.ResourceNotFoundException:
        text = _secret_string(secretsmanager, properties)
        secretsmanager.create_secret(Name=name, SecretString=text)
    except ClientError as error:
        endpoint = secretsmanager.meta.endpoint_url
        raise TemplateError(f"{endpoint} does not serve Secrets Manager: {error}") from error


def _secret_string(secretsmanager: Any, properties: dict[str, Any]) -> str:
    # GenerateSecretString is GetRandomPassword's parameters, and two for the JSON around it.
    options = dict(properties["GenerateSecretString"])
    template = options.pop("SecretStringTemplate", None)
    key = options.pop("GenerateStringKey", None)
    password = str(secretsmanager.get_random_password(**options)["RandomPassword"])
    return password if template is None else json.dumps({**json.loads(template), key: password})
