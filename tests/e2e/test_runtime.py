"""Each built function answers its event under Lambda's own runtime client."""

import platform
from pathlib import Path

import pytest

from tests.e2e import cases
from tests.e2e.built import NAMES, built_functions, environment
from tests.e2e.conftest import Run
from tests.e2e.runtime import copy_emulator, link_client, running

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator is for Linux")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's emulator of the Lambda service."""
    return copy_emulator(tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime client."""
    return link_client(tmp_path_factory.mktemp("client"))


@pytest.mark.parametrize("name", sorted(NAMES.values()))
def test_a_built_function_answers_and_refuses_under_lambdas_runtime(
    name: str, run: Run, emulator: Path, client: Path, layers: Path, database: str, tmp_path: Path
):
    function = built_functions()[name]
    login = cases.new_login(lambda other, event: run(other, event).answer)
    environ = environment(function, layers, database, client)
    log = tmp_path / "log"

    with running(emulator, function.handler, function.folder, environ, log) as runtime:
        answer = runtime.call(cases.event_of(name, login))
        refusal = runtime.call(cases.refused_event_of(name, login))

    cases.check(name, answer, login, environ.get("USAGE_PLAN_KEYS", ""))
    cases.check_refusal(name, refusal)
    # One outcome metric for each call, and nothing that could be used to log in.
    written = log.read_text()
    gauges = written.count('"Name":"SigningKeyOverdueDays"')  # which is no outcome
    assert written.count('"CloudWatchMetrics"') - gauges == 2
    assert login.token not in log.read_text()
