"""What a developer sees beside the answers: the console, and one function invoked by hand."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.state import running
from tests.support.events import ROOT
from tests.support.service import Service


def invoke(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "invoke", "--state", service.environment["HOME"], *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("login", ["joe", "joe@example.com"])
def test_a_function_is_invoked_as_a_user_who_is_logged_in_for_it(service, login):
    done = invoke(service, "get_session", "-e", "events/get_session.json", "--as", login)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["statusCode"]) == (0, 200), done
    assert json.loads(answer["body"])["name"] == "invoke"


def test_whoever_cannot_be_logged_in_is_told_in_one_line(service):
    done = invoke(service, "get_session", "-e", "events/get_session.json", "--as", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "local: no password was given"


def test_a_service_tells_where_it_is_and_what_its_functions_are_told(service):
    folder = Path(service.environment["HOME"])
    found = running(folder)
    assert found
    assert (f"{found.url}/api", found.database) == (service.url, service.database)
    told = json.loads((ROOT / folder / "sessions-service.json").read_text())["Parameters"]
    assert told["TOKEN_ISSUER"] == "sessions"
    assert told["LOGIN_ATTEMPTS_PER_NAME"] == "1000000", "of --no-rate-limit"


def test_a_refused_origin_is_told_on_the_console_with_the_option_that_would_allow_it(service):
    output = Path(service.environment["HOME"]) / "output"
    known = output.stat().st_size
    origin = {"Origin": "http://localhost:5173"}
    login = httpx.post(f"{service.url}/session", data={"user": "joe"}, headers=origin, timeout=60)
    assert login.json()["code"] == "ORIGIN_NOT_ALLOWED_ERROR"
    asked = {**origin, "Access-Control-Request-Method": "DELETE"}
    httpx.options(f"{service.url}/sessions", headers=asked, timeout=60)
    told = output.read_bytes()[known:].decode()
    assert told.count("--origin http://localhost:5173 would allow it") == 2
