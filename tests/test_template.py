"""One fact, one place: what must stand twice is held together here."""

import functools
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from local.functions import functions_of
from local.routes import ANY_METHOD, api_of, function_arn
from local.state import SERVICE_FILE
from local.template import arn, load_template
from sessions import errors, responses
from tests.support.contract import API, REMEMBERED_SESSION_SECONDS, SESSION_SECONDS, TEMPLATE
from tests.support.events import ROOT
from tests.support.operations import (
    ACCOUNT_OPERATIONS,
    AUTHENTICATED,
    AUTHORIZER,
    OPERATIONS,
    SESSION_AUTHORIZER,
)
from tests.support.processes import start_each

FUNCTIONS = functions_of(TEMPLATE)
HASH = hashlib.sha256(b"a secret").hexdigest()
BACK_END = {"BackEndSecretHashes": HASH}
PAGE = {"Page": "true"}
RESPONSES = API["x-amazon-apigateway-gateway-responses"]
ROUTES = {
    (method.upper(), path): operation
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
    if operation["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
}


# ------------------------------------------------------------------ routes


def test_each_operation_answers_at_its_canonical_and_its_short_path_alike():
    short = {key for key in ROUTES if not key[1].startswith("/user/")}
    assert set(ROUTES) == short | {(method, f"/user{path}") for method, path in short}
    for method, path in short:
        assert ROUTES[method, path] == ROUTES[method, f"/user{path}"]


def test_every_path_answers_a_preflight_and_every_method():
    """So no request meets a gateway response for want of a route, which could name one origin."""
    assert {"/", "/{proxy+}"} <= set(API["paths"])
    for path, methods in API["paths"].items():
        mocks = {
            method: definition["x-amazon-apigateway-integration"]
            for method, definition in methods.items()
            if (method.upper(), path) not in ROUTES
        }
        assert set(mocks) == {"options", ANY_METHOD}
        for method, mock in mocks.items():
            status = "204" if method == "options" else "200" if path == "/" else "404"
            assert mock["responses"]["default"]["statusCode"] == status
            assert "security" not in methods[method]


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_of_a_function_is_metered_and_all_but_the_login_need_a_token(route):
    authorizer = "LoginAuthorizer" if route[0] == "POST" else "SessionAuthorizer"
    assert ROUTES[route]["security"] == [{authorizer: []}, {"api_key": []}]
    # Lambda is invoked by POST, whatever the route's own method is.
    assert ROUTES[route]["x-amazon-apigateway-integration"]["httpMethod"] == "POST"


def test_the_usage_plan_limits_both_paths_of_the_login_more_strictly_and_no_other_route():
    _, plan = TEMPLATE.only("AWS::ApiGateway::UsagePlan")
    (stage,) = plan["ApiStages"]
    assert stage["ApiId"] == TEMPLATE.only("AWS::ApiGateway::RestApi")[0]
    assert stage["Stage"] == TEMPLATE.only("AWS::ApiGateway::Stage")[1]["StageName"]
    assert set(stage["Throttle"]) == {f"{path}/POST" for method, path in ROUTES if method == "POST"}
    for limits in stage["Throttle"].values():
        assert 0 < limits["RateLimit"] < plan["Throttle"]["RateLimit"]
        assert 0 < limits["BurstLimit"] < plan["Throttle"]["BurstLimit"]
    assert "Quota" not in plan  # a shard that one caller used up would be shut until midnight


def test_the_authorizer_knows_just_the_keys_that_the_usage_plan_has():
    keys = TEMPLATE.resources_of("AWS::ApiGateway::ApiKey")
    settings = FUNCTIONS[AUTHORIZER.function].environment
    prefix, shards = settings["USAGE_PLAN_KEY"], range(int(settings["USAGE_PLAN_SHARDS"]))
    known = {f"{prefix}{shard:02}" for shard in shards}
    assert sorted(known) == sorted(key["Value"] for key in keys.values())
    # API Gateway takes key values of 20 to 128 letters and digits.
    assert all(re.fullmatch("[0-9a-z]{20,128}", key) for key in known)
    assert all(key["Enabled"] is True for key in keys.values())
    planned = TEMPLATE.resources_of("AWS::ApiGateway::UsagePlanKey").values()
    assert sorted(each["KeyId"] for each in planned) == sorted(keys)
    plan, _ = TEMPLATE.only("AWS::ApiGateway::UsagePlan")
    assert {(each["KeyType"], each["UsagePlanId"]) for each in planned} == {("API_KEY", plan)}
    for resource in TEMPLATE.source["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::ApiKey":  # a value is unique in an account
            assert '{"Ref": "AWS::StackId"}' in json.dumps(resource["Properties"]["Value"])


def test_back_ends_that_are_trusted_have_a_key_and_a_plan_of_their_own():
    """Made as the last of all keys: AWS makes one after the other (docs/decisions/0016)."""
    template = load_template(parameters=BACK_END)
    environment = functions_of(template)[AUTHORIZER.function].environment
    key = template.resources_of("AWS::ApiGateway::ApiKey")["BackEndKey"]
    assert key == {"Enabled": True, "Value": f"{environment['USAGE_PLAN_KEY']}backend"}
    assert re.fullmatch("[0-9a-z]{20,128}", key["Value"])
    plans = template.resources_of("AWS::ApiGateway::UsagePlan")
    assert set(plans) == {"UsagePlan", "BackEndUsagePlan"}
    plan, (stage,) = plans["BackEndUsagePlan"], plans["BackEndUsagePlan"]["ApiStages"]
    # The login has no rate of its own: it is of many people.
    assert stage == {name: plans["UsagePlan"]["ApiStages"][0][name] for name in ("ApiId", "Stage")}
    assert str(plan["Throttle"]["RateLimit"]) == environment["BACK_END_REQUESTS_PER_SECOND"]
    assert template.resources_of("AWS::ApiGateway::UsagePlanKey")["BackEndPlanKey"] == {
        "KeyType": "API_KEY",
        "UsagePlanId": "BackEndUsagePlan",
        "KeyId": "BackEndKey",
    }
    for name in ("Key", "PlanKey"):
        waits_for = {
            each.get("DependsOn")
            for other, each in template.resources.items()
            if other.endswith(name) and other != f"BackEnd{name}"
        }
        last = template.resources[f"BackEnd{name}"]["DependsOn"]
        assert last in template.resources
        assert last not in waits_for


@pytest.mark.parametrize(
    ("parameters", "login", "others"),
    [({}, 300, 300), (PAGE, 0, 300), (BACK_END, 0, 0), ({**PAGE, **BACK_END}, 0, 0)],
)
def test_no_answer_of_the_authorizer_is_kept_where_it_would_be_of_somebody_else(
    parameters, login, others
):
    schemes = api_of(load_template(parameters=parameters)).body["securityDefinitions"]
    for name, seconds in (("LoginAuthorizer", login), ("SessionAuthorizer", others)):
        authorizer = schemes[name]["x-amazon-apigateway-authorizer"]
        assert authorizer["authorizerResultTtlInSeconds"] == seconds


@pytest.mark.parametrize(
    ("value", "is_allowed"),
    [
        ("", True),
        (HASH, True),
        (f"{HASH},{HASH}", True),
        (f"{HASH},{HASH},{HASH}", False),
        (f"{HASH},", False),
        (f"{HASH}, {HASH}", False),
        (HASH.upper(), False),
        (HASH[:-1], False),
        ("a secret itself", False),
    ],
)
def test_one_or_two_hashes_are_deployed_and_nothing_else(value, is_allowed):
    """CloudFormation compares the whole value ("Parameters", `AllowedPattern`)."""
    pattern = TEMPLATE.source["Parameters"]["BackEndSecretHashes"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is is_allowed


def test_sessions_last_as_long_as_the_contract_says():
    assert (SESSION_SECONDS, REMEMBERED_SESSION_SECONDS) == (2_592_000, 315_576_000)


# ------------------------------------------------------- gateway responses

INVALID_SESSION, INVALID_ENDPOINT = errors.InvalidSession(), errors.InvalidEndpoint()
INTERNAL, UNAVAILABLE = errors.Internal(), errors.Unavailable()
THROTTLED = errors.RateLimited(1, 2, 1)

# "Gateway response types for API Gateway" in the developer guide; all but QUOTA_EXCEEDED, since no
# plan has a quota.
GATEWAY_ERRORS = {
    "ACCESS_DENIED": INVALID_ENDPOINT,
    "API_CONFIGURATION_ERROR": INTERNAL,
    "AUTHORIZER_CONFIGURATION_ERROR": UNAVAILABLE,
    "AUTHORIZER_FAILURE": UNAVAILABLE,
    "BAD_REQUEST_BODY": INVALID_ENDPOINT,
    "BAD_REQUEST_PARAMETERS": INVALID_ENDPOINT,
    "DEFAULT_4XX": INVALID_ENDPOINT,
    "DEFAULT_5XX": INTERNAL,
    "EXPIRED_TOKEN": INVALID_ENDPOINT,
    "INTEGRATION_FAILURE": UNAVAILABLE,
    "INTEGRATION_TIMEOUT": UNAVAILABLE,
    "INVALID_API_KEY": UNAVAILABLE,
    "INVALID_SIGNATURE": INVALID_ENDPOINT,
    "MISSING_AUTHENTICATION_TOKEN": INVALID_ENDPOINT,
    "REQUEST_TOO_LARGE": errors.BodyTooLarge(),
    "RESOURCE_NOT_FOUND": INVALID_ENDPOINT,
    "THROTTLED": THROTTLED,
    "UNAUTHORIZED": INVALID_SESSION,
    "UNSUPPORTED_MEDIA_TYPE": INVALID_ENDPOINT,
    "WAF_FILTERED": THROTTLED,
}


def gateway_response(kind: str) -> dict[str, Any]:
    """Return the response of a type, which is the default one where the type has none."""
    default = "DEFAULT_4XX" if GATEWAY_ERRORS[kind].is_client_error else "DEFAULT_5XX"
    response: dict[str, Any] = RESPONSES.get(kind, RESPONSES[default])
    return response


def test_no_gateway_response_repeats_the_default_one_or_is_of_a_type_that_aws_does_not_know():
    assert set(RESPONSES) <= set(GATEWAY_ERRORS)
    for default in ("DEFAULT_4XX", "DEFAULT_5XX"):
        assert [kind for kind in RESPONSES if RESPONSES[kind] == RESPONSES[default]] == [default]


@pytest.mark.parametrize("kind", GATEWAY_ERRORS)
def test_a_gateway_response_is_the_answer_of_the_layer(kind):
    error, response = GATEWAY_ERRORS[kind], gateway_response(kind)
    status = 504 if kind == "INTEGRATION_TIMEOUT" else error.status
    assert response["statusCode"] == str(status)
    assert json.loads(response["responseTemplates"]["application/json"]) == error.body()
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in response["responseParameters"].items()
    }
    answer = responses.to_proxy(
        responses.Answer(status, error.body()),
        error.headers,
        request_id="context.requestId",
        origin=TEMPLATE.parameters["AllowedOrigins"][0],
        allowed_origins=TEMPLATE.parameters["AllowedOrigins"],
    )
    if error is THROTTLED:  # each route has a limit of its own, which the authorizer says
        answer["headers"]["X-RateLimit-Limit"] = "context.authorizer.limit"
        del answer["headers"]["X-RateLimit-Reset"]  # the gateway knows no such time
    assert headers == answer["headers"]


# --------------------------------------------------------------- functions


def imports(name: str) -> dict[str, bool]:
    """Say of each module that only some functions need whether this one needs it."""
    function = FUNCTIONS[OPERATIONS[name].function]
    layers = {layer.name for layer in function.layers}
    begins_sessions = name in {"create_session", "issue_session"}
    needs_keys = begins_sessions or name in {*AUTHENTICATED, AUTHORIZER.name}
    return {
        "argon2": "passwords" in layers,
        "sessions.foreign_hashes": name == "import_users",
        "bcrypt": False,
        "Cryptodome": False,
        "sessions.session_name": begins_sessions,
        "pydantic": name in ACCOUNT_OPERATIONS,
        "sessions.key_rotation": "KEY_ROTATION_DAYS" in function.environment,
        "sessions.dynamodb": name != AUTHORIZER.name,
        "jwt": needs_keys,
        "sessions.signing_keys": needs_keys or name.endswith(("signing_key", "signing_keys")),
        "boto3": False,
        "aws_xray_sdk": False,
    }


@pytest.fixture(scope="module")
def started():
    functions = {name: FUNCTIONS[it.function] for name, it in OPERATIONS.items()}
    return start_each(functions, imports(AUTHORIZER.name))


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_function_starts_with_its_own_environment_and_imports_no_more_than_it_needs(
    started, name
):
    assert isinstance(started[name], list), started[name]
    assert set(started[name]) == {
        module for module, is_needed in imports(name).items() if is_needed
    }


def test_the_environment_for_sam_local_invoke_is_what_the_running_service_tells():
    assert (ROOT / "events/local-env.json").readlink() == Path("../.local") / SERVICE_FILE


# -------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("parameter", "value", "kinds"),
    [
        ("AlarmEmail", "ops@example.com", ["SNS::Subscription"]),
        ("AddressRateLimit", 100, ["WAFv2::WebACL", "WAFv2::WebACLAssociation"]),
        (
            "DomainName",
            "api.example.com",
            ["ApiGateway::DomainName", "ApiGateway::BasePathMapping"],
        ),
    ],
)
def test_optional_resources_are_there_only_where_they_are_asked_for(parameter, value, kinds):
    asked = load_template(parameters={parameter: value})
    for kind in kinds:
        assert not TEMPLATE.resources_of(f"AWS::{kind}")
        assert len(asked.resources_of(f"AWS::{kind}")) == 1


def test_logins_have_a_reserve_only_where_that_is_asked_for():
    asked = load_template(parameters={"LoginConcurrency": 7})
    for template, reserve in ((TEMPLATE, None), (asked, 7)):
        login = template.resources_of("AWS::Lambda::Function")["CreateSessionFunction"]
        assert login.get("ReservedConcurrentExecutions") == reserve


# Another value of every parameter, and the others without which it would feed nothing.
OF_THE_PAGE = {**PAGE, "PageDomainName": "my.example.com", "PageCertificateArn": "arn:page"}
OTHER_VALUES: dict[str, tuple[Any, dict[str, Any]]] = {
    "AddressRateLimit": (100, {}),
    "AlarmEmail": ("ops@example.com", {}),
    "AllowedOrigins": ("https://b.example, https://c.example", {}),
    "ApiBurstLimit": (3, {}),
    "ApiLogRole": ("false", {}),
    "ApiRateLimit": (3, {}),
    "BackEndBurstLimit": (99, BACK_END),
    "BackEndRateLimit": (99, BACK_END),
    "BackEndSecretHashes": (HASH, {}),
    "BurstLimit": (99, {}),
    "CertificateArn": ("arn:other", {"DomainName": "api.example.com", "CertificateArn": "arn"}),
    "DomainName": ("api.example.com", {}),
    "EventBusName": ("other", {}),
    "ExistingLoginsTable": ("names", {}),
    "ExistingUsersStream": ("arn:other", {"ExistingUsersTable": "people"}),
    "ExistingUsersTable": ("people", {}),
    "FunctionMemory": (1024, {}),
    "HashingMemory": (1024, {}),
    "IdleSeconds": ("86400", {}),
    "ImpersonatorsMayRevoke": ("true", {}),
    "KeepAddresses": ("false", {}),
    "KeyRotationDays": (7, {}),
    "LogRetentionDays": (1, {}),
    "LoginAttemptsPerAddress": (7, {}),
    "LoginAttemptsPerName": (7, {}),
    "LoginAttemptsPerNameAndAddress": (7, {}),
    "LoginAttemptsSeconds": (7, {}),
    "LoginBurstLimit": (7, {}),
    "LoginConcurrency": (7, {}),
    "LoginRateLimit": (7, {}),
    "MaxSessionsPerUser": (7, {}),
    "MinPasswordCharacters": (15, {}),
    "Page": ("true", {}),
    "PageCertificateArn": ("arn:other", OF_THE_PAGE),
    "PageDomainName": ("other.example.com", OF_THE_PAGE),
    "RateLimit": (99, {}),
    "RememberedSessionSeconds": (99, {}),
    "SessionSeconds": (99, {}),
    "TellUnknownUsers": ("false", {}),
    "UsedSeconds": (0, {}),
}
# SAM makes two resources of what is written as one.
MADE_OF = {
    "SessionsApiapiStage": "SessionsApi",
    "PublishEventsFunctionUsers": "PublishEventsFunction",
}


def refers(node: Any, names: set[str]) -> bool:
    """Say whether a part of the template as written refers to a parameter or a condition."""
    if isinstance(node, list):
        return any(refers(each, names) for each in node)
    if not isinstance(node, dict):
        return False
    named = [node.get("Ref"), node.get("Condition"), node.get("Fn::If", [""])[0]]
    texts = node.get("Fn::Sub", "")
    text = texts[0] if isinstance(texts, list) else texts
    return any(name in named or f"${{{name}}}" in text for name in names) or refers(
        list(node.values()), names
    )


def fed_by(parameter: str) -> set[str]:
    """Return the resources of the template as written that a parameter has a part in."""
    source, names = TEMPLATE.source, {parameter}
    names |= {name for name, test in source["Conditions"].items() if refers(test, {parameter})}
    resources = source["Resources"]
    of_all_functions = {
        name
        for title, value in source["Globals"]["Function"].items()
        for name in FUNCTIONS
        if refers(value, names)
        # Of the properties that a function has of its own, only the variables are joined.
        if title == "Environment" or title not in resources[name]["Properties"]
    }
    return of_all_functions | {name for name, each in resources.items() if refers(each, names)}


def test_another_value_of_every_parameter_is_known_here():
    assert set(OTHER_VALUES) == set(TEMPLATE.source["Parameters"])


@pytest.fixture(scope="module")
def translated():
    """The resources by parameters, all translated at one moment, which deployments' names have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: 1_800_000_000)
        yield functools.cache(lambda **parameters: load_template(parameters=parameters).resources)


@pytest.mark.parametrize("parameter", OTHER_VALUES)
def test_another_value_of_a_parameter_changes_all_that_it_feeds(parameter, translated):
    """SAM itself must see that: it did not where a version had to be published for a change."""
    value, beside = OTHER_VALUES[parameter]
    before, after = translated(**beside), translated(**{**beside, parameter: value})
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    changed |= {MADE_OF[name] for name in changed & MADE_OF.keys()}
    fed = fed_by(parameter)
    assert fed
    assert fed <= changed


@pytest.mark.parametrize("parameters", [{}, PAGE])
def test_whatever_calls_a_function_calls_what_a_parameter_changes(parameters):
    """No alias or version stands between: docs/decisions/0015."""
    template = load_template(parameters=parameters)
    api = api_of(template).body
    assert not template.resources_of("AWS::Lambda::Alias")
    assert not template.resources_of("AWS::Lambda::Version")
    integrations = [
        method["x-amazon-apigateway-integration"]
        for methods in api["paths"].values()
        for method in methods.values()
    ]
    authorizers = [
        scheme["x-amazon-apigateway-authorizer"]
        for scheme in api["securityDefinitions"].values()
        if "x-amazon-apigateway-authorizer" in scheme
    ]
    uris = {each["uri"] for each in integrations if "uri" in each}
    uris |= {each["authorizerUri"] for each in authorizers}
    mappings = template.resources_of("AWS::Lambda::EventSourceMapping").values()
    schedules = template.resources_of("AWS::Scheduler::Schedule").values()
    called = {
        *map(function_arn, uris),
        *(arn("AWS::Lambda::Function", each["FunctionName"]) for each in mappings),
        *(each["Target"]["Arn"] for each in schedules),
    }
    by_others = {*ACCOUNT_OPERATIONS, SESSION_AUTHORIZER.name} - {"rotate_signing_key"}
    assert called == {
        FUNCTIONS[operation.function].arn
        for name, operation in OPERATIONS.items()
        if name not in by_others
    }


def test_the_example_of_other_apis_answers_as_ours_and_keeps_no_answer_of_the_authorizer():
    arn = "arn:of:the:authorizer"
    path = ROOT / "examples" / "authorizer" / "template.yaml"
    example = load_template(path, {"VerifySessionFunctionArn": arn})
    _, api = example.only("AWS::ApiGateway::RestApi")
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    for kind, error in {
        "UNAUTHORIZED": INVALID_SESSION,
        "ACCESS_DENIED": errors.Banned(),
        "AUTHORIZER_FAILURE": UNAVAILABLE,
        "AUTHORIZER_CONFIGURATION_ERROR": UNAVAILABLE,
    }.items():
        assert answers[kind]["statusCode"] == str(error.status)
        assert json.loads(answers[kind]["responseTemplates"]["application/json"]) == error.body()
        headers = {f"gatewayresponse.header.{k}": f"'{v}'" for k, v in error.headers.items()}
        assert answers[kind]["responseParameters"] == headers
    written = json.dumps(example.resources)
    kept = re.findall(r"uthorizerResultTtlInSeconds\": (\d+)", written)
    assert kept == ["0"] * written.count("uthorizerUri") == ["0"] * 3
    permissions = example.resources_of("AWS::Lambda::Permission").values()
    assert sorted(each["Principal"] for each in permissions if each["FunctionName"] == arn) == [
        *["apigateway.amazonaws.com"] * 2,
        "appsync.amazonaws.com",
    ]


def test_a_parameter_that_changed_alone_reaches_the_stage(monkeypatch):
    def deployment_of_the_stage(now, **parameters):
        monkeypatch.setattr(time, "time", lambda: now)
        template = load_template(parameters=parameters)
        stage = template.only("AWS::ApiGateway::Stage")[1]
        assert stage["DeploymentId"] == template.only("AWS::ApiGateway::Deployment")[0]
        return stage["DeploymentId"]

    before = deployment_of_the_stage(1_800_000_000)
    assert before != deployment_of_the_stage(1_800_000_001, AllowedOrigins="https://b.example")
