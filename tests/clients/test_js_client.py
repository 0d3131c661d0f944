"""The JavaScript client and Verifier, in Node; the two files *.test.mjs test their behaviour."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.node import NODE, passed, run
from tests.support.openapi import resolved
from tests.support.service import Service

TESTS = Path(__file__).parent
ROOT = TESTS.parents[1]
CLIENT = ROOT / "clients" / "js"
TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def test_does_what_its_own_tests_say(service: Service) -> None:
    assert passed(TESTS / "sessions.test.mjs", SERVICE_URL=service.url) > 20


def test_the_verifier_does_what_the_vectors_and_its_own_tests_say() -> None:
    cases = json.loads((ROOT / "tests" / "vectors" / "verify.json").read_text())["cases"]
    assert passed(TESTS / "verify.test.mjs") > len(cases) > 0


def test_the_example_of_its_readme_runs(service: Service, tmp_path: Path) -> None:
    example = re.findall(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)[0]
    program = tmp_path / "example.mjs"
    program.write_text(
        example.replace("http://127.0.0.1:3000/api", service.url).replace(
            "./sessions.js", (CLIENT / "sessions.js").as_uri()
        )
    )
    shown = run(program)
    assert re.search(r"^my laptop \d{4}-\d\d-\d\dT\S+Z \(this one\)$", shown, re.MULTILINE)


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the types that tsc makes of the client; a type error in it fails the test."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    make = ["make", "node_modules/ready"]
    subprocess.run(make, cwd=ROOT, check=True)  # the developer's own make
    folder = tmp_path_factory.mktemp("types")
    run(TSC, "--project", CLIENT, "--outDir", folder, "--checkJs", "--strict")
    return folder / "sessions.d.ts"


def test_its_types_are_made_of_its_comments_and_a_typed_program_can_use_them(types: Path) -> None:
    consumer = shutil.copy(TESTS / "consumer.ts", types.parent)
    run(TSC, "--noEmit", "--strict", "--target", "es2022", consumer)


def test_its_type_of_a_session_has_the_attributes_of_the_contract(types: Path) -> None:
    contract = resolved({"$ref": "#/components/schemas/Session"})
    session = re.search(r"type Session = {(.*?)^}", types.read_text(), re.MULTILINE | re.DOTALL)
    attributes = re.findall(r"^ +(\w+)\??:", session[1], re.MULTILINE)
    assert set(attributes) == set(contract["properties"])
