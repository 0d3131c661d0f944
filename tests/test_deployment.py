"""What AWS is asked to make: what no emulator checks, read off the output of SAM's transform."""

import json
import re
from typing import Any

import pytest

from tests.support.contract import API, TEMPLATE

FUNCTIONS = TEMPLATE.resources_of("AWS::Lambda::Function")
ROLES = TEMPLATE.resources_of("AWS::IAM::Role")
TABLES = TEMPLATE.resources_of("AWS::DynamoDB::Table")
PERMISSIONS = TEMPLATE.resources_of("AWS::Lambda::Permission")
API_ID, REST_API = TEMPLATE.only("AWS::ApiGateway::RestApi")
GATEWAY_SECONDS = 29  # API Gateway's integration timeout: "Amazon API Gateway quotas"

# "Gateway response types for API Gateway" in API Gateway's developer guide.
GATEWAY_RESPONSES = {
    "ACCESS_DENIED",
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "EXPIRED_TOKEN",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND",
    "THROTTLED",
    "UNAUTHORIZED",
    "UNSUPPORTED_MEDIA_TYPE",
    "WAF_FILTERED",
}
NEVER_MET = {"BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS"}  # only a request validator gives them

# What SAM gives every function: to write its log, and its trace. Both name no resource, for
# neither can: AWS's own policies.
MANAGED_POLICIES = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
}


# And what it gives who follows a stream: it is Lambda's poller, not our code, that reads those.
FOLLOWS_STREAMS = {
    "PublishEventsFunctionRole": {
        "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
    }
}

