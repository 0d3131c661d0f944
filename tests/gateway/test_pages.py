"""The page and the reference, as the gateway serves them beside the API."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
import yaml

from tests.support.service import ROOT, Service, Start

HTML, SCRIPT, STYLE = "text/html", "text/javascript", "text/css"
PAGE = {
    "/": HTML,
    "/index.html": HTML,
    "/page.js": SCRIPT,
    "/words.js": SCRIPT,
    "/sessions.css": STYLE,
    "/icon.svg": "image/svg+xml",
    "/client/sessions.js": SCRIPT,
}
REFERENCE = {
    "/docs": HTML,
    "/docs/reference.js": SCRIPT,
    "/docs/reference.css": STYLE,
    "/docs/openapi.yaml": "application/yaml",
}


@pytest.fixture(scope="module")
def host(service: Service) -> str:
    return service.url.removesuffix("/api")


class Reader(httpx.Client):
    """A client whose answers the watch for leaks does not see: the document shows a token."""

    send = httpx.Client.send


@pytest.fixture
def http(host):
    with Reader(base_url=host, timeout=60) as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    directives = answer.headers["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize(("path", "kind"), [*PAGE.items(), *REFERENCE.items()])
def test_each_file_is_served_as_what_it_is_and_asked_for_again_each_time(http, path, kind):
    answer = http.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGE)
def test_the_page_has_the_headers_that_the_deployed_one_has(http, path):
    wanted = json.loads((ROOT / "web" / "headers.json").read_text())
    headers = http.get(path).headers
    assert {name: headers[name] for name in wanted} == wanted


def test_the_page_may_load_and_call_its_own_origin_and_nothing_else(http):
    ours = ("script-src", "style-src", "connect-src", "img-src")
    none = ("default-src", "form-action", "base-uri", "frame-ancestors")
    assert policy(http.get("/")) == dict.fromkeys(ours, "'self'") | dict.fromkeys(none, "'none'")


def test_the_reference_may_show_images_of_its_style_sheet_and_no_more_than_the_page(http):
    assert policy(http.get("/docs")) == policy(http.get("/")) | {"img-src": "'self' data:"}


@pytest.mark.parametrize("path", [*PAGE, *REFERENCE])
def test_head_is_get_without_the_body(http, path):
    head, get = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Content-Security-Policy"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/page.js", "/docs"])
def test_other_methods_are_not_for_pages(http, method, path):
    answer = http.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/../README.md",
        "/..%2fREADME.md",
        "/%2e%2e/README.md",
        "/client/../../README.md",
        "/client/..%2f..%2fREADME.md",
        "/docs/../security.md",
        "/docs/..%2fsecurity.md",
        "/docs/viewer/../../../README.md",
        "/docs/viewer/package.json",
        "/docs/viewer/",
        "//page.js",
        "/./page.js",
        "/page.js/",
        "/page%2ejs",
        "/page.js%00",
        "/web/page.js",
        "/headers.json",
        "/README.md",
        "/template.yaml",
        "/.local/ring",
        "/favicon.ico",
        "/client/",
        "/docs/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_has_the_apis_answer_for_what_is_not_there(host, method, path):
    connection = HTTPConnection(host.removeprefix("http://"))  # it sends paths as they are
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.status == 404
        assert json.loads(answer.read())["code"] == "ENDPOINT_NOT_FOUND_ERROR"


def test_the_document_names_the_running_service_and_is_else_as_it_is_kept(http, host):
    kept = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    served = yaml.safe_load(http.get("/docs/openapi.yaml").text)
    (server,) = served.pop("servers")
    del kept["servers"]
    assert served == kept
    api = urljoin(f"{host}/docs/openapi.yaml", server["url"])
    assert http.get(api).json()["hello"] == "world"


def test_a_page_calls_its_own_origin_though_that_is_no_allowed_one(host):
    with httpx.Client(base_url=f"{host}/api", headers={"Origin": host}, timeout=60) as http:
        answer = http.post("/session", json={"user": "joe", "pass": "joe"})
        assert answer.status_code == 201
        token = answer.json()["token"]
        answer = http.delete("/sessions/all", headers={"Authorization": token})
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_pages_are_no_requests_of_the_api(start: Start):
    """Neither its access log nor its limits know of them."""
    limited = start()
    state = Path(limited.environment["HOME"])
    with httpx.Client(base_url=limited.url.removesuffix("/api"), timeout=60) as http:
        assert {http.get("/").status_code for _ in range(300)} == {200}
        assert http.get("/favicon.ico").status_code == 404
    paths = [json.loads(line)["path"] for line in (state / "access.log").read_text().splitlines()]
    assert paths == ["/favicon.ico"]
