"""The JavaScript client, in Node; what it has to do stands in sessions.test.mjs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.service import Service

NODE = shutil.which("node")
TESTS = Path(__file__).parent / "sessions.test.mjs"
CLIENT = Path(__file__).parents[2] / "clients" / "js"

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def run(*arguments: object, **environment: str) -> str:
    command = [str(NODE), *map(str, arguments)]
    node = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert node.returncode == 0, node.stdout + node.stderr
    return node.stdout


def test_does_what_its_own_tests_say(service: Service, limited: Service) -> None:
    shown = run(
        *("--test", "--test-reporter=tap", TESTS),
        SERVICE_URL=service.url,
        LIMITED_SERVICE_URL=limited.url,
    )
    assert int(re.search(r"^# pass (\d+)$", shown, re.MULTILINE)[1]) > 20
    assert "# skipped 0\n" in shown


def test_the_example_of_its_readme_runs(service: Service, tmp_path: Path) -> None:
    (example,) = re.findall(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "example.mjs"
    program.write_text(
        example.replace("http://127.0.0.1:3000/api", service.url).replace(
            "./sessions.js", (CLIENT / "sessions.js").as_uri()
        )
    )
    shown = run(program)
    assert re.search(r"^my laptop \d{4}-\d\d-\d\dT\S+Z \(this one\)$", shown, re.MULTILINE)
