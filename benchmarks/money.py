"""What a million of each request costs in dollars, at the list prices in prices.json.

`python -m benchmarks.money` prints a table. What is measured: calls, units, bytes logged and
answered, CPU time. What is assumed stands in NOTES.
"""

import argparse
import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmarks import capacity
from benchmarks.service import Service, round_trips, running_service
from benchmarks.tables import markdown
from benchmarks.workload import WORKLOAD, Subjects
from local.event import access_line
from local.template import load_template
from tests.support.operations import AUTHENTICATED, ROUTES

PRICES = Path(__file__).with_name("prices.json")
WARM = (
    Path(__file__).parents[1] / "build" / "bench" / "warm.json"
)  # operation: {"cpu_ms": ...}, where warm calls were measured

MILLION = 1_000_000
GIGABYTE = 10**9
WHOLE_CORE_MEGABYTES = 1769  # Lambda Developer Guide, "Configure Lambda function memory"
SAMPLED = (
    0.05  # X-Ray Developer Guide, "Configuring sampling rules": the default, past one a second
)

ROUND_TRIP_MS = 4.0
REQUESTS_PER_AUTHORIZATION = 10
AUTHORIZATION_SECONDS = 300  # template.yaml, `ReauthorizeEvery`
USED_SECONDS = 3600  # template.yaml, `UsedSeconds`
# Of a session in use: one that makes few requests in an hour stores a use as well.
USES_PER_REQUEST = AUTHORIZATION_SECONDS / (USED_SECONDS * REQUESTS_PER_AUTHORIZATION)
SESSIONS = 10
SESSIONS_OF_MANY = 100
MANY = frozenset({"delete_sessions, 100 named", "publish_events, up to 100 revoked"})
ROUNDS = 9

# What Lambda itself logs of each call, in its text format and with tracing on. Source: Lambda
# Developer Guide, "Log and monitor Python Lambda functions", whose request ID and figures are here.
PLATFORM_LINES = """\
START RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Version: 12
END RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95
REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\tDuration: 15.74 ms\tBilled Duration: 16 ms\
\tMemory Size: 512 MB\tMax Memory Used: 106 MB\t
XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t
"""

NOTES = f"""\
Dollars for a million, at the list prices of us-east-1 in `benchmarks/prices.json`, without free
tiers and without what is paid by the month. Measured here: units, round trips, bytes logged and
answered. Assumed: a round trip to DynamoDB, Secrets Manager or EventBridge takes
{ROUND_TRIP_MS:g} ms; CPU time stretches as the share of a core shrinks that the memory buys
({WHOLE_CORE_MEGABYTES} MB: a whole one), and a core of Lambda is as fast as this machine's;
functions are warm and hold the key set; a user has {SESSIONS} sessions, and {SESSIONS_OF_MANY}
where 100 are named; one call of the authorizer, whose answer is kept for 300 s, serves
{REQUESTS_PER_AUTHORIZATION} requests, and one login; a session goes on like that, so that
{USES_PER_REQUEST:.2%} of its requests store a use; X-Ray records {SAMPLED:.0%}. *Events* is
what follows a route's change: one call of the function that reads the tables' streams, what that
writes and logs, and the events it puts on the bus. Calls of Secrets Manager are in *function*."""

# What the function that reads the tables' streams does once a route has changed something.
FOLLOWED_BY = {
    "create_session": "publish_events, a login",
    "delete_session": "publish_events, a login",
    "delete_sessions, 1 named": "publish_events, a login",
    "delete_sessions, 100 named": "publish_events, up to 100 revoked",
    "delete_all_sessions": "publish_events, all revoked",
}

Prices = Mapping[str, float]


@dataclass(frozen=True)
class Usage:
    """What one call of a function uses, as it is billed."""

    operation: str
    function: str
    is_route: bool
    memory_megabytes: int
    cpu_ms: float
    round_trips: float
    read_units: float
    write_units: float
    secret_calls: int
    events: int
    logged_bytes: int
    answered_bytes: int


@dataclass(frozen=True)
class Bill:
    """Dollars for a million calls, by what they are for."""

    api: float
    function: float
    authorizer: float
    tables: float
    logs: float
    traces: float
    events: float

    @property
    def total(self) -> float:
        """Return the sum."""
        return float(sum(asdict(self).values()))


def load_prices(path: Path = PRICES) -> Prices:
    """Return the price of one of each: one request, one unit, one GB."""
    listed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["prices"]
    return {name: price["dollars"] / price["per"] for name, price in listed.items()}


def with_uses(usage: Usage) -> Usage:
    """Return what a request of a session uses, of which some store that the session was used.

    That is a write of one item; it takes no more CPU time than the whole request does.
    """
    return replace(
        usage,
        cpu_ms=usage.cpu_ms * (1 + USES_PER_REQUEST),
        round_trips=usage.round_trips + USES_PER_REQUEST,
        write_units=usage.write_units + USES_PER_REQUEST,
    )


def billed_ms(usage: Usage) -> float:
    """Return how long a warm call takes: its CPU time on a share of a core, and round trips."""
    share = min(1.0, usage.memory_megabytes / WHOLE_CORE_MEGABYTES)
    return usage.cpu_ms / share + usage.round_trips * ROUND_TRIP_MS


