"""The examples in JavaScript, each started as its users start it, on the database of a service."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.leaks import PASSWORD
from tests.support.service import Service

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GUARDS = ROOT / "clients" / "js" / "guards"
NODE = shutil.which("node")
NEXT = ["node_modules/next/dist/bin/next", "start", "next", "--hostname", "127.0.0.1"]
PROGRAMS = {"express": ["express/server.js"], "hono": ["hono/server.js"], "next": NEXT}
START_SECONDS = 60
INVALID = {"code": "INVALID_SESSION_ERROR", "message": "Invalid Session"}
OVER = {**INVALID, "reason": "all"}
STALE = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="A more recent login is needed", max_age="300"'
)

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.timeout(600),  # Next.js is built first
]


class Example(NamedTuple):
    """A program that runs, by the URL of its route."""

    url: str

    def get(self, **headers: str) -> httpx.Response:
        return self.request("GET", **headers)

    def request(self, method: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, self.url, headers=named, timeout=60)


class Session(NamedTuple):
    """A session of a user of its own."""

    user: str
    username: str
    token: str


@pytest.fixture(scope="module", autouse=True)
def frameworks() -> None:
    make = ["make", "examples/node_modules/ready"]
    subprocess.run(make, cwd=ROOT, check=True)  # the developer's own make


@pytest.fixture(scope="module", params=PROGRAMS)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "next":  # nothing of the environment is there where a product is built
        run([NEXT[0], "build", "next"], environment_of())
    return str(request.param)


@pytest.fixture(scope="module")
def example(
    name: str, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    with running_on(service.database, name, tmp_path_factory.mktemp(name)) as example:
        yield example


@pytest.fixture
def session(service: Service) -> Session:
    username = f"user{secrets.token_hex(4)}"
    user = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    created = service.operate("create_user", **user)
    login = {"user": username, "pass": PASSWORD}
    token = httpx.post(f"{service.url}/session", json=login).json()["token"]
    return Session(created["id"], username, token)


def environment_of(**added: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "NEXT_TELEMETRY_DISABLED": "1",
        **added,
    }


def run(arguments: list[str], environment: dict[str, str]) -> None:
    command = [str(NODE), *arguments]
    done = subprocess.run(
        command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def running_on(database: str, name: str, folder: Path, **changed: str) -> Any:
    """Run a program as in an account of AWS, by the environment alone."""
    environment = {
        "SESSIONS_TABLE": os.environ["SESSIONS_TABLE"],
        "USERS_TABLE": os.environ["USERS_TABLE"],
        "AWS_ENDPOINT_URL": database,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        **changed,
    }
    return running(PROGRAMS[name], EXAMPLES, folder / "output", free_port(), **environment)


@contextmanager
def running(
    arguments: list[str], place: Path, output: Path, port: str, **environment: str
) -> Iterator[Example]:
    with output.open("w") as file:
        process = subprocess.Popen(
            [str(NODE), *arguments],
            cwd=place,
            env=environment_of(PORT=port, **environment),
            stdout=file,
            stderr=file,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/", process, output)
        yield Example(f"http://127.0.0.1:{port}/me")
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url, timeout=START_SECONDS)
        except httpx.ConnectError:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.05)
        else:
            return


def test_lets_a_session_in_and_says_whose_it_is(example: Example, session: Session):
    for authorization in (session.token, f"Bearer {session.token}"):
        answer = example.get(Authorization=authorization)
        assert answer.status_code == 200
        assert answer.json()["user"] == session.user
    closed = example.request("DELETE", Authorization=session.token)
    assert (closed.status_code, closed.json()) == (200, {"closed": session.user})


def test_refuses_what_is_no_token_of_a_session(example: Example, session: Session):
    other = session.token.rsplit(".", 1)[0][:-1]
    for headers in ({}, {"Authorization": "Basic am9lOmpvZQ=="}, {"Authorization": other}):
        answer = example.get(**headers)
        assert (answer.status_code, answer.json()) == (401, INVALID)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"].startswith("application/json")


def test_a_revocation_counts_at_the_very_next_request(
    example: Example, session: Session, service: Service
):
    assert example.get(Authorization=session.token).status_code == 200
    headers = {"Authorization": session.token}
    assert httpx.delete(f"{service.url}/sessions/all", headers=headers).status_code == 200
    answer = example.get(Authorization=session.token)
    # Why is told until publish_events has purged the row, by which the token proves itself.
    assert (answer.status_code, answer.json() | {"reason": "all"}) == (401, OVER)


def test_a_ban_counts_at_the_very_next_request(
    example: Example, session: Session, service: Service
):
    service.operate("ban_user", login=session.username)
    answer = example.get(Authorization=session.token)
    assert answer.status_code == 403
    assert answer.json() == {"code": "BANNED_ERROR", "message": "Account Banned"}


def test_asks_for_a_new_login_where_the_last_one_is_too_old(
    example: Example, session: Session, service: Service
):
    authorization = {"Authorization": session.token}
    shown = example.get(**authorization).json()
    service.client("dynamodb").update_item(
        TableName=os.environ["SESSIONS_TABLE"],
        Key={"user": {"S": session.user}, "iat": {"N": str(shown["id"])}},
        UpdateExpression="SET created_at = :earlier",
        ExpressionAttributeValues={":earlier": {"N": str(shown["created"] - 600)}},
    )
    answer = example.request("DELETE", **authorization)
    assert answer.status_code == 401
    assert answer.json() == {"code": "STALE_SESSION_ERROR", "message": "Session Too Old"}
    assert answer.headers["WWW-Authenticate"] == STALE
    assert example.get(**authorization).status_code == 200


def test_a_cookie_counts_where_no_page_of_another_origin_sends_it(
    example: Example, session: Session
):
    cookie = f"a=1; __Host-session={session.token}"
    sites = {"same-origin": 200, "none": 200, "same-site": 401, "cross-site": 401}
    seen = {site: example.get(Cookie=cookie, Sec_Fetch_Site=site).status_code for site in sites}
    assert seen == sites
    assert example.get(Cookie=cookie).status_code == 401


def test_is_unavailable_without_the_database(name: str, session: Session, tmp_path: Path):
    nothing = f"http://127.0.0.1:{free_port()}"
    with running_on(nothing, name, tmp_path) as example:
        answer = example.get(Authorization=session.token)
        assert answer.status_code == 503
        assert answer.json()["code"] == "SERVICE_UNAVAILABLE_ERROR"
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["Cache-Control"] == "no-store"
        assert example.get().status_code == 401  # for that nothing is read
    assert "ECONNREFUSED" in (tmp_path / "output").read_text()  # operators see why


def test_a_mistake_lets_nobody_in_and_is_the_framework_s_to_answer(
    name: str, service: Service, session: Session, tmp_path: Path
):
    with running_on(service.database, name, tmp_path, SESSIONS_TABLE="") as example:
        assert example.get(Authorization=session.token).status_code == 500
        assert example.get().status_code == 401


@pytest.mark.parametrize("name", PROGRAMS)
def test_runs_on_the_service_of_make_run_by_the_script_of_its_name(
    name: str, service: Service, session: Session, tmp_path: Path
):
    told = Path(service.environment["HOME"]) / "sessions-service.json"
    local, place = tmp_path / ".local", tmp_path / "examples"
    local.mkdir()
    shutil.copy(told, local)
    place.mkdir()
    for path in EXAMPLES.iterdir():
        (place / path.name).symlink_to(path)
    script = json.loads((EXAMPLES / "package.json").read_text())["scripts"][name]
    port = free_port()
    node, *arguments = script.replace("8000", port).split()
    assert node == "node"
    with running(arguments, place, tmp_path / "output", port) as example:
        assert example.get(Authorization=session.token).json()["user"] == session.user


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_route_costs_its_product_six_lines(name: str):
    lines = lines_of_product(name)
    assert "protect(" in lines[-1]
    assert 0 < len(lines) <= 6


def test_the_readme_shows_the_lines_that_run():
    readme = (GUARDS.parent / "README.md").read_text()
    shown = re.findall(r"```js\n(.*?)```", readme, re.DOTALL)[1]
    assert code(shown) == lines_of_product("express")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_guard_has_fifteen_lines(name: str):
    text = (GUARDS / f"{name}.js").read_text()
    assert 0 < len(code(re.sub(r"/\*\*\n.*?\*/\n", "", text, flags=re.DOTALL))) <= 15


def lines_of_product(name: str) -> list[str]:
    """Return the lines for a session, which stand in blocks; all of ours and of AWS's do."""
    sources = (EXAMPLES / name).rglob("*.js")
    text = "".join(path.read_text() for path in sources if ".next" not in path.parts)
    block = re.compile(r"^// sessions: begin\n(.*?)^// sessions: end$", re.MULTILINE | re.DOTALL)
    assert not re.search(r"sessions-client|DynamoDB|process\.env\.[SU]", block.sub("", text))
    return code("".join(block.findall(text)))


def code(text: str) -> list[str]:
    """Return the lines that are neither empty nor comments."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("//")]
