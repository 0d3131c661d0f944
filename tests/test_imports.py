"""The core's modules stay small and import one way, as docs/architecture.md draws them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "layers" / "sessions" / "sessions"
MODULES = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def rows() -> list[list[str]]:
    """Return the rows of the drawing, from the top down."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## The modules")[2]
    drawing = section.partition("```mermaid\n")[2].partition("```")[0]
    return [re.findall(r"\w+", row) for row in re.findall(r"subgraph .*\n(.*)\n +end\n", drawing)]


def imported_by(module: str) -> set[str]:
    """Return the modules of the package that a module imports, at its top or inside."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("sessions.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "sessions":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports a module by its place"
            found.add((node.module or "").removeprefix("sessions."))
    return found & MODULES


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


def test_what_is_read_are_imports():
    """A test of the test: the store of sessions needs the database."""
    assert "dynamodb" in imported_by("session_store")


def test_no_module_has_over_300_lines_and_no_function_over_40():
    too_long = []
    for module in MODULES:
        text = (PACKAGE / f"{module}.py").read_text()
        too_long += [module] if len(text.splitlines()) > 300 else []
        too_long += [
            f"{module}.{node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
        ]
    assert too_long == []
