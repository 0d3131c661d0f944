"""One fact, one place: what must stand twice is held together here."""

import json
import time
from pathlib import Path

import pytest

from local.functions import functions_of
from local.template import load_template
from sessions import errors, responses
from tests.support.contract import API, REMEMBERED_SESSION_SECONDS, SESSION_SECONDS, TEMPLATE, UP
from tests.support.processes import run_beside

ROOT = Path(__file__).parents[1]
FUNCTIONS = functions_of(TEMPLATE)
FOLDERS = {function.folder.name: function for function in FUNCTIONS.values()}


def names(folder: str, pattern: str, *, less: str = "") -> set[str]:
    return {path.stem.removeprefix(less) for path in (ROOT / folder).glob(pattern)}


def test_each_function_has_a_folder_an_event_a_test_and_a_logical_id_of_its_name():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(FOLDERS) == folders
    assert names("events", "*.json") - {"local-env"} == folders
    assert folders <= names("tests/functions", "test_*.py", less="test_")
    for folder, function in FOLDERS.items():
        words = folder.split("_")
        assert function.name == "".join(map(str.capitalize, words)) + "Function"


def routes() -> dict[tuple[str, str], str]:
    return {
        (method.upper(), path): definition["x-amazon-apigateway-integration"]["uri"]
        for path, methods in API["paths"].items()
        for method, definition in methods.items()
        if definition["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
    }


def test_each_operation_answers_at_its_canonical_and_its_short_path_alike():
    found = routes()
    short = {key for key in found if not key[1].startswith("/user/")}
    assert len(short) == 7
    assert set(found) == short | {(method, f"/user{path}") for method, path in short}
    for method, path in short:
        assert found[method, path] == found[method, f"/user{path}"]


def test_every_path_answers_a_preflight():
    assert all("options" in methods for methods in API["paths"].values())
    assert "/{proxy+}" in API["paths"]


@pytest.mark.parametrize("route", routes())
def test_every_route_of_a_function_is_metered_and_all_but_the_log_in_need_a_token(route):
    method, path = route
    security = API["paths"][path][method.lower()]["security"]
    authorizer = "LoginAuthorizer" if method == "POST" else "SessionAuthorizer"
    assert security == [{authorizer: []}, {"api_key": []}]


THROTTLED = errors.RateLimited(TEMPLATE.parameters["RateLimit"], 1)
QUOTA_EXCEEDED = errors.RateLimited(TEMPLATE.parameters["DailyQuota"], 3600)
GATEWAY_ERRORS = {
    "UNAUTHORIZED": errors.InvalidSession(),
    "ACCESS_DENIED": errors.InvalidSession(),
    "MISSING_AUTHENTICATION_TOKEN": errors.InvalidEndpoint(),
    "RESOURCE_NOT_FOUND": errors.InvalidEndpoint(),
    "INVALID_SIGNATURE": errors.InvalidEndpoint(),
    "EXPIRED_TOKEN": errors.InvalidEndpoint(),
    "DEFAULT_4XX": errors.InvalidEndpoint(),
    "REQUEST_TOO_LARGE": errors.BodyTooLarge(),
    "THROTTLED": THROTTLED,
    "QUOTA_EXCEEDED": QUOTA_EXCEEDED,
    "WAF_FILTERED": THROTTLED,
    "DEFAULT_5XX": errors.Internal(),
    "API_CONFIGURATION_ERROR": errors.Internal(),
    "AUTHORIZER_FAILURE": errors.Unavailable(),
    "AUTHORIZER_CONFIGURATION_ERROR": errors.Unavailable(),
    "INVALID_API_KEY": errors.Unavailable(),
    "INTEGRATION_FAILURE": errors.Unavailable(),
    "INTEGRATION_TIMEOUT": errors.Unavailable(),
}


def test_every_gateway_response_is_an_error_of_the_layer():
    given = set(API["x-amazon-apigateway-gateway-responses"])
    assert given == {*GATEWAY_ERRORS, "UNSUPPORTED_MEDIA_TYPE"}  # which is no error: it is up
    up = API["x-amazon-apigateway-gateway-responses"]["UNSUPPORTED_MEDIA_TYPE"]
    assert json.loads(up["responseTemplates"]["application/json"]) == UP


@pytest.mark.parametrize("kind", GATEWAY_ERRORS)
def test_a_gateway_response_says_what_the_layer_would_say(kind):
    error = GATEWAY_ERRORS[kind]
    response = API["x-amazon-apigateway-gateway-responses"][kind]
    status = 504 if kind == "INTEGRATION_TIMEOUT" else error.status
    assert response["statusCode"] == str(status)
    assert json.loads(response["responseTemplates"]["application/json"]) == error.body()
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in response["responseParameters"].items()
    }
    expected = responses.to_proxy(
        responses.Answer(status, error.body()),
        error.headers,
        request_id="context.requestId",
        origin=TEMPLATE.parameters["AllowedOrigins"][0],
        allowed_origins=TEMPLATE.parameters["AllowedOrigins"],
    )["headers"]
    assert headers == expected


