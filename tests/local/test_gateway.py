"""The gateway from request to answer, over a template of the tests' own."""

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from local import gateway as gateway_module
from local.functions import functions_of, load_handler
from local.gateway import MAX_BODY_BYTES, Gateway
from local.routes import api_of
from local.server import application
from local.template import Template

Call = Callable[..., httpx.Response]


def test_a_function_answers_its_route(call: Call) -> None:
    response = call("POST", "/v1/open?a=1", content=b"hello")
    assert response.status_code == 200
    assert response.headers["x-a"] == "1"
    assert response.json()["body"] == "hello"


@pytest.mark.parametrize("path", ["/", "/v2/open", "/v1/nothing", "/v1/items", "/v1/items/1/"])
def test_an_unknown_path_has_awss_own_answer(call: Call, path: str) -> None:
    response = call("GET", path)
    assert response.status_code == 403
    assert response.json() == {"message": "Missing Authentication Token"}


def test_a_greedy_parameter_takes_the_rest_of_the_path(call: Call) -> None:
    assert call("GET", "/v1/files/a/b%20c").json()["pathParameters"] == {"path": "a/b c"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}])
def test_without_an_identity_the_authorizer_is_not_asked(
    call: Call, gateway: Gateway, headers: dict[str, str]
) -> None:
    response = call("GET", "/v1/closed", headers=headers)
    assert response.status_code == 401
    assert gateway._handlers["Authorize"].__globals__["calls"] == []


def test_a_gateway_response_is_filled_in_and_a_header_without_a_value_left_out(call: Call) -> None:
    response = call("GET", "/v1/closed")
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {"id": response.headers["x-request-id"]}
    assert "x-principal" not in response.headers


def test_the_authorizer_gets_the_event_that_aws_documents(call: Call, gateway: Gateway) -> None:
    call("GET", "/v1/closed?a=1", headers={"Authorization": "joe"})
    (event,) = gateway._handlers["Authorize"].__globals__["calls"]
    assert event["type"] == "REQUEST"
    assert event["methodArn"].endswith(":Api/v1/GET/closed")
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert "body" not in event


def test_the_function_sees_what_the_authorizer_said(call: Call) -> None:
    event = call("GET", "/v1/closed", headers={"Authorization": "joe"}).json()
    assert event["requestContext"]["authorizer"].pop("integrationLatency") >= 0
    assert event["requestContext"]["authorizer"] == {
        "principalId": "user-joe",
        "number": "1",
        "truth": "true",
    }


def test_an_authorizers_answer_is_kept_for_its_time(
    call: Call, gateway: Gateway, clock: Any
) -> None:
    calls = gateway._handlers["Authorize"].__globals__["calls"]
    for seconds in (0, 299):
        clock.now = 1_800_000_000.0 + seconds
        call("GET", "/v1/closed", headers={"Authorization": "joe"})
    assert len(calls) == 1
    clock.now += 1
    call("GET", "/v1/closed", headers={"Authorization": "joe"})
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("unauthorized", 401),
        ("denied", 403),
        ("broken", 500),
        ("malformed", 500),
        ("keyless", 403),
    ],
)
def test_what_the_authorizer_does_not_allow_is_refused(call: Call, token: str, status: int) -> None:
    response = call("GET", "/v1/closed", headers={"Authorization": token})
    assert response.status_code == status


def test_a_refusal_of_the_authorizer_is_no_surprise_and_a_fault_is_one(
    call: Call, log: list[str]
) -> None:
    call("GET", "/v1/closed", headers={"Authorization": "unauthorized"})
    assert log == []
    call("GET", "/v1/closed", headers={"Authorization": "broken"})
    assert "something else" in "".join(log)


def test_a_key_that_calls_too_often_is_throttled(call: Call, clock: Any) -> None:
    def status() -> int:
        return call("GET", "/v1/closed", headers={"Authorization": "joe"}).status_code

    assert [status() for _ in range(4)] == [200, 200, 200, 429]
    clock.now += 1
    assert status() == 200


