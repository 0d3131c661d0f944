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
