"""The events that functions get."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from local.context import request_context
from local.event import method_arn, proxy_event
from local.request import ApiRequest
from local.routes import Api, Route, api_of
from local.template import Template

ROUTE = Route("/items/{id}", {}, {"id": "a b"})


@pytest.fixture(scope="module")
def api(template: Template) -> Api:
    return api_of(template)


def made(
    path: str = "/v1/items/a%20b",
    query: str = "",
    headers: Any = ((b"Host", b"localhost:3000"), (b"User-Agent", b"x")),
    body: bytes = b"",
) -> ApiRequest:
    scope = {
        "method": "GET",
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "http_version": "1.1",
    }
    return ApiRequest.of(scope, body, 1_800_000_000.25)


def event(api: Api, **more: Any) -> dict[str, Any]:
    request = replace(made(**more), id="request-1")
    return proxy_event(api, request, ROUTE, request_context(api, request, ROUTE))


def test_an_event_is_what_aws_documents(api: Api) -> None:
    found = event(api)
    assert found["requestContext"]["identity"].pop("sourceIp") == "192.0.2.1"
    assert found["requestContext"]["identity"].pop("userAgent") == "x"
    assert set(found["requestContext"].pop("identity").values()) == {None}
    assert found == {
        "resource": "/items/{id}",
        "path": "/items/a%20b",
        "httpMethod": "GET",
        "headers": {"Host": "localhost:3000", "User-Agent": "x", "X-Forwarded-For": "192.0.2.1"},
        "multiValueHeaders": {
            "Host": ["localhost:3000"],
            "User-Agent": ["x"],
            "X-Forwarded-For": ["192.0.2.1"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"id": "a b"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "Api",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "extendedRequestId": "request-1",
            "httpMethod": "GET",
            "path": "/v1/items/a%20b",
            "protocol": "HTTP/1.1",
            "requestId": "request-1",
            "requestTime": "15/Jan/2027:08:00:00 +0000",
            "requestTimeEpoch": 1_800_000_000_250,
            "resourceId": "/items/{id}",
            "resourcePath": "/items/{id}",
            "stage": "v1",
        },
        "body": None,
        "isBase64Encoded": False,
    }
    json.dumps(found)


def test_a_repeated_name_keeps_all_its_values_and_the_last_one_counts(api: Api) -> None:
    found = event(api, query="a=1&a=2&b", headers=((b"X-A", b"1"), (b"x-a", b"2")))
    assert found["queryStringParameters"] == {"a": "2", "b": ""}
    assert found["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert found["headers"]["X-A"] == "2"
    assert found["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_a_query_is_decoded(api: Api) -> None:
    found = event(api, query="a%20b=%C3%A9+%26")
    assert found["queryStringParameters"] == {"a b": "é &"}


def test_the_callers_address_comes_after_those_it_claims(api: Api) -> None:
    found = event(api, headers=((b"x-forwarded-for", b"198.51.100.9"),))
    assert found["headers"]["X-Forwarded-For"] == "198.51.100.9, 192.0.2.1"
    assert found["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "Multipart/Form-Data"])
def test_a_binary_body_is_base64(api: Api, kind: str) -> None:
    found = event(api, body=b"\xff\x00", headers=((b"Content-Type", kind.encode()),))
    assert (found["body"], found["isBase64Encoded"]) == (
        base64.b64encode(b"\xff\x00").decode(),
        True,
    )


def test_any_other_body_is_text_whatever_its_bytes(api: Api) -> None:
    found = event(api, body=b"a\xff", headers=((b"Content-Type", b"application/json"),))
    assert (found["body"], found["isBase64Encoded"]) == ("a\ufffd", False)


def test_policies_name_the_path_that_was_called(api: Api) -> None:
    assert method_arn(api, made()).endswith(":Api/v1/GET/items/a%20b")
    assert method_arn(api, made(path="/v1")).endswith(":Api/v1/GET/")
