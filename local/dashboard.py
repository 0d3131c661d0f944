"""`python -m local.dashboard`: the template's dashboard as one page, from what runs here logged.

Played: metrics with dimensions, the statistics Sum, Average, Maximum and pNN, periods, SEARCH by
metric name, and the metric math that the template uses. Counts of functions, and of the API,
come from the access log; what nothing here measures is said to have no data.

Source: CloudWatch User Guide, "Dashboard body structure and syntax" and "Using math expressions
with CloudWatch metrics"; CloudWatch Logs User Guide, "Embedded metric format".
"""

import argparse
import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from local.gateway import FUNCTION_IN_URI
from local.routes import ANY_METHOD, Api, api_of
from local.template import TEMPLATE, Template, load_template

Labels = frozenset[tuple[str, str]]
Series = dict[int, float]
"""Values by the time at which their period begins, in epoch seconds."""

NO_DATA = "no data on this machine"
SEARCH = re.compile(
    r"SEARCH\('\{(?P<namespace>[^,]+),(?P<dimensions>[^}]+)\} (?P<terms>.*)', "
    r"'(?P<stat>\w+)', (?P<period>\d+)\)"
)
COLOURS = ("#0b62a4", "#c8511b", "#2c7a3f", "#8e3a9d", "#b58900", "#1b8a8f", "#a3213d", "#555")
COLUMN_WIDTH, HEIGHT = 62, 150  # a chart is as wide as its widget: CloudWatch has 24 columns
STYLE = """body{font:14px system-ui,sans-serif;margin:1.5em;background:#f6f7f8;color:#222}
main{display:grid;grid-template-columns:repeat(24,1fr);gap:10px}
section{background:#fff;border:1px solid #ddd;border-radius:6px;padding:8px 12px;min-width:0}
section.text{background:none;border:0;padding:12px 0 0}h2{margin:0}h3{margin:0 0 4px;font-size:14px}
p{margin:0}svg{width:100%}ul{list-style:none;margin:0;padding:0;columns:2;font-size:12px}
.none{color:#888;font-style:italic}text{font-size:11px;fill:#666}"""


class Point(NamedTuple):
    """One value of a metric."""

    at: float
    value: float


