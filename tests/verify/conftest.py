"""A deployment as a client sees it: the one suite that holds the contract.

It runs in three places: against the development gateway (`make test`), against a stack in an
emulator (`make rehearse`), and against a stack in AWS (`make verify`). There it also tries each
point of the list in docs/deploy.md that nobody could see without an account; a test that tries one
is marked with its number.
"""

import os
import secrets
from collections.abc import Callable, Iterator

import pytest

# `make verify` leaves tests/conftest.py out, which makes the environment one of no account.
pytest.register_assert_rewrite("tests.support.answers")

from tests.support.assumptions import BY_EYE, IF_NOT, assumptions  # noqa: E402 - it must come first
from tests.verify.deployment import (  # noqa: E402
    Deployment,
    User,
    new_users,
    of_service,
    of_stack,
    of_url,
)

FAILED, NOT_SEEN, PASSED = "fail", "not seen", "pass"
VERDICTS = {
    **dict.fromkeys(("failed", "error"), FAILED),
    **dict.fromkeys(("skipped", "xfailed"), NOT_SEEN),
    "passed": PASSED,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("verify", "what is tried; the service of this machine, if nothing")
    group.addoption("--stack", help="a stack, by the AWS credentials of the environment")
    group.addoption("--url", help="an API by its URL alone, which shows less")
    group.addoption("--login", help="with --url: a user to log in as, whose sessions are all ended")
    group.addoption("--header", help="sent along with each request, as NAME: VALUE")
    group.addoption("--change", action="store_true", help="change a parameter, and change it back")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "assumption(*numbers): it tries these points of the list in docs/deploy.md"
    )


# ------------------------------------------------------------------------- fixtures


def option(request: pytest.FixtureRequest, name: str) -> str | None:
    """Return an option; in a run that began with another folder pytest does not know of it."""
    return request.config.getoption(name, None) or None


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """What is tried."""
    header = option(request, "header")
    headers = dict([header.split(": ", 1)]) if header else {}
    if stack := option(request, "stack"):
        with of_stack(stack, headers) as deployment:
            yield deployment
    elif url := option(request, "url"):
        with of_url(url.rstrip("/"), headers) as deployment:
            yield deployment
    else:
        with of_service(request.getfixturevalue("service")) as deployment:
            yield deployment


@pytest.fixture(scope="module")
def limited(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[Deployment]:
    """The same, with its limits: on this machine, another service."""
    if option(request, "stack") or option(request, "url"):
        yield deployment
    else:
        secret = secrets.token_urlsafe(32)
        service = request.getfixturevalue("start")("--back-end-secret", secret)
        with of_service(service, secret) as another:
            yield another


@pytest.fixture(scope="session")
def new_user(deployment: Deployment) -> Iterator[Callable[[], User]]:
    """Make users, who are deleted when the run ends."""
    with new_users(deployment) as new_user:
        yield new_user


@pytest.fixture(scope="session")
def somebody(request: pytest.FixtureRequest, deployment: Deployment) -> User:
    """One user for all tests that leave no trace of themselves but sessions."""
    login = option(request, "login")
    if deployment.operate is None and login is None:
        pytest.skip("needs a user: LOGIN=... and PASSWORD=..., or a stack")
    if login is None:
        user: User = request.getfixturevalue("new_user")()
        return user
    return User(login, os.environ.get("PASSWORD", ""), deployment.http)


@pytest.fixture
def user(somebody: User) -> Iterator[User]:
    """A user, who has no session before."""
    somebody.log_out_everywhere()
    yield somebody
    somebody.log_out_everywhere()


# ------------------------------------------------------------------------ the table


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    for marker in item.iter_markers("assumption"):
        report.user_properties += [("assumption", number) for number in marker.args]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each point of docs/deploy.md's list what was seen, and what to do about it."""
    options = terminalreporter.config.option
    if not (options.stack or options.url):
        return
    seen: dict[int, list[tuple[str, str]]] = {}
    for outcome, verdict in VERDICTS.items():
        for report in terminalreporter.stats.get(outcome, []):
            for _, number in getattr(report, "user_properties", []):
                seen.setdefault(number, []).append((verdict, reason_of(report)))
    terminalreporter.section("the list of docs/deploy.md")
    for number, (sentence, advice) in assumptions().items():
        found = seen.get(number, [(NOT_SEEN, "")])
        verdict = next(each for each in (FAILED, NOT_SEEN, PASSED) if each in dict(found))
        terminalreporter.write_line(f"{number:>3}  {verdict:<8}  {sentence}")
        if verdict == NOT_SEEN:
            for reason in sorted({why for each, why in found if each == verdict and why}):
                terminalreporter.write_line(f"{'':15}because: {reason}")
        if verdict == FAILED or (verdict == NOT_SEEN and advice.startswith(BY_EYE)):
            terminalreporter.write_line(f"{'':15}what to do: {advice.removeprefix(IF_NOT)}")


def reason_of(report: pytest.TestReport) -> str:
    """Return why a test was skipped, or was expected to fail."""
    if wasxfail := getattr(report, "wasxfail", ""):
        return str(wasxfail)
    where = report.longrepr
    return str(where[2]).removeprefix("Skipped: ") if isinstance(where, tuple) else ""
