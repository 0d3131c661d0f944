"""What operators look at is what the code writes, and the other way round."""

import ast
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from local.dashboard import SEARCH
from local.template import load_template
from sessionctl.__main__ import main
from sessions import endpoint, errors, signing_keys, telemetry
from sessions.responses import Answer
from tests.support.calls import handler_of, invoke
from tests.support.contract import TEMPLATE
from tests.support.events import load_event

pytestmark = pytest.mark.usefixtures("aws")

ROOT = Path(__file__).parents[1]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
ALARMS = TEMPLATE.resources_of("AWS::CloudWatch::Alarm")
QUERIES = TEMPLATE.resources_of("AWS::Logs::QueryDefinition")
BODY = TEMPLATE.only("AWS::CloudWatch::Dashboard")[1]["DashboardBody"]
WIDGETS = [each for each in json.loads(BODY)["widgets"] if each["type"] == "metric"]
ACCESS_LOG_FORMAT = TEMPLATE.only("AWS::ApiGateway::Stage")[1]["AccessLogSetting"]["Format"]

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""A namespace, a name, and dimensions with their values."""

# ------------------------------------------------------------ what is written


@contextmanager
def standing_in(handler: Any, **instead: Any) -> Iterator[None]:
    """Put something else behind what a handler wears; its decorator stays the real one."""
    cells = dict(zip(handler.__code__.co_freevars, handler.__closure__, strict=True))
    before = {name: cells[name].cell_contents for name in instead if name in cells}
    for name in before:
        cells[name].cell_contents = instead[name]
    try:
        yield
    finally:
        for name, value in before.items():
            cells[name].cell_contents = value


def ends(folder: str) -> list[Callable[..., Any]]:
    """Return how the operation behind a handler can end: well, refused, or failed."""
    handler = handler_of(folder)
    if "grant" in handler.__code__.co_freevars:
        well: Any = endpoint.Grant("who", "key")
    elif folder == "publish_events":
        well = []
    elif "requestContext" in load_event(folder):
        well = Answer(200, {})
    else:
        well = {"id": "someone"}

    def raises(error: Exception) -> Callable[..., Any]:
        def end(*_: Any) -> Any:
            raise error

        return end

    refusals: list[Exception] = [errors.InvalidSession(), errors.InvalidInput("name")]
    ways = [lambda *_: well, raises(ValueError("a fault"))]
    return [*ways, *map(raises, refusals)]


@pytest.fixture
def written(monkeypatch, capsys):
    """Everything that a call can write: the metrics, and the log's lines."""
    lines = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", lines)
    for folder in FOLDERS:
        handler = handler_of(folder)
        for end in ends(folder):
            with (
                standing_in(handler, handle=end, grant=end, authenticate=lambda _: None),
                # An operation without a route fails its invocation.
                suppress(ValueError, errors.ApiError, errors.AccountError),
            ):
                invoke(folder, load_event(folder))
    invoke("rotate_signing_key", {"when": "due", "actor": "schedule"})
    with monkeypatch.context() as broken:
        broken.setattr(signing_keys, "secretsmanager", NoSecrets)
        with pytest.raises(errors.Unavailable):
            signing_keys.read_key_set()
    metrics: set[Metric] = set()
    for line in capsys.readouterr().out.splitlines():
        record = json.loads(line)
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                for keys in directive["Dimensions"]:
                    labels = frozenset((key, record[key]) for key in keys)
                    metrics.add((directive["Namespace"], metric["Name"], labels))
    return metrics, [json.loads(line) for line in lines.getvalue().splitlines()]


class NoSecrets:
    @staticmethod
    def get_secret_value(**_: Any) -> dict[str, str]:
        return {}


def counted_by_the_log() -> set[Metric]:
    """What metric filters make of the access log; its constants are known without a request."""
    constants = json.loads(ACCESS_LOG_FORMAT)
    return {
        (
            each["MetricNamespace"],
            each["MetricName"],
            frozenset((pair["Key"], constants[pair["Value"][2:]]) for pair in each["Dimensions"]),
        )
        for properties in TEMPLATE.resources_of("AWS::Logs::MetricFilter").values()
        for each in properties["MetricTransformations"]
    }


# ------------------------------------------------------------- what is named


