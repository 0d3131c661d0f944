"""Programs in Node."""

import re
import shutil
import subprocess
from pathlib import Path

NODE = shutil.which("node")


def run(*arguments: object, **environment: str) -> str:
    """Run Node, and return what it writes; it must succeed."""
    command = [str(NODE), *map(str, arguments)]
    node = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert node.returncode == 0, node.stdout + node.stderr
    return node.stdout


def passed(tests: Path, **environment: str) -> int:
    """Return how many tests of a file passed, if none failed and none was skipped."""
    shown = run("--test", "--test-reporter=tap", tests, **environment)
    assert "# skipped 0\n" in shown
    return int(re.search(r"^# pass (\d+)$", shown, re.MULTILINE)[1])
