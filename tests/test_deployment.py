"""The resources that AWS is asked for, read off SAM's transform: no emulator checks these."""

import asyncio
import json
import re
from contextlib import closing
from typing import Any

import httpx
import pytest

from local.gateway import Gateway
from local.routes import api_of
from local.server import application
from local.template import load_template
from tests.support.contract import API, TEMPLATE
from tests.support.events import ROOT

FUNCTIONS = TEMPLATE.resources_of("AWS::Lambda::Function")
ROLES = TEMPLATE.resources_of("AWS::IAM::Role")
TABLES = TEMPLATE.resources_of("AWS::DynamoDB::Table")
PERMISSIONS = list(TEMPLATE.resources_of("AWS::Lambda::Permission").values())
API_ID, REST_API = TEMPLATE.only("AWS::ApiGateway::RestApi")
INTEGRATIONS = {
    (method.upper(), path): operation["x-amazon-apigateway-integration"]
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
}
GATEWAY_SECONDS = 29  # API Gateway's integration timeout: "Amazon API Gateway quotas"

# SAM gives every function these, to write its log and its trace; neither can name a resource. A
# consumer of a stream also gets one, for Lambda's poller. API Gateway asks for the last one.
MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": FUNCTIONS,
    "AWSXrayWriteOnlyAccess": FUNCTIONS,
    "AWSLambdaDynamoDBExecutionRole": {"PublishEventsFunction"},
    "AmazonAPIGatewayPushToCloudWatchLogs": {"ApiLogWriter"},
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------ the API


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("SessionAuthorizer", "method.request.header.Authorization"),
        ("LoginAuthorizer", "context.identity.sourceIp"),
    ],
)
def test_an_authorizer_sees_the_request_and_is_cached_by_caller(name, source):
    definition = API["securityDefinitions"][name]
    assert definition["x-amazon-apigateway-authtype"] == "custom"
    authorizer = definition["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["identitySource"] == source
    assert authorizer["authorizerResultTtlInSeconds"] == 300
    assert authorizer["authorizerUri"].endswith(":AuthorizeFunction/invocations")


def test_there_are_no_other_authorizers_and_they_name_the_key_of_the_usage_plan():
    assert set(API["securityDefinitions"]) == {"SessionAuthorizer", "LoginAuthorizer", "api_key"}
    key = API["securityDefinitions"]["api_key"]
    assert key == {"type": "apiKey", "in": "header", "name": "x-api-key"}  # AWS knows no other name
    assert REST_API["ApiKeySourceType"] == "AUTHORIZER"


def test_the_stage_is_named_as_the_contracts_base_path_and_traced():
    _, stage = TEMPLATE.only("AWS::ApiGateway::Stage")
    assert stage["StageName"] == "api"
    assert stage["TracingEnabled"] is True
    assert stage["RestApiId"] == API_ID
    assert stage["DeploymentId"] == TEMPLATE.only("AWS::ApiGateway::Deployment")[0]


# ------------------------------------------------------------ the functions


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_runs_as_the_layers_are_built_is_traced_and_ends_before_the_gateway(name):
    function = FUNCTIONS[name]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Handler"] == "app.handler"
    assert function["TracingConfig"] == {"Mode": "Active"}
    if name != "PublishEventsFunction":  # no gateway waits for it
        assert 0 < function["Timeout"] < GATEWAY_SECONDS
    for layer in function["Layers"]:
        made_for = TEMPLATE.resources[layer]["Properties"]
        assert made_for["CompatibleRuntimes"] == [function["Runtime"]]
        assert made_for["CompatibleArchitectures"] == function["Architectures"]


def test_each_function_has_a_role_of_its_own_that_lambda_alone_takes_on():
    roles = [function["Role"].rpartition("/")[2] for function in FUNCTIONS.values()]
    assert len(roles) == len(set(roles))
    for role in roles:
        (statement,) = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Effect"] == "Allow"
        assert listed(statement["Action"]) == ["sts:AssumeRole"]
        assert list(statement["Principal"]) == ["Service"]
        assert listed(statement["Principal"]["Service"]) == ["lambda.amazonaws.com"]


@pytest.mark.parametrize("name", sorted(ROLES))
def test_no_role_names_a_wildcard_or_takes_a_managed_policy_of_more_than_log_and_trace(name):
    for arn in ROLES[name].get("ManagedPolicyArns", []):
        assert name.removesuffix("Role") in MANAGED_POLICIES[arn.rpartition("/")[2]]
    policies = [policy["PolicyDocument"] for policy in ROLES[name].get("Policies", [])]
    for statement in (found for policy in policies for found in listed(policy["Statement"])):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        for word in (*listed(statement["Action"]), *listed(statement["Resource"])):
            assert "*" not in word, statement


# -------------------------------------------------------------- permissions


def test_the_api_alone_may_call_and_only_routes_and_the_authorizer():
    allowed = set()
    for permission in PERMISSIONS:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["Action"] == "lambda:InvokeFunction"
        source = re.fullmatch(
            rf"arn:aws:execute-api:[\w-]+:\d{{12}}:{API_ID}/(\S+)", permission["SourceArn"]
        )
        allowed.add((permission["FunctionName"].rpartition(":")[2], source[1]))
    assert allowed == {
        *(
            (
                integration["uri"].split(":function:")[1].split("/")[0],
                f"*/{method}{re.sub('{[^}]*}', '*', path)}",
            )
            for (method, path), integration in INTEGRATIONS.items()
            if "uri" in integration
        ),
        ("AuthorizeFunction", "authorizers/*"),
    }


def test_the_schedule_rotates_once_a_day_and_has_a_role_of_its_own():
    _, schedule = TEMPLATE.only("AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    assert "StartDate" not in schedule, "its first run is at once, so no alarm waits for it"
    assert "Name" not in schedule, "two stacks of an account would want the same"
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {"when": "due", "actor": "schedule"}
    assert target["Arn"].endswith(":RotateSigningKeyFunction")
    (policy,) = ROLES[target["RoleArn"].rpartition("/")[2]]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", target["Arn"])


@pytest.mark.parametrize("table", ["SessionsTable", "UsersTable"])
def test_no_record_of_a_stream_is_given_up_before_the_stream_forgets_it(table):
    assert TABLES[table]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    (mapping,) = (
        each
        for each in TEMPLATE.resources_of("AWS::Lambda::EventSourceMapping").values()
        if each["EventSourceArn"] == f"{table}.StreamArn"
    )
    assert mapping["FunctionName"] == "PublishEventsFunction"
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["MaximumRetryAttempts"] == -1
    assert "MaximumRecordAgeInSeconds" not in mapping
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


# --------------------------------------------------------------------- data

EXPIRES = {"SessionsTable": "exp", "AttemptsTable": "expires"}
RETAINED = {"UsersTable", "LoginsTable", "SigningKeys"}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_is_paid_by_request_encrypted_for_nothing_and_named_by_the_stack(name):
    table = TABLES[name]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "SSESpecification" not in table  # DynamoDB encrypts; this would be with a key that costs
    assert "TableName" not in table  # a fixed name allows one stack, and no replacement
    ttl = {"AttributeName": EXPIRES[name], "Enabled": True} if name in EXPIRES else None
    assert table.get("TimeToLiveSpecification") == ttl
    if name != "AttemptsTable":  # its counts are of minutes; all else can be restored
        recovery = table["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize("name", sorted({*TABLES, *RETAINED}))
def test_users_their_logins_and_the_keys_outlive_the_stack_but_not_a_first_try_that_failed(name):
    policies = ("RetainExceptOnCreate", "Retain") if name in RETAINED else ("Delete", "Delete")
    resource = TEMPLATE.resources[name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == policies


def test_the_first_signing_key_is_long_and_its_secret_is_named_by_the_stack():
    _, secret = TEMPLATE.only("AWS::SecretsManager::Secret")
    assert "Name" not in secret
    assert "SecretString" not in secret  # it would stand in the template
    # This may never change: CloudFormation would write a new secret in place of the key set.
    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": '{"current": "initial"}',
        "GenerateStringKey": "initial",
        "PasswordLength": 64,
        "ExcludePunctuation": True,
    }


# ---------------------------------------------------- the first deployment


@pytest.mark.parametrize("kind", ["ApiKey", "UsagePlanKey"])
def test_keys_are_made_one_after_the_other(kind):
    """AWS makes one UsagePlanKey at a time in a region (serverless/serverless#12065)."""
    resources = TEMPLATE.resources
    names = [name for name in resources if resources[name]["Type"] == f"AWS::ApiGateway::{kind}"]
    assert len(names) == 32
    before = [resources[name].get("DependsOn") for name in names]
    assert before == [None, *names[:-1]]


def test_the_document_says_what_the_service_takes_at_the_defaults():
    text = (ROOT / "docs" / "deploy.md").read_text()
    section = text.partition("## How much it takes")[2].partition("\n## ")[0]
    of, shards = TEMPLATE.parameters, len(TEMPLATE.resources_of("AWS::ApiGateway::ApiKey"))
    assert f" {shards} shards" in section
    assert f"about {100 / shards:.0f} %" in section
    for cell in (
        f"{of['RateLimit']}, and {of['BurstLimit']} at once",
        f"{of['LoginRateLimit']}, and {of['LoginBurstLimit']} at once",
        f"{shards * of['RateLimit']:,}, and {shards * of['LoginRateLimit']} logins",
        f"{of['ApiRateLimit']:,}, and {of['ApiBurstLimit']:,} at once",
    ):
        assert f"| {cell}" in section


def test_the_accounts_setting_comes_after_its_role_and_an_api_gateway_resource():
    """Or AWS refuses it (aws-cloudformation/rain#163, aws-cloudformation-user-guide#1008)."""
    name, account = TEMPLATE.only("AWS::ApiGateway::Account")
    assert account["CloudWatchRoleArn"].endswith("ApiLogWriter")
    first = TEMPLATE.resources[TEMPLATE.resources[name]["DependsOn"]]
    assert first["Type"] == "AWS::ApiGateway::ApiKey"
    assert "Condition" not in first


def test_the_api_takes_tls_1_2_at_least_and_no_metrics_that_cost_and_nobody_reads():
    assert REST_API["SecurityPolicy"] == "TLS_1_2"
    (settings,) = TEMPLATE.only("AWS::ApiGateway::Stage")[1]["MethodSettings"]
    assert not {"MetricsEnabled", "DataTraceEnabled", "LoggingLevel"} & set(settings)


def test_names_that_cloudfront_takes_fit_into_it_whatever_the_stack_is_called():
    source = load_template(parameters={"Page": "true"})
    named = {
        "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig",
        "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig",
    }
    configurations = [source.only(kind)[1][config] for kind, config in named.items()]
    configurations.append(source.only("AWS::CloudFront::Function")[1])
    for configuration in configurations:
        assert re.fullmatch(r"sessions-[0-9a-f]{32}", configuration["Name"])


def test_an_origin_that_is_given_twice_does_no_harm():
    """API Gateway answers 5xx where a mapping template overrides a header a second time."""
    origin = "https://a.example"
    template = load_template(parameters={"AllowedOrigins": f"{origin},https://b.example,{origin}"})
    log: list[str] = []
    with closing(Gateway(api_of(template), {}, {}, plans=None, log=log.append)) as gateway:
        transport = httpx.ASGITransport(application(gateway, lambda _: None))

        async def preflight() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.options("/api/session", headers={"Origin": origin})

        answer = asyncio.run(preflight())
    assert (answer.status_code, log) == (204, [])
    assert answer.headers["access-control-allow-origin"] == origin
