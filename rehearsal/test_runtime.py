"""Each built function answers its event under Lambda's own runtime client.

AWS's emulator plays the Lambda service. The binary comes with the SAM CLI, which puts it into
its containers; none is needed here.
"""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from local.functions import Function
from rehearsal import cases
from rehearsal.built import BARE_PYTHON, NAMES, ROOT, built_functions, environment
from rehearsal.conftest import Run

START_SECONDS = 30
STOP_SECONDS = 10
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
EMULATOR = f"samcli/local/rapid/aws-lambda-rie-{MACHINES.get(platform.machine())}"
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
INVOCATIONS = "/2015-03-31/functions/function/invocations"

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator is for Linux")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's emulator of the Lambda service, as the SAM CLI brings it."""
    found = list(ROOT.glob(f".venv-build/lib/python3*/site-packages/{EMULATOR}"))
    assert found, "there is no emulator; `make build` installs it"
    program = tmp_path_factory.mktemp("emulator") / "emulator"
    shutil.copyfile(found[0], program)
    program.chmod(0o700)  # a wheel need not keep that it can be run
    return program


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime client and what it needs, without the rest of the venv."""
    folder = tmp_path_factory.mktemp("client")
    for name in CLIENT:
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or ()} - {".."}:
            if top != "__pycache__" and not (folder / top).exists():
                (folder / top).symlink_to(installed.locate_file(top))
    return folder


@contextmanager
def running(
    emulator: Path, function: Function, environ: dict[str, str], log: Path
) -> Iterator[Callable[[Any], Any]]:
    """Run a function for as long as the block lasts; yield what calls it.

    The emulator takes one call at a time; a second one meanwhile would end it.
    """
    port, api_port = two_free_ports()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(emulator),
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{api_port}"),
                *("--log-level", "error"),
                *(*BARE_PYTHON, "-m", "awslambdaric", function.handler),
            ],
            cwd=function.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that whatever it starts can be ended with it
        )

    def call(event: Any) -> Any:
        seconds = function.timeout_seconds + START_SECONDS
        with closing(HTTPConnection("127.0.0.1", port, timeout=seconds)) as connection:
            connection.request("POST", INVOCATIONS, json.dumps(event))
            return json.loads(connection.getresponse().read())

    try:
        end = time.monotonic() + START_SECONDS
        while not is_open(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        yield call
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        end_session(process.pid)


def two_free_ports() -> tuple[int, int]:
    with ExitStack() as stack:  # both are held until both are known, so they differ
        probes = [stack.enter_context(socket.socket()) for _ in range(2)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        first, second = (probe.getsockname()[1] for probe in probes)
        return first, second


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of_session(session: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may hold anything: state, parent, group, session.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def end_session(session: int) -> None:
    """End what the emulator left: it gives the runtime a process group of its own."""
    for pid in processes_of_session(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.mark.parametrize("name", sorted(NAMES.values()))
def test_a_built_function_answers_and_refuses_under_lambdas_runtime(
    name: str, run: Run, emulator: Path, client: Path, layers: Path, database: str, tmp_path: Path
):
    function = built_functions()[name]
    login = cases.new_login(lambda other, event: run(other, event).answer)
    environ = environment(function, layers, database, client)
    log = tmp_path / "log"

    with running(emulator, function, environ, log) as call:
        answer = call(cases.event_of(name, login))
        refusal = call(cases.refused_event_of(name, login))

    cases.check(name, answer, login, environ.get("USAGE_PLAN_KEYS", ""))
    cases.check_refusal(name, refusal)
    # One outcome metric for each call, and nothing that could be used to log in.
    written = log.read_text()
    gauges = written.count('"Name":"SigningKeyOverdueDays"')  # which is no outcome
    assert written.count('"CloudWatchMetrics"') - gauges == 2
    assert login.token not in log.read_text()
