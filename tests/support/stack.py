"""A deployed stack, as AWS's own management calls show it."""

from collections.abc import Callable
from typing import Any, NamedTuple

Client = Callable[[str], Any]
"""Makes a client of a service of AWS, by its name."""

IN_ORDER = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


class Stack(NamedTuple):
    """A stack: its parameters and outputs, and its resources' names by their logical IDs."""

    name: str
    client: Client
    parameters: dict[str, str]
    outputs: dict[str, str]
    resources: dict[str, str]

    @property
    def api(self) -> str:
        """Return the ID of its API."""
        return self.resources["SessionsApi"]


def read_stack(name: str, client: Client) -> Stack:
    """Look up a stack that is deployed."""
    cloudformation = client("cloudformation")
    (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert found["StackStatus"] in IN_ORDER, found
    # Not DescribeStackResources, which tells of the first 100 alone.
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    made = [each for page in pages for each in page["StackResourceSummaries"]]
    return Stack(
        name,
        client,
        {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
        {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]},
        {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made},
    )
