"""Operators see what the code writes: alarms, widgets, queries and the runbook speak of it."""

import ast
import contextlib
import io
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple
from unittest import mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError

from local.responses import DEFAULTS
from local.template import load_template
from sessions import signing_keys, telemetry
from sessions.errors import AccountError, Unavailable
from tests.support.calls import call, invoke
from tests.support.contract import API, TEMPLATE
from tests.support.events import ROOT, event_for, load_event
from tests.support.operations import (
    ACCOUNT_OPERATIONS,
    AUTHORIZER,
    AUTHORIZERS,
    OPERATIONS,
    ROUTES,
)
from tests.support.people import log_in, new_person

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
TABLES = TEMPLATE.resources_of("AWS::DynamoDB::Table")
ALARMS = TEMPLATE.resources_of("AWS::CloudWatch::Alarm")
QUERIES = TEMPLATE.resources_of("AWS::Logs::QueryDefinition")
BODY = TEMPLATE.only("AWS::CloudWatch::Dashboard")[1]["DashboardBody"]
WIDGETS = {
    each["properties"]["title"]: each["properties"]["metrics"]
    for each in json.loads(BODY)["widgets"]
    if each["type"] == "metric"
}
ACCESS_LOG_FORMAT = TEMPLATE.only("AWS::ApiGateway::Stage")[1]["AccessLogSetting"]["Format"]
SEARCH = re.compile(
    r"SEARCH\('\{(?P<namespace>[^,]+),(?P<dimensions>[^}]+)\} (?P<terms>.*)', "
    r"'(?P<stat>\w+)', (?P<period>\d+)\)"
)


class Metric(NamedTuple):
    """A metric of CloudWatch; `dimensions` are pairs of a name and a value."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


# ------------------------------------------------------------ what is written


class Written(NamedTuple):
    """All that calls wrote: metrics, those of successful calls by name, and the log's lines."""

    metrics: set[Metric]
    successes: dict[str, set[Metric]]
    lines: list[dict[str, Any]]


def successful(name: str) -> Any:
    """Return an event of a user of its own, with which the function succeeds."""
    person = new_person()
    token = log_in(person)
    if name in ROUTES:
        iat = call("get_current_session", token).body["iat"]
        return event_for(name, token, **ROUTES[name].request(session=iat, login=person.email))
    if name in ACCOUNT_OPERATIONS:
        return ACCOUNT_OPERATIONS[name].event(login=person.email)
    return event_for(name, token) if name in AUTHORIZERS else load_event(name)


def refused(name: str) -> Any:
    return event_for(name) if name in ROUTES else {"actor": 0, "headers": {}, "Records": []}


