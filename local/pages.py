"""What the gateway serves beside the API: the page "Your sessions", and the API's reference.

In AWS a bucket behind CloudFront has the first; the second is for whoever develops.
"""

import json
from pathlib import Path

import yaml

from local.messages import Request, Response

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
DOCUMENT = ROOT / "docs" / "openapi.yaml"
HEADERS: dict[str, str] = json.loads((ROOT / "web" / "headers.json").read_text(encoding="utf-8"))
# The viewer's own style sheet draws its arrows from `data:`. It needs nothing else that the page
# does not: it sets styles by script, which no policy forbids, and writes none into its HTML.
REFERENCE_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "img-src 'self'", "img-src 'self' data:"
    ),
}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml; charset=utf-8",
}


class Pages:
    """Files by the exact path that each is asked for at; no path is ever made into a file's name.

    Args:
        api: where the API is on this host, such as `/api`.
        viewer: the folder of the viewer's package, which `make reference` installs.
    """

    def __init__(self, api: str, viewer: Path = ROOT / "node_modules" / "swagger-ui-dist") -> None:
        self._api = api
        self._viewer = viewer
        page = {f"/{file.name}": file for file in _files(ROOT / "web")}
        client = ROOT / "clients" / "js" / "sessions.js"
        self._page = {**page, "/": ROOT / "web" / "index.html", "/client/sessions.js": client}
        reference = {f"/docs/{file.name}": file for file in _files(REFERENCE)}
        self._reference = {
            **reference,
            "/docs": REFERENCE / "index.html",
            "/docs/openapi.yaml": DOCUMENT,
            **{
                f"/docs/viewer/{name}": viewer / name
                for name in ("swagger-ui.css", "swagger-ui-bundle.js")
            },
        }

    def answer(self, request: Request) -> Response | None:
        """Answer what is asked of a page; None where the path is none of theirs."""
        path = request.path
        file = self._page.get(path) or self._reference.get(path)
        if file is None:
            return None
        headers = HEADERS if path in self._page else REFERENCE_HEADERS
        if request.method not in ("GET", "HEAD"):
            return _text(405, f"{request.method} is not for a page.", {"Allow": "GET, HEAD"})
        if path == "/docs" and not self._viewer.is_dir():
            file = REFERENCE / "not-installed.html"
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return _text(404, f"{file.name} is not there.", {})
        if file == DOCUMENT:
            content = with_server(content.decode(), self._api).encode()
        return _response(200, content, TYPES[file.suffix], headers)


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


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix in TYPES]


def _text(status: int, text: str, headers: dict[str, str]) -> Response:
    return _response(status, f"{text}\n".encode(), "text/plain; charset=utf-8", HEADERS | headers)


def _response(status: int, content: bytes, kind: str, headers: dict[str, str]) -> Response:
    # A file that was changed shows at the next load.
    pairs = {"Content-Type": kind, "Cache-Control": "no-cache", **headers}
    return Response(status, tuple(pairs.items()), content)
