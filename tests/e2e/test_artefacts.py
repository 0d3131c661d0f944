"""What `make build` made is what Lambda's machines need, and no more."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from tests.e2e.built import (
    BUILT,
    ROOT,
    built_functions,
    built_template,
    layer_sources,
    make_layer,
)
from tests.support.operations import OPERATIONS

SHARED_OBJECT_NAME = re.compile(r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so$")
WHEEL_TAG = re.compile(
    r"^Tag: (py2\.py3|py3|cp313)-none-any$|^Tag: cp3\d+-(cp313|abi3)-\S+_aarch64$"
)
ELF_64_BIT = b"\x7fELF\x02\x01"
ELF_MACHINE = slice(18, 20)  # of the ELF header, e_machine
AARCH64 = (0xB7).to_bytes(2, "little")
MOST_BYTES = 25_000_000  # of all layers, unpacked; Lambda takes ten times that, but must load it
UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: by hash, and never compared
# CycloneDX's own check, which checkov and pip-audit bring.
VALID = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""
BUILD_PYTHON = ROOT / ".venv-build" / "bin" / "python"
EACH_LAYER = pytest.mark.parametrize("layer", layer_sources())


def test_every_function_is_built_for_lambdas_machines():
    for properties in built_template().resources_of("AWS::Lambda::Function").values():
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_built_function_is_its_handler_alone(name: str):
    folder = built_functions()[name].folder

    assert folder.parent == BUILT
    assert [file.name for file in folder.iterdir()] == ["app.py"]
    source = ROOT / "functions" / name / "app.py"
    assert (folder / "app.py").read_bytes() == source.read_bytes(), "run `make build` again"


def test_a_layer_holds_the_package_sessions_as_it_is():
    source, built = ROOT / "layers/sessions/sessions", BUILT / "SessionsLayer/python/sessions"

    assert contents(built) == contents(source), "run `make build` again"


@EACH_LAYER
def test_a_layer_holds_the_pinned_versions_and_no_others(layer: str):
    requirements = layer_sources()[layer] / "requirements.txt"
    pinned = {line for line in requirements.read_text().split() if "==" in line}

    assert held(layer) == {normal(name) for name in pinned}


@EACH_LAYER
def test_a_layers_wheels_are_for_lambdas_machines(layer: str):
    for wheel in BUILT.glob(f"{layer}/python/*.dist-info/WHEEL"):
        tags = [line for line in wheel.read_text().splitlines() if line.startswith("Tag: ")]
        assert any(WHEEL_TAG.match(tag) for tag in tags), (wheel, tags)


@EACH_LAYER
def test_a_layers_compiled_code_is_for_lambdas_machines(layer: str):
    compiled = [file for file in files(layer) if ".so" in file.suffixes]

    assert compiled
    for file in compiled:
        header = file.read_bytes()[:20]
        assert SHARED_OBJECT_NAME.search(file.name), file
        assert header.startswith(ELF_64_BIT), file
        assert header[ELF_MACHINE] == AARCH64, file


@EACH_LAYER
def test_a_layer_holds_nothing_unused(layer: str):
    """Lambda's runtime brings boto3, which nothing of ours imports."""
    folders = {part for file in files(layer) for part in file.relative_to(BUILT).parts[:-1]}

    assert {path.name for path in (BUILT / layer).iterdir()} == {"python"}
    assert not folders & {"boto3", "tests", "bin", "moto", "pip", "pytest", "ministack"}


def test_botocore_describes_our_services_alone():
    data = BUILT / "SessionsLayer/python/botocore/data"

    assert {path.name for path in data.iterdir() if path.is_dir()} == {
        "dynamodb",
        "events",
        "secretsmanager",
    }


@EACH_LAYER
def test_bytecode_is_the_runtimes_own_or_absent(layer: str):
    """The runtime's Python need not have been there; where it was, it compiled everything."""
    found = {file for file in files(layer) if file.suffix == ".pyc"}

    if found:
        assert found == {bytecode_of(file, "cpython-313") for file in sources(BUILT / layer)}
    for file in found:
        assert file.read_bytes()[4:8] == UNCHECKED_HASH, file
        place = f"/opt/{file.relative_to(BUILT / layer).parents[1]}/"
        assert place.encode() in file.read_bytes(), file  # and so the same wherever it was made


