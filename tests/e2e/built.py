"""What `make build` made, and layers like it that run on this machine.

Lambda's machines are arm64 with the Python that the template names; this one may be neither. So
the functions run as they were built, with layers that the same Makefile makes for this machine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from botocore.session import Session

from local.create_resources import create_resources
from local.functions import Function, functions_of, logical_id, runtime_environment
from local.template import TEMPLATE, Template, load_template, read
from tests.support.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
INSTALL_SECONDS = 240
ANSWER = Path(__file__).parent / "answer.py"
ANSWER_SECONDS = 60

# A Python that knows what PYTHONPATH says, its standard library, and nothing else.
BARE = ("-S", "-s", "-P")
BARE_PYTHON = (sys.executable, *BARE)


def built_template() -> Template:
    """Read the template that `sam deploy` would send; its folders are the built ones."""
    template = BUILT / "template.yaml"
    assert template.exists(), "nothing is built; run `make build`"
    return load_template(template)


def built_functions() -> dict[str, Function]:
    """Return the functions as they were built, by the names of their folders."""
    built = functions_of(built_template())
    return {name: built[logical_id(name)] for name in OPERATIONS}


def layer_sources() -> dict[str, Path]:
    """Return the folder that each layer is made from, by its logical ID."""
    return {
        name: ROOT / resource["Properties"]["ContentUri"]
        for name, resource in read(TEMPLATE)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }


def make_layers(folder: Path, python: str = sys.executable) -> None:
    """Make every layer for this machine and a Python of it, each in a folder of its logical ID."""
    for name, source in layer_sources().items():
        run = make_layer(source, folder / name, python, f"PLACE={folder / name / 'python'}")
        assert run.returncode == 0, run.stdout


def make_layer(
    source: Path, artifacts: Path, python: str, *variables: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Make one for this machine: variables are make's, the environment that of all that it runs."""
    # An outer make's options and variables are not meant for this one.
    outer = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
    }
    command = [
        *("make", "-C", str(source)),
        *("-f", str(ROOT / "layers" / "Makefile"), f"build-{artifacts.name}"),
        *(f"ARTIFACTS_DIR={artifacts}", f"PYTHON={python}", f"RUNTIME={python}"),
        *("WHEELS=--only-binary=:all:", *variables),
    ]
    return complete(command, outer | environ, INSTALL_SECONDS)


def complete(
    command: list[str], environ: dict[str, str], seconds: float, folder: Path | str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a folder; its errors are part of its output."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )


def provision_engine(endpoint: str) -> None:
    """Make the template's tables and secret in an engine on this machine."""
    settings = runtime_environment(endpoint, {})
    clients = [
        Session().create_client(
            service,
            endpoint_url=endpoint,
            region_name=settings["AWS_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
        for service in ("dynamodb", "secretsmanager")
    ]
    create_resources(load_template(), *clients)


def environment(
    function: Function, layers: Path, endpoint: str, *more_code: Path
) -> dict[str, str]:
    """Return all that a function finds in its environment: nothing is inherited.

    Args:
        function: one of `built_functions`.
        layers: where `make_layers` put the layers.
        endpoint: where DynamoDB and Secrets Manager are.
        more_code: what else can be imported.
    """
    path = [function.folder, *(layers / built.name / "python" for built in function.layers)]
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **function.environment,
        **runtime_environment(endpoint, {}),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_megabytes),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "LAMBDA_TASK_ROOT": str(function.folder),
        "PYTHONPATH": os.pathsep.join(map(str, [*path, *more_code])),
        "PYTHONDONTWRITEBYTECODE": "1",  # on Lambda these folders are read-only
    }


class Report(NamedTuple):
    """What a function answered, and the files that it had imported by then."""

    answer: Any
    files: list[Path]


def run(function: Function, event: Any, layers: Path, endpoint: str) -> Report:
    """Call a function in a process that sees nothing else of ours."""
    process = subprocess.run(
        [*BARE_PYTHON, str(ANSWER), function.handler],
        cwd=function.folder,
        env=environment(function, layers, endpoint),
        input=json.dumps(event),
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    return Report(report["answer"], [Path(file) for file in report["files"]])
