"""Functions in processes of their own, as Lambda has them: each with its environment and layers."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping

from local.functions import Function, runtime_environment
from tests.support.events import ROOT

# Each starts as a copy of a process that has imported what is not ours, takes longest and is in
# the layer of all; it has nothing else from there.
PROGRAM = """
import importlib, json, os, sys, traceback
sys.modules["cryptography"] = None  # no layer has it; here it is, and imports bcrypt
import aws_lambda_powertools.logging, aws_lambda_powertools.metrics, botocore.session

def start(handler, path, environment, modules):
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = path
    importlib.import_module(handler)
    return [module for module in modules if module in sys.modules]

for function in json.load(sys.stdin):
    child = os.fork()
    if not child:
        try:
            answer = start(*function)
        except BaseException:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def start_each(
    functions: Mapping[str, Function], modules: Collection[str]
) -> dict[str, list[str] | str]:
    """Start functions where each, and nothing that this process has, can be imported.

    Args:
        functions: by the names of their folders.
        modules: what to look for.

    Returns:
        For each function those of the modules that it has imported, or why it cannot start.
    """
    runtime = {"PATH": os.environ["PATH"], **runtime_environment("http://127.0.0.1:1", {})}
    given = [
        (
            f"functions.{name}.app",
            [str(ROOT), *map(str, function.layers)],
            {**function.environment, **runtime},
            [*modules],
        )
        for name, function in functions.items()
    ]
    run = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env=runtime,
        input=json.dumps(given),
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(zip(functions, map(json.loads, run.stdout.splitlines()), strict=True))
