"""Calls of the account functions: in a stack of AWS, or behind the development gateway."""

import getpass
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)
from botocore.session import Session

LONGEST_ACTOR = 256  # the limit of the operations
# One attempt, as long as the slowest function may run: a second attempt would do the operation
# again, and its answer would be about the second time.
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})

Call = Callable[[dict[str, Any] | None], dict[str, Any]]
"""Calls one function; see `_call` for no event. Several threads may call at once."""


class OperationError(Exception):
    """The function refused or failed; `kind` is the name of its exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Unreachable(Exception):
    """The function could not be asked: no rights, no network, no such stack."""


@contextmanager
def function_in_stack(
    stack: str, profile: str | None, region: str | None, logical_id: str
) -> Iterator[Call]:
    """Yield what calls a function of a stack, as the user of the AWS profile."""
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        actor = session.client("sts").get_caller_identity()["Arn"]
        resource = session.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        with closing(session.client("lambda", config=CONFIG)) as client:
            yield lambda event: _call(client, name, event, actor[:LONGEST_ACTOR])
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise Unreachable(
            "there are no AWS credentials; name a profile with --profile, "
            "or the service of `make run` with --local"
        ) from error
    except NoRegionError as error:
        raise Unreachable("no AWS region is set; name one with --region") from error
    except ClientError as error:
        raise Unreachable(_reason(error)) from error
    except BotoCoreError as error:
        raise Unreachable(str(error)) from error


@contextmanager
def function_at(url: str, logical_id: str) -> Iterator[Call]:
    """Yield what calls a function behind a development gateway. No AWS setting is read."""
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
            yield lambda event: _call(client, logical_id, event, _local_user())
    except ClientError as error:
        raise Unreachable(f"{url}: {_reason(error)}") from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise Unreachable(f"{url} does not answer: is `make run` running?") from error
    except (BotoCoreError, ValueError) as error:  # ValueError: no URL
        raise Unreachable(str(error)) from error


def _reason(error: ClientError) -> str:
    """Return what AWS said, without the name of the call, which no operator has made."""
    return "{Message} ({Code})".format_map({"Message": "", **error.response["Error"]})


def _call(client: Any, name: str, event: dict[str, Any] | None, actor: str) -> dict[str, Any]:
    """Invoke a function; without an event only ask whether it is there and may be called.

    Source: Lambda API Reference, "Invoke", `InvocationType`.
    """
    if event is None:
        client.invoke(FunctionName=name, InvocationType="DryRun")
        return {}
    return invoke(client, name, {**event, "actor": actor})


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
