"""The version stands in template.yaml alone, and `make release` changes it there."""

import re
import shutil
import subprocess
import sys
from datetime import date
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release import ReleaseError, release
from sessionctl.version import VERSION

ROOT = Path(__file__).parents[1]
DAY = date(2027, 1, 2)
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- More.\n\n## [0.0.1] - 2026-01-01\n"
# The changelog tells old versions, the locks those of others.
NOT_SEARCHED = {"template.yaml", "CHANGELOG.md", "package-lock.json", "lock.txt", "build.txt"}
SEARCHED = {".py", ".toml", ".yaml", ".yml", ".json", ".md", ".js", ".mjs", ".html", ".txt"}
MADE = {"build", "node_modules"}
LOCKS = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("layers/*/requirements.txt")]


def files() -> list[Path]:
    """Return the project's own texts, without what is made from them."""
    return [
        path
        for path in ROOT.rglob("*.*")
        if path.suffix in SEARCHED
        and path.is_file()  # events/local-env.json leads to one only once `make run` has run
        and path.name not in NOT_SEARCHED
        and not any(
            part.startswith(".") or part in MADE for part in path.relative_to(ROOT).parts[:-1]
        )
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release reads and changes, in a folder of its own."""
    shutil.copy(ROOT / "template.yaml", tmp_path)
    shutil.copytree(ROOT / "sessionctl", tmp_path / "sessionctl")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_no_other_file_has_the_version():
    of_the_project = re.compile(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])")
    found = [path for path in files() if of_the_project.search(path.read_text())]
    assert ROOT / "pyproject.toml" in files()
    assert found == []


def test_a_release_changes_the_version_that_is_answered_and_told(checkout: Path):
    release(checkout, "98.7.6", DAY)
    command = [sys.executable, "-c", "from sessionctl import version; print(version.VERSION)"]
    told = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout == "98.7.6\n"
    assert '{"hello": "world", "version": "98.7.6"}' in (checkout / "template.yaml").read_text()


def test_a_release_gives_its_version_and_day_to_what_was_unreleased(checkout: Path):
    release(checkout, "98.7.6", DAY)
    assert (checkout / "CHANGELOG.md").read_text() == CHANGELOG.replace(
        "## [Unreleased]\n", "## [Unreleased]\n\n## [98.7.6] - 2027-01-02\n"
    )


@pytest.mark.parametrize("version", ["", "1", "v98.7.6", "98.7.6-rc1", "0.0.1", VERSION])
def test_a_version_that_is_none_or_not_later_changes_nothing(checkout: Path, version: str):
    before = (checkout / "template.yaml").read_text()
    with pytest.raises(ReleaseError):
        release(checkout, version, DAY)
    assert (checkout / "template.yaml").read_text() == before
    assert (checkout / "CHANGELOG.md").read_text() == CHANGELOG


def test_there_is_no_release_without_changes(checkout: Path):
    release(checkout, "98.7.6", DAY)
    with pytest.raises(ReleaseError):
        release(checkout, "98.7.7", DAY)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_each_locked_version_has_hashes(lock: Path):
    lines = lock.read_text().splitlines()
    pins = [at for at, line in enumerate(lines) if line[0] not in "# "]
    assert pins
    for at in pins:
        assert re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", lines[at + 1]), lines[at]


def test_what_is_installed_is_what_is_locked():
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    locked = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in (Requirement(line.rstrip(" \\")) for line in lines if line[0] not in "# ")
        if not pin.marker or pin.marker.evaluate()
    }
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    # What pip installs from here; and setuptools, which a venv has up to Python 3.11.
    for name in ("sessions", "sessions-client", "sessions-verifier", "setuptools"):
        installed.pop(name, None)
    assert {name: locked.get(name) for name in installed} == installed
