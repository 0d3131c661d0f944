"""Lambda authorizers of type REQUEST: their identity sources, their cache, their policies.

Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers" and "Output from an
API Gateway Lambda authorizer".
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from local.messages import Request, last_values
from local.responses import Refused

DEFAULT_TTL_SECONDS = 300
MAX_TTL_SECONDS = 3600
CACHED_ANSWERS = 10_000

Identity = tuple[str, ...]


@dataclass(frozen=True)
class Authorizer:
    """One authorizer of the API: where it is, who it tells apart, how long its answers hold."""

    name: str
    uri: str
    identity_sources: tuple[str, ...]
    ttl_seconds: int

    def identity(self, request: Request) -> Identity:
        """Return the values that identify the caller; without all of them nobody is asked."""
        found = tuple(_source_value(source, request) for source in self.identity_sources)
        if not all(found):
            raise Refused("UNAUTHORIZED")
        return tuple(value for value in found if value)


class AnswerCache:
    """The answers of authorizers, by authorizer and identity, until their time is over."""

    def __init__(self, limit: int = CACHED_ANSWERS) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._answers: OrderedDict[tuple[str, Identity], tuple[float, dict[str, Any]]]
        self._answers = OrderedDict()

    def get(self, authorizer: Authorizer, identity: Identity, now: float) -> dict[str, Any] | None:
        """Return the answer that still holds, if there is one."""
        with self._lock:
            expires, answer = self._answers.get((authorizer.name, identity), (0.0, None))
        return answer if now < expires else None

    def put(
        self, authorizer: Authorizer, identity: Identity, answer: dict[str, Any], now: float
    ) -> None:
        """Keep an answer, and drop the oldest where there are too many."""
        if not authorizer.ttl_seconds:
            return
        with self._lock:
            self._answers[authorizer.name, identity] = (now + authorizer.ttl_seconds, answer)
            while len(self._answers) > self._limit:
                self._answers.popitem(last=False)


def authorizer_of(definition: dict[str, Any], schemes: dict[str, Any]) -> Authorizer | None:
    """Return the authorizer that a method's `security` names, if it names one."""
    for requirement in definition.get("security", ()):
        for name in requirement:
            details = schemes.get(name, {}).get("x-amazon-apigateway-authorizer")
            if details is None:
                continue
            sources = details.get("identitySource", "").split(",")
            return Authorizer(
                name=name,
                uri=details["authorizerUri"],
                identity_sources=tuple(source.strip() for source in sources if source.strip()),
                ttl_seconds=min(
                    int(details.get("authorizerResultTtlInSeconds", DEFAULT_TTL_SECONDS)),
                    MAX_TTL_SECONDS,
                ),
            )
    return None


def needs_key(definition: dict[str, Any]) -> bool:
    """Say whether a method's calls count against a usage plan."""
    return any("api_key" in requirement for requirement in definition.get("security", ()))


def checked(answer: Any) -> dict[str, Any]:
    """Return an authorizer's answer, or refuse as AWS does where it has another shape."""
    try:
        well_formed = (
            isinstance(answer["principalId"], str)
            and isinstance(answer["policyDocument"]["Statement"], list | dict)
            and isinstance(answer.get("usageIdentifierKey"), str | None)
            and all(
                isinstance(value, str | int | float)
                for value in (answer.get("context") or {}).values()
            )
        )
    except (TypeError, KeyError, AttributeError):
        well_formed = False
    if not well_formed:
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR")
    return dict(answer)


def allows(policy: dict[str, Any], method_arn: str) -> bool:
    """Say whether a policy allows the call: some statement does, and none denies it."""
    effects = {
        statement.get("Effect")
        for statement in _listed(policy["Statement"])
        if _matches(statement.get("Action", ()), "execute-api:Invoke")
        and _matches(statement.get("Resource", ()), method_arn)
    }
    return "Allow" in effects and "Deny" not in effects


def authorizer_context(answer: dict[str, Any]) -> dict[str, str]:
    """Return what the function behind sees: values arrive there as strings."""
    context = answer.get("context") or {}
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in context.items()
    }
    return {**texts, "principalId": answer["principalId"]}


def _source_value(source: str, request: Request) -> str | None:
    if source == "context.identity.sourceIp":
        return request.source_ip
    if source == "context.httpMethod":
        return request.method
    kind, _, name = source.removeprefix("method.request.").partition(".")
    if kind == "header":
        return request.header(name)
    if kind == "querystring":
        return last_values(request.query_pairs).get(name)
    raise Refused("AUTHORIZER_CONFIGURATION_ERROR")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(patterns: Any, text: str) -> bool:
    """Compare as IAM does: `*` is any run of characters and `?` any one of them."""
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text)
        for pattern in _listed(patterns)
        if isinstance(pattern, str)
    )