def metrics_of(output: str) -> set[Metric]:
    """Return the metrics in lines of the embedded metric format."""
    return {
        Metric(directive["Namespace"], metric["Name"], frozenset((k, record[k]) for k in keys))
        for record in map(json.loads, output.splitlines())
        for directive in record["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for keys in directive["Dimensions"]
    }


@pytest.fixture(scope="module")
def written(aws: None) -> Written:
    """What is written when each function succeeds, refuses a call, and cannot reach AWS."""
    log, successes, others = io.StringIO(), {}, set(counted_by_the_log())
    nobody = EndpointConnectionError(endpoint_url="https://aws.example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telemetry.logger.registered_handler, "stream", log)
        for name in OPERATIONS:
            event = successful(name)
            with contextlib.redirect_stdout(io.StringIO()) as output:
                invoke(name, event)
            successes[name] = metrics_of(output.getvalue())
            with contextlib.redirect_stdout(io.StringIO()) as output:
                with contextlib.suppress(AccountError):
                    invoke(name, refused(name))
                with (
                    mock.patch.object(signing_keys.signing_keys, "_key_set", None),
                    mock.patch.object(BaseClient, "_make_api_call", side_effect=nobody),
                    contextlib.suppress(Unavailable),
                ):
                    invoke(name, event)
            others |= metrics_of(output.getvalue())
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return Written(others.union(*successes.values()), successes, lines)


def counted_by_the_log() -> Iterator[Metric]:
    """Yield what metric filters make of the access log; its constants need no request."""
    constants = json.loads(ACCESS_LOG_FORMAT)
    for properties in TEMPLATE.resources_of("AWS::Logs::MetricFilter").values():
        for each in properties["MetricTransformations"]:
            pairs = ((pair["Key"], constants[pair["Value"][2:]]) for pair in each["Dimensions"])
            yield Metric(each["MetricNamespace"], each["MetricName"], frozenset(pairs))


def test_every_metric_in_the_source_is_among_those_that_were_written(written):
    calls = (
        node
        for source in [*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/sessions/sessions/*")]
        if source.suffix == ".py"
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    writers = {"endpoint", "authenticated", "account_operation", "stream_consumer"}
    writers |= {"session_authorizer", "count", "measure"}
    in_source = {
        argument.value
        for node in calls
        if node.func.id in writers
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(argument, ast.Constant) and str(argument.value)[:1].isupper()
    }
    assert in_source
    assert in_source <= {metric.name for metric in written.metrics}


# ------------------------------------------------------------- what is named

SEARCH = re.compile(r"SEARCH\('\{([\w/]+),([\w,]+)\} (.+)', '\w+', \d+\)")
TERM = re.compile(r"(NOT )?(\w+)=(\([^)]*\)|\"[^\"]*\")")


class Search(NamedTuple):
    """A SEARCH of a widget; a term is whether it excludes, a property, and its alternatives.

    Source: CloudWatch User Guide, "CloudWatch search expression syntax".
    """

    namespace: str
    dimensions: set[str]
    terms: list[tuple[bool, str, list[str]]]

    def finds(self, metric: Metric) -> bool:
        properties = {"MetricName": metric.name, **dict(metric.dimensions)}
        return (
            metric.namespace == self.namespace
            and {name for name, _ in metric.dimensions} == self.dimensions
            and all(
                excludes is not any(is_match(word, properties[name]) for word in words)
                for excludes, name, words in self.terms
            )
        )


def is_match(word: str, value: str) -> bool:
    """Say whether a word in quotes is the value, or one without is a token of it."""
    if word.startswith('"'):
        return word.strip('"') == value
    return word.lower() in map(str.lower, re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", value))


def searches(title: str) -> list[Search]:
    """Return the searches of a widget."""
    found = []
    for line in WIDGETS[title]:
        if match := SEARCH.fullmatch(line[-1].get("expression", "")):
            assert not TERM.sub("", match[3]).strip()
            terms = [
                (bool(excludes), name, words.strip("()").split(" OR "))
                for excludes, name, words in TERM.findall(match[3])
            ]
            found.append(Search(match[1], set(match[2].split(",")), terms))
    return found


SEARCHES = list(chain.from_iterable(map(searches, WIDGETS)))


def named() -> set[Metric]:
    """Return the metrics that alarms and widgets name in full."""
    of_alarms = [
        each.get("MetricStat", {}).get("Metric", each)
        for alarm in ALARMS.values()
        for each in [alarm, *alarm.get("Metrics", ())]
    ]
    found = {
        Metric(
            each["Namespace"],
            each["MetricName"],
            frozenset((pair["Name"], pair["Value"]) for pair in each["Dimensions"]),
        )
        for each in of_alarms
        if "MetricName" in each
    }
    for *names, _ in chain.from_iterable(WIDGETS.values()):
        if names:
            pairs = zip(names[2::2], names[3::2], strict=True)
            found.add(Metric(names[0], names[1], frozenset(pairs)))
    return found


def test_every_metric_of_ours_on_an_alarm_or_a_widget_is_written_with_the_same_dimensions(written):
    assert {metric for metric in named() if metric.namespace == "Sessions"} <= written.metrics
    for search in SEARCHES:
        if search.namespace != "Sessions":
            continue
        found = list(filter(search.finds, written.metrics))
        for _, _, words in (term for term in search.terms if term[:2] == (False, "MetricName")):
            for word in words:
                assert any(is_match(word, metric.name) for metric in found), word


def test_every_metric_that_is_written_is_on_an_alarm_or_a_widget(written):
    unseen = written.metrics - named()
    assert {each for each in unseen if not any(one.finds(each) for one in SEARCHES)} == set()


def test_a_success_is_on_the_widget_of_requests_or_on_that_of_operators(written):
    for name, metrics in written.successes.items():
        (outcome,) = (metric for metric in metrics if not metric.name.endswith("Days"))
        shown = {title for title in WIDGETS if any(one.finds(outcome) for one in searches(title))}
        assert shown == {"What operators did" if name in ACCOUNT_OPERATIONS else "Done"}, name


# Amazon API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"; Lambda Developer
# Guide, "Types of metrics for Lambda functions"; DynamoDB Developer Guide, "DynamoDB Metrics and
# dimensions".
DOCUMENTED = {
    ("AWS/ApiGateway", "ApiName", "Stage"): "Count 4XXError 5XXError Latency IntegrationLatency",
    ("AWS/Lambda", "FunctionName"): "Invocations Errors Duration IteratorAge",
    ("AWS/DynamoDB", "TableName"): (
        "ReadThrottleEvents WriteThrottleEvents "
        "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits"
    ),
    ("AWS/DynamoDB", "Operation", "TableName"): "SystemErrors",
}


def test_every_metric_of_aws_is_one_that_aws_documents_of_a_resource_that_is_ours():
    _, api = TEMPLATE.only("AWS::ApiGateway::RestApi")
    for namespace, name, pairs in named():
        if namespace != "Sessions":
            dimensions = dict(pairs)
            assert name in DOCUMENTED[namespace, *sorted(dimensions)].split()
            assert dimensions.get("ApiName", api["Body"]["info"]["title"]) == "sessions"
            for kind in {"TableName", "FunctionName"} & set(dimensions):
                assert dimensions[kind] in TEMPLATE.resources


def test_searches_of_functions_and_tables_name_those_that_requests_go_through():
    on_the_way = {operation.function for operation in [*ROUTES.values(), AUTHORIZER]}
    for search in SEARCHES:
        words = {name: {word.strip('"') for word in words} for _, name, words in search.terms}
        if search.namespace != "Sessions":
            known = DOCUMENTED[search.namespace, *sorted(search.dimensions)].split()
            assert words["MetricName"] <= set(known)
            assert words.get("FunctionName", on_the_way) == on_the_way
            assert words.get("TableName", set(TABLES)) == set(TABLES)


def test_system_errors_are_watched_for_each_action_of_a_function_with_a_route():
    watched = {
        (dict(pairs)["TableName"], f"dynamodb:{dict(pairs)['Operation']}")
        for _, name, pairs in named()
        if name == "SystemErrors"
    }
    roles = TEMPLATE.resources_of("AWS::IAM::Role")
    granted = {
        (arn.rpartition("/")[2], action)
        for route in ROUTES.values()
        for policy in roles[f"{route.function}Role"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for arn in re.findall(r"arn:[^\"]+", json.dumps(statement["Resource"]))
        for action in statement["Action"]
        if action.startswith("dynamodb:")
    }
    assert granted
    assert granted <= watched


# ------------------------------------------------------------------ CloudWatch


def test_the_dashboard_is_within_what_cloudwatch_takes():
    # CloudWatch User Guide: "CloudWatch service quotas", and "search expression syntax".
    longest = {"FunctionName": 64, "TableName": 128 + 30, "service": 128, "MetricName": 0}
    tops = [each["y"] for each in json.loads(BODY)["widgets"]]
    assert tops == sorted(tops)
    for title, lines in WIDGETS.items():
        assert len(lines) <= 500
        identities = {line[-1].get("id") for line in lines}
        for expression in (line[-1].get("expression", "") for line in lines):
            if not expression.startswith("SEARCH"):
                assert set(re.findall(r"\b[a-z]\w*", expression)) <= identities
        for search in searches(title):
            names = [(name, word) for _, name, words in search.terms for word in words]
            assert 100 + sum(8 + max(longest[name], len(word)) for name, word in names) <= 1024


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_within_what_cloudwatch_takes_and_tells_when_it_starts_and_ends(name):
    # CloudWatch API Reference, PutMetricAlarm: of several metrics one is watched; periods of an
    # hour and more look back for a week at most, shorter ones for a day.
    alarm = ALARMS[name]
    metrics = alarm.get("Metrics", [])
    assert len([each for each in metrics if "MetricStat" in each]) <= 10
    watched = [each["Id"] for each in metrics if each.get("ReturnData", True)]
    assert len(watched) == (1 if metrics else 0)
    period = alarm.get("Period", 300)
    assert period * alarm["EvaluationPeriods"] <= (604_800 if period >= 3600 else 86_400)
    assert alarm["AlarmActions"] == alarm["OKActions"] == [TEMPLATE.only("AWS::SNS::Topic")[0]]


def test_silence_is_an_alarm_only_where_something_is_written_each_day():
    """And it is one after two days, whatever CloudWatch makes of data that is missing."""
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"RotationMissedAlarm"}
    alarm = ALARMS["RotationMissedAlarm"]
    watched, measured = alarm["Metrics"]
    hours, filled = (
        measured["MetricStat"]["Period"] / 3600,
        re.fullmatch(r"FILL\(overdue, (\d+)\)", watched["Expression"]),
    )
    assert measured["Id"] == "overdue"
    assert int(filled[1]) > alarm["Threshold"]
    assert alarm["EvaluationPeriods"] * hours == 48
    assert alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) * hours == 48


def test_the_alarms_topic_writes_to_the_address_that_was_given():
    told = load_template(parameters={"AlarmEmail": "ops@example.com"})
    subscription = told.only("AWS::SNS::Subscription")[1]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


# ------------------------------------------------------------------ the runbook


def anchor(heading: str) -> str:
    """Return how a page refers to a heading, as Git's hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alarm_names_a_section_of_the_runbook_and_every_section_has_its_alarm():
    _, *sections = RUNBOOK.partition("\n## Alarms\n")[2].split("\n### ")
    named = {
        alarm["AlarmDescription"].rpartition(" docs/runbook.md#")[2] for alarm in ALARMS.values()
    }
    assert named == {anchor(section.partition("\n")[0]) for section in sections}
    for section in sections:
        for part in ("**Means**", "**Look first**", "**Do**", "**It worked**"):
            assert part in section


def test_the_runbook_names_queries_and_widgets_that_there_are():
    rows = {
        widget["properties"]["markdown"].partition("\n")[0].removeprefix("## ")
        for widget in json.loads(BODY)["widgets"]
        if widget["type"] == "text"
    }
    labels = {line[-1].get("label") for line in chain.from_iterable(WIDGETS.values())}
    headings = set(re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE))
    queries = {query["Name"].partition("/")[2] for query in QUERIES.values()}
    text = re.sub(r"`[^`]*`", "", RUNBOOK.replace("**", ""))
    emphasised = {" ".join(each.split()) for each in re.findall(r"\*([^*]+)\*", text)}
    console = {"Dashboards", "Logs Insights", "Saved queries"}
    assert emphasised - set(WIDGETS) - rows - labels - headings - queries == console
    assert queries <= emphasised


# ------------------------------------------------------------- logs and queries

WORDS = {"fields", "filter", "sort", "stats", "limit", "by", "as", "desc", "asc", "or", "and"}
WORDS |= {"count", "count_distinct", "ispresent"}


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_fields_of_a_query_are_in_the_lines_that_it_reads(name, written):
    there = {"@timestamp", "@message"}
    for group in QUERIES[name]["LogGroupNames"]:
        there.update(*([json.loads(ACCESS_LOG_FORMAT)] if group == "AccessLog" else written.lines))
    text = re.sub(r'"[^"]*"', "", QUERIES[name]["QueryString"])
    there |= set(re.findall(r"\bas (\w+)", text))
    asked = set(re.findall(r"@?[A-Za-z_]\w*", text)) - WORDS
    assert asked
    assert asked - there == set()


def test_the_access_log_tells_who_and_why_and_nothing_secret():
    logged = json.loads(ACCESS_LOG_FORMAT)
    assert logged["principal"] == "$context.authorizer.principalId"
    assert logged["errorType"] == "$context.error.responseType"
    assert logged["requestId"] == "$context.requestId"
    assert not re.search(r"apiKey|authorization|token", ACCESS_LOG_FORMAT, re.IGNORECASE)
    assert "\n" not in ACCESS_LOG_FORMAT


# How long each value can get. A stack's name has up to 128 characters; a client may choose the
# request's ID, and API Gateway marks one that is no UUID (Developer Guide, "Access logging for REST
# APIs"); a principal is a user's ID or an address. What a client can make longer is not here: a
# path, a header, or a message of AWS's that quotes one.
MILLISECONDS = len("29000")
LENGTHS = {
    "sessions": 128,
    "$context.status": 3,
    "$context.error.responseType": len("AUTHORIZER_CONFIGURATION_ERROR"),
    "$context.httpMethod": len("OPTIONS"),
    "$context.resourcePath": max(map(len, API["paths"])),
    "$context.identity.sourceIp": len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
    "$context.authorizer.principalId": len("ffff:ffff:ffff:ffff::/64"),
    "$context.requestId": 36 + len("_REPLACED_INVALID_REQUEST_ID"),
    "$context.extendedRequestId": 36,
    "$context.requestTimeEpoch": 13,
    "$context.responseLength": len("10485760"),
    "$context.responseLatency": MILLISECONDS,
    "$context.integrationLatency": MILLISECONDS,
    "$context.integration.integrationStatus": 3,
    "$context.authorizer.integrationLatency": MILLISECONDS,
    "$context.authorizer.status": 3,
}


def test_no_caller_makes_a_line_of_the_access_log_so_long_that_it_is_cut():
    """A filter of JSON cannot read a line that was cut: its failure would be counted nowhere."""
    longest = re.sub(
        r':"([^"]+)"', lambda value: f':"{"x" * LENGTHS[value[1]]}"', ACCESS_LOG_FORMAT
    )
    assert json.loads(longest).keys() == json.loads(ACCESS_LOG_FORMAT).keys()
    # API Gateway Developer Guide, "Amazon API Gateway important notes": 1,024 bytes.
    assert len(longest) <= 900


def matches(pattern: str, **line: str) -> bool:
    """Say whether a line has what a filter asks for: terms of one field each, joined by "or".

    Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters".
    """
    terms = re.findall(r'\$\.(\w+) = "([^"]+)"', pattern)
    assert (
        re.sub(r'\(?\$\.\w+ = "[^"]+"\)?', "x", pattern) == f"{{ {' || '.join('x' * len(terms))} }}"
    )
    return any(re.fullmatch(value.replace("*", ".*"), line[field]) for field, value in terms)


# What API Gateway answers by itself, with the status of the template and with its own: which one
# stands in the log is for AWS to say.
BY_THE_GATEWAY = [
    (status, kind, "RequestFailed" if response["statusCode"] >= "500" else None)
    for kind, response in API["x-amazon-apigateway-gateway-responses"].items()
    for own, _ in [DEFAULTS.get(kind, (response["statusCode"], ""))]
    for status in sorted({response["statusCode"], str(own)})
    if status != "429"
]


@pytest.mark.parametrize(
    ("status", "error", "counted"),
    [
        *(("200", "-", None), ("404", "-", None), ("429", "THROTTLED", "RequestThrottled")),
        *((status, "-", "RequestFailed") for status in ("500", "502", "503", "504")),
        *BY_THE_GATEWAY,
    ],
)
def test_the_access_log_counts_failures_and_throttles(status, error, counted):
    filters = TEMPLATE.resources_of("AWS::Logs::MetricFilter").values()
    found = {
        transformation["MetricName"]
        for each in filters
        for transformation in each["MetricTransformations"]
        if matches(each["FilterPattern"], status=status, errorType=error)
    }
    assert found == ({counted} if counted else set())


def test_the_first_widget_counts_failures_as_the_alarm_does():
    alarm = ALARMS["RequestsFailAlarm"]
    (dimension,) = alarm["Dimensions"]
    counted = [alarm["Namespace"], alarm["MetricName"], dimension["Name"], dimension["Value"]]
    first = next(iter(WIDGETS.values()))
    assert counted in [line[:-1] for line in first]


def test_the_access_log_is_written_by_the_accounts_role_which_a_stack_may_leave_alone():
    account = TEMPLATE.only("AWS::ApiGateway::Account")[1]
    assert account["CloudWatchRoleArn"].endswith("ApiLogWriter")
    left_alone = load_template(parameters={"ApiLogRole": "false"})
    assert not left_alone.resources_of("AWS::ApiGateway::Account")
    assert "ApiLogWriter" not in left_alone.resources
    _, stage = left_alone.only("AWS::ApiGateway::Stage")
    assert stage["AccessLogSetting"]["Format"] == ACCESS_LOG_FORMAT
    source = TEMPLATE.source["Resources"]  # the stage comes after the role
    destination = source["SessionsApi"]["Properties"]["AccessLogSetting"]["DestinationArn"]
    assert destination == {"Fn::GetAtt": "AccessLog.Arn"}
    assert '{"Ref": "ApiAccount"}' in json.dumps(source["AccessLog"])


def test_every_log_group_forgets():
    for group in TEMPLATE.resources_of("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == TEMPLATE.parameters["LogRetentionDays"]
