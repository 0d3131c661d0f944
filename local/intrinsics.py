"""CloudFormation's intrinsic functions, worked out on one machine.

Source: CloudFormation User Guide, "Intrinsic function reference".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

REGION = "us-east-1"
ACCOUNT = "000000000000"
STACK = "sessions"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()
"""What `AWS::NoValue` becomes: whoever holds it leaves the entry out."""

PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class Scope:
    """What names mean inside one template: parameters, conditions and resources."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        conditions: Mapping[str, Any],
        attribute: Callable[[str, str | None], str],
    ) -> None:
        self._names = {**PSEUDO_PARAMETERS, **parameters, "AWS::NoValue": NO_VALUE}
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
            if name in FUNCTIONS:
                return FUNCTIONS[name](self, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Say whether the template's condition of that name is true."""
        return bool(self.resolve(self._conditions[condition]))

    def reference(self, name: str) -> Any:
        """Ref."""
        return self._names[name] if name in self._names else self._attribute(name, None)

    def attribute(self, argument: Any) -> str:
        """Fn::GetAtt."""
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self._attribute(name, attribute)

    def substitute(self, argument: Any) -> str:
        """Fn::Sub, with or without names of its own."""
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = self.resolve(own)

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:  # ${!Name} is CloudFormation's way to write ${Name} itself
                return f"${{{name}}}"
            if name in own:
                return str(own[name])
            known = name in self._names or "." not in name
            return str(self.reference(name) if known else self.attribute(name))

        return PLACEHOLDER.sub(replacement, text)

    def join(self, argument: list[Any]) -> str:
        """Fn::Join."""
        separator, parts = argument
        return str(separator).join(str(part) for part in self.resolve(parts))

    def split(self, argument: list[Any]) -> list[str]:
        """Fn::Split."""
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def select(self, argument: list[Any]) -> Any:
        """Fn::Select."""
        index, items = argument
        return self.resolve(items)[int(self.resolve(index))]

    def choose(self, argument: list[Any]) -> Any:
        """Fn::If."""
        condition, if_true, if_false = argument
        return self.resolve(if_true if self.holds(condition) else if_false)

    def equal(self, argument: list[Any]) -> bool:
        """Fn::Equals."""
        left, right = self.resolve(argument)
        return str(left) == str(right)


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope.reference,
    "Condition": lambda scope, name: scope.holds(name),
    "Fn::GetAtt": Scope.attribute,
    "Fn::Sub": Scope.substitute,
    "Fn::Join": Scope.join,
    "Fn::Split": Scope.split,
    "Fn::Select": Scope.select,
    "Fn::If": Scope.choose,
    "Fn::Equals": Scope.equal,
    "Fn::Not": lambda scope, argument: not scope.resolve(argument)[0],
    "Fn::And": lambda scope, argument: all(scope.resolve(argument)),
    "Fn::Or": lambda scope, argument: any(scope.resolve(argument)),
}
