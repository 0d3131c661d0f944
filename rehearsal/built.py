"""What `make build` made, and layers like it that run on this machine.

Lambda's machines are arm64 with the Python that the template names; this one may be neither. So
the functions run as they were built, with layers that the same Makefile makes for this machine.
"""

import os
import subprocess
import sys
from pathlib import Path

from botocore.session import Session

from local.create_resources import create_resources
from local.functions import Function, functions_of, runtime_environment
from local.template import TEMPLATE, Template, load_template, read

ROOT = Path(__file__).parents[1]
BUILT = ROOT / ".aws-sam" / "build"
INSTALL_SECONDS = 240

# Folder names by logical ID: a built function is called by the latter alone.
NAMES = {name: each.folder.name for name, each in functions_of(load_template()).items()}

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
    return {NAMES[name]: each for name, each in functions_of(built_template()).items()}


def built_layers() -> dict[str, Path]:
    """Return the folder of every built layer by its logical ID."""
    built_template()
    return {
        name: BUILT / name
        for name, resource in read(TEMPLATE)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }


def source_of(layer: str) -> Path:
    """Return the folder that a layer is made from."""
    return ROOT / str(read(TEMPLATE)["Resources"][layer]["Properties"]["ContentUri"])


def make_layers(folder: Path, python: str = sys.executable) -> None:
    """Make every layer for this machine and a Python of it, each in a folder of its logical ID."""
    # An outer make's options and variables are not meant for this one.
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
    }
    for name in built_layers():
        run = subprocess.run(
            [
                *("make", "-C", str(source_of(name))),
                *("-f", str(ROOT / "layers" / "Makefile"), f"build-{name}"),
                *(f"ARTIFACTS_DIR={folder / name}", f"PYTHON={python}"),
                *(f"RUNTIME={python}", "WHEELS=--only-binary=:all:"),
            ],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert run.returncode == 0, run.stdout


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
