"""The dashboard as a page: what it works out from the logs of a run."""

import json
from pathlib import Path

import pytest

from local.access_log import access_line
from local.dashboard import (
    NO_DATA,
    Metrics,
    Point,
    evaluate,
    lines_of,
    main,
    page,
    read_access_log,
    read_functions_log,
)
from local.routes import api_of
from local.template import load_template

TEMPLATE = load_template()
API = api_of(TEMPLATE)
BODY = json.loads(TEMPLATE.only("AWS::CloudWatch::Dashboard")[1]["DashboardBody"])
MINUTE = 60


def emitted(name: str, operation: str, at: int = 600, value: float = 1.0) -> str:
    directive = {
        "Namespace": "Sessions",
        "Dimensions": [["service", "operation"]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    metadata = {"Timestamp": at * 1000, "CloudWatchMetrics": [directive]}
    record = {"_aws": metadata, "service": "sessions", "operation": operation, name: [value]}
    return json.dumps(record)


def requested(status: int = 200, *, at: int = 600, milliseconds: int | None = 40) -> str:
    context = {
        "requestTimeEpoch": at * 1000,
        "httpMethod": "POST",
        "resourcePath": "/user/session",
        "status": status,
        "responseLatency": 50,
        "integrationLatency": milliseconds,
        "authorizer": {"integrationLatency": 5},
    }
    return access_line(API.access_log_format, context)


def widget(title: str, functions: list[str], requests: list[str]) -> dict[str, dict[int, float]]:
    """Return what the template's widget of that title shows."""
    metrics = Metrics([*read_functions_log(functions), *read_access_log(requests, API)])
    found = [each for each in BODY["widgets"] if each["properties"].get("title") == title]
    return lines_of(found[0]["properties"], metrics)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b * 2", {0: 21.0}),
        ("a - b", {0: -9.0}),
        ("FILL(b, 1) / 2", {0: 5.0, 60: 0.5}),
        ("IF(a > 1, a, 0)", {0: 0.0, 60: 3.0}),
        ("IF(a >= 1 AND FILL(b, 0) > 5, 1, 0)", {0: 1.0, 60: 0.0}),
        ("SUM([a, b])", {0: 11.0, 60: 3.0}),
        ("SUM(FILL(METRICS(), 2))", {0: 11.0, 60: 5.0}),
        ('SUM(METRICS("a"))', {0: 1.0, 60: 3.0}),
        ("a / (a - a)", {}),
    ],
)
def test_metric_math_is_worked_out_for_each_period(
    expression: str, expected: dict[int, float]
) -> None:
    assert evaluate(expression, {"a": {0: 1.0, 60: 3.0}, "b": {0: 10.0}}) == expected


@pytest.mark.parametrize("expression", ["RATE(a)", "a ** 2", "__import__('os')"])
def test_metric_math_that_is_not_played_is_refused(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        evaluate(expression, {"a": {0: 1.0}})


@pytest.mark.parametrize(
    ("stat", "expected"), [("Sum", 10), ("Average", 2.5), ("Maximum", 4), ("p50", 3), ("p99", 4)]
)
def test_a_statistic_is_of_the_values_of_one_period(stat: str, expected: float) -> None:
    found = [("N", "m", frozenset({("k", "v")}), Point(61, value)) for value in (1, 2, 3, 4)]
    series = Metrics(found).series("N", "m", frozenset({("k", "v")}), stat, MINUTE)
    assert series == {60: expected}


def test_requests_are_counted_by_how_they_were_answered() -> None:
    shown = widget("Requests", [], [requested(), requested(401), requested(503)])
    assert shown == {
        "requests": {600: 3.0},
        "refused (4xx)": {600: 1.0},
        "failed (5xx)": {600: 1.0},
    }


def test_the_share_of_log_ins_refused_is_worked_out() -> None:
    lines = [emitted("LoginRefused", "create_session")] * 3
    lines.append(emitted("SessionCreated", "create_session"))
    shown = widget("Share of logins refused, percent", lines, [])
    assert shown == {"refused, %": {600: 75.0}}


def test_a_search_finds_each_operation_by_itself() -> None:
    lines = [
        emitted("RequestFailed", "get_session"),
        emitted("RequestFailed", "list_sessions", at=900),
        emitted("SessionRead", "get_session"),
    ]
    shown = widget("Failed, by operation", lines, [])
    assert shown == {
        "RequestFailed get_session": {600: 1.0},
        "RequestFailed list_sessions": {900: 1.0},
    }


def test_a_throttled_request_is_counted_as_the_metric_filter_would() -> None:
    shown = widget("Refused elsewhere", [], [requested(429, milliseconds=None)])
    assert shown == {"throttled (429)": {600: 1.0}}


def test_the_functions_behind_a_request_are_timed() -> None:
    shown = widget("Duration of functions, p99", [], [requested(milliseconds=40)])
    assert shown == {"CreateSession": {600: 40.0}, "Authorize": {600: 5.0}}


def test_a_request_costs_what_the_price_list_says() -> None:
    shown = widget("Dollars an hour", [], [requested(milliseconds=1000)])
    memory = TEMPLATE.parameters
    seconds = memory["HashingMemory"] / 1024 + 0.005 * memory["FunctionMemory"] / 1024
    functions = 2 * 0.2 / 1e6 + seconds * 0.0000133334
    together = shown["together"]
    assert list(together) == [0]
    assert together[0] == pytest.approx(3.5 / 1e6 + functions)


def test_the_page_has_every_title_and_says_where_nothing_is_measured() -> None:
    html = page(TEMPLATE, Metrics([*read_access_log([requested()], API)]))
    for each in BODY["widgets"]:
        if each["type"] == "metric":
            assert f"<h3>{each['properties']['title']}</h3>" in html
    assert NO_DATA in html
    assert "<polyline" in html
    assert "<script" not in html
    assert "src=" not in html


def test_what_a_client_calls_its_program_cannot_break_the_line_or_the_page() -> None:
    hostile = 'a"}\n<script>'
    line = access_line(API.access_log_format, {"identity": {"userAgent": hostile}})
    assert json.loads(line)["userAgent"] == hostile
    assert "\n" not in line
    assert json.loads(line)["ip"] == "-"


def test_the_command_writes_the_page_and_prints_its_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "functions.log").write_text(
        "Traceback\n" + emitted("SessionCreated", "create_session") + "\n"
    )
    (tmp_path / "access.log").write_text(requested() + "\n")
    assert main(["--state", str(tmp_path)]) == 0
    target = tmp_path / "dashboard.html"
    assert capsys.readouterr().out == f"{target}\n"
    assert "logged in: <b>1</b>" in target.read_text()


def test_without_a_run_the_command_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--state", str(tmp_path)]) == 1
    assert "make run" in capsys.readouterr().err
