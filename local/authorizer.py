"""Lambda authorizers of type REQUEST: their identity sources, their cache, their policies.

Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers" and "Output from an
API Gateway Lambda authorizer".
"""

import re
from typing import Any

from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel

from local.intrinsics import TemplateError, as_text
from local.request import ApiRequest
from local.responses import Refused

SOURCE_IP = "context.identity.sourceIp"
HEADER = "method.request.header."

Identity = tuple[str, ...]


class Authorizer(BaseModel, frozen=True, alias_generator=to_camel):
    """What the API's definition says of one authorizer."""

    authorizer_uri: str
    identity_source: str
    authorizer_result_ttl_in_seconds: int = Field(300, le=3600)

    def identity(self, request: ApiRequest) -> Identity:
        """Return the values that identify the caller; one that is missing is a refusal."""
        values = [_source_value(each.strip(), request) for each in self.identity_source.split(",")]
        identity = tuple(value for value in values if value)
        if len(identity) < len(values):
            raise Refused("UNAUTHORIZED")
        return identity


class Policy(BaseModel, strict=True):
    """An IAM policy, as far as API Gateway needs its shape."""

    Statement: list[dict[str, Any]] | dict[str, Any]


class AuthorizerAnswer(BaseModel, strict=True, alias_generator=to_camel, hide_input_in_errors=True):
    """Source: "Output from an API Gateway Lambda authorizer"."""

    principal_id: str
    policy_document: Policy
    usage_identifier_key: str | None = None
    context: dict[str, str | int | float | bool] | None = None

    def allows(self, method_arn: str) -> bool:
        """Say whether the policy allows the call: some statement does, and none denies it."""
        effects = {
            statement.get("Effect")
            for statement in _listed(self.policy_document.Statement)
            if _matches(statement.get("Action", ()), "execute-api:Invoke")
            and _matches(statement.get("Resource", ()), method_arn)
        }
        return "Allow" in effects and "Deny" not in effects

    def shown(self) -> dict[str, str]:
        """Return what the function behind sees: values arrive there as strings."""
        texts = {name: as_text(value) for name, value in (self.context or {}).items()}
        return {**texts, "principalId": self.principal_id}


def authorizer_of(definition: dict[str, Any], schemes: dict[str, Any]) -> Authorizer | None:
    """Return the authorizer that a method's `security` names, if it names one."""
    for name in _security(definition):
        details = schemes.get(name, {}).get("x-amazon-apigateway-authorizer")
        if details is not None:
            return Authorizer.model_validate(details)
    return None


def needs_key(definition: dict[str, Any]) -> bool:
    """Say whether a method's calls count against a usage plan."""
    return "api_key" in _security(definition)


def _security(definition: dict[str, Any]) -> list[str]:
    return [name for requirement in definition.get("security", ()) for name in requirement]


def _source_value(source: str, request: ApiRequest) -> str | None:
    if source == SOURCE_IP:
        return request.source_ip
    if source.startswith(HEADER):
        return request.header(source.removeprefix(HEADER))
    raise TemplateError(f"the identity source {source} is not supported")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(patterns: Any, text: str) -> bool:
    """Compare as IAM does: `*` is any run of characters and `?` any one of them."""
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text)
        for pattern in _listed(patterns)
        if isinstance(pattern, str)
    )
