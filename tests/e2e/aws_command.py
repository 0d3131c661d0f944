"""The `aws` command, as far as docs/runbook.md types it, for machines that do not have AWS's own.

    aws SERVICE OPERATION [--option VALUE]... [--query JMESPATH] [--output text]
    aws SERVICE wait STATE [--option VALUE]...

The options are those of botocore's model of the operation, as in AWS's own. It prints text alone.
"""

import sys
from typing import Any

import boto3
import jmespath
from botocore import xform_name


def main(service: str, operation: str, *options: str) -> None:
    """Make one call and print its answer, or wait."""
    client = boto3.client(service)
    if operation == "wait":
        waiter = client.get_waiter(options[0].replace("-", "_"))
        waiter.wait(**given(client, waiter.config.operation, options[1:])[0])
        return
    method = operation.replace("-", "_")
    parameters, query = given(client, client.meta.method_to_api_mapping[method], options)
    answer = getattr(client, method)(**parameters)
    if query:
        sys.stdout.write(text(jmespath.search(query, answer)) + "\n")


def given(client: Any, operation: str, options: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Return the parameters of a call, and the query of its answer."""
    members = client.meta.service_model.operation_model(operation).input_shape.members
    shapes = {xform_name(name, "-"): (name, shape) for name, shape in members.items()}
    parameters: dict[str, Any] = {}
    query = ""
    words = list(options)
    while words:
        option = words.pop(0).removeprefix("--")
        if option in {"query", "output"}:
            value = words.pop(0)
            query = value if option == "query" else query
        else:
            name, shape = shapes[option]
            is_flag = shape.type_name == "boolean"
            parameters[name] = True if is_flag else typed(shape, words.pop(0))
    return parameters, query


def typed(shape: Any, value: str) -> Any:
    """Return a value as its shape is: a structure is written A=B,C=D."""
    match shape.type_name:
        case "structure":
            pairs = (pair.split("=", 1) for pair in value.split(","))
            return {name: typed(shape.members[name], each) for name, each in pairs}
        case "boolean":
            return {"true": True, "false": False}[value]
        case "integer":
            return int(value)
        case "list":
            return value.split()
    return value


def text(value: Any) -> str:
    """Return a value as `--output text` prints it: columns by tabs, rows by lines."""
    if not isinstance(value, list):
        return str(value)
    is_table = any(isinstance(each, list) for each in value)
    return ("\n" if is_table else "\t").join(map(text, value))


if __name__ == "__main__":
    main(*sys.argv[1:])
