"""`python -m local`, as a process: how it starts, and that nothing of it is left."""

import itertools
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import httpx
import pytest

from local import state
from local.__main__ import command_line
from local.engine import is_healthy

ROOT = Path(__file__).parents[2]


def command(project: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", "--template", str(project), *arguments]


def run(project: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own command
        command(project, *arguments),
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def running(project: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the gateway until the block ends; yield the process and what it said at its start."""
    with subprocess.Popen(  # our own command
        command(project, "--port", "0", *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        banner = []
        while banner[-1:] != ["Ctrl-C to stop."] and (line := process.stdout.readline()):
            banner.append(line.strip())
        try:
            yield process, banner
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()


def database_of(folder: Path) -> str:
    found = state.running(folder)
    assert found
    return found.database


def url_of(banner: list[str]) -> str:
    return banner[0].split()[-1]


def users(project: Path) -> str:
    return (project.parent / ".local/state/dynamodb.json").read_text()


class Gateway(NamedTuple):
    """A gateway that runs."""

    project: Path
    url: str
    database: str


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """One for all tests that leave it as it is; each start takes seconds."""
    folder = tmp_path_factory.mktemp("shared") / "project"
    project = shutil.copytree(Path(__file__).parent / "project", folder) / "template.yaml"
    with running(project) as (_, banner):
        yield Gateway(project, url_of(banner), database_of(project.parent / ".local"))


@pytest.fixture
def event(tmp_path):
    file = tmp_path / "event.json"
    file.write_text('{"username": "ann"}')
    return str(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing(project, number):
    with running(project) as (process, banner):
        assert httpx.get(f"{url_of(banner)}/open").status_code == 200
        endpoint = database_of(project.parent / ".local")
        process.send_signal(number)
        process.wait()
        output = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0
    assert "Traceback" not in output
    assert not is_healthy(endpoint)
    assert "joe" in users(project)


def test_it_says_where_it_is_and_a_log_in_that_works_when_pasted(tmp_path):
    ours = tmp_path / "template.yaml"
    ours.write_bytes((ROOT / "template.yaml").read_bytes())
    for folder in ("functions", "layers"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    with running(ours, "--origin", "http://a.example", "--origin", "http://b.example") as (_, said):
        assert said[1].endswith("http://a.example, http://b.example")
        assert said[2].split()[1] == database_of(tmp_path / ".local")
        assert said[3].split()[1] == str(tmp_path / ".local/functions.log")
        (line,) = [line for line in said if line.startswith("curl ")]
        _, _, url, *fields = shlex.split(line)
        form = dict(field.split("=") for field in fields if field != "-d")
        origin = {"Origin": "http://b.example"}
        response = httpx.post(url, data=form, headers=origin)
        assert response.status_code == 201
        assert response.headers["Access-Control-Allow-Origin"] == "http://b.example"


def test_another_endpoint_is_used_and_left_running(gateway, project, tmp_path):
    event = tmp_path / "event.json"
    event.write_text('{"username": "eve"}')
    with running(project, "--endpoint", gateway.database) as (_, second):
        assert httpx.get(f"{url_of(second)}/open").status_code == 200
        done = run(
            project, "--endpoint", gateway.database, "invoke", "create_user", "-e", str(event)
        )
        assert json.loads(done.stdout) == {"id": "eve"}
    assert is_healthy(gateway.database)


def test_a_folder_that_is_in_use_is_refused(gateway):
    done = run(gateway.project, "--port", "0")
    assert done.returncode == 1
    assert "is in use by another gateway" in done.stderr


def test_a_killed_gateway_loses_nothing(project, event):
    """Its database ends with it, and keeps what it has."""
    with running(project) as (process, _):
        assert run(project, "invoke", "create_user", "-e", event).returncode == 0
        process.kill()
    # The folder is free only when the child, which has saved its state, is gone as well.
    with running(project):
        assert "ann" in users(project)


def test_users_outlive_a_restart_unless_it_is_a_fresh_one(project, event):
    assert run(project, "invoke", "create_user", "-e", event).returncode == 0
    again = run(project, "invoke", "CreateUserFunction", "-e", event)
    assert again.returncode == 1
    assert json.loads(again.stdout) == {
        "errorType": "UserTaken",
        "errorMessage": "the name is taken",
    }
    with running(project, "--fresh"):
        pass
    assert "ann" not in users(project)


def test_one_function_uses_the_database_of_the_gateway_that_runs(gateway, event):
    project = gateway.project
    answer = run(project, "invoke", "create_user", "-e", "-", given='{"username": "ann"}')
    assert json.loads(answer.stdout) == {"id": "ann"}
    assert "creating" in answer.stderr
    assert run(project, "invoke", "create_user", "-e", event).returncode == 1


@pytest.fixture
def line_of(project, monkeypatch, capsys):
    """Type a command, in this process; return the one line in which it is refused."""

    def line_of(typed: str) -> str:
        monkeypatch.setattr(sys, "argv", ["local", "--template", str(project), *typed.split()])
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        # A command has its process, and the environment of it, to itself.
        with mock.patch.dict(os.environ), pytest.raises(SystemExit) as end:
            command_line()
        printed = capsys.readouterr()
        assert printed.out == ""
        # Python itself prints the words of an end that has some.
        (line,) = (printed.err if end.value.code == 2 else str(end.value)).splitlines()
        return line

    return line_of


@pytest.fixture(scope="module")
def taken():
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--port 70000", "--port"),
        ("--port x", "--port"),
        ("--prot 3000", "--port"),
        (
            "--port {taken}",
            "cannot listen on port {taken} (Address already in use); choose another with --port",
        ),
        ("--origin https://a.example/", "https://a.example is one"),
        ("--origin *", "no origin"),
        ("--origin a.example", "no origin"),
        ("--endpoint localhost:4566", "no URL"),
        ("--endpoint ftp://localhost", "no URL"),
        ("--state {file}", "is a file"),
        ("--state {file}/below", "Not a directory"),
        ("--state {root}", "files of others"),
        ("--template {root}/nothing", "No such file"),
        ("--template {file}", "has no Resources"),
        ("--template {broken}", "is no YAML"),
        ("--template {odd}", "Table has no Type"),
        ("nonsense", "nonsense"),
        ("invoke create_user", "--event"),
        ("invoke nonsense -e {file}", "CreateUserFunction"),
        ("invoke create_user -e {root}/nothing", "No such file"),
        ("invoke create_user -e {broken}", "is not JSON"),
        ("invoke create_user -e {file} --as joe", "make run"),
    ],
)
def test_wrong_usage_is_one_line_and_changes_nothing(project, taken, line_of, typed, said):
    root = project.parent
    file, broken = root / "event.json", root / "broken.yaml"
    file.write_text("{}")
    broken.write_text("Resources: [")
    odd = root / "odd.yaml"
    odd.write_text("Resources: {Table: {}}")
    before = sorted(root.rglob("*"))
    typed = typed.format(file=file, broken=broken, odd=odd, root=root, taken=taken)
    line = line_of(f"--port 0 {typed}")
    assert line.startswith("local: ")
    assert said.format(taken=taken) in line
    assert sorted(root.rglob("*")) == before


def test_a_database_without_secrets_is_refused_in_one_line(line_of):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    assert endpoint in line_of(f"--endpoint {endpoint} --port 0")


def test_a_body_that_is_too_large_is_answered_before_it_ends(gateway):
    response = httpx.post(f"{gateway.url}/open", content=b"x" * 30_000_000)
    assert response.status_code == 413
    host, port = "127.0.0.1", httpx.URL(gateway.url).port
    with socket.create_connection((host, port)) as plain:
        plain.sendall(b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 413")


def test_events_show_the_names_of_headers_as_they_were_sent(gateway):
    sent = {"X-CamelCase": "é".encode()}
    event = httpx.get(f"{gateway.url}/open", headers=sent).json()
    assert event["headers"]["X-CamelCase"] == "é"


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return the next line of the console that has these words."""
    assert process.stdout
    return next(line for line in process.stdout if words in line)


def test_a_change_counts_from_the_next_request_on_and_is_told(project):
    echo, layer = project.parent / "functions/echo/app.py", project.parent / "layer"
    with running(project) as (process, banner):
        url, times = f"{url_of(banner)}/open", itertools.count(10**18)

        def change(file: Path, text: str) -> int:
            file.write_text(text)
            os.utime(file, ns=(0, next(times)))  # in the same second, as bytecode has it
            return httpx.get(url).status_code

        before = echo.read_text()
        assert change(echo, before.replace("200,", "202,")) == 202
        assert read_until(process, "reloaded") == "reloaded functions/echo/app.py\n"
        assert change(echo, before.replace("200,", "203,")) == 203
        assert change(echo, "def handler(") == 203, "what ran goes on"
        said = read_until(process, "not reloaded")
        assert "functions/echo/app.py (SyntaxError: " in said
        assert "line 1" in said
        assert change(layer / "status.py", "STATUS = 204\n") == 203
        uses = before.replace("200,", "STATUS,").replace(
            "import json", "from status import STATUS", 1
        )
        assert change(echo, f"import json\n{uses}") == 204
        assert change(layer / "status.py", "STATUS = 205\n") == 205
        template = project.read_text()
        assert change(project, template.replace("/open", "/moved")) == 403
        assert change(project, "Resources: [") == 403
        assert change(project, template) == 205