def test_the_authorizer_knows_just_the_keys_that_the_usage_plan_has():
    keys = {
        name: properties["Value"]
        for name, properties in TEMPLATE.resources_of("AWS::ApiGateway::ApiKey").items()
    }
    known = FUNCTIONS["AuthorizeFunction"].environment["USAGE_PLAN_KEYS"].split(",")
    assert sorted(known) == sorted(keys.values())
    assert len(set(known)) == len(known) == 8
    # API Gateway takes key values of 20 to 128 characters.
    assert all(20 <= len(key) <= 128 for key in known)
    planned = TEMPLATE.resources_of("AWS::ApiGateway::UsagePlanKey").values()
    assert {plan_key["KeyId"] for plan_key in planned} == set(keys)


def test_the_usage_plan_limits_both_spellings_of_the_log_in_and_names_no_other_route():
    plan = TEMPLATE.only("AWS::ApiGateway::UsagePlan")[1]
    limited = set(plan["ApiStages"][0]["Throttle"])
    assert limited == {f"{path}/{method}" for method, path in routes() if method == "POST"}


def test_sessions_last_as_long_as_the_contract_says():
    assert (SESSION_SECONDS, REMEMBERED_SESSION_SECONDS) == (2_592_000, 315_576_000)


ACCOUNT_OPERATIONS = {
    folder
    for folder in FOLDERS
    if folder not in {"authorize", "publish_events"}
    and not any(f":{FOLDERS[folder].name}:" in uri for uri in routes().values())
}
MODULES_OF_A_FEW = {
    "pydantic": ACCOUNT_OPERATIONS,
    "argon2": {"create_session", "create_user", "set_password"},
    "httpagentparser": {"create_session"},
    "sessions.store": set(FOLDERS) - {"authorize"},
    "sessions.rotation": {"rotate_signing_key", "list_signing_keys"},
    "boto3": set(),
    "aws_xray_sdk": set(),
}


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_function_starts_with_its_own_environment_and_imports_no_more_than_it_needs(folder):
    program = (
        "import sys, importlib;"
        f"importlib.import_module('functions.{folder}.app').handler;"
        f"print(*[m for m in {list(MODULES_OF_A_FEW)} if m in sys.modules])"
    )
    imported = run_beside(FOLDERS[folder], program)
    wanted = {module for module, folders in MODULES_OF_A_FEW.items() if folder in folders}
    assert set(imported.split()) == wanted


def test_the_environment_for_sam_local_invoke_names_only_what_the_template_does():
    given = json.loads((ROOT / "events" / "local-env.json").read_text())["Parameters"]
    for function in FUNCTIONS.values():
        assert set(given) <= set(function.environment)
    assert given["TOKEN_ISSUER"] == FUNCTIONS["AuthorizeFunction"].environment["TOKEN_ISSUER"]


def test_a_subscription_a_domain_and_a_waf_are_there_only_where_they_are_asked_for():
    optional = {
        "AlarmEmail": ("ops@example.com", "AWS::SNS::Subscription"),
        "AddressRateLimit": (100, "AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"),
        "DomainName": (
            "api.example.com",
            "AWS::ApiGateway::DomainName",
            "AWS::ApiGateway::BasePathMapping",
        ),
    }
    for parameter, (value, *kinds) in optional.items():
        asked = load_template(parameters={parameter: value})
        for kind in kinds:
            assert not TEMPLATE.resources_of(kind)
            assert len(asked.resources_of(kind)) == 1


def test_functions_start_from_snapshots_only_where_that_is_asked_for():
    def modes(template):
        functions = template.resources_of("AWS::Lambda::Function").values()
        return {function["SnapStart"]["ApplyOn"] for function in functions}

    assert modes(TEMPLATE) == {"None"}
    assert modes(load_template(parameters={"SnapStart": "PublishedVersions"})) == {
        "PublishedVersions"
    }


@pytest.mark.parametrize(
    ("written", "instead", "published"),
    [
        ("ContentUri: layers/user_agents", "ContentUri: layers/next", {"CreateSessionFunction"}),
        ("ContentUri: layers/sessions", "ContentUri: layers/next", set(FUNCTIONS)),
        ("CodeUri: functions/ban_user", "CodeUri: functions/next", {"BanUserFunction"}),
    ],
)
def test_what_changes_a_function_publishes_a_version_of_it(tmp_path, written, instead, published):
    def versions(template):
        return {
            (properties["FunctionName"], name)
            for name, properties in template.resources_of("AWS::Lambda::Version").items()
        }

    changed = tmp_path / "template.yaml"
    changed.write_text((ROOT / "template.yaml").read_text().replace(written, instead))
    fresh = versions(load_template(changed)) - versions(TEMPLATE)
    assert {function for function, _ in fresh} == published


def test_a_parameter_that_changed_alone_reaches_the_stage(monkeypatch):
    def deployment_of_the_stage(now, **parameters):
        monkeypatch.setattr(time, "time", lambda: now)
        template = load_template(parameters=parameters)
        stage = template.only("AWS::ApiGateway::Stage")[1]
        assert stage["DeploymentId"] == template.only("AWS::ApiGateway::Deployment")[0]
        return stage["DeploymentId"]

    before = deployment_of_the_stage(1_800_000_000)
    assert before != deployment_of_the_stage(1_800_000_001, AllowedOrigins="https://b.example")


def test_log_ins_have_a_reserve_only_where_it_is_asked_for():
    def reserve(template):
        functions = template.resources_of("AWS::Lambda::Function")
        return functions["CreateSessionFunction"].get("ReservedConcurrentExecutions")

    assert reserve(TEMPLATE) is None
    assert reserve(load_template(parameters={"LoginConcurrency": 7})) == 7
