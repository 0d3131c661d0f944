"""Lambda's own runtime client, and AWS's emulator of the Lambda service, run on this machine.

The binary comes with the SAM CLI, which puts it into its containers; none is needed here.
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
from typing import Any, NamedTuple

from tests.e2e.built import BARE_PYTHON, ROOT

START_SECONDS = 30
STOP_SECONDS = 10
CALL_SECONDS = 60  # longer than any function may take
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
EMULATOR = f"samcli/local/rapid/aws-lambda-rie-{MACHINES.get(platform.machine())}"
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
INVOCATIONS = "/2015-03-31/functions/function/invocations"


def copy_emulator(folder: Path) -> Path:
    """Put AWS's emulator, as the SAM CLI brings it, into a folder, so that it can be run."""
    found = list(ROOT.glob(f".venv-build/lib/python3*/site-packages/{EMULATOR}"))
    assert found, "there is no emulator; `make build` installs it"
    program = folder / "emulator"
    shutil.copyfile(found[0], program)
    program.chmod(0o700)  # a wheel need not keep that it can be run
    return program


def link_client(folder: Path) -> Path:
    """Put the runtime client and what it needs into a folder, without the rest of the venv."""
    for name in CLIENT:
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or ()} - {".."}:
            if top != "__pycache__" and not (folder / top).exists():
                (folder / top).symlink_to(str(installed.locate_file(top)))
    return folder


class Runtime(NamedTuple):
    """A function under Lambda's runtime client: what calls it, and the emulator's process.

    The emulator starts the function at the first call, and takes one call at a time; a second one
    meanwhile would end it.
    """

    call: Callable[[Any], Any]
    emulator: int

    def cpu_seconds(self) -> float:
        """Return what the function's process has taken, the emulator aside."""
        # Linux, clock_getcpuclockid(3): the clock of a process, which counts threads that are over.
        return sum(
            time.clock_gettime((~pid << 3) | 2)
            for pid in processes_of_session(self.emulator)
            if pid != self.emulator
        )


@contextmanager
def running(
    emulator: Path, handler: str, folder: Path, environ: dict[str, str], log: Path
) -> Iterator[Runtime]:
    """Run a handler for as long as the block lasts, under Lambda's runtime client.

    Args:
        emulator: what `copy_emulator` made.
        handler: its module and name.
        folder: where it runs.
        environ: all of its environment, in which the runtime client can be imported.
        log: a file for what it writes.
    """
    port, api_port = two_free_ports()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(emulator),
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{api_port}"),
                *("--log-level", "error"),
                *(*BARE_PYTHON, "-m", "awslambdaric", handler),
            ],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that whatever it starts can be ended with it
        )

    def call(event: Any) -> Any:
        with closing(HTTPConnection("127.0.0.1", port, timeout=CALL_SECONDS)) as connection:
            connection.request("POST", INVOCATIONS, json.dumps(event))
            return json.loads(connection.getresponse().read())

    try:
        end = time.monotonic() + START_SECONDS
        while not is_open(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        yield Runtime(call, process.pid)
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