def metric_of(properties: dict[str, Any]) -> Metric:
    pairs = frozenset((each["Name"], each["Value"]) for each in properties["Dimensions"])
    return properties["Namespace"], properties["MetricName"], pairs


def on_alarms() -> set[Metric]:
    single = {metric_of(alarm) for alarm in ALARMS.values() if "MetricName" in alarm}
    return single | {
        metric_of(query["MetricStat"]["Metric"])
        for alarm in ALARMS.values()
        for query in alarm.get("Metrics", ())
        if "MetricStat" in query
    }


def on_widgets() -> set[Metric]:
    found = set()
    for widget in WIDGETS:
        for line in widget["properties"]["metrics"]:
            names = [each for each in line if isinstance(each, str)]
            if names:
                pairs = frozenset(zip(names[2::2], names[3::2], strict=True))
                found.add((names[0], names[1], pairs))
    return found


def searched() -> set[tuple[str, str, frozenset[str], frozenset[tuple[str, str]]]]:
    """What SEARCH asks for: namespace, name, the dimensions' names, and the values it fixes."""
    found = set()
    for widget in WIDGETS:
        for line in widget["properties"]["metrics"]:
            asked = SEARCH.fullmatch(str(line[-1].get("expression", "")))
            if asked:
                names = re.findall(r'"(\w+)"', asked["terms"].partition("MetricName=")[2])
                fixed = frozenset(re.findall(r'(\w+)="([^"]*)"', asked["terms"]))
                keys = frozenset(asked["dimensions"].split(","))
                found |= {(asked["namespace"], name, keys, fixed) for name in names}
    return found


def is_found(metric: Metric, query: tuple[str, str, frozenset[str], Any]) -> bool:
    namespace, name, labels = metric
    return (
        query[:2] == (namespace, name) and {k for k, _ in labels} == query[2] and query[3] <= labels
    )


def ours(metrics: set[Metric]) -> set[Metric]:
    return {metric for metric in metrics if metric[0] == "Sessions"}


def test_every_metric_of_ours_on_an_alarm_or_a_widget_is_written_with_the_same_dimensions(written):
    there = written[0] | counted_by_the_log()
    assert ours(on_alarms() | on_widgets()) - there == set()
    assert [query for query in searched() if not any(is_found(each, query) for each in there)] == []


def test_every_metric_that_is_written_is_on_an_alarm_or_a_widget(written):
    named = on_alarms() | on_widgets()
    there = written[0] | counted_by_the_log()
    assert len(there) > 40
    missing = {
        metric
        for metric in there - named
        if not any(is_found(metric, query) for query in searched())
    }
    assert missing == set()


