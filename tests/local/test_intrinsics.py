"""CloudFormation's intrinsic functions."""

import pytest

from local.intrinsics import Scope, TemplateError


@pytest.fixture
def scope():
    return Scope(
        {"Stage": "prod", "Origins": ["a", "b"], "Rate": 50},
        {
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "IsNot": {"Fn::Not": [{"Condition": "IsProd"}]},
        },
        lambda name, attribute: f"{name}/{attribute}" if attribute else name,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Origins"}, ["a", "b"]),
        ({"Ref": "Rate"}, 50),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Table"}, "Table"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "Table/Arn"),
        ({"Fn::GetAtt": "Table.Arn"}, "Table/Arn"),
        (
            {"Fn::Sub": "${AWS::StackName}-${Table}-${Table.Arn}-${Rate}"},
            "sessions-Table-Table/Arn-50",
        ),
        ({"Fn::Sub": ["${A}${!B}", {"A": {"Ref": "Stage"}}]}, "prod${B}"),
        ({"Fn::Join": ["-", ["x", {"Ref": "Stage"}, 1]]}, "x-prod-1"),
        ({"Fn::Join": [",", {"Ref": "Origins"}]}, "a,b"),
        ({"Fn::Join": [",", [True, 1.5]]}, "true,1.5"),
        ({"Fn::Select": ["1", {"Ref": "Origins"}]}, "b"),
        ({"Fn::Split": ["o", {"Ref": "Stage"}]}, ["pr", "d"]),
        ({"Fn::Or": [{"Condition": "IsNot"}, {"Condition": "IsProd"}]}, True),
        ({"Fn::Or": [{"Condition": "IsNot"}, {"Fn::Equals": [1, 2]}]}, False),
        ({"Fn::If": ["IsProd", 1, 2]}, 1),
        ({"Fn::If": ["IsNot", 1, 2]}, 2),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsNot"}]}, False),
        ({"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsNot"}]}, True),
        ({"kept": 1, "left out": {"Fn::If": ["IsNot", 1, {"Ref": "AWS::NoValue"}]}}, {"kept": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"deep": [{"er": {"Ref": "Stage"}}]}, {"deep": [{"er": "prod"}]}),
    ],
)
def test_each_function_means_what_cloudformation_says(scope, written, meant):
    assert scope.resolve(written) == meant


def test_a_condition_holds_or_it_does_not(scope):
    assert scope.holds("IsProd")
    assert not scope.holds("IsNot")


def test_a_function_that_is_not_supported_is_an_error(scope):
    for written in ({"Fn::Base64": "x"}, {"Fn::Join": "x"}, {"deep": [{"Fn::GetAZs": ""}]}):
        with pytest.raises(TemplateError, match="not supported"):
            scope.resolve(written)