def bill(
    usage: Usage,
    prices: Prices,
    access_line_bytes: int = 0,
    authorizer: Usage | None = None,
    follower: Usage | None = None,
) -> Bill:
    """Return what a million calls cost.

    Args:
        usage: of one call.
        prices: of one of each.
        access_line_bytes: what the API logs of a request.
        authorizer: of one call of the authorizer, for a route.
        follower: of one call of the function that reads the streams, if that has something to do.
    """
    api = log = shared = 0.0
    if authorizer:
        api = prices["api_request"] + usage.answered_bytes / GIGABYTE * prices["data_out_gb"]
        log = access_line_bytes / GIGABYTE * prices["log_gb"]
        served = 1 if usage.operation == "create_session" else REQUESTS_PER_AUTHORIZATION
        shared = (_function(authorizer, prices) + _logs(authorizer, prices)) / served
    events = usage.events * prices["event"]
    if follower:
        events += bill(follower, prices).total / MILLION
    # A trace goes through all of a request, the authorizer too.
    traces = 0.0 if usage.function == "authorize" else SAMPLED * prices["trace"]
    tables = usage.read_units * prices["read_unit"] + usage.write_units * prices["write_unit"]
    logs = _logs(usage, prices) + log
    parts = (api, _function(usage, prices), shared, tables, logs, traces, events)
    return Bill(*(MILLION * dollars for dollars in parts))


def _function(usage: Usage, prices: Prices) -> float:
    gigabyte_seconds = usage.memory_megabytes / 1024 * billed_ms(usage) / 1000
    secrets = usage.secret_calls * prices["secret_call"]
    return prices["lambda_request"] + gigabyte_seconds * prices["lambda_gb_second"] + secrets


def _logs(usage: Usage, prices: Prices) -> float:
    return (usage.logged_bytes + len(PLATFORM_LINES)) / GIGABYTE * prices["log_gb"]


# --------------------------------------------------------------------- measured


def usages(service: Service, warm: Mapping[str, float]) -> dict[str, Usage]:
    """Return what a call of each operation uses.

    Args:
        service: what to measure.
        warm: milliseconds of CPU time that were measured elsewhere, by operation.
    """
    cpu_ms = {**_cpu_ms(service), **warm}
    return {
        work.name: Usage(
            operation=work.name,
            function=work.operation.name,
            is_route=work.operation.name in ROUTES,
            memory_megabytes=service.functions[work.operation.name].memory_megabytes,
            cpu_ms=cpu_ms[work.name],
            round_trips=round_trips(observed.calls),
            read_units=observed.read_units,
            write_units=observed.write_units,
            secret_calls=sum(call.service == "secretsmanager" for call in observed.calls),
            events=sum(call.entries for call in observed.calls),
            logged_bytes=observed.logged_bytes,
            answered_bytes=len(str(observed)),
        )
        for work, sessions, observed in capacity.rows(service, (SESSIONS, SESSIONS_OF_MANY))
        if sessions == (SESSIONS_OF_MANY if work.name in MANY else SESSIONS)
    }


def _cpu_ms(service: Service) -> dict[str, float]:
    subjects = Subjects(service)
    found = {}
    for work in WORKLOAD:
        size = SESSIONS_OF_MANY if work.name in MANY else SESSIONS
        seen = [subjects.observe(work, size).cpu_seconds for _ in range(ROUNDS)]
        found[work.name] = 1000 * statistics.median(seen)
    return found


def warm_cpu_ms(path: Path = WARM) -> dict[str, float]:
    """Return the CPU time of warm calls, in milliseconds, if it was measured."""
    if not path.exists():
        return {}
    measured = json.loads(path.read_text(encoding="utf-8"))
    return {name: each["cpu_ms"] for name, each in measured.items()}


def typical_access_line() -> str:
    """Return what the API logs of a request, in the template's format."""
    _, stage = load_template().only("AWS::ApiGateway::Stage")
    event = json.loads((Path(__file__).parents[1] / "events" / "list_sessions.json").read_text())
    context = event["requestContext"] | {
        "extendedRequestId": "Xmpl5HvIoAMFXmp=",
        "status": "200",
        "responseLength": "1024",
        "responseLatency": "38",
        "integrationLatency": "35",
        "integration": {"status": "200"},
        "authorizer": {"principalId": "6X6ZagQeDbCqGRz1u-ql8g", "integrationLatency": "4"},
    }
    return access_line(stage["AccessLogSetting"]["Format"], context)


# ------------------------------------------------------------------------ table


def bills(measured: Mapping[str, Usage], prices: Prices) -> dict[str, Bill]:
    """Return what a million of each operation cost."""
    line = len(typical_access_line())
    return {
        name: bill(
            with_uses(usage) if usage.function in AUTHENTICATED else usage,
            prices,
            line,
            measured["authorize"] if usage.is_route else None,
            measured[FOLLOWED_BY[name]] if name in FOLLOWED_BY else None,
        )
        for name, usage in measured.items()
    }


def table(measured: Mapping[str, Usage], made: Mapping[str, Bill]) -> str:
    """Return the bills as a table."""
    parts = [field.name for field in fields(Bill)]
    lines = (
        (
            name,
            f"{billed_ms(measured[name]):.0f}",
            *(f"{getattr(each, part):.2f}" for part in parts),
            f"**{each.total:.2f}**",
        )
        for name, each in made.items()
    )
    return markdown(("a million of", "billed ms", *parts, "together"), lines)


def main() -> None:
    """Measure, and print the table."""
    argparse.ArgumentParser("python -m benchmarks.money", description=__doc__).parse_args()
    warm = warm_cpu_ms()
    with running_service() as service:
        measured = usages(service, warm)
    made = bills(measured, load_prices())
    source = f"CPU time: {WARM.name} for {len(warm)} operations, this program for the others."
    print(f"{table(measured, made)}\n\n{NOTES}\n{source}")


if __name__ == "__main__":
    main()
