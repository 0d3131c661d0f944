"""Answers of functions, taken apart; answers of the gateway, in a test of the gateway."""

from typing import Any

import pytest

from local.responses import MalformedAnswer, proxy_response


def test_an_answer_keeps_its_status_headers_and_body() -> None:
    response = proxy_response({"statusCode": 201, "headers": {"X-A": "1"}, "body": "é"})
    assert (response.status, response.body) == (201, "é".encode())
    assert response.headers == (("X-A", "1"), ("Content-Type", "application/json"))


def test_a_header_may_have_many_values_and_those_win() -> None:
    answer = {
        "statusCode": 200,
        "headers": {"set-cookie": "lost", "Content-Type": "text/plain"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }
    assert sorted(proxy_response(answer).headers) == [
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]


def test_a_binary_body_is_decoded() -> None:
    answer = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    assert proxy_response(answer).body == b"\xff\x00"


def test_how_the_answer_is_framed_is_not_the_functions_to_say() -> None:
    answer = {"statusCode": 200, "headers": {"Content-Length": "99", "Connection": "close"}}
    assert proxy_response(answer).headers == (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"X-A": 1}},
        {"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}},
        {"statusCode": 200, "headers": {"X A": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X-A": [1]}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_any_other_shape_is_malformed(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        proxy_response(answer)
