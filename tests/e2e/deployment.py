"""An AWS account on this machine, and the project deployed into it by `sam deploy`.

The account is ministack's, with IAM enforced: each function has the rights of its own role and no
more. It runs functions in processes of the Python at hand, not in Lambda's runtime for arm64. So
the output of `make build` is deployed with one change: the layers are made for this machine, by
the same Makefile. Functions, the template and `samconfig.toml` are those that would be shipped.

Where ministack leaves out a part that the service cannot do without, `mend` puts it in place
through AWS's own management calls, after making sure that it is still missing.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.engine import free_port, is_healthy, stop
from local.intrinsics import REGION
from local.template import load_template, read
from tests.e2e.built import BUILT, ROOT, complete, layer_sources, make_layers
from tests.support.stack import Stack, read_stack

SAM = ROOT / ".venv-build" / "bin" / "sam"
SAVED_QUERY = "AWS::Logs::QueryDefinition"
START_SECONDS = 60
SAM_SECONDS = 240
# No developer's keys: a request that is signed with these is the account's root user's.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# The venv's libraries would hide what a layer lacks; so functions get the Python below the venv.
# The API that is deployed answers pages, by the name that the stack gives it; the account's data
# is made up.
ENGINE = (
    "import os, sys; sys.executable = os.path.realpath(sys.executable);"
    "from local.database_process import main; main(answers_pages=True)"
)


class Cloud(NamedTuple):
    """The account: its address, and the environment of AWS's tools that use it."""

    endpoint: str
    environment: dict[str, str]

    def client(self, service: str) -> Any:
        """Return a client of the account's root user."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Keep an account for as long as the block lasts, with all it writes in a folder."""
    port = free_port(0)
    endpoint = f"http://127.0.0.1:{port}"
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    settings = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",  # else it looks for containers to tidy up
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_HOST": f"{REGION}.amazonaws.com",  # it answers to the URL that the stack names
    }
    functions = {  # have ministack's environment, besides the one in the template
        # The template's AWS_ENDPOINT_URL is empty, which means AWS.
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": endpoint,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "PYTHONNOUSERSITE": "1",
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", ENGINE],
            cwd=ROOT,
            env={**home, **settings, **functions},
            stdin=subprocess.PIPE,  # its end is how the child learns that we are gone
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + START_SECONDS
        while not is_healthy(endpoint):
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        tools = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": REGION, **CREDENTIALS}
        yield Cloud(endpoint, {**home, **tools, "SAM_CLI_TELEMETRY": "0"})
    finally:
        stop(child)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # the functions, which have nothing to save


def build_for_this_machine(folder: Path) -> Path:
    """Copy the output of `make build`, with layers that run here; return its template."""
    template = BUILT / "template.yaml"
    assert SAM.exists(), "there is no sam; `make build` installs it"
    assert template.exists(), "nothing is built; run `make build`"
    patterns = ("template.yaml", "functions/*/*.py", "layers/**/*.py", "layers/*/requirements.txt")
    sources = [source for pattern in patterns for source in ROOT.glob(pattern)]
    newest = max(source.stat().st_mtime for source in sources)
    assert template.stat().st_mtime > newest, "the build is out of date; run `make build`"
    build = folder / "build"
    shutil.copytree(BUILT, build)
    for name in layer_sources():
        shutil.rmtree(build / name)
    make_layers(build)
    _leave_out_unsupported_resources(build / "template.yaml")
    return build / "template.yaml"


def _leave_out_unsupported_resources(template: Path) -> None:
    """Take away saved queries and alarms on metric math: ministack would refuse the whole stack."""
    assert SAVED_QUERY not in _RESOURCE_HANDLERS, "ministack has come to know saved queries"
    document = read(template)
    document["Resources"] = {
        name: resource
        for name, resource in document["Resources"].items()
        if resource["Type"] != SAVED_QUERY and not _is_alarm_on_math(resource)
    }
    template.write_text(json.dumps(document))  # which is YAML too


def _is_alarm_on_math(resource: dict[str, Any]) -> bool:
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


def sam(cloud: Cloud, *arguments: str) -> str:
    """Run AWS's SAM CLI on the account; return its output."""
    environment = cloud.environment
    run = complete([str(SAM), *arguments], environment, SAM_SECONDS, environment["HOME"])
    assert run.returncode == 0, run.stdout
    return run.stdout


def deploy(cloud: Cloud, template: Path, environment: str, **parameters: str) -> str:
    """Deploy as docs/deploy.md says, but without a question; return sam's output."""
    return sam(
        cloud,
        "deploy",
        *("--template-file", str(template)),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
    )


def stack(cloud: Cloud, name: str) -> Stack:
    """Look up a stack."""
    return read_stack(name, cloud.client)


def browser(cloud: Cloud, stack: Stack) -> httpx.Client:
    """Return a client of the URL that the stack names, whose host is the account's here."""
    url = httpx.URL(stack.outputs["ApiUrl"])
    return httpx.Client(
        base_url=cloud.endpoint + url.path,
        headers={"Host": url.host},
        timeout=60,
        trust_env=False,  # no proxy knows the way
    )


def mend(cloud: Cloud, stack: Stack, origins: list[str]) -> None:
    """Put in place the parts that ministack leaves out and the service cannot do without.

    It fails if ministack has come to do one of these itself: then that part can go.
    """
    _mend_gateway_responses(cloud, stack, origins)
    _mend_login_authorizer(cloud, stack)
    mend_reference_to_the_secret(cloud, stack)
    # As on AWS, what was changed is in force with the next deployment.
    cloud.client("apigateway").create_deployment(restApiId=stack.api, stageName="api")


def _mend_gateway_responses(cloud: Cloud, stack: Stack, origins: list[str]) -> None:
    """It reads no gateway responses in the API's definition."""
    gateway = cloud.client("apigateway")
    answers = gateway.get_gateway_responses(restApiId=stack.api)["items"]
    assert all(answer["defaultResponse"] for answer in answers)
    template = load_template(ROOT / "template.yaml", {"AllowedOrigins": origins})
    body = template.only("AWS::ApiGateway::RestApi")[1]["Body"]
    for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
        gateway.put_gateway_response(restApiId=stack.api, responseType=kind, **response)


def _mend_login_authorizer(cloud: Cloud, stack: Stack) -> None:
    """It takes an identity source in the context for absent; it asks for none if uncached."""
    gateway = cloud.client("apigateway")
    with browser(cloud, stack) as http:
        assert http.post("/session", json={}).status_code == 401
    authorizers = gateway.get_authorizers(restApiId=stack.api)["items"]
    login = next(each for each in authorizers if each["name"] == "LoginAuthorizer")
    change = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0"}
    gateway.update_authorizer(
        restApiId=stack.api, authorizerId=login["id"], patchOperations=[change]
    )


def mend_reference_to_the_secret(cloud: Cloud, stack: Stack) -> None:
    """It resolves a `Ref` of a secret to the name, where AWS gives the ARN."""
    iam = cloud.client("iam")
    name = stack.resources["SigningKeys"]
    assert not name.startswith("arn:")
    arn = cloud.client("secretsmanager").describe_secret(SecretId=name)["ARN"]
    for role in (found for key, found in stack.resources.items() if key.endswith("FunctionRole")):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            text = json.dumps(document)
            mended = text.replace(json.dumps(name), json.dumps(arn))
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=mended)
