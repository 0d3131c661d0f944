"""The events that functions get."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from local.event import access_line, method_arn, proxy_event, request_context
from local.request import ApiRequest
from local.routes import Route, api_of

ROUTE = Route("/items/{id}", {}, {"id": "a b"})


def request(path="/v1/items/a%20b", query="", headers=((b"Host", b"localhost:3000"),), body=b""):
    scope = {
        "method": "GET",
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "http_version": "1.1",
    }
    return replace(ApiRequest.of(scope, body, 1_800_000_000.25), id="request-1")


@pytest.fixture
def event(template):
    def event_of(**given: Any) -> dict[str, Any]:
        api, made = api_of(template), request(**given)
        return proxy_event(api, made, ROUTE, request_context(api, made, ROUTE))

    return event_of


def test_an_event_is_what_aws_documents(event):
    found = event(headers=((b"Host", b"localhost:3000"), (b"User-Agent", b"x")))
    json.dumps(found)
    identity = found["requestContext"].pop("identity")
    assert (identity.pop("sourceIp"), identity.pop("userAgent")) == ("192.0.2.1", "x")
    assert set(identity.values()) == {None}
    headers = {"Host": "localhost:3000", "User-Agent": "x", "X-Forwarded-For": "192.0.2.1"}
    assert found == {
        "resource": "/items/{id}",
        "path": "/items/a%20b",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
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


def test_a_repeated_name_keeps_all_its_values(event):
    """The last of them stands alone, under the first spelling of the name."""
    found = event(query="a=1&a=2&b", headers=((b"X-A", b"1"), (b"x-a", b"2")))
    assert found["queryStringParameters"] == {"a": "2", "b": ""}
    assert found["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert found["headers"] == {"X-A": "2", "X-Forwarded-For": "192.0.2.1"}
    assert found["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_a_query_is_decoded(event):
    found = event(query="a%20b=%C3%A9+%26")
    assert found["queryStringParameters"] == {"a b": "é &"}


@pytest.mark.parametrize(("octets", "text"), [("é".encode(), "é"), (b"\xe9", "é")])
def test_a_header_is_utf_8_or_else_latin_1(event, octets, text):
    assert event(headers=((b"X-A", octets),))["headers"]["X-A"] == text


def test_the_callers_address_comes_after_those_it_claims(event):
    found = event(headers=((b"x-forwarded-for", b"198.51.100.9"),))
    assert found["headers"] == {"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}
    assert found["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"Multipart/Form-Data"])
def test_a_binary_body_is_base64(event, kind):
    found = event(body=b"\xff\x00", headers=((b"Content-Type", kind),))
    assert (base64.b64decode(found["body"]), found["isBase64Encoded"]) == (b"\xff\x00", True)


def test_any_other_body_is_text_whatever_its_bytes(event):
    found = event(body=b"a\xff", headers=((b"Content-Type", b"application/json"),))
    assert (found["body"], found["isBase64Encoded"]) == ("a\ufffd", False)


def test_no_value_ends_its_string_in_the_access_log():
    form = '{"path":"$context.path","agent":"$context.identity.userAgent","error":"$context.error"}'
    shown = json.loads(access_line(form, {"path": '"\n', "identity": {"userAgent": ""}}))
    assert shown == {"path": '"\n', "agent": "-", "error": "-"}


def test_policies_name_the_path_that_was_called(template):
    api = api_of(template)
    assert method_arn(api, request()).endswith(":Api/v1/GET/items/a%20b")
    assert method_arn(api, request(path="/v1")).endswith(":Api/v1/GET/")
