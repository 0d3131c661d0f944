"""Every test runs against the template's own tables, environment and secret.

moto plays AWS for the handlers, in this process, and is asked one thing at a time; what is about
concurrency or capacity goes through the development gateway (tests/gateway), and what the store
promises is held to on several engines (tests/conformance). What tests share is in tests/support.
"""

import gc

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.support")
pytest_plugins = [
    "tests.support.environment",  # first: the others import the layer, which reads it
    "tests.support.aws",
    "tests.support.handlers",
    "tests.support.secrecy",
    "tests.support.service",
]

settings.register_profile(
    "sessions",
    deadline=None,  # a timed test fails on a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
# A planted fault is noticed or not; the smallest input that shows it is of no use.
settings.register_profile(
    "mutants", settings.get_profile("sessions"), phases=set(Phase) - {Phase.shrink, Phase.explain}
)
settings.load_profile("sessions")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the comparisons of tests/test_agreement.py be as many as somebody has time for."""
    parser.addoption("--comparisons", type=int, default=200, help="of API and Verifiers, at least")


# `make test` gives whole files to its workers. These take longest, so they come first: the last
# worker would otherwise be alone with one of them.
LONGEST = ("test_every_fault.py", "test_history.py", "test_interleavings.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    gc.freeze()  # what is imported stays: no collection of garbage need look through it
    items.sort(key=lambda item: item.path.name not in LONGEST)
