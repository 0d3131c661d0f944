"""What was built, with layers and a database of this machine: `make build` first."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.engine import engine
from tests.e2e import built
from tests.e2e.cases import Person, new_person


@pytest.fixture(scope="session", autouse=True)
def _something_is_built() -> None:
    """Say it once and clearly, rather than in each test by what it misses."""
    built.built_template()


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers, made for this machine."""
    folder = tmp_path_factory.mktemp("layers")
    built.make_layers(folder)
    return folder


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine with the template's tables and secret."""
    with engine(tmp_path_factory.mktemp("database")) as endpoint:
        built.provision_engine(endpoint)
        yield endpoint


@pytest.fixture(scope="session")
def run(layers: Path, database: str) -> Callable[[str, Any], built.Report]:
    """Call a built function by its name, in a process of its own."""
    functions = built.built_functions()
    return lambda name, event: built.run(functions[name], event, layers, database)


@pytest.fixture
def person(run: Callable[[str, Any], built.Report]) -> Person:
    """A user of the test's own, who is logged in."""
    return new_person(lambda name, event: run(name, event).answer)
