"""How often a usage plan lets each of its keys call.

Source: API Gateway Developer Guide, "Throttle requests to your REST APIs" (a token bucket) and
"Usage plans and API keys for REST APIs" (limits for each key; a method's own limits replace
the plan's).
"""

from collections.abc import Mapping
from typing import Any

from local.intrinsics import TemplateError
from local.routes import Api
from local.template import Template


class UsagePlans:
    """The usage plans of one API stage. The gateway's one thread is the only one to ask them."""

    def __init__(self, template: Template, api: Api) -> None:
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self._plans = _plans_by_key(template, api)

    def charge(self, key: str | None, method: str, now: float) -> str | None:
        """Charge a call of `method` ("/path/VERB") to a key.

        Returns the gateway response that refuses it, or None where the call may go on.
        """
        if key is None or key not in self._plans:
            return "INVALID_API_KEY"
        plan, stage = self._plans[key]
        own = stage.get("Throttle", {}).get(method)
        is_taken = self._take((key, method if own else ""), own or plan["Throttle"], now)
        return None if is_taken else "THROTTLED"

    def _take(self, name: tuple[str, str], limits: Mapping[str, Any], now: float) -> bool:
        """Take a token of a bucket that holds `BurstLimit` of them, and gains `RateLimit` a second.

        A clock that was set back adds none.
        """
        rate, burst = float(limits["RateLimit"]), float(limits["BurstLimit"])
        tokens, filled_at = self._buckets.get(name, (burst, now))
        tokens = min(burst, tokens + max(0.0, now - filled_at) * rate)
        is_enough = tokens >= 1
        self._buckets[name] = (tokens - is_enough, now)
        return is_enough


def _plans_by_key(template: Template, api: Api) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return, for each key's value, its plan and what that plan says of this API's stage."""
    plans = template.resources_of("AWS::ApiGateway::UsagePlan")
    keys = template.resources_of("AWS::ApiGateway::ApiKey")
    found = {}
    for membership in template.resources_of("AWS::ApiGateway::UsagePlanKey").values():
        plan, key = plans[membership["UsagePlanId"]], keys[membership["KeyId"]]
        if "Quota" in plan or "Throttle" not in plan:
            raise TemplateError("only usage plans with a throttle and no quota are supported")
        for stage in plan.get("ApiStages", ()):
            is_ours = (stage["ApiId"], stage["Stage"]) == (api.id, api.stage)
            if is_ours and key.get("Enabled") and "Value" in key:
                found[key["Value"]] = (plan, stage)
    return found