class Metrics:
    """All that was measured, by namespace, name and dimensions."""

    def __init__(self, found: Iterable[tuple[str, str, Labels, Point]]) -> None:
        self._points: dict[tuple[str, str, Labels], list[Point]] = defaultdict(list)
        for namespace, name, labels, point in found:
            self._points[namespace, name, labels].append(point)

    def series(self, namespace: str, name: str, labels: Labels, stat: str, period: int) -> Series:
        """Return a statistic of one metric for each period that has a value."""
        periods: dict[int, list[float]] = defaultdict(list)
        for at, value in self._points.get((namespace, name, labels), ()):
            periods[int(at) // period * period].append(value)
        return {start: _statistic(stat, values) for start, values in sorted(periods.items())}

    def search(self, expression: str) -> dict[str, Series]:
        """Return the series that a SEARCH finds, by their labels."""
        asked = SEARCH.fullmatch(expression)
        if asked is None:
            raise ValueError(f"this SEARCH is not played: {expression}")
        names = re.findall(r'"([^"]*)"', re.findall(r"MetricName=\((.*?)\)", asked["terms"])[0])
        wanted = set(re.findall(r'(\w+)="([^"]*)"', asked["terms"]))
        keys = set(asked["dimensions"].split(","))
        return {
            f"{name} {' '.join(v for k, v in sorted(labels) if (k, v) not in wanted)}".strip(): (
                self.series(namespace, name, labels, asked["stat"], int(asked["period"]))
            )
            for namespace, name, labels in sorted(self._points, key=lambda key: (key[1], *key[2]))
            if namespace == asked["namespace"]
            and name in names
            and {key for key, _ in labels} == keys
            and wanted <= labels
        }


def _statistic(stat: str, values: list[float]) -> float:
    if stat == "Sum":
        return sum(values)
    if stat == "Average":
        return sum(values) / len(values)
    if stat == "Maximum":
        return max(values)
    rank = float(stat.removeprefix("p")) / 100 * len(values)
    return sorted(values)[min(len(values) - 1, int(rank))]


def read_functions_log(lines: Iterable[str]) -> Iterator[tuple[str, str, Labels, Point]]:
    """Yield the metrics in the functions' log, which are lines in the embedded metric format."""
    for line in lines:
        if '"_aws"' not in line:
            continue
        record = json.loads(line)
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for keys in directive["Dimensions"]:
                labels = frozenset((key, record[key]) for key in keys)
                for metric in directive["Metrics"]:
                    values = record[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        point = Point(record["_aws"]["Timestamp"] / 1000, value)
                        yield directive["Namespace"], metric["Name"], labels, point


def read_access_log(lines: Iterable[str], api: Api) -> Iterator[tuple[str, str, Labels, Point]]:
    """Yield what AWS would count of each request: in API Gateway, and in the functions behind."""
    for line in lines:
        request = json.loads(line)
        at, status = float(request["time"]) / 1000, int(request["status"])
        labels = frozenset({("ApiName", api.body["info"]["title"]), ("Stage", api.stage)})
        counted: list[tuple[str, str, Labels, float | None]] = [
            ("AWS/ApiGateway", "Count", labels, 1),
            ("AWS/ApiGateway", "4XXError", labels, status // 100 == 4),
            ("AWS/ApiGateway", "5XXError", labels, status // 100 == 5),
            ("AWS/ApiGateway", "Latency", labels, _number(request["responseLatency"])),
            (
                "AWS/ApiGateway",
                "IntegrationLatency",
                labels,
                _number(request["integrationLatency"]),
            ),
        ]
        if status == 429:  # as the template's metric filter
            counted.append(
                ("Sessions", "RequestThrottled", frozenset({("service", request["service"])}), 1)
            )
        for function, milliseconds in (
            (_function_of(request, api), _number(request["integrationLatency"])),
            ("AuthorizeFunction", _number(request["authorizerLatency"])),
        ):
            called = frozenset({("FunctionName", function)})
            if milliseconds is not None:
                failed = request["integrationError"] != "-" and function != "AuthorizeFunction"
                counted += [
                    ("AWS/Lambda", "Invocations", called, 1),
                    ("AWS/Lambda", "Duration", called, milliseconds),
                    ("AWS/Lambda", "Errors", called, failed),
                ]
        for namespace, name, dimensions, value in counted:
            if value is not None:
                yield namespace, name, dimensions, Point(at, value)


def _number(text: str) -> float | None:
    return None if text == "-" else float(text)


def _function_of(request: dict[str, str], api: Api) -> str:
    methods = api.body["paths"].get(request["resourcePath"], {})
    method = methods.get(request["method"].lower()) or methods.get(ANY_METHOD) or {}
    uri = method.get("x-amazon-apigateway-integration", {}).get("uri", "")
    found = FUNCTION_IN_URI.search(uri)
    return found[1].rpartition(":")[2] if found else ""


# -------------------------------------------------------------- metric math


def evaluate(expression: str, known: dict[str, Series]) -> Series:
    """Work out metric math over series by their IDs; a period counts where its inputs have it."""
    times = sorted({at for series in known.values() for at in series})
    text = re.sub(r"\bIF\(", "IF_(", expression)
    text = re.sub(r"\b(AND|OR)\b", lambda match: match[1].lower(), text)
    tree = ast.parse(text, mode="eval").body
    values = {at: _value(tree, known, at) for at in times}
    return {at: value for at, value in values.items() if isinstance(value, float)}


OPERATORS: dict[type[ast.AST], Callable[[float, float], float | None]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b if b else None,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
}


def _value(node: ast.expr, known: dict[str, Series], at: int) -> Any:
    """Return a number, a list of them, or None where there is no value at that time."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return known[name].get(at)
        case ast.List(elts=items):
            return [_value(item, known, at) for item in items]
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(operator, _value(left, known, at), _value(right, known, at))
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _combined(operator, _value(left, known, at), _value(right, known, at))
        case ast.BoolOp(op=operator, values=parts):
            truths = [bool(_value(part, known, at)) for part in parts]
            return float(all(truths) if isinstance(operator, ast.And) else any(truths))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _called(function, arguments, known, at)
    raise ValueError(f"this metric math is not played: {ast.unparse(node)}")


def _combined(operator: ast.AST, left: Any, right: Any) -> float | None:
    return None if left is None or right is None else OPERATORS[type(operator)](left, right)


def _called(function: str, arguments: list[ast.expr], known: dict[str, Series], at: int) -> Any:
    if function == "METRICS":
        part = (
            str(arguments[0].value) if arguments and isinstance(arguments[0], ast.Constant) else ""
        )
        return [series.get(at) for name, series in known.items() if part in name]
    values = [_value(argument, known, at) for argument in arguments]
    if function == "FILL":
        filled, instead = values
        if isinstance(filled, list):
            return [instead if value is None else value for value in filled]
        return instead if filled is None else filled
    if function == "SUM":
        there = [value for value in values[0] if value is not None]
        return sum(there) if there else None
    if function == "IF_":
        return values[1] if values[0] else values[2]
    raise ValueError(f"the function {function} is not played")


# --------------------------------------------------------------------- page


def lines_of(properties: dict[str, Any], metrics: Metrics) -> dict[str, Series]:
    """Return what a widget shows, by label."""
    period = int(properties["period"])
    known: dict[str, Series] = {}
    shown: list[tuple[str, str, str]] = []  # an ID, a label, an expression
    for *names, last in properties["metrics"]:
        options = last if isinstance(last, dict) else {}
        identity = options.get("id", f"unnamed{len(shown)}")
        if not options.get("expression"):
            namespace, name, *pairs = names
            labels = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            stat = options.get("stat", properties["stat"])
            known[identity] = metrics.series(namespace, name, labels, stat, period)
        if options.get("visible", True):
            shown.append((identity, options["label"], options.get("expression", "")))
    for identity, _, expression in shown:  # one that names another stands below it
        if expression and not expression.startswith("SEARCH"):
            known[identity] = evaluate(expression, known)
    result: dict[str, Series] = {}
    for identity, label, expression in shown:
        if expression.startswith("SEARCH"):
            result |= metrics.search(expression)
        else:
            result[label] = known[identity]
    return {label: series for label, series in result.items() if series}


def _chart(lines: dict[str, Series], period: int, width: int) -> str:
    times = [at for series in lines.values() for at in series]
    top = max((value for series in lines.values() for value in series.values()), default=0) or 1
    first, last = min(times), max(*times, min(times) + period)
    drawn, legend = [], []
    for number, (label, series) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            ((at - first) / (last - first) * (width - 20) + 10, HEIGHT - 10 - value / top * 120)
            for at, value in series.items()
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        latest = series[max(series)]
        legend.append(
            f'<li><b style="color:{colour}">&#9632;</b> {escape(label)}: <b>{latest:,.6g}</b></li>'
        )
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT}" role="img"><line x1="10" x2="{width - 10}" '
        f'y1="{HEIGHT - 10}" y2="{HEIGHT - 10}" stroke="#bbb"/>'
        f'<text x="10" y="14">{top:,.6g}</text>{"".join(drawn)}</svg><ul>{"".join(legend)}</ul>'
    )


def page(template: Template, metrics: Metrics) -> str:
    """Return the dashboard as one HTML page that needs nothing else."""
    name, dashboard = template.only("AWS::CloudWatch::Dashboard")
    sections = []
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        properties, span = widget["properties"], f"grid-column:span {widget['width']}"
        if widget["type"] == "text":
            title, _, more = properties["markdown"].removeprefix("## ").partition("\n")
            more = re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(more))
            content = f"<h2>{escape(title)}</h2><p>{more}</p>"
        else:
            lines = lines_of(properties, metrics)
            width = widget["width"] * COLUMN_WIDTH
            chart = (
                _chart(lines, properties["period"], width)
                if lines
                else f'<p class="none">{NO_DATA}</p>'
            )
            content = f"<h3>{escape(properties['title'])}</h3>{chart}"
        sections.append(f'<section class="{widget["type"]}" style="{span}">{content}</section>')
    title = escape(str(dashboard.get("DashboardName", name)))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1><main>{''.join(sections)}</main></html>\n"
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the page and say where it is."""
    parser = argparse.ArgumentParser("python -m local.dashboard", description=__doc__)
    parser.add_argument("--state", type=Path, default=TEMPLATE.parent / ".local", metavar="DIR")
    state: Path = parser.parse_args(arguments).state
    logs = [state / "functions.log", state / "access.log"]
    if missing := [str(log) for log in logs if not log.exists()]:
        print(
            f"dashboard: there is no {' and no '.join(missing)}; `make run` writes them",
            file=sys.stderr,
        )
        return 1
    template = load_template()
    functions, access = (log.read_text(encoding="utf-8").splitlines() for log in logs)
    metrics = Metrics([*read_functions_log(functions), *read_access_log(access, api_of(template))])
    target = state / "dashboard.html"
    target.write_text(page(template, metrics), encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
