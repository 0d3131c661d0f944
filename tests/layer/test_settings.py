"""The environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions import settings

ROOT = Path(__file__).parents[2]

NEEDED = {
    "SESSIONS_TABLE": "get_session",
    "USERS_TABLE": "ban_user",
    "LOGINS_TABLE": "create_user",
    "SIGNING_KEYS_SECRET": "get_current_session",
    "TOKEN_ISSUER": "list_sessions",
    "ALLOWED_ORIGINS": "delete_sessions",
    "SESSION_SECONDS": "create_session",
    "REMEMBERED_SESSION_SECONDS": "create_session",
    "USAGE_PLAN_KEYS": "authorize",
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_function_that_lacks_a_variable_fails_at_import_and_says_which(name):
    environment = {key: value for key, value in os.environ.items() if key != name}
    environment["PYTHONPATH"] = str(ROOT / "layers" / "sessions")
    done = subprocess.run(
        [sys.executable, "-c", f"import functions.{NEEDED[name]}.app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"sessions.settings.MissingSetting: {name}"


def test_a_variable_that_is_empty_is_not_missing(monkeypatch):
    monkeypatch.setenv("A_NAME", "")
    assert settings.text("A_NAME") == ""
    assert settings.listed("A_NAME") == []


def test_a_number_is_read_as_one(monkeypatch):
    monkeypatch.setenv("A_NUMBER", "2592000")
    assert settings.number("A_NUMBER") == 2_592_000
    monkeypatch.setenv("A_NUMBER", "a month")
    with pytest.raises(ValueError, match="a month"):
        settings.number("A_NUMBER")


def test_a_list_is_parted_at_commas_and_has_no_empty_parts(monkeypatch):
    monkeypatch.setenv("A_LIST", "a,,b c,")
    assert settings.listed("A_LIST") == ["a", "b c"]


@pytest.mark.parametrize("read", [settings.text, settings.number, settings.listed])
def test_what_is_missing_is_missing_however_it_is_read(monkeypatch, read):
    monkeypatch.delenv("NO_SUCH_NAME", raising=False)
    with pytest.raises(settings.MissingSetting, match=r"^NO_SUCH_NAME$"):
        read("NO_SUCH_NAME")
