"""Start a program of this folder on the service of `make run`: a product's own needs no such thing.

It tells the program where that service's database and account operations are, as the environment
of an AWS account would.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Become Python with the arguments that are given."""
    try:
        told = json.loads((ROOT / ".local" / "sessions-service.json").read_text())
        parameters, url = told["Parameters"], told["Service"]["url"]
    except (OSError, ValueError, KeyError):
        sys.exit("Start the service with `make run` first.")
    os.environ.pop("AWS_PROFILE", None)  # it would win over the keys
    os.environ.update(
        {name: parameters[name] for name in ("SESSIONS_TABLE", "USERS_TABLE", "AWS_ENDPOINT_URL")},
        AWS_ENDPOINT_URL_LAMBDA=url,
        ISSUE_SESSION_FUNCTION="IssueSessionFunction",
        CREATE_USER_FUNCTION="CreateUserFunction",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 - an engine on this machine checks no signature
        # What a product has from pip, and account_operations.py.
        PYTHONPATH=os.pathsep.join([str(ROOT / "layers" / "sessions"), str(ROOT / "examples")]),
    )
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # noqa: S606 - this is what it is for


if __name__ == "__main__":
    main()
