"""`make release VERSION=1.2.0`: give a version to all that CHANGELOG.md has under "Unreleased".

The version stands in template.yaml, which can read no file. All else reads it there.
"""

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parent
UNRELEASED = "## [Unreleased]\n"
NEXT = """\
{version} is in template.yaml and CHANGELOG.md. Next:

    make check test
    git commit -am "Release {version}"
    git tag -a v{version} -m "{version}"
    git push --follow-tags
"""


class ReleaseError(Exception):
    """The version cannot be given."""


def main(version: str) -> int:
    """Release this version, and return the exit code."""
    try:
        release(ROOT, version, datetime.now(UTC).date())
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 2
    print(NEXT.format(version=version))
    return 0


def release(root: Path, version: str, day: date) -> None:
    """Change the files of a version that is later than the current one, and has changes."""
    template, changelog = root / "template.yaml", root / "CHANGELOG.md"
    text, changes = template.read_text(), changelog.read_text()
    found = re.search(r'"version": "([^"]+)"', text)
    assert found, "template.yaml has no version"
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"VERSION=1.2.0 is meant, not {version!r}")
    if _parts(version) <= _parts(found[1]):
        raise ReleaseError(f"the version is {found[1]} already")
    if not re.search(re.escape(UNRELEASED) + r"\s*#{3} ", changes):
        raise ReleaseError("CHANGELOG.md has nothing under Unreleased")
    template.write_text(text.replace(found[0], f'"version": "{version}"'))
    heading = f"{UNRELEASED}\n## [{version}] - {day}\n"
    changelog.write_text(changes.replace(UNRELEASED, heading, 1))


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
