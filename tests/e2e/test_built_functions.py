"""Each function as it was built answers its event with its layers alone."""

import sysconfig
from pathlib import Path

import pytest

from tests.e2e import cases
from tests.e2e.built import NAMES, built_functions
from tests.e2e.conftest import Run

EACH_FUNCTION = pytest.mark.parametrize("name", sorted(NAMES.values()))


@pytest.fixture(scope="module")
def known(run: Run) -> cases.Login:
    """A user whom no test changes."""
    return cases.new_login(lambda other, event: run(other, event).answer)


@EACH_FUNCTION
def test_a_built_function_answers_its_event(name: str, run: Run, layers: Path):
    function = built_functions()[name]
    login = cases.new_login(lambda other, event: run(other, event).answer)

    report = run(name, cases.event_of(name, login))

    cases.check(name, report.answer, login, function.environment.get("USAGE_PLAN_KEYS", ""))
    own = {function.folder, *(layers / built.name / "python" for built in function.layers)}
    python = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    for file in report.files:
        assert "site-packages" not in file.parts
        assert {*own, *python} & {*file.parents}, f"{file} is none of Lambda's"


@EACH_FUNCTION
def test_a_built_function_refuses(name: str, run: Run, known: cases.Login):
    report = run(name, cases.refused_event_of(name, known))

    cases.check_refusal(name, report.answer)
