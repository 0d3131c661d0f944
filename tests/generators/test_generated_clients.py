"""Clients that others make of docs/openapi.yaml: they compile, and work on the service."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.leaks import PASSWORD
from tests.support.openapi import FILE
from tests.support.service import Service

PROGRAMS = Path(__file__).parent
ROOT = PROGRAMS.parents[1]
NODE_MODULES = ROOT / "node_modules"
REFUSED = {"wrong": "INVALID_PASSWORD_ERROR", "missing": ["pass"], "over": "all"}


def run(*command: object, **environment: str) -> str:
    """Run a program of the environment of the tests; return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in command],
        env={"PATH": path, "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def user(service: Service, request: pytest.FixtureRequest) -> str:
    name = str(request.node.name)
    address = f"{name}@example.com"
    service.operate("create_user", username=name, email=address, password=PASSWORD)
    return name


def test_a_python_client(service: Service, user: str, tmp_path: Path) -> None:
    run(
        *("openapi-python-client", "generate", "--path", FILE, "--fail-on-warning"),
        *("--meta", "none", "--output-path", tmp_path / "generated"),
    )
    program = Path(shutil.copy(PROGRAMS / "program.py", tmp_path))
    # What is made of the document: all else is the same for any, and mypy finds fault with it.
    made = (tmp_path / "generated" / folder for folder in ("api", "models"))
    options = ("--strict", "--config-file=", "--follow-imports=silent", "--cache-dir", os.devnull)
    run("mypy", *options, program, *made)
    seen = json.loads(run("python", program, service.url, user, PASSWORD))
    assert seen == {"counts": [5, 2, 1, 0, 1], **REFUSED}


def test_a_typescript_client(service: Service, user: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run(NODE_MODULES / ".bin" / "openapi-typescript", FILE, "--output", tmp_path / "api.ts")
    program = Path(shutil.copy(PROGRAMS / "program.ts", tmp_path))
    run(
        *(NODE_MODULES / ".bin" / "tsc", "--strict", "--target", "es2022"),
        *("--module", "nodenext", "--lib", "es2022,dom", program),
    )
    seen = json.loads(run("node", program.with_suffix(".js"), service.url, user, PASSWORD))
    assert seen == {"counts": [3, 1, 1], **REFUSED}
