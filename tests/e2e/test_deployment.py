"""A deployment as docs/deploy.md has it, into ministack; then `make verify` of the stack.

ministack differs from AWS in what DIFFERENCES lists, here and in ministack.py, and in what `mend`
puts right; nothing else may differ. A difference that is gone fails its test: then these tests can
expect more.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from local.functions import logical_id
from tests.e2e.built import ROOT, complete
from tests.e2e.deployment import (
    Cloud,
    Stack,
    browser,
    build_for_this_machine,
    cloud,
    deploy,
    mend,
    sam,
    stack,
)
from tests.support import contract
from tests.support.answers import assert_is
from tests.support.events import ALLOWED_ORIGINS, event_for
from tests.support.leaks import PASSWORD
from tests.support.operations import OPERATIONS

JOE = {"user": "joe", "pass": PASSWORD}
ORIGIN = ALLOWED_ORIGINS[-1]  # not the one that the gateway's own answers name
VERIFY_SECONDS = 240
API_DEPLOYMENT = "SessionsApiDeployment"  # how SAM calls each, and its hash behind it


class Deployed(NamedTuple):
    """The default environment's stack, its account, and a client of its API."""

    account: Cloud
    stack: Stack
    http: httpx.Client
    said: str

    def invoke(self, function: str, event: object) -> Any:
        return invoke(self.account, self.stack, function, event)


def invoke(account: Cloud, stack: Stack, function: str, event: object) -> Any:
    """Invoke a function, by the name of its folder, as `aws lambda invoke` does."""
    name = stack.resources[logical_id(function)]
    answer = account.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    content = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RuntimeError(content)
    return content


def open_for_joe(account: Cloud, stack: Stack) -> httpx.Client:
    """Mend a new stack and make its first user; return a client with a key of the usage plan."""
    mend(account, stack, ALLOWED_ORIGINS)
    joe = {"username": JOE["user"], "email": "joe@example.com", "password": JOE["pass"]}
    invoke(account, stack, "create_user", joe)
    http = browser(account, stack)
    # DIFFERENCES: key_of_the_authorizer.
    http.headers["X-Api-Key"] = keys_of(account, stack)[0]
    return http


def keys_of(account: Cloud, stack: Stack) -> list[str]:
    gateway = account.client("apigateway")
    pages = gateway.get_paginator("get_usage_plan_keys").paginate(
        usagePlanId=stack.resources["UsagePlan"]
    )
    plan = [each for page in pages for each in page["items"]]
    values = [gateway.get_api_key(apiKey=each["id"], includeValue=True) for each in plan]
    return [each["value"] for each in values]


def signing_key(deployed: Deployed) -> str:
    key_set = deployed.account.client("secretsmanager").get_secret_value(
        SecretId=deployed.stack.outputs["SigningKeys"]
    )
    key: str = json.loads(key_set["SecretString"])["initial"]
    return key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("deployment")
    yield folder
    for path in folder.iterdir():  # each process of a function had a copy of its layers
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def account(folder: Path) -> Iterator[Cloud]:
    with cloud(folder) as account:
        yield account


@pytest.fixture(scope="module")
def template(folder: Path) -> Path:
    return build_for_this_machine(folder)


@pytest.fixture(scope="module")
def deployed(account: Cloud, template: Path) -> Iterator[Deployed]:
    said = deploy(account, template, "default", AllowedOrigins=",".join(ALLOWED_ORIGINS))
    made = stack(account, "sessions")
    with open_for_joe(account, made) as http:
        yield Deployed(account, made, http, said)


@pytest.fixture
def http(deployed: Deployed) -> httpx.Client:
    return deployed.http


@pytest.fixture
def log_in(http: httpx.Client) -> Iterator[Callable[..., dict[str, str]]]:
    """Log in as joe; return the header that says so. Joe has no other session before."""

    def log_in(**more: Any) -> dict[str, str]:
        answer = http.post("/session", json={**JOE, **more})
        assert answer.status_code == 201, answer.text
        return {"Authorization": answer.json()["token"]}

    assert http.delete("/sessions/all", headers=log_in()).status_code == 200
    yield log_in
    assert http.delete("/sessions/all", headers=log_in()).status_code == 200


