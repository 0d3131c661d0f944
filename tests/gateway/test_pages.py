"""The page and the reference, as the gateway serves them beside the API."""

import itertools
import json
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urljoin

import httpx
import pytest
import yaml

from tests.support.contract import INVALID_ENDPOINT
from tests.support.service import ROOT, Service

HTML, SCRIPT, STYLE, JSON = "text/html", "text/javascript", "text/css", "application/json"
PAGE = {
    "/": HTML,
    "/index.html": HTML,
    "/page.js": SCRIPT,
    "/words.js": SCRIPT,
    "/sessions.css": STYLE,
    "/icon.svg": "image/svg+xml",
    "/client/sessions.js": SCRIPT,
    "/config.json": JSON,
    "/words/en.json": JSON,
    "/words/ar.json": JSON,
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
    """A client whose answers the watch over secrets does not see: the document shows a token."""

    send = httpx.Client.send


@pytest.fixture
def http(host):
    with Reader(base_url=host, timeout=60) as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    directives = answer.headers["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize(("path", "kind"), [*PAGE.items(), *REFERENCE.items()])
def test_each_file_is_served_with_its_headers(http, path, kind):
    """A browser asks for it again each time. HEAD is GET without the body."""
    get, head = http.get(path), http.head(path)
    assert get.status_code == 200
    assert get.headers["Content-Type"].partition(";")[0] == kind
    assert get.headers["Cache-Control"] == "no-cache"
    assert get.headers["X-Content-Type-Options"] == "nosniff"
    assert get.headers["Referrer-Policy"] == "no-referrer"
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Content-Security-Policy"):
        assert head.headers[name] == get.headers[name]


def test_the_page_stays_small():
    """Its scripts and styles, without the words and the client."""
    files = [file for file in (ROOT / "web").iterdir() if file.suffix in {".js", ".css"}]
    assert sum(file.stat().st_size for file in files) <= 45_000


def test_the_page_has_the_headers_of_the_deployed_one(http):
    expected = json.loads((ROOT / "web" / "headers.json").read_text())
    for path in PAGE:
        headers = http.get(path).headers
        assert {name: headers[name] for name in expected} == expected, path


def test_the_page_may_load_and_call_its_own_origin_and_nothing_else(http):
    ours = ("script-src", "style-src", "connect-src", "img-src")
    none = ("default-src", "form-action", "base-uri", "frame-ancestors")
    assert policy(http.get("/")) == dict.fromkeys(ours, "'self'") | dict.fromkeys(none, "'none'")


def test_the_reference_may_load_images_of_its_style_sheet_too(http):
    assert policy(http.get("/docs")) == policy(http.get("/")) | {"img-src": "'self' data:"}


def test_other_methods_are_not_for_pages(http):
    methods = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    for method, path in itertools.product(methods, ("/", "/page.js", "/docs")):
        answer = http.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD"), (method, path)


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
        "/words/",
        "/words/../headers.json",
        "/words/..%2fheaders.json",
        "/words/zh.json",
        "/en.json",
        "/README.md",
        "/template.yaml",
        "/.local/key_set",
        "/favicon.ico",
        "/client/",
        "/docs/",
    ],
)
def test_any_other_path_is_an_invalid_endpoint(host, path):
    for method in ("GET", "POST"):
        with closing(HTTPConnection(host.removeprefix("http://"))) as connection:
            connection.request(method, path)  # as it is: httpx would normalize it
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())) == (404, INVALID_ENDPOINT)


def test_the_document_names_the_running_service(http, host):
    kept = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    served = yaml.safe_load(http.get("/docs/openapi.yaml").text)
    (server,) = served.pop("servers")
    del kept["servers"]
    assert served == kept
    api = urljoin(f"{host}/docs/openapi.yaml", server["url"])
    assert http.get(api).json()["hello"] == "world"


def test_a_page_calls_its_own_origin_without_leave(host):
    headers = {"Origin": host, "Sec-Fetch-Site": "same-origin"}  # as browsers send them
    with httpx.Client(base_url=f"{host}/api", headers=headers, timeout=60) as http:
        answer = http.post("/session", json={"user": "joe", "pass": "joe"})
        assert answer.status_code == 201
        token = answer.json()["token"]
        answer = http.delete("/sessions/all", headers={"Authorization": token})
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
