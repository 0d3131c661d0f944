"""Calls of the account functions: in a stack of AWS, or behind the development gateway."""

import getpass
import json
import os
from contextlib import closing
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

LONGEST_ACTOR = 256  # the limit of the operations
# One attempt, as long as the slowest function may run: a second attempt would do the operation
# again, and its answer would be about the second time.
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})


class OperationError(Exception):
    """The function refused or failed; `kind` is the name of its exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Unreachable(Exception):
    """The function could not be asked: no rights, no network, no such stack."""


def call_in_stack(
    stack: str, profile: str | None, region: str | None, logical_id: str, event: dict[str, Any]
) -> dict[str, Any]:
    """Call a function of a stack, as the user of the AWS profile."""
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        actor = session.client("sts").get_caller_identity()["Arn"]
        resource = session.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        with closing(session.client("lambda", config=CONFIG)) as client:
            return invoke(client, name, {**event, "actor": actor[:LONGEST_ACTOR]})
    except (BotoCoreError, ClientError) as error:
        raise Unreachable(str(error)) from error


def call_at(url: str, logical_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """Call a function behind a development gateway. No AWS setting is read."""
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    try:
        client = Session(session_vars={"profile": (None, None, None, None), **files}).create_client(
            "lambda",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  # the gateway checks no signature
            config=CONFIG.merge(Config(proxies={})),
        )
        with closing(client):
            return invoke(client, logical_id, {**event, "actor": _local_user()})
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: no URL
        raise Unreachable(f"{error} (is `make run` running?)") from error


def invoke(client: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function and return its answer.

    Raises:
        OperationError: the function raised an exception, or its answer is no JSON object.
    """
    response = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    payload = response["Payload"].read()
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise OperationError("InvalidAnswer", f"the answer of {name} is no JSON object")
    if "FunctionError" in response:
        kind = str(answer.get("errorType", response["FunctionError"]))
        raise OperationError(kind, str(answer.get("errorMessage", "")))
    return answer


def _local_user() -> str:
    try:
        return getpass.getuser()[:LONGEST_ACTOR]
    except (OSError, KeyError):  # a container's user may have no name; KeyError until 3.13
        return "unknown"
