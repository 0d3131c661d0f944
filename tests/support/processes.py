"""Functions in processes of their own, as Lambda has them: each with its environment and layers."""

import os
import subprocess
import sys

from local.functions import Function, runtime_environment
from tests.support.events import ROOT


def run_beside(function: Function, program: str, *arguments: str) -> str:
    """Run a program where a function, and nothing that this process has, can be imported.

    Returns:
        What it printed.
    """
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={
            "PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, function.layers)]),
            "PATH": os.environ["PATH"],
            **function.environment,
            **runtime_environment("http://127.0.0.1:1", {}),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout
