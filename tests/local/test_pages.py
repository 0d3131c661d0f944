"""What the pages answer by themselves, whatever is installed here."""

from pathlib import Path

import pytest
import yaml

from local.messages import Request, Response
from local.pages import Pages, with_server


def ask(pages: Pages, path: str) -> Response | None:
    return pages.answer(
        Request(
            id="1",
            method="GET",
            path=path,
            query="",
            headers=(),
            body=b"",
            source_ip="127.0.0.1",
            protocol="HTTP/1.1",
            received_at=0.0,
        )
    )


def test_without_the_viewer_the_reference_says_how_to_install_it(tmp_path: Path) -> None:
    answer = ask(Pages("/api", viewer=tmp_path / "none"), "/docs")
    assert answer is not None
    assert b"make reference" in answer.body
    assert b"swagger-ui" not in answer.body


def test_with_the_viewer_the_reference_loads_it_from_here(tmp_path: Path) -> None:
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        (tmp_path / name).write_text(f"/* {name} */")
    pages = Pages("/api", viewer=tmp_path)
    page = ask(pages, "/docs")
    assert page is not None
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/docs/viewer/{name}".encode() in page.body
        answer = ask(pages, f"/docs/viewer/{name}")
        assert answer is not None
        assert answer.body == f"/* {name} */".encode()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    answer = ask(Pages("/api", viewer=tmp_path / "none"), "/docs/viewer/swagger-ui.css")
    assert answer is not None
    assert (answer.status, answer.body) == (404, b"swagger-ui.css is not there.\n")


def test_a_file_that_was_changed_is_served_changed(tmp_path: Path) -> None:
    pages = Pages("/api", viewer=tmp_path)
    for text in (b"old", b"new"):
        (tmp_path / "swagger-ui.css").write_bytes(text)
        answer = ask(pages, "/docs/viewer/swagger-ui.css")
        assert answer is not None
        assert answer.body == text


@pytest.mark.parametrize(
    "document",
    [
        "servers:\n  - url: https://a.example\npaths: {}\n",
        "info: {title: …}\nservers: [{url: https://a.example}]\npaths: {}\n",
        "paths: {}\nservers:\n  - url: https://a.example\n  - url: https://b.example\n",
    ],
)
def test_the_servers_of_a_document_are_replaced_and_nothing_else(document: str) -> None:
    before, after = yaml.safe_load(document), yaml.safe_load(with_server(document, "/api"))
    assert [server["url"] for server in after.pop("servers")] == ["/api"]
    del before["servers"]
    assert after == before
