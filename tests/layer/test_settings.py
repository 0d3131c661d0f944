"""The environment, as settings."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions import settings

ROOT = Path(__file__).parents[2]
READERS = ("text", "number", "flag", "listed")
SOURCES = [
    *sorted(ROOT.glob("layers/sessions/sessions/*.py")),
    *sorted(ROOT.glob("functions/*/app.py")),
]


def settings_in(tree):
    """Return the settings that the code of a tree reads, by name."""
    return [
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
        and ast.unparse(node.func.value) == "settings"
    ]


def test_every_setting_is_read_at_import():
    """A function that lacks a variable fails at init, and not at a request."""
    read = [name for path in SOURCES for name in settings_in(ast.parse(path.read_text()))]
    assert len(read) > len(READERS)
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                assert settings_in(node) == [], path


def test_a_missing_variable_fails_the_import():
    """A function that lacks a variable fails at import, and names it."""
    environment = {name: value for name, value in os.environ.items() if name != "SESSIONS_TABLE"}
    environment["PYTHONPATH"] = str(ROOT / "layers" / "sessions")
    done = subprocess.run(
        [sys.executable, "-c", "import functions.get_session.app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "sessions.settings.MissingSetting: SESSIONS_TABLE"


def test_an_empty_variable_is_not_missing(monkeypatch):
    monkeypatch.setenv("A_NAME", "")
    assert settings.text("A_NAME") == ""
    assert settings.listed("A_NAME") == []


def test_a_number_is_read_as_one(monkeypatch):
    monkeypatch.setenv("A_NUMBER", "2592000")
    assert settings.number("A_NUMBER") == 2_592_000
    monkeypatch.setenv("A_NUMBER", "a month")
    with pytest.raises(ValueError, match="a month"):
        settings.number("A_NUMBER")


def test_a_flag_is_true_where_it_says_so(monkeypatch):
    monkeypatch.setenv("A_FLAG", "true")
    assert settings.flag("A_FLAG") is True
    monkeypatch.setenv("A_FLAG", "false")
    assert settings.flag("A_FLAG") is False


def test_a_list_has_the_parts_between_commas(monkeypatch):
    monkeypatch.setenv("A_LIST", "a,,b c,")
    assert settings.listed("A_LIST") == ["a", "b c"]


@pytest.mark.parametrize("reader", READERS)
def test_each_reader_names_a_missing_variable(monkeypatch, reader):
    monkeypatch.delenv("NO_SUCH_NAME", raising=False)
    with pytest.raises(settings.MissingSetting, match=r"^NO_SUCH_NAME$"):
        getattr(settings, reader)("NO_SUCH_NAME")
