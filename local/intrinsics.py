"""CloudFormation's intrinsic functions, as far as the template uses them.

Source: CloudFormation User Guide, "Intrinsic function reference".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

REGION = "us-east-1"
ACCOUNT = "000000000000"
STACK = "sessions"
NO_VALUE = object()  # what `AWS::NoValue` becomes: an entry of this value is left out
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/{UUID(int=0)}",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateError(Exception):
    """The template uses something that is not supported here."""


class Scope:
    """What names mean inside one template: parameters, conditions and resources."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        conditions: Mapping[str, Any],
        attribute: Callable[[str, str | None], str],
    ) -> None:
        self._names = {**PSEUDO_PARAMETERS, **parameters}
        self._conditions = conditions
        self._attribute = attribute

    def resolve(self, value: Any) -> Any:
        """Return the value with every intrinsic function in it replaced by its result."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Say whether the template's condition of that name is true."""
        return bool(self.resolve(self._conditions[condition]))

    def _call(self, function: str, argument: Any) -> Any:
        match function, argument:
            case "Ref", name:
                return self._names[name] if name in self._names else self._attribute(name, None)
            case "Condition", name:
                return self.holds(name)
            case "Fn::GetAtt", [name, attribute]:
                return self._attribute(name, attribute)
            case "Fn::GetAtt", str(name) if "." in name:
                return self._attribute(*name.split(".", 1))
            case "Fn::Sub", [text, names]:
                return self._substitute(text, self.resolve(names))
            case "Fn::Sub", text:
                return self._substitute(text, {})
            case "Fn::Join", [separator, parts]:
                return separator.join(map(as_text, self.resolve(parts)))
            case "Fn::Split", [separator, text]:
                return as_text(self.resolve(text)).split(separator)
            case "Fn::Select", [index, items]:
                return self.resolve(items)[int(self.resolve(index))]
            case "Fn::If", [condition, if_true, if_false]:
                return self.resolve(if_true if self.holds(condition) else if_false)
            case "Fn::Equals", values:
                left, right = self.resolve(values)
                return as_text(left) == as_text(right)
            case "Fn::Or", conditions:
                return any(map(self.resolve, conditions))
            case "Fn::Not", [condition]:
                return not self.resolve(condition)
            case "Fn::And", conditions:
                return all(self.resolve(conditions))
            case "Fn::Or", conditions:
                return any(self.resolve(conditions))
        raise TemplateError(f"{function} is not supported")

    def _substitute(self, text: str, names: Mapping[str, Any]) -> str:
        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:  # ${!Name} is CloudFormation's way to write ${Name} itself
                return f"${{{name}}}"
            if name in names:
                return as_text(names[name])
            is_attribute = "." in name and name not in self._names
            return as_text(self._call("Fn::GetAtt" if is_attribute else "Ref", name))

        return PLACEHOLDER.sub(replacement, text)


def as_text(value: Any) -> str:
    """Return a value as CloudFormation and API Gateway write it in a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)