def test_every_metric_in_the_source_is_among_those_that_were_written(written):
    def names(call: ast.Call) -> list[str]:
        found = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        found += [
            word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)
        ]
        return [each for each in found if isinstance(each, str) and each[:1].isupper()]

    writers = {"endpoint", "authenticated", "account_operation", "stream_consumer"}
    writers |= {"_count", "measure"}
    sources = [*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/sessions/sessions/*.py")]
    in_source = {
        name
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in writers
        for name in names(node)
    }
    assert len(in_source) > 20
    assert in_source <= {name for _, name, _ in written[0]}


# Amazon API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"; Lambda Developer
# Guide, "Types of metrics for Lambda functions"; DynamoDB Developer Guide, "DynamoDB Metrics and
# dimensions".
TABLE = frozenset({"TableName"})
DOCUMENTED = {
    "AWS/ApiGateway": dict.fromkeys(
        ("Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"),
        frozenset({"ApiName", "Stage"}),
    ),
    "AWS/Lambda": dict.fromkeys(
        ("Invocations", "Errors", "Duration", "IteratorAge"), frozenset({"FunctionName"})
    ),
    "AWS/DynamoDB": {
        "ReadThrottleEvents": TABLE,
        "WriteThrottleEvents": TABLE,
        "ConsumedReadCapacityUnits": TABLE,
        "ConsumedWriteCapacityUnits": TABLE,
        "SystemErrors": TABLE | {"Operation"},
    },
}


def test_every_metric_of_aws_is_one_that_aws_documents_of_a_resource_that_is_ours():
    api = TEMPLATE.only("AWS::ApiGateway::RestApi")[1]["Body"]["info"]["title"]
    for namespace, name, labels in on_alarms() | on_widgets():
        if namespace == "Sessions":
            continue
        assert DOCUMENTED[namespace][name] == {key for key, _ in labels}
        for key, value in labels:
            if key == "ApiName":
                assert value == api
            elif key in ("TableName", "FunctionName"):
                assert value in TEMPLATE.resources


def test_system_errors_are_watched_for_each_action_of_a_function_with_a_route():
    watched = {
        (labels["TableName"], labels["Operation"])
        for _, name, pairs in on_alarms()
        if name == "SystemErrors" and (labels := dict(pairs))
    }
    granted = set()
    for folder in FOLDERS:
        if "requestContext" not in load_event(folder) or folder == "authorize":
            continue
        words = "".join(map(str.capitalize, folder.split("_")))
        role = TEMPLATE.resources[f"{words}FunctionRole"]["Properties"]
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                arns = statement["Resource"]
                for arn in [arns] if isinstance(arns, str) else arns:
                    actions = statement["Action"]
                    for action in [actions] if isinstance(actions, str) else actions:
                        if action.startswith("dynamodb:"):
                            granted.add((arn.rpartition("/")[2], action.removeprefix("dynamodb:")))
    assert granted <= watched


# ------------------------------------------------------- alarms and the runbook


def anchor(heading: str) -> str:
    """Return how a page refers to a heading, as Git's hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alarm_names_a_section_of_the_runbook_and_every_section_has_its_alarm():
    alarms = RUNBOOK.partition("\n## Alarms\n")[2]
    sections = [anchor(heading) for heading in re.findall(r"^### (.+)$", alarms, re.MULTILINE)]
    named = [
        alarm["AlarmDescription"].rpartition(" docs/runbook.md#")[2] for alarm in ALARMS.values()
    ]
    assert set(named) == set(sections)
    for section in alarms.split("\n### ")[1:]:
        for part in ("**Means**", "**Look first**", "**Do**", "**It worked**"):
            assert part in section


def test_every_alarm_tells_the_topic_when_it_starts_and_when_it_ends():
    topic, _ = TEMPLATE.only("AWS::SNS::Topic")
    for alarm in ALARMS.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]


def test_silence_is_an_alarm_only_where_something_is_written_each_day():
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"RotationMissedAlarm"}
    assert ALARMS["RotationMissedAlarm"]["Period"] == 86_400


def test_the_alarms_topic_writes_to_the_address_that_was_given():
    _, subscription = load_template(parameters={"AlarmEmail": "ops@example.com"}).only(
        "AWS::SNS::Subscription"
    )
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_the_runbook_names_queries_and_widgets_that_there_are():
    titles = {widget["properties"]["title"] for widget in WIDGETS}
    rows = {
        widget["properties"]["markdown"].partition("\n")[0].removeprefix("## ")
        for widget in json.loads(BODY)["widgets"]
        if widget["type"] == "text"
    }
    labels = {
        line[-1]["label"]
        for widget in WIDGETS
        for line in widget["properties"]["metrics"]
        if "label" in line[-1]
    }
    headings = set(re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE))
    queries = {query["Name"].partition("/")[2] for query in QUERIES.values()}
    console = {"Dashboards", "Logs Insights", "Saved queries"}
    text = re.sub(r"`[^`]*`", "", RUNBOOK.replace("**", ""))
    emphasised = {" ".join(each.split()) for each in re.findall(r"\*([^*]+)\*", text)}
    assert emphasised - titles - rows - labels - headings - queries == console
    assert queries <= emphasised


def test_the_commands_of_the_runbook_are_ones_that_sessionctl_takes():
    commands = re.findall("`python -m sessionctl (.+?)`", " ".join(RUNBOOK.split()))
    assert len(commands) > 10
    for command in commands:
        assert main([*shlex.split(command), "--help"]) == 0


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_within_what_cloudwatch_takes(name):
    # CloudWatch API Reference, PutMetricAlarm: of several metrics one is watched; periods of an
    # hour and more look back for a week at most, shorter ones for a day.
    metrics = ALARMS[name].get("Metrics", [])
    assert len([each for each in metrics if "MetricStat" in each]) <= 10
    watched = [each["Id"] for each in metrics if each.get("ReturnData", True)]
    assert len(watched) == (1 if metrics else 0)
    period = ALARMS[name].get("Period", 300)
    longest = 604_800 if period >= 3600 else 86_400
    assert period * ALARMS[name]["EvaluationPeriods"] <= longest


def test_the_prices_in_the_docs_are_of_as_many_alarms_and_metrics_as_there_are(written):
    text = (ROOT / "docs" / "deploy.md").read_text()
    watched = [
        metric
        for alarm in ALARMS.values()
        for metric in alarm.get("Metrics", [{"MetricStat": {}}])
        if "MetricStat" in metric
    ]
    assert f"{len(ALARMS)} alarms, $0.10 for each of the {len(watched)} metrics" in text
    assert f"| {len(written[0] | counted_by_the_log())} metrics of the service" in text


# --------------------------------------------------------------- logs and queries

WORDS = {"fields", "filter", "sort", "stats", "limit", "by", "as", "desc", "asc", "or", "and"}
WORDS |= {"count", "count_distinct", "ispresent"}


@pytest.mark.parametrize("name", QUERIES)
def test_the_fields_of_a_query_are_in_the_lines_that_it_reads(name, written):
    there = {"@timestamp", "@message"}
    for group in QUERIES[name]["LogGroupNames"]:
        if group == "AccessLog":
            there |= set(json.loads(ACCESS_LOG_FORMAT))
        else:
            there |= {key for line in written[1] for key in line}
    text = re.sub(r'"[^"]*"', "", QUERIES[name]["QueryString"])
    there |= set(re.findall(r"\bas (\w+)", text))
    asked = set(re.findall(r"@?[A-Za-z_]\w*", text)) - WORDS
    assert asked
    assert asked - there == set()


def test_the_access_log_tells_who_and_why_and_nothing_secret():
    logged = json.loads(ACCESS_LOG_FORMAT)
    assert logged["principal"] == "$context.authorizer.principalId"
    assert logged["authorizerError"] == "$context.authorizer.error"
    assert logged["requestId"] == "$context.requestId"
    assert not re.search(r"apiKey|authorization|token", ACCESS_LOG_FORMAT, re.IGNORECASE)
    assert "\n" not in ACCESS_LOG_FORMAT


def test_the_access_log_is_written_by_the_accounts_role_which_a_stack_may_leave_alone():
    assert TEMPLATE.only("AWS::ApiGateway::Account")[1]["CloudWatchRoleArn"].endswith(
        "ApiLogWriter"
    )
    left_alone = load_template(parameters={"ApiLogRole": "false"})
    assert not left_alone.resources_of("AWS::ApiGateway::Account")
    assert "ApiLogWriter" not in left_alone.resources
    _, stage = left_alone.only("AWS::ApiGateway::Stage")
    assert stage["AccessLogSetting"]["Format"] == ACCESS_LOG_FORMAT


def test_a_stage_comes_after_what_lets_it_log():
    source = TEMPLATE.source["Resources"]
    assert source["SessionsApi"]["Properties"]["AccessLogSetting"]["DestinationArn"] == {
        "Fn::GetAtt": "AccessLog.Arn"
    }
    assert '{"Ref": "ApiAccount"}' in json.dumps(source["AccessLog"])


def test_every_log_group_forgets():
    groups = TEMPLATE.resources_of("AWS::Logs::LogGroup")
    assert len(groups) == 2
    for group in groups.values():
        assert group["RetentionInDays"] == TEMPLATE.parameters["LogRetentionDays"]


def test_the_dashboard_reads_top_down_and_is_small_enough():
    titles = [
        each["properties"]["markdown"].partition("\n")[0]
        for each in json.loads(BODY)["widgets"]
        if each["type"] == "text"
    ]
    assert titles == [
        "## Is it up?",
        "## Who cannot log in?",
        "## How fast?",
        "## What does it cost?",
    ]
    tops = [each["y"] for each in json.loads(BODY)["widgets"]]
    assert tops == sorted(tops)
    # CloudWatch User Guide, "CloudWatch service quotas": 500 metrics in a widget.
    assert all(len(widget["properties"]["metrics"]) <= 500 for widget in WIDGETS)
    assert len(BODY) < 1_000_000
