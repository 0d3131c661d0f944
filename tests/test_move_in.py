"""docs/move-in.md: each program there turns an export into lines that the service takes.

The files in tests/exports are in the formats that the document names: Django's was written by
`dumpdata`, the others by the documentation of each service, with hashes of Werkzeug and bcrypt and
of Firebase's published vectors.
"""

import json
import re
import subprocess
import sys

import pytest

from tests.support.calls import call, invoke
from tests.support.events import ROOT
from tests.support.leaks import PASSWORD

pytestmark = pytest.mark.usefixtures("aws")

EXPORTS = {path.stem: path for path in sorted((ROOT / "tests" / "exports").iterdir())}
DOCUMENT = (ROOT / "docs" / "move-in.md").read_text()
PROGRAMS = {
    name.lower(): program
    for name, program in re.findall(
        r"^## From (\w+)\n.*?^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL
    )
}
PASSWORDS = {"ann@firebase.example": "user1password", "ben@firebase.example": "password"}
BANNED = {f"ben@{name}.example" for name in ("django", "supabase", "firebase", "devise")}
IDS = {
    "auth0": {"5dea9f9c82dd7c0e76e4ec93", "euclid", "60425dc43519d90068f82974"},
    "django": {"1", "2", "3"},
    "devise": {"1", "2"},
    "flask": {"7", "8"},
}
CREATED_AT = 1_580_472_000  # 2020-01-31T12:00:00Z, to the second


def test_each_export_has_a_program():
    assert set(PROGRAMS) == set(EXPORTS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_users_log_in_by_what_the_program_makes_of_an_export(clock, name):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAMS[name]],
        input=EXPORTS[name].read_text(),
        capture_output=True,
        check=True,
        text=True,
    )
    users = [json.loads(line) for line in run.stdout.splitlines()]
    for user in users:
        user["id"], user["username"] = f"{name}-{user['id']}", f"{name}-{user['username']}"
    answer = invoke("import_users", {"users": users})
    assert (answer["imported"], answer["problems"]) == (len(users), [])
    assert {user["created_at"] for user in users} == {CREATED_AT}
    assert {user["id"].partition("-")[2] for user in users} >= IDS.get(name, set())
    statuses = {}
    for user in users:
        credentials = {"user": user["email"], "pass": PASSWORDS.get(user["email"], PASSWORD)}
        statuses[user["email"]] = call("create_session", body=credentials).status
    people = {f"ann@{name}.example": 201, f"ben@{name}.example": 201}
    people |= dict.fromkeys(BANNED & people.keys(), 403)
    # Who has no password there has none here.
    without = {user["email"]: 401 for user in users if "password_hash" not in user}
    more = {"cyd@auth0.example": 201} if name == "auth0" else {}
    assert statuses == people | more | without