@EACH_LAYER
def test_bytecode_is_made_where_the_runtimes_python_is(layer: str, layers: Path):
    """For the layers that were made for this machine, this Python is the runtime's."""
    for file in sources(layers / layer):
        (compiled,) = (file.parent / "__pycache__").glob(f"{file.stem}.cpython-*.pyc")
        assert compiled.read_bytes()[:8] == MAGIC_NUMBER + UNCHECKED_HASH, file


@EACH_LAYER
def test_two_builds_have_the_same_content(layer: str, layers: Path, tmp_path: Path):
    """What `sam deploy` uploads is named after its content; another name makes a new layer.

    They are made in two folders, by Pythons at two places that order sets in two ways.
    """
    place = layers / layer / "python"
    venv.create(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    environ = {"PYTHONHASHSEED": "1", "PYTHONPATH": sysconfig.get_path("purelib")}  # pip is there
    run = make_layer(layer_sources()[layer], tmp_path / layer, python, f"PLACE={place}", **environ)
    assert run.returncode == 0, run.stdout

    first, second = everything(layers / layer), everything(tmp_path / layer)

    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_a_file_of_another_hash_does_not_get_into_a_layer(tmp_path: Path):
    source = shutil.copytree(layer_sources()["PasswordsLayer"], tmp_path / "source")
    lock = source / "requirements.txt"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text()))

    run = make_layer(source, tmp_path / "PasswordsLayer", sys.executable)

    assert run.returncode != 0
    assert "DO NOT MATCH THE HASHES" in run.stdout


@EACH_LAYER
def test_a_bill_of_materials_names_what_the_layer_holds(layer: str):
    text = (BUILT / f"{layer}.cdx.json").read_text()
    components = json.loads(text)["components"]

    subprocess.run([BUILD_PYTHON, "-c", VALID], input=text, text=True, check=True)
    assert {f"{each['name']}=={each['version']}" for each in components} == held(layer)
    for each in components:
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"


@EACH_LAYER
def test_a_bill_of_materials_has_the_hashes_of_the_lock(layer: str):
    lock = (layer_sources()[layer] / "requirements.txt").read_text()
    components = json.loads((BUILT / f"{layer}.cdx.json").read_text())["components"]

    for each in components:
        (reference,) = each["externalReferences"]
        (pin,) = re.findall(rf"^{each['name']}==(?:.*\\\n)+.*$", lock, re.MULTILINE)
        hashes = {(found["alg"], found["content"]) for found in reference["hashes"]}
        assert hashes == {("SHA-256", found) for found in re.findall("[0-9a-f]{64}", pin)} != set()


def test_the_layers_are_small():
    """Bytecode aside: whether it is there depends on where they were made."""
    made = [file for layer in layer_sources() for file in files(layer) if file.suffix != ".pyc"]

    assert sum(file.stat().st_size for file in made) < MOST_BYTES


def files(layer: str) -> list[Path]:
    found = [path for path in (BUILT / layer).rglob("*") if path.is_file()]
    assert found, "nothing is built; run `make build`"
    return found


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def held(layer: str) -> set[str]:
    """Return the names and versions of the packages that a layer holds."""
    return {
        normal("{}=={}".format(*folder.name.removesuffix(".dist-info").split("-")))
        for folder in (BUILT / layer / "python").glob("*.dist-info")
    }


def sources(folder: Path) -> list[Path]:
    return list(folder.rglob("*.py"))


def bytecode_of(source: Path, tag: str) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"


def contents(package: Path) -> dict[str, bytes]:
    return {name: data for name, data in everything(package).items() if not name.endswith(".pyc")}


def normal(requirement: str) -> str:
    """Return a requirement as PyPI compares names."""
    return re.sub(r"[-_.]+(?=.*==)", "-", requirement).lower()
