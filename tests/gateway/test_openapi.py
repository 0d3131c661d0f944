"""Requests that docs/openapi.yaml allows, and others, sent to the service by schemathesis.

tests/test_openapi.py holds the document to the template and to the functions.
"""

import copy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis.generation.feedback import NO_FEEDBACK

# As schemathesis' own plugin makes its tests; pyproject.toml has the reason against the plugin.
from schemathesis.pytest._test_builder import build_operation_test

from tests.support.contract import SHORT
from tests.support.openapi import DOCUMENT, OPERATIONS, examples
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.support.service import Service, Start

CREDENTIALS = {"user": "eve", "pass": "password of eve"}
LOG_IN = ["create_session", "create_session_short"]
# A limit over 50 counts as 50; a name that is too long and an ID that is none are ignored.
LENIENT = ["list_sessions", "list_sessions_short", "delete_sessions", "delete_sessions_short"]
# The answers of routes with a token to what the document allows: never 400, nor 401.
ALLOWED = {str(status) for name in AUTHENTICATED for status in ROUTES[name].answers} - {"400"}
CONFIG = {
    "generation": {"deterministic": True, "database": "none", "max-examples": 8},
    "checks": {
        # An unknown method of a known path is an unknown route: 404, and not 405.
        "unsupported_method": {"enabled": False},
        "positive_data_acceptance": {"expected-statuses": sorted(ALLOWED)},
    },
    "operations": [
        {
            "include-operation-id": LOG_IN,
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["201", "401", "404", "429"]},
                "negative_data_rejection": {"enabled": False},  # the name
            },
        },
        {
            "include-operation-id": LENIENT,
            "checks": {"negative_data_rejection": {"enabled": False}},
        },
        # They lead to the same functions: values at the limits are tried, and none at random.
        {"include-tag": "Short paths", "phases": {"fuzzing": {"enabled": False}}},
    ],
}


def operation_id(case: schemathesis.Case) -> str:
    found: str = case.operation.definition.raw["operationId"]
    return found


def words_of(error: dict[str, Any]) -> tuple[str, str]:
    return error["code"], error["message"]


class Caller:
    """A user's client. It logs in again once a call may have ended its session."""

    def __init__(self, service: Service) -> None:
        self._url = service.url
        self._http = requests.Session()
        self._token = ""
        self.seen: set[tuple[str, int]] = set()  # operations and their statuses
        eve = {"username": CREDENTIALS["user"], "password": CREDENTIALS["pass"]}
        service.operate("create_user", **eve, email="eve@example.com")

    def options(self, case: schemathesis.Case) -> dict[str, Any]:
        """Return the service, the connection and the token for a call."""
        options = {"base_url": self._url, "session": self._http}
        if operation_id(case) in {*LOG_IN, "is_it_up"}:
            return options
        if not self._token:
            answer = self._http.post(
                self._url + ROUTES["create_session"].paths[SHORT], json=CREDENTIALS
            )
            self._token = answer.json()["token"]
        return {**options, "headers": {"Authorization": self._token}}

    def call(self, case: schemathesis.Case, **options: Any) -> schemathesis.Response:
        answer = case.call(**options)
        self.seen.add((operation_id(case), answer.status_code))
        if operation_id(case) in LOG_IN and answer.status_code == 201:
            self._token = answer.json()["token"]
        elif case.method == "DELETE" and answer.status_code == 200:
            self._token = ""
        return answer


@pytest.fixture(scope="module")
def caller(start: Start) -> Caller:
    """A caller of a service of its own: refused logins count against an address."""
    return Caller(start("--no-rate-limit"))


def load(document: dict[str, Any]) -> Any:
    config = schemathesis.Config.from_dict(CONFIG)
    return schemathesis.openapi.from_dict(document, config=config)


@pytest.fixture(scope="module")
def api() -> Any:
    return load(DOCUMENT)


def test_the_links_lead_through_every_operation(caller):
    document = copy.deepcopy(DOCUMENT)
    document["paths"] = {
        path: document["paths"][path]
        for path in document["paths"]
        if path.startswith("/user/")  # where all links lead
    }
    # schemathesis takes them for the ID of a resource that nothing makes, and would not log in.
    del document["paths"]["/user/session"]["post"]["parameters"]
    walks = load(document).as_state_machine()

    class Walk(walks):  # type: ignore[valid-type, misc]  # it is made of the document
        def before_call(self, case: schemathesis.Case) -> None:
            if operation_id(case) == "create_session" and isinstance(case.body, dict):
                case.body = {**case.body, **CREDENTIALS}

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return caller.options(case)

        def call(self, case: schemathesis.Case, **options: Any) -> schemathesis.Response:
            return caller.call(case, **options)

    caller.seen.clear()
    Walk.run(
        settings=settings(
            max_examples=8, stateful_step_count=14, derandomize=True, database=None, deadline=None
        )
    )
    done = {operation for operation, status in caller.seen if status in {200, 201}}
    assert done == {
        operation["operationId"]
        for operation in OPERATIONS.values()
        if operation["tags"] == ["Sessions"]
    }
    assert ("get_session", 404) in caller.seen  # by the link of the one that was ended


# Logins last: the refused ones may have the address throttled.
@pytest.mark.parametrize(
    ("method", "path"), sorted(OPERATIONS, key=lambda operation: operation[0] == "post")
)
def test_an_operation_answers_as_described(api, caller, method, path):
    def check(case: schemathesis.Case) -> None:
        options = caller.options(case)
        answer = caller.call(case, **options)
        case.validate_response(answer, transport_kwargs=options)
        # The schema of most errors leaves its words open; at another method there is no endpoint.
        if answer.status_code >= 400 and case.method.lower() == method:
            shown = examples(OPERATIONS[method, path]["responses"][str(answer.status_code)])
            assert words_of(answer.json()) in [words_of(error) for error in shown]

    operation = api[path][method]
    caller.seen.clear()
    build_operation_test(
        config=api.config,
        operation=operation,
        test_func=check,
        given_kwargs={},
        feedback=NO_FEEDBACK,
    )()
    # It was done and refused; no random ID is that of a session.
    expected = {404} if "{id}" in path else {200, 201, 400}
    described = {int(status) for status in OPERATIONS[method, path]["responses"]}
    assert expected & described <= {status for _, status in caller.seen}
