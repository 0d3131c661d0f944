"""The core's modules stay small and import one way, as docs/architecture.md draws them."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "layers" / "sessions" / "sessions"
MODULES = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
GUARDS = {f"guards.{path.stem}" for path in PACKAGE.glob("guards/*.py")} - {"guards.__init__"}
FRAMEWORKS = GUARDS - {"guards.refusal"}
MOST_LINES_OF_A_GUARD = 30


def text_of(module: str) -> str:
    """Return the source of a module."""
    return (PACKAGE / f"{module.replace('.', '/')}.py").read_text()


def rows() -> list[list[str]]:
    """Return the rows of the drawing, from the top down."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## The modules")[2]
    drawing = section.partition("```mermaid\n")[2].partition("```")[0]
    return [re.findall(r"\w+", row) for row in re.findall(r"subgraph .*\n(.*)\n +end\n", drawing)]


def imported_by(module: str) -> set[str]:
    """Return the modules of the package that a module imports, at its top or inside."""
    found = set()
    for node in ast.walk(ast.parse(text_of(module))):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("sessions.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "sessions":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports a module by its place"
            found.add((node.module or "").removeprefix("sessions."))
    return found & (MODULES | GUARDS)


def test_each_module_stands_once_in_the_drawing():
    assert sorted(module for row in rows() for module in row) == sorted(MODULES)


def test_each_module_imports_only_from_rows_below_its_own():
    level = {module: number for number, row in enumerate(rows()) for module in row}
    upwards = {
        (module, other)
        for module in MODULES
        for other in imported_by(module)
        if level[other] <= level[module]
    }
    assert upwards == set()


@pytest.mark.parametrize("guard", sorted(FRAMEWORKS))
def test_a_guard_imports_what_stands_alone_and_the_core_no_guard(guard: str):
    assert imported_by(guard) == {"errors", "guards.refusal", "verifier"}
    assert imported_by("guards.refusal") == {"errors"}
    assert not set().union(*map(imported_by, MODULES)) & GUARDS


@pytest.mark.parametrize("guard", sorted(FRAMEWORKS))
def test_a_guard_has_at_most_30_lines_of_code(guard: str):
    text = text_of(guard)
    words = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    code = [line for number, line in lines if number not in words and line and line[0] != "#"]
    assert 10 < len(code) <= MOST_LINES_OF_A_GUARD


def test_pip_installs_each_package_with_an_extra_for_each_guard():
    wanted = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    packages = {
        ".".join(path.relative_to(PACKAGE.parent).parts[:-1]) for path in PACKAGE.rglob("*.py")
    }
    assert set(wanted["tool"]["setuptools"]["packages"]) == packages
    assert wanted["project"]["dependencies"] == ["botocore"]
    assert wanted["project"]["optional-dependencies"] == {
        name.removeprefix("guards."): [name.removeprefix("guards.")] for name in FRAMEWORKS
    }


def test_what_is_read_are_imports():
    """A test of the test: the store of sessions needs the database."""
    assert "dynamodb" in imported_by("session_store")


def test_no_module_has_over_300_lines_and_no_function_over_40():
    too_long = []
    for module in MODULES | GUARDS:
        text = text_of(module)
        too_long += [module] if len(text.splitlines()) > 300 else []
        too_long += [
            f"{module}.{node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
        ]
    assert too_long == []
