"""The edge before the API: the function of the template in Node, and what plays it here."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from local.edge import through_edge
from local.request import ApiRequest
from local.template import load_template

NODE = shutil.which("node")
VIEWER = "203.0.113.9"
SECRET = "the page's secret"
OWN = ("Sec-Fetch-Site", "same-origin")
COOKIE = ("Cookie", "__Host-session=a.b.c")
FORGED = [
    ("X-Session-From-Cookie", "true"),
    ("X-Viewer-Address", "192.0.2.1"),
    ("X-Page-Secret", "forged"),
]
BY_COOKIE = {"authorization": "a.b.c", "x-session-from-cookie": "true"}
# What a client sends, and what of it is another's when it is sent on.
CASES: dict[str, tuple[list[tuple[str, str]], dict[str, str]]] = {
    "nothing": ([], {}),
    "a cookie of the page": ([COOKIE, OWN], BY_COOKIE),
    "among other cookies": ([("Cookie", "a=1; __Host-session=a.b.c; b=2"), OWN], BY_COOKIE),
    "in a header of its own": ([("Cookie", "a=1"), COOKIE, OWN], BY_COOKIE),
    "two of the name": ([("Cookie", "__Host-session=a.b.c; __Host-session=d"), OWN], BY_COOKIE),
    "without a value": (
        [("Cookie", "__Host-session="), OWN],
        {"authorization": "", "x-session-from-cookie": "true"},
    ),
    "another name": ([("Cookie", "__host-session=a.b.c; session=d"), OWN], {}),
    "another's cookies alone": ([("Cookie", "a=1; b=2"), OWN], {}),
    "with a token": ([COOKIE, OWN, ("Authorization", "d.e.f")], {"authorization": "d.e.f"}),
    "with an empty token": ([COOKIE, OWN, ("authorization", "")], {"authorization": ""}),
    "an older browser, or a program": ([COOKIE], {}),
    **{
        f"sent {site!r}": ([COOKIE, ("Sec-Fetch-Site", site)], {})
        for site in (
            "cross-site",
            "same-site",
            "none",
            "",
            "Same-Origin",
            "same-origin, same-origin",
        )
    },
    "what only the edge says": (FORGED, {}),
    "and from another site": ([COOKIE, ("Sec-Fetch-Site", "cross-site"), *FORGED], {}),
}
TOLD = {"authorization", "x-session-from-cookie", "x-viewer-address", "cookie"}


def viewer_event(sent: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the event that CloudFront makes ("CloudFront Functions event structure")."""
    fields: dict[str, dict[str, Any]] = {"headers": {}, "cookies": {}}
    for header, value in sent:
        cookies = value.split("; ") if header == "Cookie" else []
        pairs = [("cookies", *cookie.split("=", 1)) for cookie in cookies]
        for kind, name, content in pairs or [("headers", header.lower(), value)]:
            field = fields[kind].setdefault(name, {"value": content, "multiValue": []})
            field["multiValue"].append({"value": content})
    for field in (*fields["headers"].values(), *fields["cookies"].values()):
        if len(field["multiValue"]) == 1:
            del field["multiValue"]
    return {"viewer": {"ip": VIEWER}, "request": {"method": "GET", "uri": "/api/session", **fields}}


@pytest.fixture(scope="module")
def sent_on_by_cloudfront() -> dict[str, dict[str, str]]:
    """Return what the function of the template tells the API in each case, by one process."""
    if NODE is None:
        pytest.skip("Node is not installed")
    _, function = load_template(parameters={"Page": "true"}).only("AWS::CloudFront::Function")
    program = (
        f"{function['FunctionCode']};"
        "const events = JSON.parse(require('fs').readFileSync(0, 'utf-8'));"
        "console.log(JSON.stringify(events.map((event) => handler(event))));"
    )
    events = [viewer_event(sent) for sent, _ in CASES.values()]
    node = subprocess.run(
        [NODE, "-e", program], input=json.dumps(events), capture_output=True, text=True, check=True
    )
    requests = json.loads(node.stdout)
    return {
        case: {
            **{name: field["value"] for name, field in request["headers"].items() if name in TOLD},
            **({"cookie": str(request["cookies"])} if request["cookies"] else {}),
        }
        for case, request in zip(CASES, requests, strict=True)
    }


def sent_on_here(sent: list[tuple[str, str]], page_secret: str = SECRET) -> dict[str, str]:
    scope = {
        "method": "GET",
        "raw_path": b"/api/session",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent],
        "client": (VIEWER, 1),
        "http_version": "1.1",
    }
    request = through_edge(ApiRequest.of(scope, b"", 0.0), page_secret)
    names = [name.lower() for name, _ in request.headers.multi_items()]
    assert len(set(names)) == len(names)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_cookie_of_the_page_alone_becomes_its_token(sent_on_by_cloudfront, case):
    """No cookie is handed on, nor what a client says in the edge's place."""
    sent, changed = CASES[case]
    told = {"x-viewer-address": VIEWER, **changed}
    assert sent_on_by_cloudfront[case] == told
    here = sent_on_here(sent)
    assert here.pop("x-page-secret") == SECRET
    assert {name: value for name, value in here.items() if name in TOLD} == told


def test_a_back_end_calls_the_api_itself():
    sent = [("X-Back-End-Secret", "s"), ("X-Viewer-Address", "192.0.2.1"), COOKIE, OWN]
    assert sent_on_here(sent) == {name.lower(): value for name, value in sent}
