"""How often a usage plan lets a key call."""

import pytest

from local.routes import api_of
from local.template import load_template
from local.usage_plan import UsagePlans

KEY = "sessions-key"
START = 1_800_000_000.0


@pytest.fixture
def plans(template):
    return UsagePlans(template, api_of(template))


def charges(plans: UsagePlans, times: int, now: float = START, key: str = KEY) -> list[str | None]:
    return [plans.charge(key, "/open/GET", now) for _ in range(times)]


def test_a_burst_is_let_through_and_no_more(plans):
    assert charges(plans, 4) == [None, None, None, "THROTTLED"]


def test_tokens_come_back_at_the_rate(plans):
    charges(plans, 3)
    assert charges(plans, 1, START + 0.9) == ["THROTTLED"]
    assert charges(plans, 2, START + 1) == [None, "THROTTLED"]


def test_tokens_never_exceed_the_burst(plans):
    charges(plans, 1)
    assert charges(plans, 4, START + 1000) == [None, None, None, "THROTTLED"]


def test_a_clock_that_is_set_back_adds_nothing_and_takes_nothing(plans):
    charges(plans, 1)
    assert charges(plans, 3, START - 1000) == [None, None, "THROTTLED"]


def test_each_key_has_its_own_limits(plans):
    charges(plans, 4)
    assert charges(plans, 1, key="another-key") == [None]


def test_a_methods_own_limit_replaces_the_plans(plans):
    assert [plans.charge(KEY, "/login/POST", START) for _ in range(2)] == [None, "THROTTLED"]
    assert charges(plans, 4) == [None, None, None, "THROTTLED"]


@pytest.mark.parametrize("key", [None, "", "unknown", "disabled-key"])
def test_a_key_that_no_plan_has_is_refused(plans, key):
    assert charges(plans, 1, key=key) == ["INVALID_API_KEY"]


def test_our_template_gives_every_shard_a_plan(ours):
    plans = UsagePlans(ours, api_of(ours))
    values = {key["Value"] for key in ours.resources_of("AWS::ApiGateway::ApiKey").values()}
    assert len(values) > 1
    assert {plans.charge(value, "/session/POST", START) for value in values} == {None}


def test_our_back_ends_have_a_rate_of_their_own_logins_and_all():
    template = load_template(parameters={"BackEndSecretHashes": "0" * 64})
    plans = UsagePlans(template, api_of(template))
    keys = template.resources_of("AWS::ApiGateway::ApiKey")
    back_end, burst = keys["BackEndKey"]["Value"], template.parameters["BackEndBurstLimit"]
    methods = [f"/session/{('GET', 'POST')[number % 2]}" for number in range(burst + 1)]
    charged = [plans.charge(back_end, method, START) for method in methods]
    assert charged == [None] * burst + ["THROTTLED"]
    assert plans.charge(keys["Shard00Key"]["Value"], "/session/GET", START) is None