# And what API Gateway asks of the role that writes its logs.
WRITES_ACCESS_LOGS = {
    "ApiLogWriter": {"arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------ the API
def test_the_key_of_the_usage_plan_is_named_by_the_authorizer():
    assert REST_API["ApiKeySourceType"] == "AUTHORIZER"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("SessionAuthorizer", "method.request.header.Authorization"),
        ("LoginAuthorizer", "context.identity.sourceIp"),
    ],
)
def test_an_authorizer_sees_the_request_and_is_cached_by_who_calls(name, source):
    definition = API["securityDefinitions"][name]
    assert definition["x-amazon-apigateway-authtype"] == "custom"
    authorizer = definition["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["identitySource"] == source
    assert authorizer["authorizerResultTtlInSeconds"] == 300
    assert authorizer["authorizerUri"].endswith(":AuthorizeFunction:live/invocations")


def test_there_are_no_other_authorizers():
    assert set(API["securityDefinitions"]) == {"SessionAuthorizer", "LoginAuthorizer", "api_key"}
    key = API["securityDefinitions"]["api_key"]
    assert key == {"type": "apiKey", "in": "header", "name": "x-api-key"}  # AWS knows no other name


def test_every_gateway_response_that_a_client_can_meet_is_defined():
    given = set(API["x-amazon-apigateway-gateway-responses"])
    assert given <= GATEWAY_RESPONSES
    assert given >= GATEWAY_RESPONSES - NEVER_MET
    operations = [operation for path in API["paths"].values() for operation in path.values()]
    for definition in (API, *operations):  # why those are never met
        assert not [name for name in definition if "request-validator" in name]


def test_the_stage_is_named_as_the_contracts_base_path_and_traced():
    _, stage = TEMPLATE.only("AWS::ApiGateway::Stage")
    assert stage["StageName"] == "api"
    assert stage["TracingEnabled"] is True
    assert stage["RestApiId"] == API_ID
    assert stage["DeploymentId"] == TEMPLATE.only("AWS::ApiGateway::Deployment")[0]


def test_every_route_is_integrated_as_lambda_needs_it():
    for path, methods in API["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            if integration["type"] == "aws_proxy":
                # whatever the route's own method is
                assert integration["httpMethod"] == "POST", (method, path)
            else:
                assert integration["type"] == "mock", (method, path)


# ---------------------------------------------------------- the usage plan
def test_the_usage_plan_has_a_rate_a_burst_a_quota_and_a_stricter_rate_for_the_log_in():
    _, plan = TEMPLATE.only("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"]["RateLimit"] > 0
    assert plan["Throttle"]["BurstLimit"] > 0
    assert plan["Quota"]["Period"] == "DAY"
    assert plan["Quota"]["Limit"] > 0
    (stage,) = plan["ApiStages"]
    assert stage["ApiId"] == API_ID
    assert stage["Stage"] == TEMPLATE.only("AWS::ApiGateway::Stage")[1]["StageName"]
    assert set(stage["Throttle"]) == {"/user/session/POST", "/session/POST"}
    for limits in stage["Throttle"].values():
        assert 0 < limits["RateLimit"] < plan["Throttle"]["RateLimit"]
        assert 0 < limits["BurstLimit"] < plan["Throttle"]["BurstLimit"]


def test_every_key_is_enabled_and_in_the_plan_once():
    plan = TEMPLATE.only("AWS::ApiGateway::UsagePlan")[0]
    keys = TEMPLATE.resources_of("AWS::ApiGateway::ApiKey")
    assert all(key["Enabled"] is True for key in keys.values())
    planned = list(TEMPLATE.resources_of("AWS::ApiGateway::UsagePlanKey").values())
    assert sorted(plan_key["KeyId"] for plan_key in planned) == sorted(keys)
    for plan_key in planned:
        assert plan_key["KeyType"] == "API_KEY"
        assert plan_key["UsagePlanId"] == plan


def test_keys_differ_between_the_stacks_and_regions_of_one_account():
    for key in TEMPLATE.source["Resources"].values():
        if key["Type"] == "AWS::ApiGateway::ApiKey":  # whose values are unique in an account
            value = key["Properties"]["Value"]["Fn::Sub"]
            assert "${AWS::StackName}" in value
            assert "${AWS::Region}" in value


# ------------------------------------------------------------ the functions
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_as_the_layers_are_built_is_traced_and_ends_before_the_gateway(name):
    function = FUNCTIONS[name]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Handler"] == "app.handler"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert 0 < function["Timeout"] < GATEWAY_SECONDS
    for layer in function["Layers"]:
        made_for = TEMPLATE.resources[layer]["Properties"]
        assert made_for["CompatibleRuntimes"] == [function["Runtime"]]
        assert made_for["CompatibleArchitectures"] == function["Architectures"]


def test_each_function_has_a_role_of_its_own():
    roles = [function["Role"].rpartition("/")[2] for function in FUNCTIONS.values()]
    assert sorted(roles) == sorted(set(roles))
    assert set(roles) <= set(ROLES)


@pytest.mark.parametrize("name", ROLES)
def test_no_role_names_a_wildcard_or_takes_a_managed_policy_of_more_than_log_and_trace(name):
    role = ROLES[name]
    allowed = (
        MANAGED_POLICIES | FOLLOWS_STREAMS.get(name, set()) | WRITES_ACCESS_LOGS.get(name, set())
    )
    assert set(role.get("ManagedPolicyArns", [])) <= allowed
    policies = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
    for statement in (found for policy in policies for found in listed(policy["Statement"])):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        for word in (*listed(statement["Action"]), *listed(statement["Resource"])):
            assert "*" not in word, statement


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_role_is_taken_on_by_lambda_alone(function):
    role = ROLES[FUNCTIONS[function]["Role"].rpartition("/")[2]]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert listed(statement["Action"]) == ["sts:AssumeRole"]
    assert {kind: listed(who) for kind, who in statement["Principal"].items()} == {
        "Service": ["lambda.amazonaws.com"]
    }


# ------------------------------------------------------- who may call what
def through_the_api() -> dict[str, dict[str, Any]]:
    return {
        name: permission
        for name, permission in PERMISSIONS.items()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }


@pytest.mark.parametrize("name", through_the_api())
def test_a_permission_is_for_this_api_only(name):
    permission = PERMISSIONS[name]
    assert permission["Action"] == "lambda:InvokeFunction"
    assert re.fullmatch(
        rf"arn:aws:execute-api:[\w-]+:\d{{12}}:{API_ID}/\S+", permission["SourceArn"]
    )


def test_a_permission_for_anything_but_the_api_names_who_may_use_it():
    others = [PERMISSIONS[name] for name in set(PERMISSIONS) - set(through_the_api())]
    for permission in others:
        assert permission["Principal"].endswith(".amazonaws.com")
        assert permission.get("SourceArn") or permission.get("SourceAccount")


def test_the_api_may_call_each_route_and_the_authorizer_and_no_more():
    allowed = set()
    for permission in through_the_api().values():
        _, _, called = permission["SourceArn"].partition(f":{API_ID}/")
        allowed.add((permission["FunctionName"].partition(":function:")[2], called))
    routes = {
        (integration["uri"].split(":function:")[1].split("/")[0], method.upper(), path)
        for path, methods in API["paths"].items()
        for method, operation in methods.items()
        if "uri" in (integration := operation["x-amazon-apigateway-integration"])
    }
    assert allowed == {
        *((name, f"*/{method}{re.sub('{[^}]*}', '*', path)}") for name, method, path in routes),
        ("AuthorizeFunction:live", "authorizers/*"),
    }


def test_account_operations_have_no_permission_and_the_schedule_has_a_role_of_its_own():
    permitted = {each["FunctionName"].split(":")[-2] for each in PERMISSIONS.values()}
    routed = {
        integration["uri"].split(":function:")[1].split(":")[0]
        for methods in API["paths"].values()
        for operation in methods.values()
        if "uri" in (integration := operation["x-amazon-apigateway-integration"])
    }
    assert permitted == {*routed, "AuthorizeFunction"}
    _, schedule = TEMPLATE.only("AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    assert "StartDate" not in schedule, "its first run is at once, so no alarm waits for it"
    assert "Name" not in schedule, "two stacks of an account would want the same"
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {"when": "due", "actor": "schedule"}
    assert target["Arn"].endswith(":RotateSigningKeyFunction:live")
    (policy,) = ROLES[target["RoleArn"].rpartition("/")[2]]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", target["Arn"])


# -------------------------------------------------------------- the streams
@pytest.mark.parametrize("table", ["SessionsTable", "UsersTable"])
def test_nothing_that_a_stream_says_is_given_up_before_the_stream_forgets_it(table):
    assert TABLES[table]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    (follows,) = (
        mapping
        for mapping in TEMPLATE.resources_of("AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == f"{table}.StreamArn"
    )
    assert follows["FunctionName"].endswith(":function:PublishEventsFunction:live")
    assert follows["StartingPosition"] == "TRIM_HORIZON"
    assert follows["MaximumRetryAttempts"] == -1
    assert "MaximumRecordAgeInSeconds" not in follows
    assert follows["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


# ------------------------------------------------------- what holds the data
EXPIRES = {"SessionsTable": "exp", "AttemptsTable": "expires"}
RETAINED = {"UsersTable", "LoginsTable"}


def test_these_are_the_tables():
    assert set(TABLES) == {*EXPIRES, *RETAINED}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_paid_by_request_encrypted_and_named_by_the_stack(name):
    table = TABLES[name]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert "TableName" not in table  # a fixed name allows one stack, and no replacement


@pytest.mark.parametrize("name", TABLES)
def test_what_expires_is_deleted_by_the_attribute_of_that_name(name):
    ttl = {"AttributeName": EXPIRES[name], "Enabled": True} if name in EXPIRES else None
    assert TABLES[name].get("TimeToLiveSpecification") == ttl


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"AttemptsTable"}))  # which counts minutes
def test_what_people_own_can_be_restored_to_any_second(name):
    assert TABLES[name]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize("name", [*TABLES, "SigningKeys"])
def test_users_their_names_and_the_keys_outlive_the_stack(name):
    policy = "Retain" if name in {*RETAINED, "SigningKeys"} else "Delete"
    assert TEMPLATE.resources[name]["DeletionPolicy"] == policy
    assert TEMPLATE.resources[name]["UpdateReplacePolicy"] == policy


def test_the_first_signing_key_is_long_and_its_secret_is_named_by_the_stack():
    _, secret = TEMPLATE.only("AWS::SecretsManager::Secret")
    assert "Name" not in secret
    assert "SecretString" not in secret  # it would stand in the template
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
