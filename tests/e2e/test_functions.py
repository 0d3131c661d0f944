"""Each function, as it was built and with its layers alone, answers its event."""

import platform
import sysconfig
from pathlib import Path

import pytest

from tests.e2e.built import built_functions, environment
from tests.e2e.cases import check, check_refusal, refused_request, request
from tests.e2e.runtime import copy_emulator, link_client, running
from tests.support.operations import OPERATIONS

EACH_FUNCTION = pytest.mark.parametrize("name", OPERATIONS)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's emulator of the Lambda service."""
    return copy_emulator(tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime client."""
    return link_client(tmp_path_factory.mktemp("client"))


@EACH_FUNCTION
def test_a_function_imports_its_layers_and_python_alone(name, run, layers, person):
    function = built_functions()[name]

    report = run(name, request(name, person))

    check(name, report.answer, person, function.environment.get("USAGE_PLAN_KEY", ""))
    own = {function.folder, *(layers / layer.name / "python" for layer in function.layers)}
    python = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    for file in report.files:
        assert "site-packages" not in file.parts
        assert {*own, *python} & {*file.parents}, f"{file} is none of Lambda's"


@pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator is for Linux")
@EACH_FUNCTION
def test_a_function_answers_and_refuses_under_lambdas_runtime(
    name, emulator, client, layers, database, person, tmp_path
):
    function = built_functions()[name]
    environ = environment(function, layers, database, client)
    log = tmp_path / "log"

    with running(emulator, function.handler, function.folder, environ, log) as runtime:
        answer = runtime.call(request(name, person))
        refusal = runtime.call(refused_request(name))

    check(name, answer, person, environ.get("USAGE_PLAN_KEY", ""))
    check_refusal(name, refusal)
    # One outcome metric for each call, and nothing that could be used to log in.
    written = log.read_text()
    gauges = written.count('"Name":"SigningKeyOverdueDays"')  # which is no outcome
    assert written.count('"CloudWatchMetrics"') - gauges == 2
    assert person.token not in written
