"""What docs/security.md says is tested, is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "security.md").read_text().partition("\n## OWASP ASVS 5.0\n")[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if re.match(r"\| \d", line)
]
# OWASP Application Security Verification Standard 5.0.0, chapters V7 and V9, and two sections of
# V3: how many requirements each section has.
SECTIONS = {
    "3.3": 5,
    "3.5": 8,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 3,
    "7.6": 2,
    "9.1": 3,
    "9.2": 4,
}


def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_requirement_on_sessions_and_tokens_has_its_row():
    numbers = {row[0].split()[0] for row in ROWS}
    wanted = {f"{section}.{n + 1}" for section, most in SECTIONS.items() for n in range(most)}
    assert numbers == wanted | {"6.2.1", "6.2.5", "6.2.8", "6.2.9", "6.3.1", "6.3.8"}


def test_each_row_names_tests_that_exist_or_says_why_there_is_none():
    for requirement, how, tests in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
        for path, name in named:
            assert name in functions_in(path), f"{requirement}: {path}::{name}"
        assert named or re.match(r"not met|does not apply|as \d", how), requirement
