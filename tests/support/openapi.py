"""docs/openapi.yaml, as the tests read it."""

from typing import Any

import yaml

from tests.support.contract import TEMPLATE

FILE = TEMPLATE.root / "docs" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text())

# By method and path; a path holds `parameters` beside its methods.
OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method, path): definition
    for path, methods in DOCUMENT["paths"].items()
    for method, definition in methods.items()
    if method != "parameters"
}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference names, or the node itself where it is none."""
    found: Any = DOCUMENT
    if "$ref" not in node:
        return node
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def examples(answer: dict[str, Any]) -> list[Any]:
    """Return the bodies that a document shows of an answer; there is at least one."""
    content = resolved(answer)["content"]["application/json"]
    several = [example["value"] for example in content.get("examples", {}).values()]
    return several or [content["example"]]
