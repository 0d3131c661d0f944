"""Every function as it is built, for a Python of this machine, and the floor, to be measured.

Each has one event that it succeeds with, and a tape of AWS's answers to it.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from botocore import xform_name

from benchmarks.canned import Canned, Tape, canned, make_certificate
from local.engine import engine
from sessions import passwords
from tests.e2e import cases
from tests.e2e.built import (
    BARE,
    built_functions,
    environment,
    layer_sources,
    make_layers,
    provision_engine,
)
from tests.support.leaks import PASSWORD

FLOOR = "boto3"
HERE = Path(__file__).parent
_SECONDS = 120


class Case(NamedTuple):
    """A function and the event that it is measured with."""

    name: str
    handler: str
    folder: Path
    environ: dict[str, str]
    event: Path
    tape: Tape


class Bundle(NamedTuple):
    """All cases, the Python that runs them, and the emulated AWS.

    `floors` make the same calls of DynamoDB as the function of the same name, and check the same
    password, and do nothing else; the floor of cold starts is that of `get_current_session`.
    """

    python: str
    cases: dict[str, Case]
    floors: dict[str, Case]
    aws: Canned

    def command(self, program: str, case: Case, *arguments: str) -> list[str]:
        """Return the command that runs a program of this folder on a case."""
        file = str(HERE / f"{program}.py")
        return [self.python, *BARE, file, case.handler, str(case.event), *arguments]

    def run(self, program: str, case: Case, *arguments: str) -> str:
        """Run a program of this folder on a case; return what it printed."""
        run = subprocess.run(  # noqa: S603 - what runs is ours
            self.command(program, case, *arguments),
            cwd=case.folder,
            env=case.environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def play(self, case: Case) -> None:
        """Let AWS answer this case, from the start."""
        case.tape.rewind()
        self.aws.tape = case.tape


@contextmanager
def bundle(python: str, *, tls: bool = True) -> Iterator[Bundle]:
    """Build all that is measured with `python`, and emulate AWS, for as long as the block lasts.

    Args:
        python: the command of a Python.
        tls: whether AWS speaks TLS, as it does; the random numbers of TLS make the count of
            instructions differ.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_layers(folder / "layers", python)
        _make_floor(folder / "floor", python)
        certificate = folder / "aws.pem" if tls else None
        if certificate:
            make_certificate(certificate)
        with engine(folder / "engine") as database, canned(database, certificate) as aws:
            provision_engine(database)
            measured = Bundle(python, {}, {}, aws)
            _record(measured, folder)
            yield measured
            assert not aws.unrecorded, aws.unrecorded


def _make_floor(folder: Path, python: str) -> None:
    pinned = (layer_sources()["SessionsLayer"] / "requirements.txt").read_text()
    versions = [word for word in pinned.split() if word.startswith("botocore==")]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    _run([*pip, "--no-compile", "--target", str(folder), "boto3", *versions])
    (folder / "app.py").write_bytes((HERE / "floor" / "app.py").read_bytes())
    # As favourable as can be: with bytecode that nothing need check, which pip does not make.
    _run([python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)])


def _run(command: list[str]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr


def _record(measured: Bundle, folder: Path) -> None:
    functions = built_functions()
    aws = measured.aws
    roots = folder / "layers" / "SessionsLayer" / "python" / "botocore" / "cacert.pem"

    def case_of(name: str, event: Any) -> Case:
        function = functions[name]
        file = folder / f"{name}.json"
        file.write_text(json.dumps(event))
        environ = environment(function, folder / "layers", aws.url)
        environ |= _trust(folder, "sessions", roots)
        return Case(name, function.handler, function.folder, environ, file, Tape())

    def answer(case: Case) -> Any:
        return json.loads(measured.run("cold_start", case))[1]

    for name, function in functions.items():
        person = cases.new_person(lambda other, event: answer(case_of(other, event)))
        if name == "create_session":
            time.sleep(1)  # a second login of a user within one second makes one call more
        case = case_of(name, cases.request(name, person))
        aws.tape, aws.is_recording = case.tape, True
        cases.check(name, answer(case), person, function.environment.get("USAGE_PLAN_KEY", ""))
        aws.tape, aws.is_recording = None, False
        measured.cases[name] = case
        measured.floors[name] = _floor_of(case, folder)
    measured.cases[FLOOR] = measured.floors["get_current_session"]._replace(name=FLOOR)


def _floor_of(case: Case, folder: Path) -> Case:
    calls = [
        (xform_name(target.partition(".")[2]), parameters)
        for target, parameters in case.tape.requests
        if target.startswith("DynamoDB")
    ]
    event: dict[str, Any] = {"calls": calls}
    if case.name == "create_session":
        event["password"] = PASSWORD
        event["password_hash"] = passwords.hash_password(PASSWORD, bytes(16))
    file = folder / f"floor-{case.name}.json"
    file.write_text(json.dumps(event))
    floor = folder / "floor"
    argon2 = folder / "layers" / "PasswordsLayer" / "python"
    environ = {**case.environ, "PYTHONPATH": f"{floor}:{argon2}"}
    environ |= _trust(folder, "floor", floor / "botocore" / "cacert.pem")
    return Case(case.name, "app.handler", floor, environ, file, case.tape)


def _trust(folder: Path, name: str, roots: Path) -> dict[str, str]:
    """Return the variable that makes botocore trust the emulated AWS, beside its own roots."""
    emulated = folder / "aws.crt"
    if not emulated.exists():
        return {}
    bundle = folder / f"{name}.pem"
    bundle.write_text(roots.read_text() + emulated.read_text())
    return {"AWS_CA_BUNDLE": str(bundle)}
