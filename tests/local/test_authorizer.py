"""What authorizers' answers mean. How they are asked stands in the test of the gateway."""

from typing import Any

import pytest
from pydantic import ValidationError

from local.authorizer import AuthorizerAnswer

ARN = "arn:aws:execute-api:us-east-1:000000000000:Api/v1/GET/items/7"


def statement(
    effect: str = "Allow", resource: Any = "*", action: Any = "execute-api:Invoke"
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


def answer(statements: Any, **more: Any) -> AuthorizerAnswer:
    given = {"principalId": "x", "policyDocument": {"Statement": statements}, **more}
    return AuthorizerAnswer.model_validate(given)


@pytest.mark.parametrize(
    "statements",
    [
        statement(),
        [statement(resource=ARN)],
        [statement(resource=["nothing", "arn:aws:execute-api:*/v1/GET/*"])],
        [statement(resource="arn:*/items/?", action="execute-api:*")],
        [statement(action=["s3:GetObject", "*"])],
    ],
)
def test_a_policy_allows_what_one_of_its_statements_matches(statements):
    assert answer(statements).allows(ARN)


@pytest.mark.parametrize(
    "statements",
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
def test_a_policy_denies_what_no_statement_allows_or_one_denies(statements):
    assert not answer(statements).allows(ARN)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "Allow",
        {},
        {"principalId": 1, "policyDocument": {"Statement": []}},
        {"principalId": "x", "policyDocument": None},
        {"principalId": "x", "policyDocument": {}},
        {"principalId": "x", "policyDocument": {"Statement": "Allow"}},
        {"principalId": "x", "policyDocument": {"Statement": []}, "usageIdentifierKey": 1},
        {"principalId": "x", "policyDocument": {"Statement": []}, "context": {"a": {}}},
        {"principalId": "x", "policyDocument": {"Statement": []}, "context": "a"},
    ],
)
def test_an_answer_of_another_shape_is_refused(given):
    with pytest.raises(ValidationError):
        AuthorizerAnswer.model_validate(given)


def test_what_an_authorizer_says_arrives_as_text():
    said = {"number": 1, "fraction": 1.5, "truth": True, "text": "a"}
    assert answer([], context=said).shown() == {
        "principalId": "x",
        "number": "1",
        "fraction": "1.5",
        "truth": "true",
        "text": "a",
    }
