"""The version of the service and of this command: template.yaml has it, and nothing else."""

import re
from importlib.metadata import version
from pathlib import Path

_TEMPLATE = Path(__file__).parents[1] / "template.yaml"


def _read() -> str:
    if _TEMPLATE.exists():  # a checkout; `pip install .` reads it there, too
        found = re.search(r'"version": "([^"]+)"', _TEMPLATE.read_text())
        assert found, f"{_TEMPLATE} has no version"
        return found[1]
    return version("sessions")


VERSION = _read()
