"""Answers of functions, taken apart; answers of the gateway, in a test of the gateway."""

import pytest

from local.responses import MalformedAnswer, proxy_response, response_of


def test_an_answer_keeps_its_status_headers_and_body():
    response = proxy_response({"statusCode": 201, "headers": {"X-A": "é"}, "body": "é"})
    assert (response.status_code, response.body) == (201, "é".encode())
    assert response.raw_headers == [
        (b"X-A", "é".encode()),
        (b"Content-Type", b"application/json"),
        (b"content-length", b"2"),
    ]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_may_have_no_body_has_none_and_no_length(status):
    response = response_of(status, [("X-A", "1")], b"body")
    assert (response.body, response.raw_headers) == (b"", [(b"X-A", b"1")])


def test_a_header_may_have_many_values_and_those_win():
    answer = {
        "statusCode": 200,
        "headers": {"set-cookie": "lost", "Content-Type": "text/plain"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }
    assert proxy_response(answer).headers.items() == [
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("content-length", "0"),
    ]


def test_a_binary_body_is_decoded():
    answer = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    assert proxy_response(answer).body == b"\xff\x00"


def test_a_header_that_api_gateway_keeps_for_itself_has_another_name():
    answer = {"statusCode": 401, "headers": {"WWW-AUTHENTICATE": "Bearer"}}
    names = dict(proxy_response(answer).headers.items())
    assert names.pop("x-amzn-Remapped-WWW-Authenticate") == "Bearer"
    assert set(names) == {"Content-Type", "content-length"}


def test_how_the_answer_is_framed_is_not_the_functions_to_say():
    answer = {"statusCode": 200, "headers": {"Content-Length": "99", "Connection": "close"}}
    assert proxy_response(answer).headers.items() == [
        ("Content-Type", "application/json"),
        ("content-length", "0"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 200.0},
        {"statusCode": 199},
        {"statusCode": 600},
        {"status_code": 200},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"X-A": 1}},
        {"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}},
        {"statusCode": 200, "headers": {"X-A": "1\n"}},
        {"statusCode": 200, "headers": {"X A": "1"}},
        {"statusCode": 200, "headers": {"X-A\n": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": [1]}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_any_other_shape_is_malformed(answer):
    with pytest.raises(MalformedAnswer):
        proxy_response(answer)
