"""What authorizers' answers mean. How they are asked stands in the test of the gateway."""

from typing import Any

import pytest

from local.authorizer import AnswerCache, Authorizer, allows, authorizer_context, checked
from local.responses import Refused

ARN = "arn:aws:execute-api:us-east-1:000000000000:Api/v1/GET/items/7"
AUTHORIZER = Authorizer("Token", "uri", ("method.request.header.Authorization",), 300)


def statement(
    effect: str = "Allow", resource: Any = "*", action: Any = "execute-api:Invoke"
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    "found",
    [
        statement(),
        [statement(resource=ARN)],
        [statement(resource=["nothing", "arn:aws:execute-api:*/v1/GET/*"])],
        [statement(resource="arn:*/items/?", action="execute-api:*")],
        [statement(action=["s3:GetObject", "*"])],
    ],
)
def test_a_policy_allows_what_one_of_its_statements_matches(found: Any) -> None:
    assert allows({"Statement": found}, ARN)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [statement("Deny")],
        [statement(), statement("Deny", resource="*/GET/*")],
        [statement(resource="*/POST/*")],
        [statement(resource=ARN[:-1])],
        [statement(resource=ARN.replace("items", "....."))],
        [statement(action="s3:GetObject")],
        [{"Effect": "Allow"}],
    ],
)
def test_a_policy_denies_what_no_statement_allows_or_one_denies(found: Any) -> None:
    assert not allows({"Statement": found}, ARN)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "Allow",
        {},
        {"principalId": 1, "policyDocument": {"Statement": []}},
        {"principalId": "x", "policyDocument": None},
        {"principalId": "x", "policyDocument": {"Statement": []}, "usageIdentifierKey": 1},
        {"principalId": "x", "policyDocument": {"Statement": []}, "context": {"a": {}}},
        {"principalId": "x", "policyDocument": {"Statement": []}, "context": "a"},
    ],
)
def test_an_answer_of_another_shape_is_a_mistake_in_the_configuration(answer: Any) -> None:
    with pytest.raises(Refused, match="AUTHORIZER_CONFIGURATION_ERROR"):
        checked(answer)


def test_what_an_authorizer_says_arrives_as_text() -> None:
    answer = {"principalId": "x", "context": {"number": 1, "truth": True, "text": "a"}}
    assert authorizer_context(answer) == {
        "principalId": "x",
        "number": "1",
        "truth": "true",
        "text": "a",
    }


def test_an_answer_is_kept_for_its_time_and_no_longer() -> None:
    cache = AnswerCache()
    cache.put(AUTHORIZER, ("a",), {"x": 1}, now=1000)
    assert cache.get(AUTHORIZER, ("a",), now=1299.9) == {"x": 1}
    assert cache.get(AUTHORIZER, ("a",), now=1300) is None
    assert cache.get(AUTHORIZER, ("b",), now=1000) is None


def test_an_authorizer_without_a_ttl_is_asked_every_time() -> None:
    cache = AnswerCache()
    authorizer = Authorizer("Token", "uri", (), 0)
    cache.put(authorizer, (), {"x": 1}, now=1000)
    assert cache.get(authorizer, (), now=1000) is None


def test_the_cache_drops_the_oldest_when_it_is_full() -> None:
    cache = AnswerCache(limit=2)
    for name in "abc":
        cache.put(AUTHORIZER, (name,), {"x": name}, now=1000)
    assert cache.get(AUTHORIZER, ("a",), now=1000) is None
    assert cache.get(AUTHORIZER, ("c",), now=1000) == {"x": "c"}
