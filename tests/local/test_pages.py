"""What the pages answer by themselves, whatever is installed here."""

from pathlib import Path

import pytest
import yaml
from starlette.responses import Response

from local.pages import Pages, with_server
from local.request import ApiRequest


def get(path: str, viewer: Path) -> Response:
    scope = {
        "method": "GET",
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": (),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }
    answer = Pages("/api", viewer).answer(ApiRequest.of(scope, b"", 0.0))
    assert answer is not None
    return answer


def test_without_the_viewer_the_reference_says_how_to_install_it(tmp_path):
    body = get("/docs", tmp_path / "none").body
    assert b"make reference" in body
    assert b"swagger-ui" not in body


def test_with_the_viewer_the_reference_loads_it_from_here(tmp_path):
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        (tmp_path / name).write_text(f"/* {name} */")
        assert f"/docs/viewer/{name}".encode() in get("/docs", tmp_path).body
        assert get(f"/docs/viewer/{name}", tmp_path).body == f"/* {name} */".encode()


def test_a_missing_file_is_not_found(tmp_path):
    answer = get("/docs/viewer/swagger-ui.css", tmp_path / "none")
    assert (answer.status_code, answer.body) == (404, b"swagger-ui.css is not there.\n")


def test_a_file_that_was_changed_is_served_changed(tmp_path):
    for text in (b"old", b"new"):
        (tmp_path / "swagger-ui.css").write_bytes(text)
        assert get("/docs/viewer/swagger-ui.css", tmp_path).body == text


@pytest.mark.parametrize(
    "document",
    [
        "servers:\n  - url: https://a.example\npaths: {}\n",
        "info: {title: …}\nservers: [{url: https://a.example}]\npaths: {}\n",
        "paths: {}\nservers:\n  - url: https://a.example\n  - url: https://b.example\n",
    ],
)
def test_the_servers_of_a_document_are_replaced_and_nothing_else(document):
    before, after = yaml.safe_load(document), yaml.safe_load(with_server(document, "/api"))
    assert [server["url"] for server in after.pop("servers")] == ["/api"]
    del before["servers"]
    assert after == before