def test_a_key_has_a_quota_for_the_day(call: Call, clock: Any) -> None:
    for _ in range(5):
        call("GET", "/v1/closed", headers={"Authorization": "joe"})
        clock.now += 1
    response = call("GET", "/v1/closed", headers={"Authorization": "joe"})
    assert (response.status_code, response.json()) == (429, {"message": "Limit Exceeded"})


def test_without_plans_nobody_is_throttled(call: Call, gateway: Gateway) -> None:
    gateway._plans = None
    for _ in range(10):
        response = call("GET", "/v1/closed", headers={"Authorization": "keyless"})
        assert response.status_code == 200


@pytest.mark.parametrize("wish", ["raise", "exit", "malformed"])
def test_a_function_that_fails_is_the_templates_5xx_and_a_traceback_in_the_log(
    call: Call, log: list[str], lines: list[str], wish: str
) -> None:
    response = call("GET", f"/v1/open?wish={wish}")
    assert (response.status_code, response.json()) == (500, {"oops": True})
    assert "Traceback" in "".join(log)
    assert "Echo failed" in lines[0]
    assert "a secret of ours" not in response.text + lines[0]


def test_a_function_that_lambda_would_stop_has_failed(
    call: Call, gateway: Gateway, lines: list[str], go_on: threading.Event
) -> None:
    gateway._functions = {
        arn: replace(function, timeout_seconds=0) for arn, function in gateway._functions.items()
    }
    assert call("GET", "/v1/open?wish=hang").json() == {"oops": True}
    assert "Echo timed out" in lines[0]


def test_a_function_that_outlasts_the_gateway_is_late(
    call: Call, monkeypatch: pytest.MonkeyPatch, go_on: threading.Event
) -> None:
    monkeypatch.setattr(gateway_module, "MAX_INTEGRATION_SECONDS", 0)
    seen = []
    monkeypatch.setattr(
        gateway_module, "gateway_response", _noting(seen, gateway_module.gateway_response)
    )
    call("GET", "/v1/open?wish=hang")
    assert seen == ["INTEGRATION_TIMEOUT"]


def _noting(seen: list[str], original: Callable[..., Any]) -> Callable[..., Any]:
    def noted(body: Any, kind: str, *rest: Any) -> Any:
        seen.append(kind)
        return original(body, kind, *rest)

    return noted


def test_many_requests_run_at_once(gateway: Gateway, go_on: threading.Event) -> None:
    app = application(gateway, lambda _: None)

    async def both() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            slow = asyncio.create_task(client.get("/v1/open?wish=hang"))
            quick = await client.get("/v1/open")
            go_on.set()
            return [quick.status_code, (await slow).status_code]

    assert asyncio.run(both()) == [200, 200]


def test_a_body_of_exactly_the_limit_goes_through(call: Call) -> None:
    response = call("POST", "/v1/open", content=b"x" * MAX_BODY_BYTES)
    assert response.status_code == 200


