"""What was built, run on this machine: `make build` first."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.engine import engine
from tests.e2e.built import (
    BARE_PYTHON,
    built_functions,
    built_template,
    environment,
    make_layers,
    provision_engine,
)

ANSWER = Path(__file__).parent / "answer.py"
ANSWER_SECONDS = 60


class Report(NamedTuple):
    """What a function answered, and the files that it had imported by then."""

    answer: Any
    files: list[Path]


Run = Callable[[str, Any], Report]


@pytest.fixture(scope="session", autouse=True)
def _something_is_built() -> None:
    """Say it once and clearly, rather than in each test by what it misses."""
    built_template()


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers, made for this machine."""
    folder = tmp_path_factory.mktemp("layers")
    make_layers(folder)
    return folder


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine with the template's tables and secret."""
    with engine(tmp_path_factory.mktemp("database")) as endpoint:
        provision_engine(endpoint)
        yield endpoint


@pytest.fixture(scope="session")
def run(layers: Path, database: str) -> Run:
    """Call built functions, each call in a process that sees nothing else of ours."""
    functions = built_functions()

    def run(name: str, event: Any) -> Report:
        function = functions[name]
        process = subprocess.run(
            [*BARE_PYTHON, str(ANSWER), function.handler],
            cwd=function.folder,
            env=environment(function, layers, database),
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        report = json.loads(process.stdout)
        return Report(report["answer"], [Path(file) for file in report["files"]])

    return run
