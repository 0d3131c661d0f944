"""What the gateway serves beside the API: the page "Your sessions", and the API's reference.

In AWS a bucket behind CloudFront has the first; the second is for developers.
"""

import json
from pathlib import Path

import yaml
from starlette.responses import Response

from local.request import ApiRequest

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
REFERENCE = ROOT / "docs" / "reference"
DOCUMENT = ROOT / "docs" / "openapi.yaml"
SOURCES = (WEB, REFERENCE, DOCUMENT, ROOT / "clients" / "js" / "sessions.js")
HEADERS = WEB / "headers.json"  # it says how the page is served, and is no part of it
VIEWER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml; charset=utf-8",
}


class Pages:
    """Files by their exact paths as sent; no path is ever made into a file's name.

    Args:
        api: where the API is on this host, such as `/api`.
        viewer: the folder of the viewer's package, which `make reference` installs.
    """

    def __init__(self, api: str, viewer: Path = ROOT / "node_modules" / "swagger-ui-dist") -> None:
        self._api = api
        self._viewer = viewer
        self._page = {f"/{name}": file for name, file in _files(WEB).items() if file != HEADERS}
        self._page["/"] = WEB / "index.html"
        self._page["/client/sessions.js"] = ROOT / "clients" / "js" / "sessions.js"
        self._reference = {f"/docs/{name}": file for name, file in _files(REFERENCE).items()}
        self._reference["/docs"] = REFERENCE / "index.html"
        self._reference["/docs/openapi.yaml"] = DOCUMENT
        self._reference |= {f"/docs/viewer/{name}": viewer / name for name in VIEWER_FILES}
        self._headers: dict[str, str] = json.loads(HEADERS.read_text("utf-8"))
        # The viewer's own style sheet draws its arrows from `data:`. It needs nothing else that the
        # page does not: it sets styles by script, which no policy forbids, and writes none into its
        # HTML.
        policy = self._headers["Content-Security-Policy"]
        policy = policy.replace("img-src 'self'", "img-src 'self' data:")
        self._reference_headers = {**self._headers, "Content-Security-Policy": policy}

    def answer(self, request: ApiRequest) -> Response | None:
        """Answer a request for a page; None where the path is of no page."""
        path = request.path
        file = self._page.get(path) or self._reference.get(path)
        if file is None:
            return None
        # `no-cache`: a file that was changed shows at the next load.
        headers = self._headers if path in self._page else self._reference_headers
        headers = {"Cache-Control": "no-cache", **headers}
        if request.method not in ("GET", "HEAD"):
            refused = f"{request.method} is not for a page.\n"
            return Response(refused, 405, {**headers, "Allow": "GET, HEAD"}, "text/plain")
        if path == "/docs" and not self._viewer.is_dir():
            file = REFERENCE / "not-installed.html"
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return Response(f"{file.name} is not there.\n", 404, headers, "text/plain")
        if file == DOCUMENT:
            content = with_server(content.decode(), self._api).encode()
        return Response(content, 200, headers, TYPES[file.suffix])


def with_server(document: str, url: str) -> str:
    """Replace the servers of an OpenAPI document in YAML by one, and leave all else as it is.

    A relative URL counts from where the document is (OpenAPI Specification 3.1, "Server Object").
    """
    root = yaml.compose(document, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("an OpenAPI document is a mapping")
    (servers,) = (value for key, value in root.value if key.value == "servers")
    one = json.dumps([{"url": url, "description": "The service that serves this document."}])
    return f"{document[: servers.start_mark.index]}{one}\n{document[servers.end_mark.index :]}"


def _files(folder: Path) -> dict[str, Path]:
    found = [file for file in folder.rglob("*") if file.suffix in TYPES]
    return {file.relative_to(folder).as_posix(): file for file in found}