# ------------------------------------------------------------ the deployment
def test_sam_deploys_the_build_with_samconfig(deployed):
    assert "Successfully created/updated stack - sessions" in deployed.said


def test_a_second_deployment_makes_only_the_apis_deployment_anew(account, template, deployed):
    """Which it always does, so that a parameter that changed alone reaches the stage."""
    said = deploy(account, template, "default", AllowedOrigins=",".join(ALLOWED_ORIGINS))
    assert "Successfully created/updated stack - sessions" in said
    again = stack(account, "sessions")
    before, after = deployed.stack.resources.items(), again.resources.items()
    assert {name[: len(API_DEPLOYMENT)] for name, _ in before ^ after} == {API_DEPLOYMENT}
    assert again.outputs == deployed.stack.outputs


def test_every_function_knows_the_names_that_the_stack_gave(deployed):
    tables = deployed.account.client("dynamodb").list_tables()["TableNames"]
    names = {"SESSIONS_TABLE", "USERS_TABLE", "LOGINS_TABLE", "ATTEMPTS_TABLE"}
    for operation in OPERATIONS.values():
        name = deployed.stack.resources[operation.function]
        found = deployed.account.client("lambda").get_function_configuration(FunctionName=name)
        environment = found["Environment"]["Variables"]
        assert {environment[variable] for variable in names} <= set(tables)
        assert environment["SIGNING_KEYS_SECRET"] == deployed.stack.resources["SigningKeys"]
        assert environment["TOKEN_ISSUER"] == deployed.stack.name
        assert environment["ALLOWED_ORIGINS"].split(",") == ALLOWED_ORIGINS
        assert not environment["AWS_ENDPOINT_URL"]


def test_the_authorizer_names_keys_that_the_usage_plan_has(deployed, log_in):
    keys = keys_of(deployed.account, deployed.stack)
    answer = deployed.invoke("authorize", event_for("authorize", log_in()["Authorization"]))
    assert answer["usageIdentifierKey"] in keys
    assert len(set(keys)) == len(keys) > 1


def test_a_function_has_the_rights_of_its_role_and_no_others(deployed):
    iam = deployed.account.client("iam")
    role = deployed.stack.resources["UnbanUserFunctionRole"]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    assert deployed.invoke("unban_user", {"login": "joe"})
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        with pytest.raises(RuntimeError):
            deployed.invoke("unban_user", {"login": "joe"})
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    assert deployed.invoke("unban_user", {"login": "joe"})


def test_make_verify_finds_nothing_but_what_ministack_does_not_do(deployed):
    """The contract, and the list of docs/deploy.md, by the command that is typed there."""
    key = keys_of(deployed.account, deployed.stack)[0]  # DIFFERENCES: key_of_the_authorizer
    command = shutil.which("make")
    assert command
    options = f"-p tests.e2e.ministack -n 0 --header 'X-Api-Key: {key}'"
    # With what is installed where this test runs.
    verify = [command, "-o", ".venv/test", "verify", "STACK=sessions", "CHANGE=1"]
    environment = deployed.account.environment
    run = complete([*verify, f"OPTIONS={options}"], environment, VERIFY_SECONDS, ROOT)
    assert run.returncode == 0, run.stdout
    left = deployed.account.client("dynamodb").scan(TableName=deployed.stack.outputs["LoginsTable"])
    assert {item["login"]["S"] for item in left["Items"]} == {"joe", "joe@example.com"}


def test_the_log_group_has_no_key(deployed, http, log_in):
    """Nor a token, a password or a hash, whatever the tests before it have done."""
    token = log_in()["Authorization"]
    http.get("/session", headers={"Authorization": token})
    group = deployed.stack.outputs["LogGroup"]
    pages = deployed.account.client("logs").get_paginator("filter_log_events")
    events = [event for page in pages.paginate(logGroupName=group) for event in page["events"]]
    text = "\n".join(event["message"] for event in events)
    assert "SessionCreated" in text
    key = signing_key(deployed)
    for secret in (token, token.split(".")[2], JOE["pass"], "$argon2", key, json.dumps(key)[1:-1]):
        assert secret not in text


