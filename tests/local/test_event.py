"""The events that functions get."""

import base64
import json
from typing import Any

import pytest

from local.event import method_arn, proxy_event, request_context
from local.messages import Request
from local.routes import Api, Route, api_of
from local.template import Template

ROUTE = Route("/items/{id}", {}, {"id": "a b"})


@pytest.fixture(scope="module")
def api(template: Template) -> Api:
    return api_of(template)


def made(**more: Any) -> Request:
    given: dict[str, Any] = {
        "id": "request-1",
        "method": "GET",
        "path": "/v1/items/a%20b",
        "query": "",
        "headers": (("Host", "localhost:3000"), ("User-Agent", "x")),
        "body": b"",
        "source_ip": "192.0.2.1",
        "protocol": "HTTP/1.1",
        "received_at": 1_800_000_000.25,
    }
    return Request(**{**given, **more})


def event(api: Api, **more: Any) -> dict[str, Any]:
    request = made(**more)
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
    found = event(api, query="a=1&a=2&b", headers=(("X-A", "1"), ("x-a", "2")))
    assert found["queryStringParameters"] == {"a": "2", "b": ""}
    assert found["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert found["headers"]["X-A"] == "2"
    assert found["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_a_query_is_decoded(api: Api) -> None:
    found = event(api, query="a%20b=%C3%A9+%26")
    assert found["queryStringParameters"] == {"a b": "é &"}


def test_the_callers_address_comes_after_those_it_claims(api: Api) -> None:
    found = event(api, headers=(("x-forwarded-for", "198.51.100.9"),))
    assert found["headers"]["X-Forwarded-For"] == "198.51.100.9, 192.0.2.1"
    assert found["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "Multipart/Form-Data"])
def test_a_binary_body_is_base64(api: Api, kind: str) -> None:
    found = event(api, body=b"\xff\x00", headers=(("Content-Type", kind),))
    assert (found["body"], found["isBase64Encoded"]) == (
        base64.b64encode(b"\xff\x00").decode(),
        True,
    )


def test_any_other_body_is_text_whatever_its_bytes(api: Api) -> None:
    found = event(api, body=b"a\xff", headers=(("Content-Type", "application/json"),))
    assert (found["body"], found["isBase64Encoded"]) == ("a\ufffd", False)


def test_policies_name_the_path_that_was_called(api: Api) -> None:
    assert method_arn(api, made()).endswith(":Api/v1/GET/items/a%20b")
    assert method_arn(api, made(path="/v1")).endswith(":Api/v1/GET/")
