"""Lambda's Invoke API, beside the API of the template."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

Call = Callable[..., httpx.Response]

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20270115/us-east-1/lambda/x"}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:Echo"
EVENT = {"queryStringParameters": None}


def invoke(
    call: Call, name: str = "Echo", event: Any = EVENT, *, query: str = "", **headers: str
) -> httpx.Response:
    content = event if isinstance(event, bytes) else json.dumps(event).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    path = f"/2015-03-31/functions/{name}/invocations{query}"
    return call("POST", path, content=content, headers={**SIGNED, **named})


def wishing(wish: str) -> dict[str, Any]:
    return {"queryStringParameters": {"wish": wish}}


@pytest.mark.parametrize(
    "name", ["Echo", "echo", "Echo:$LATEST", ARN, f"{ARN}:$LATEST", "Echo%3A$LATEST"]
)
def test_a_function_is_invoked_by_each_of_its_names(call, name):
    response = invoke(call, name)
    assert response.status_code == 200
    assert json.loads(response.json()["body"]) == EVENT
    assert response.headers["x-amz-executed-version"] == "$LATEST"
    assert "x-amz-function-error" not in response.headers


def test_the_qualifier_may_stand_in_the_query(call):
    assert invoke(call, query="?Qualifier=$LATEST").status_code == 200


@pytest.mark.parametrize("query", ["", "?Qualifier=$LATEST"])
@pytest.mark.parametrize("name", ["Nothing", "Echo:beta", "Echo:live", "arn:aws:lambda:Echo"])
def test_an_unknown_function_is_not_found(call, name, query):
    response = invoke(call, name, query=query)
    assert response.status_code == 404
    assert response.headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_an_exception_is_a_function_error(call):
    response = invoke(call, event=wishing("raise"))
    assert response.status_code == 200
    assert response.headers["x-amz-function-error"] == "Unhandled"
    assert response.json() == {"errorMessage": "a secret of ours", "errorType": "ValueError"}


def test_a_function_that_hangs_has_timed_out(call, gateway, go_on):
    functions = gateway._functions.items()
    gateway._functions = {arn: replace(each, timeout_seconds=0) for arn, each in functions}
    response = invoke(call, event=wishing("hang"))
    assert response.headers["x-amz-function-error"] == "Unhandled"
    assert response.json()["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize("payload", [b"no JSON", b'{"a":', b"\xff", b"[" * 100_000])
def test_a_payload_that_is_no_json_is_refused(call, payload):
    response = invoke(call, event=payload)
    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "InvalidRequestContentException"


@pytest.mark.parametrize("size", [6 * 1024 * 1024, 11 * 1024 * 1024])
def test_a_payload_that_is_too_large_is_refused(call, size):
    response = invoke(call, event=b'"' + b"a" * size + b'"')
    assert response.status_code == 413
    assert response.headers["x-amzn-errortype"] == "RequestTooLargeException"


def test_a_dry_run_runs_nothing(call):
    response = invoke(call, event=wishing("raise"), X_Amz_Invocation_Type="DryRun")
    assert (response.status_code, response.content) == (204, b"")
    assert "x-amz-function-error" not in response.headers


def test_an_event_is_answered_before_the_function_is_done(call, go_on):
    response = invoke(call, event=wishing("hang"), X_Amz_Invocation_Type="Event")
    assert (response.status_code, response.content) == (202, b"")
    assert not go_on.is_set()


def test_another_invocation_type_is_refused(call):
    response = invoke(call, X_Amz_Invocation_Type="Sometimes")
    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer AWS4-HMAC-SHA256 x"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "null"},
    ],
)
def test_a_page_in_a_browser_cannot_invoke(call, headers):
    response = invoke(call, event=wishing("raise"), **headers)
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert "x-amz-function-error" not in response.headers
    assert "access-control-allow-origin" not in response.headers


def test_a_preflight_for_an_invocation_gets_no_leave(call):
    asked = {"Origin": "http://localhost:8080", "Access-Control-Request-Method": "POST"}
    response = call("OPTIONS", "/2015-03-31/functions/Echo/invocations", headers=asked)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_the_function_knows_the_request_by_the_id_of_the_answer(call, gateway, lines):
    seen = []

    def handler(event: Any, context: Any) -> None:
        seen.append(context.aws_request_id)

    gateway._handlers = {**gateway._handlers, "Echo": handler}
    response = invoke(call)
    assert seen == [response.headers["x-amzn-requestid"]]
    (line,) = lines
    assert line.endswith(f" Echo {seen[0]}")
    assert "POST /2015-03-31/functions/Echo/invocations 200" in line


def test_the_console_tells_which_error_a_function_failed_with(call, lines):
    invoke(call, event=wishing("raise"))
    assert " Echo failed (ValueError) " in lines[0]