def test_a_body_over_the_limit_is_refused(call: Call) -> None:
    response = call("POST", "/v1/open", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (response.status_code, response.json()) == (413, {"message": "Request Too Long"})


def test_a_body_over_the_limit_that_has_no_length_is_refused(call: Call) -> None:
    async def parts() -> Any:
        for _ in range(11):
            yield b"x" * (1024 * 1024)

    assert call("POST", "/v1/open", content=parts()).status_code == 413


def test_the_console_shows_one_line_for_each_request_and_no_token(
    call: Call, lines: list[str]
) -> None:
    response = call(
        "POST", "/v1/open?a=secret", headers={"Authorization": "secret"}, content=b"secret"
    )
    (line,) = lines
    _, method, target, status, *_, made_by, request_id = line.split(" ")
    assert (method, target, status, made_by) == ("POST", "/v1/open", "200", "Echo")
    assert request_id == response.json()["requestContext"]["requestId"]
    assert "secret" not in line


def test_a_mock_answers_by_its_templates(call: Call) -> None:
    response = call("GET", "/v1/mock/a%20b")
    assert (response.status_code, response.json()) == (201, {"id": "a b"})
    assert response.headers["x-method"] == "GET"
    assert response.headers["content-type"] == "application/json"


def test_a_mock_refuses_a_content_type_it_has_no_template_for(call: Call) -> None:
    response = call("POST", "/v1/mock/a", headers={"Content-Type": "text/xml"})
    assert response.status_code == 415


@pytest.mark.parametrize(
    ("path", "says"),
    [("/open", "no function of the template"), ("/through", "passthroughBehavior")],
)
def test_a_template_that_is_not_supported_is_a_5xx_with_its_reason_in_the_log(
    call: Call, gateway: Gateway, log: list[str], path: str, says: str
) -> None:
    gateway._functions = {}
    assert call("POST", f"/v1{path}").status_code == 500
    assert says in "".join(log)


def answers(gateway: Gateway, scope: dict[str, Any], *received: Any) -> list[Any]:
    """Return what the application sends for a scope after the messages that it receives."""
    sent, messages = [], iter(received)
    shared = {
        "path": "/v1/open",
        "raw_path": b"/v1/open",
        "query_string": b"",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    app = application(gateway, lambda _: None)
    asyncio.run(app({**shared, **scope}, receive, send))
    return sent


def test_a_request_for_a_websocket_is_answered_like_any_other(gateway: Gateway) -> None:
    scope = {"type": "websocket", "headers": [(b"Upgrade", b"websocket")]}
    start, body = answers(gateway, scope, {"type": "websocket.connect"})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 200)
    assert json.loads(body["body"])["httpMethod"] == "GET"


def test_half_a_body_reaches_no_function(gateway: Gateway) -> None:
    half = {"type": "http.request", "body": b"user=jo", "more_body": True}
    scope = {"type": "http", "method": "POST", "headers": []}
    assert answers(gateway, scope, half, {"type": "http.disconnect"}) == []


def test_an_answer_to_a_body_that_is_too_large_ends_when_the_body_does(gateway: Gateway) -> None:
    length = str(MAX_BODY_BYTES + 1).encode()
    scope = {"type": "http", "method": "POST", "headers": [(b"Content-Length", length)]}
    parts = [{"type": "http.request", "body": b"x", "more_body": more} for more in (True, False)]
    start, body, end = answers(gateway, scope, *parts)
    assert (start["status"], body["more_body"]) == (413, True)
    assert (end["body"], end["more_body"]) == (b"", False)


def test_each_request_leaves_a_line_in_the_access_log(template: Template) -> None:
    """The small project has no access log, so its API is given one here."""
    written: list[str] = []
    form = (
        '{"status":"$context.status","by":"$context.authorizer.principalId",'
        '"error":"$context.error.responseType","of":"$context.resourcePath",'
        '"took":"$context.integrationLatency","judged":"$context.authorizer.integrationLatency"}'
    )
    api = replace(api_of(template), access_log_format=form)
    functions = functions_of(template)
    handlers = {name: load_handler(functions[name]) for name in ("Echo", "Authorize")}
    made = Gateway(api, functions, handlers, plans=None, log=print, access_log=written.append)

    async def send() -> None:
        transport = httpx.ASGITransport(application(made, lambda _: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            await client.get("/v1/closed", headers={"Authorization": "joe"})
            await client.get("/v1/closed", headers={"Authorization": "denied"})
            await client.get("/v1/closed")
            await client.get("/v1/nothing")

    with closing(made):
        asyncio.run(send())
    assert all(line.endswith("}\n") for line in written)
    told = [json.loads(line) for line in written]
    assert [each["status"] for each in told] == ["200", "403", "401", "403"]
    assert [each["error"] for each in told] == [
        "-",
        "ACCESS_DENIED",
        "UNAUTHORIZED",
        "MISSING_AUTHENTICATION_TOKEN",
    ]
    assert [each["by"] for each in told] == ["user-joe", "user-denied", "-", "-"]
    assert told[0]["took"].isdigit()
    assert told[0]["judged"].isdigit()
    assert (told[2]["took"], told[2]["judged"]) == ("-", "-")
    assert told[3]["of"] == "-"
