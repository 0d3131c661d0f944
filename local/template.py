"""`template.yaml` as AWS would see it: transformed by SAM, with its names resolved.

Everything in `local/`, and every test that needs a route, a table or a limit, reads it here.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import yaml
from samtranslator.model.exceptions import (  # type: ignore[import-untyped]  # has no types
    InvalidDocumentException,
)
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # has no types
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from local.intrinsics import ACCOUNT, REGION, Scope, TemplateError, as_text

try:
    from yaml import CSafeLoader as SafeLoader  # seven times as fast, where PyYAML has libyaml
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

TEMPLATE = Path(__file__).parents[1] / "template.yaml"

RESOURCE_PATHS = {  # how the ARN ends, where it is not the name alone
    "AWS::DynamoDB::Table": "table/",
    "AWS::IAM::Role": "role/",
    "AWS::Lambda::Function": "function:",
    "AWS::Lambda::LayerVersion": "layer:",
    "AWS::SecretsManager::Secret": "secret:",
}


@dataclass(frozen=True)
class Template:
    """One template: as written (`source`), and as CloudFormation would create it."""

    root: Path
    source: dict[str, Any]
    parameters: dict[str, Any]
    resources: dict[str, dict[str, Any]]

    def resources_of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of one type, by logical ID."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> tuple[str, dict[str, Any]]:
        """Return the one resource of a type that there may be only one of."""
        found = self.resources_of(kind)
        if len(found) != 1:
            raise TemplateError(f"there must be exactly one {kind}, not {len(found)}")
        return next(iter(found.items()))


def load_template(path: Path = TEMPLATE, parameters: Mapping[str, Any] | None = None) -> Template:
    """Read, transform and resolve a template; `parameters` replace the defaults in it."""
    source = read(path)
    resources = source.get("Resources") if isinstance(source, dict) else None
    if not isinstance(resources, dict):
        raise TemplateError(f"{path} is no template: it has no Resources")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise TemplateError(f"{path} is no template: {name} has no Type")
    values = _parameters(source, parameters or {})
    transformed = _transformed(source, values)
    written = transformed["Resources"]

    def value_of(name: str, attribute: str | None) -> str:
        """Give every resource its logical ID for a name: this machine has no other stack."""
        if name not in written:
            raise TemplateError(f"nothing in {path.name} is called {name}")
        kind = written[name]["Type"]
        if attribute is None:
            is_stage = kind == "AWS::ApiGateway::Stage"
            return str(written[name]["Properties"]["StageName"]) if is_stage else name
        return arn(kind, name) if attribute == "Arn" else f"{name}.{attribute}"

    scope = Scope(values, transformed.get("Conditions", {}), value_of)
    resources = {
        name: scope.resolve(resource)
        for name, resource in written.items()
        if "Condition" not in resource or scope.holds(resource["Condition"])
    }
    return Template(path.resolve().parent, source, values, resources)


def arn(kind: str, name: str) -> str:
    """Return the ARN that a resource would have in the account of this machine."""
    service = kind.split("::")[1].lower()
    region = "" if service == "iam" else REGION
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{RESOURCE_PATHS.get(kind, '')}{name}"


def read(path: Path) -> dict[str, Any]:
    """Return the template as written, with `!Ref` and its like in their long form."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a SafeLoader
    except (ValueError, yaml.YAMLError) as error:
        raise TemplateError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    # An aliased node is one object in many places, and SAM changes what it is given.
    copy: dict[str, Any] = json.loads(json.dumps(document))
    return copy


class _Loader(SafeLoader):
    """A loader of our own, so that no other YAML learns `!Ref`."""


def _intrinsic(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = None
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def _parameters(source: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    declared = source.get("Parameters", {})
    if unknown := set(given) - set(declared):
        raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
    return {
        name: _typed(definition["Type"], given.get(name, definition.get("Default", "")))
        for name, definition in declared.items()
    }


def _typed(kind: str, value: Any) -> Any:
    if kind == "CommaDelimitedList" and not isinstance(value, list):
        return [item.strip() for item in str(value).split(",")]
    if kind == "Number":
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _transformed(source: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Run AWS's own SAM transform, which is told the values of parameters as texts."""
    fragment: dict[str, Any] = json.loads(json.dumps(source))
    for resource in fragment["Resources"].values():
        properties = resource.get("Properties", {})
        for key in ("CodeUri", "ContentUri"):
            if key in properties:  # the transform takes code only where `sam package` puts it
                properties[key] = f"s3://local/{PurePosixPath(properties[key])}"
    for name in ("feature_toggle.feature_toggle", "metrics.metrics"):  # they warn of SAM's own
        logging.getLogger(f"samtranslator.{name}").setLevel(logging.ERROR)
    # In place of a session of boto3, which would ask for the profile and region of the developer.
    session = SimpleNamespace(region_name=REGION)
    texts = {
        name: ",".join(value) if isinstance(value, list) else as_text(value)
        for name, value in values.items()
    }
    try:
        return dict(Translator({}, Parser(), boto_session=session).translate(fragment, texts))
    except InvalidDocumentException as error:
        causes = " ".join(cause.message for cause in error.causes)
        raise TemplateError(f"the template is not valid: {causes}") from error
