"""The gateway from request to answer, over a template of the tests' own."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from local import gateway as gateway_module
from local.gateway import MAX_BODY_BYTES, Gateway
from local.server import application


def test_a_function_answers_its_route(call):
    response = call("POST", "/v1/open?a=1", content=b"hello")
    assert response.status_code == 200
    assert response.headers["x-a"] == "1"
    assert response.json()["body"] == "hello"


@pytest.mark.parametrize("path", ["/", "/v2/open", "/v1/nothing", "/v1/items", "/v1/items/1/"])
def test_an_unknown_path_has_awss_own_answer(call, path):
    response = call("GET", path)
    assert response.status_code == 403
    assert response.json() == {"message": "Missing Authentication Token"}


def test_a_function_sees_the_parameters_of_its_path(call):
    assert call("GET", "/v1/files/a/b%20c").json()["pathParameters"] == {"path": "a/b c"}


# -------------------------------------------------- the authorizer and the plan


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}])
def test_without_an_identity_the_authorizer_is_not_called(call, authorizer_calls, headers):
    assert call("GET", "/v1/closed", headers=headers).status_code == 401
    assert authorizer_calls == []


def test_a_gateway_response_is_filled_in(call):
    """Its template and its headers; a header without a value is left out."""
    response = call("GET", "/v1/closed")
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {"id": response.headers["x-request-id"]}
    assert "x-principal" not in response.headers


def test_the_authorizer_gets_the_event_that_aws_documents(call, authorizer_calls):
    call("GET", "/v1/closed?a=1", headers={"Authorization": "joe"})
    (event,) = authorizer_calls
    assert event["type"] == "REQUEST"
    assert event["methodArn"].endswith(":Api/v1/GET/closed")
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert "body" not in event


def test_the_function_sees_what_the_authorizer_said(call_as):
    seen = call_as("joe").json()["requestContext"]["authorizer"]
    assert seen.pop("integrationLatency") >= 0
    assert seen == {"principalId": "user-joe", "number": "1", "truth": "true"}


def test_an_authorizers_answer_is_kept_for_its_time(call_as, authorizer_calls, clock):
    called = []
    for seconds in (0, 299, 1):
        clock.now += seconds
        call_as("joe")
        called.append(len(authorizer_calls))
    assert called == [1, 1, 2]


def test_an_authorizers_answer_is_kept_for_nobody_else(call_as, authorizer_calls):
    assert [call_as(token).status_code for token in ("joe", "denied")] == [200, 403]
    assert len(authorizer_calls) == 2


@pytest.mark.parametrize(
    ("token", "status", "logged"),
    [
        ("unauthorized", 401, None),
        ("denied", 403, None),
        ("keyless", 403, None),
        ("broken", 500, "something else"),
        ("malformed", 500, "ValidationError"),
    ],
)
def test_what_the_authorizer_does_not_allow_is_refused(call_as, log, token, status, logged):
    """A fault of the authorizer is logged with its reason, a refusal is not."""
    assert call_as(token).status_code == status
    assert logged in "".join(log) if logged else log == []
    assert "input_value" not in "".join(log)


def test_a_key_that_calls_too_often_is_throttled(call_as, clock):
    assert [call_as("joe").status_code for _ in range(4)] == [200, 200, 200, 429]
    clock.now += 1
    assert call_as("joe").status_code == 200


def test_without_plans_no_call_is_throttled(call_as, gateway):
    gateway._plans = None
    assert {call_as("keyless").status_code for _ in range(10)} == {200}


# ------------------------------------------------------ functions that fail


@pytest.mark.parametrize("wish", ["raise", "exit", "malformed"])
def test_a_function_that_fails_is_the_templates_5xx(call, log, lines, wish):
    """The log alone has the traceback, which shows the error and no malformed answer."""
    response = call("GET", f"/v1/open?wish={wish}")
    assert (response.status_code, response.json()) == (500, {"oops": True})
    assert "Traceback" in "".join(log)
    assert "Echo failed" in lines[0]
    assert "\n" not in lines[0]
    assert "a secret of ours" not in response.text + lines[0]
    assert ("a secret of ours" in "".join(log)) is (wish == "raise")


def test_a_function_that_lambda_would_stop_has_failed(call, gateway, lines, access_log, go_on):
    functions = gateway._functions.items()
    gateway._functions = {arn: replace(each, timeout_seconds=0) for arn, each in functions}
    assert call("GET", "/v1/open?wish=hang").json() == {"oops": True}
    assert "Echo timed out" in lines[0]
    assert json.loads(access_log[0])["error"] == "INTEGRATION_FAILURE"


def test_a_function_that_outlasts_the_gateway_is_late(call, monkeypatch, access_log, go_on):
    monkeypatch.setattr(gateway_module, "MAX_INTEGRATION_SECONDS", 0)
    call("GET", "/v1/open?wish=hang")
    assert json.loads(access_log[0])["error"] == "INTEGRATION_TIMEOUT"


def test_many_requests_run_at_once(gateway, go_on):
    async def both() -> list[int]:
        transport = httpx.ASGITransport(application(gateway, lambda _: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            slow = asyncio.create_task(client.get("/v1/open?wish=hang"))
            quick = await client.get("/v1/open")
            go_on.set()
            return [quick.status_code, (await slow).status_code]

    assert asyncio.run(both()) == [200, 200]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/open", "no function of the template"), ("/through", "passthroughBehavior")],
)
def test_a_template_that_is_not_supported_is_a_5xx(call, gateway, log, path, reason):
    gateway._functions = {}
    assert call("POST", f"/v1{path}").status_code == 500
    assert reason in "".join(log)


# ------------------------------------------------------------------- mocks


def test_a_mock_answers_by_its_templates(call):
    response = call("GET", "/v1/mock/a%20b")
    assert (response.status_code, response.json()) == (201, {"id": "a b"})
    assert response.headers["x-method"] == "GET"
    assert response.headers["content-type"] == "application/json"


def test_a_mock_that_overrides_a_header_twice_fails(call, gateway, log, monkeypatch):
    method = gateway.api.body["paths"]["/mock/{id}"]["x-amazon-apigateway-any-method"]
    response = method["x-amazon-apigateway-integration"]["responses"]["default"]
    twice = response["responseTemplates"]["application/json"] * 2
    monkeypatch.setitem(response["responseTemplates"], "application/json", twice)
    assert call("GET", "/v1/mock/a").status_code == 500
    assert "overrides X-Method a second time" in "".join(log)


def test_a_mock_refuses_a_content_type_it_has_no_template_for(call):
    response = call("POST", "/v1/mock/a", headers={"Content-Type": "text/xml"})
    assert response.status_code == 415


# ------------------------------------------------------------------ bodies


def test_a_body_of_exactly_the_limit_goes_through(call):
    assert call("POST", "/v1/mock/a", content=b"x" * MAX_BODY_BYTES).status_code == 201


def test_a_body_over_the_limit_is_refused_before_the_api(call, access_log):
    response = call("POST", "/v1/mock/a", content=b"x" * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.text == "HTTP content length exceeded 10485760 bytes."
    assert set(response.headers) == {"content-type", "content-length"}
    assert access_log == [], "no API has seen it"


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/plain", b"x" * (6 * 1024 * 1024)),
        ("text/plain", b'"' * (3 * 1024 * 1024)),  # each of which JSON escapes
        ("multipart/form-data", b"x" * (9 * 512 * 1024)),  # which is handed on as base64
    ],
)
def test_an_event_over_lambdas_limit_is_refused(call, access_log, media_type, content):
    headers = {"Content-Type": media_type}
    less = content[: len(content) * 9 // 10]
    assert call("POST", "/v1/open", content=less, headers=headers).status_code != 413
    response = call("POST", "/v1/open", content=content, headers=headers)
    assert (response.status_code, response.json()) == (413, {"message": "Request Too Long"})
    assert response.headers["x-amzn-errortype"] == "BadRequestException"
    assert json.loads(access_log[-1])["status"] == "413"


def test_an_answer_over_lambdas_limit_is_a_failure_of_the_function(call, lines):
    response = call("GET", "/v1/open?wish=flood")
    assert (response.status_code, response.json()) == (500, {"oops": True})
    assert "Function.ResponseSizeTooLarge" in lines[0]


def test_a_body_over_the_limit_that_has_no_length_is_refused(call):
    async def parts() -> Any:
        for _ in range(11):
            yield b"x" * (1024 * 1024)

    assert call("POST", "/v1/open", content=parts()).status_code == 413


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


def test_half_a_body_reaches_no_function(gateway):
    half = {"type": "http.request", "body": b"user=jo", "more_body": True}
    scope = {"type": "http", "method": "POST", "headers": []}
    assert answers(gateway, scope, half, {"type": "http.disconnect"}) == []


def test_the_answer_to_a_body_that_is_too_large_ends_when_it_does(gateway):
    length = str(MAX_BODY_BYTES + 1).encode()
    scope = {"type": "http", "method": "POST", "headers": [(b"Content-Length", length)]}
    parts = [{"type": "http.request", "body": b"x", "more_body": more} for more in (True, False)]
    start, body, end = answers(gateway, scope, *parts)
    assert (start["status"], body["more_body"]) == (413, True)
    assert (end["body"], end["more_body"]) == (b"", False)


def test_a_request_for_a_websocket_is_answered_like_any_other(gateway):
    scope = {"type": "websocket", "headers": [(b"Upgrade", b"websocket")]}
    start, body = answers(gateway, scope, {"type": "websocket.connect"})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 200)
    assert json.loads(body["body"])["httpMethod"] == "GET"


# -------------------------------------------------------------------- logs


def test_the_console_shows_one_line_for_each_request_and_no_token(call, lines):
    secret = {"headers": {"Authorization": "secret"}, "content": b"secret"}
    response = call("POST", "/v1/open?a=secret", **secret)
    (line,) = lines
    _, method, path, status, *_, made_by, request_id = line.split(" ")
    assert (method, path, status, made_by) == ("POST", "/v1/open", "200", "Echo")
    assert request_id == response.json()["requestContext"]["requestId"]
    assert "secret" not in line
    call("GET", "/v1/open/eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")
    assert lines[1].split(" ")[2] == "/v1/open/TOKEN"


def test_each_request_leaves_a_line_in_the_access_log(call, call_as, access_log):
    call_as("joe")
    call_as("denied")
    call("GET", "/v1/closed")
    call("GET", "/v1/nothing")
    assert all(line.endswith("}\n") for line in access_log)
    shown = [json.loads(line) for line in access_log]
    assert [(each["status"], each["error"], each["principal"]) for each in shown] == [
        ("200", "-", "user-joe"),
        ("403", "ACCESS_DENIED", "user-denied"),
        ("401", "UNAUTHORIZED", "-"),
        ("403", "MISSING_AUTHENTICATION_TOKEN", "-"),
    ]
    assert shown[0]["latency"].isdigit()
    assert shown[0]["authorizerLatency"].isdigit()
    assert (shown[2]["latency"], shown[2]["authorizerLatency"]) == ("-", "-")
    assert (shown[2]["resource"], shown[3]["resource"]) == ("/closed", "-")
