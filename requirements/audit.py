"""Look the locked versions up in OSV, a database of known vulnerabilities, for `make check`.

pip-audit ends with the same code whether it found something or reached nobody. So the database is
asked here first: where it does not answer, that is said, and the check passes. PyPI's own service
would not do: a mirror answers 404 to it, and pip-audit takes that for nothing found.
"""

import json
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

REQUIREMENTS = Path(__file__).parent
ROOT = REQUIREMENTS.parent
DATABASE = "https://api.osv.dev/v1/query"
ANSWER_SECONDS = 5
QUESTION = {"package": {"name": "six", "ecosystem": "PyPI"}, "version": "1.17.0"}
# Known findings that a new version cannot mend yet.
ACCEPTED = (
    # urllib3 1.26.20, which checkov pins: .venv-build alone has it, and asks AWS and OSV.
    *("CVE-2025-50181", "CVE-2025-66418", "CVE-2025-66471", "CVE-2026-21441"),
)


def main(database: str = DATABASE) -> int:
    """Return the exit code: 1 where something is found."""
    try:
        _ask(database)
    except (OSError, HTTPException) as error:
        print(
            f"audit: known vulnerabilities were NOT looked for: {database} does not answer: {error}"
        )
        return 0
    layers = ROOT.glob("layers/*/requirements.txt")
    environments = [[REQUIREMENTS / "lock.txt", *layers], [REQUIREMENTS / "build.txt"]]
    return max(_audit(database, locks) for locks in environments)


def _audit(database: str, locks: list[Path]) -> int:
    """Look up what is in one environment; pip-audit takes one version of each package."""
    command = [
        *(Path(sys.executable).with_name("pip-audit"), "--disable-pip"),
        *("--vulnerability-service", "osv", "--osv-url", database),
        *("--timeout", str(ANSWER_SECONDS), "--progress-spinner", "off", "--desc", "off"),
        *(word for lock in locks for word in ("--requirement", lock)),
        *(word for name in ACCEPTED for word in ("--ignore-vuln", name)),
    ]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - what runs is ours


def _ask(database: str) -> None:
    request = Request(database, json.dumps(QUESTION).encode())  # noqa: S310 - an address of ours
    with urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        json.load(answer)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
