"""The watch over secrets in the files of a service: it notices each one in each file."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.contract import SHORT
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES
from tests.support.service import Service, look_through, watch

FILES = ("functions.log", "access.log", "engine.log", "output")


@pytest.fixture
def token(service: Service) -> str:
    credentials = {"user": "joe", "pass": "joe"}
    path = ROUTES["create_session"].paths[SHORT]
    answer = httpx.post(service.url + path, json=credentials, timeout=60)
    return str(answer.json()["token"])


def test_a_request_is_in_the_logs_without_its_token(service, token):
    assert watch.knows(token.split(".")[2])
    answer = httpx.get(
        service.url + ROUTES["get_current_session"].paths[SHORT],
        headers={"Authorization": token},
        timeout=60,
    )
    state = Path(service.environment["HOME"])
    for name in ("functions.log", "access.log", "output"):
        text = (state / name).read_text()
        assert answer.headers["x-request-id"] in text, name
        assert token.split(".")[2] not in text


@pytest.mark.parametrize("file", FILES)
def test_a_secret_in_any_file_of_a_service_is_noticed(service, token, tmp_path, file):
    assert look_through(Path(service.environment["HOME"])) == []
    for name in FILES:
        (tmp_path / name).write_text("{}\n")
    assert look_through(tmp_path) == []
    for secret in (PASSWORD, token, token.split(".")[2], "$argon2id$v=19$m=19456"):
        (tmp_path / file).write_text(json.dumps({"message": f"so {secret} it is"}) + "\n")
        assert look_through(tmp_path), secret


@pytest.mark.parametrize("line", ['{"a":', "plain", '{"a":"\x9b"}', '{"a":"\N{LINE SEPARATOR}"}'])
def test_a_line_of_the_log_that_is_no_json_in_ascii_is_noticed(tmp_path, line):
    for name in FILES:
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "functions.log").write_text(f"{{}}\n{line}\n")
    assert look_through(tmp_path)
