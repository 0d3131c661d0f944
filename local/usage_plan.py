"""How often a usage plan lets each of its keys call.

Source: API Gateway Developer Guide, "Throttle requests to your REST APIs" (a token bucket) and
"Usage plans and API keys for REST APIs" (limits for each key; a method's own limits replace
the plan's).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.routes import Api
from local.template import Template


@dataclass
class TokenBucket:
    """Holds `burst` tokens at most and gains `rate` of them a second; a call costs one."""

    rate: float
    burst: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Take a token if there is one; a clock that was set back adds none."""
        elapsed = max(0.0, now - self.filled_at)
        self.tokens = min(self.burst, self.tokens + elapsed * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class UsagePlans:
    """The usage plans of one API stage, asked by key: `charge` says what refuses a call."""

    def __init__(self, template: Template, api: Api) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._calls: dict[tuple[str, str], int] = {}
        self._plans = _plans_by_key(template, api)

    def charge(self, key: str | None, method: str, now: float) -> str | None:
        """Charge a call of `method` ("/path/VERB") to a key.

        Returns the gateway response that refuses it, or None where the call may go on.
        """
        if key is None or key not in self._plans:
            return "INVALID_API_KEY"
        plan, stage = self._plans[key]
        quota = plan.get("Quota")
        with self._lock:
            period = (key, _period(quota["Period"], now)) if quota else None
            if quota and period and self._calls.get(period, 0) >= int(quota["Limit"]):
                return "QUOTA_EXCEEDED"
            own = stage.get("Throttle", {}).get(method)
            if not self._take((key, method if own else ""), own or plan.get("Throttle"), now):
                return "THROTTLED"
            if period:
                self._calls[period] = self._calls.get(period, 0) + 1
        return None

    def _take(self, name: tuple[str, str], limits: Mapping[str, Any] | None, now: float) -> bool:
        if limits is None:
            return True
        if name not in self._buckets:
            rate, burst = float(limits["RateLimit"]), float(limits["BurstLimit"])
            self._buckets[name] = TokenBucket(rate, burst, tokens=burst, filled_at=now)
        return self._buckets[name].take(now)


def _plans_by_key(template: Template, api: Api) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return, for each key's value, its plan and what that plan says of this API's stage."""
    plans = template.resources_of("AWS::ApiGateway::UsagePlan")
    keys = template.resources_of("AWS::ApiGateway::ApiKey")
    found = {}
    for membership in template.resources_of("AWS::ApiGateway::UsagePlanKey").values():
        plan, key = plans[membership["UsagePlanId"]], keys[membership["KeyId"]]
        for stage in plan.get("ApiStages", ()):
            is_ours = (stage["ApiId"], stage["Stage"]) == (api.id, api.stage)
            if is_ours and key.get("Enabled") and "Value" in key:
                found[key["Value"]] = (plan, stage)
    return found


def _period(kind: str, now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC)
    return moment.strftime({"DAY": "%Y-%m-%d", "WEEK": "%G-W%V", "MONTH": "%Y-%m"}[kind])
