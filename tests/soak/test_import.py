"""sessionctl imports 10,000 users; it is killed twice on the way, and goes on each time.

`make soak` runs it, and `python -m pytest tests/soak/test_import.py -s` by itself. The command has
a terminal of its own, so that its bar is seen to move.
"""

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.support.events import ROOT
from tests.support.service import running

USERS = 10_000
KILLS = 2
# Of "correct horse battery staple", by bcrypt.
HASH = "$2b$12$1UjrGLi9VpW35Ey8gB2Yf.J6yeZKpVAkMtBSZ5ZbKAITRHdGfKwHa"


def write_users(file: Path) -> None:
    with file.open("w") as lines:
        for number in range(USERS):
            name = f"moved{number}"
            user = {"username": name, "email": f"{name}@example.com", "password_hash": HASH}
            user |= {"id": f"old-{number}"} if number % 2 else {}
            lines.write(json.dumps(user) + "\n")


class Import:
    """A run of the command in a terminal."""

    def __init__(self, url: str, file: Path) -> None:
        self._terminal, inside = pty.openpty()
        command = [sys.executable, "-m", "sessionctl", "--local", url, "user", "import", str(file)]
        self._began = time.monotonic()
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=inside, stderr=inside)
        os.close(inside)
        self.shown = ""

    def follow(self, percent: int) -> None:
        """Read what it shows until the bar is there, or the command has ended."""
        while not self.percents() or self.percents()[-1] < percent:
            try:
                text = os.read(self._terminal, 65_536)
            except OSError:  # Linux, once the command has ended
                return
            if not text:
                return
            self.shown += text.decode()

    def percents(self) -> list[int]:
        return [int(found) for found in re.findall(r"(\d+)%", self.shown)]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._terminal)

    def end(self) -> tuple[str, float]:
        """Return what it showed until it ended, and the seconds that it took."""
        self.follow(101)
        assert self.process.wait() == 0, self.shown
        os.close(self._terminal)
        return self.shown, time.monotonic() - self._began


def test_users_are_imported_once_however_often_the_command_is_killed(tmp_path, pytestconfig):
    rand = random.Random(pytestconfig.getoption("--seed"))
    file = tmp_path / "users.ndjson"
    write_users(file)
    state = tmp_path / "state"
    state.mkdir()
    with running(state) as service:
        url = service.url.removesuffix("/api")
        for kill in range(1, KILLS + 1):
            run = Import(url, file)
            run.follow(rand.randrange(10, 25) + 30 * (kill - 1))
            run.kill()
            print(f"killed at {run.percents()[-1]} %")
        shown, seconds = Import(url, file).end()
        imported, skipped = map(
            int, re.search(r"Imported: (\d+)\. There already: (\d+)", shown).groups()
        )
        print(f"then {imported} imported and {skipped} skipped in {seconds:.0f} s")
        assert (imported > 0, imported + skipped) == (True, USERS)
        percents = [int(found) for found in re.findall(r"(\d+)%", shown)]
        assert percents == sorted(percents)
        assert len(set(percents)) > 10
        shown, seconds = Import(url, file).end()
        assert f"Imported: 0. There already: {USERS}." in shown
        print(f"all skipped in {seconds:.0f} s")
        assert stored(service.client("dynamodb")) == dict.fromkeys(
            map("moved{}".format, range(USERS)), 1
        )


def stored(dynamodb) -> dict[str, int]:
    """Return how many users have each username; each of them has both logins."""
    rows = {
        name: [
            row
            for page in dynamodb.get_paginator("scan").paginate(TableName=os.environ[table])
            for row in page["Items"]
        ]
        for name, table in (("users", "USERS_TABLE"), ("logins", "LOGINS_TABLE"))
    }
    logins = {row["login"]["S"]: row["user"]["S"] for row in rows["logins"]}
    moved = [row for row in rows["users"] if row.get("username", {}).get("S", "")[:5] == "moved"]
    for row in moved:
        assert {logins[row[name]["S"]] for name in ("username", "email")} == {row["id"]["S"]}
    assert sum(login.startswith("moved") for login in logins) == 2 * len(moved)
    return dict(Counter(row["username"]["S"] for row in moved))