# --------------------------------------------------- two of them, and the end
def test_two_environments_share_nothing(account, template, deployed, log_in):
    """And users outlive their stack."""
    # All that is optional but the WAF: ministack has no AWS::WAFv2::WebACLAssociation.
    domain = "accounts.example.com"
    certificates = account.client("acm")
    deploy(
        account,
        template,
        "prod",
        AllowedOrigins=ORIGIN,
        SessionSeconds="600",
        LoginConcurrency="5",
        DomainName=domain,
        CertificateArn=certificates.request_certificate(DomainName=domain)["CertificateArn"],
    )
    prod = stack(account, "sessions-prod")
    shared = set(prod.resources.values()) & set(deployed.stack.resources.values())
    assert shared <= {"api", "ApiAccount"}  # the stage's name, and the account's own setting
    with open_for_joe(account, prod) as http:
        assert_is(http.get("/session", headers=log_in()), 401, contract.INVALID_SESSION)
        token = {"Authorization": http.post("/session", json=JOE).json()["token"]}
        session = http.get("/session", headers=token).json()
        assert session["exp"] - session["iat"] == 600
        http.headers["Host"] = domain  # whose base path is called as the stage
        assert_is(http.get("/session", headers=token), 200, session)
        assert_is(deployed.http.get("/session", headers=token), 401, contract.INVALID_SESSION)

    sam(account, "delete", "--stack-name", prod.name, "--no-prompts", "--region", "us-east-1")
    left = {
        *account.client("dynamodb").list_tables()["TableNames"],
        *(each["Name"] for each in account.client("secretsmanager").list_secrets()["SecretList"]),
    }
    kept = {key for key, name in prod.resources.items() if name in left}
    assert kept == {"UsersTable", "LoginsTable", "SigningKeys"}
    assert deployed.http.get("/session", headers=log_in()).status_code == 200


# --------------------------------------------------- what ministack does not do


# Each function says whether ministack differs as its docstring has it.


def key_of_the_authorizer(deployed: Deployed, token: dict[str, str]) -> bool:
    """The authorizer names the key of the usage plan: it expects the client to send one."""
    with browser(deployed.account, deployed.stack) as http:  # which sends no key
        answer = http.get("/session", headers=token)
    return (answer.status_code, answer.json()) == (503, contract.UNAVAILABLE)


def key_source(deployed: Deployed, token: dict[str, str]) -> bool:
    """The source of keys in the template is dropped."""
    api = deployed.account.client("apigateway").get_rest_api(restApiId=deployed.stack.api)
    return api["apiKeySource"] == "HEADER"


def binary_media_types(deployed: Deployed, token: dict[str, str]) -> bool:
    """The ~1 in a binary media type stays: multipart bodies are decoded as text."""
    api = deployed.account.client("apigateway").get_rest_api(restApiId=deployed.stack.api)
    return "multipart/form-data" not in api["binaryMediaTypes"]


def punctuation(deployed: Deployed, token: dict[str, str]) -> bool:
    """A generated secret has punctuation, though excluded."""
    return not signing_key(deployed).isalnum()


def limits_of_a_method(deployed: Deployed, token: dict[str, str]) -> bool:
    """A usage plan's limits of one method are emptied."""
    name = deployed.stack.resources["UsagePlan"]
    plan = deployed.account.client("apigateway").get_usage_plan(usagePlanId=name)
    return plan["apiStages"][0]["throttle"]["/session/POST"] == {}


DIFFERENCES: list[Callable[[Deployed, dict[str, str]], bool]] = [
    *(key_of_the_authorizer, key_source, binary_media_types, punctuation, limits_of_a_method),
]


@pytest.mark.parametrize("differs", DIFFERENCES)
def test_ministack_still_differs(deployed, log_in, differs):
    assert differs(deployed, log_in()), "take it off the list; expect more of a deployment"
