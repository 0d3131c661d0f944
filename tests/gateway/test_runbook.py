"""The runbook's everyday commands, typed in their order there, do their work."""

import re
import shlex
import subprocess

import httpx
import pytest

from tests.gateway.test_sessionctl import FIRST, Operator
from tests.support.service import ROOT, Service

RUNBOOK = " ".join((ROOT / "docs" / "runbook.md").read_text().split())
COMMANDS = re.findall(r"`.venv/bin/python -m sessionctl --local (.+?)`", RUNBOOK)
OF_A_STACK = re.findall(r"`.venv/bin/python -m sessionctl --stack NAME (.+?)`", RUNBOOK)
ASKING = {"user create", "user password"}
WITHOUT_UNDO = {"sessions revoke", "user delete"}


@pytest.fixture(scope="module")
def service(start) -> Service:
    """A service of its own: everybody is logged out, and keys are dropped."""
    service: Service = start("--no-rate-limit")
    return service


def typed(operator: Operator, command: str) -> str:
    """Type a command, as a person would replace the words in capitals."""
    if "KID" in command:
        keys = operator.types("keys list").splitlines()
        command = command.replace("KID", next(k for k in keys if "current" in k).split()[0])
    if " ID" in command:
        newest = operator.types("sessions list ann").splitlines()[1]
        command = command.replace(" ID", f" {newest.split()[0]}")
    if name_of(command) in WITHOUT_UNDO or "--drop" in command:
        command += " --yes"  # where a person would answer the question
    return operator.types(command, given=f"{FIRST}\n" if name_of(command) in ASKING else "")


def name_of(command: str) -> str:
    return " ".join(command.split()[:2])


def test_each_everyday_command_of_the_runbook_works_in_the_order_in_which_it_stands(service):
    operator = Operator(service)
    done = []
    for command in COMMANDS:
        if "--drop" in command:
            operator.let_the_next_key_sign()
        said = typed(operator, command)
        done.append(name_of(command))
        assert said.strip(), command
        login = operator.log_in("ann", FIRST)
        if done[-1] == "user ban":
            assert login.status_code == 403
        elif done[-1] == "user delete":
            assert login.status_code == 404
        elif "user delete" not in done:
            assert operator.status(login) == 200, command
    assert {*ASKING, *WITHOUT_UNDO} <= set(done)
    assert set(map(name_of, OF_A_STACK)) <= set(done)  # the same commands, on a stack in AWS


def test_a_request_is_found_by_its_id_as_the_runbook_says(service):
    answer = httpx.get(f"{service.url}/session", headers={"Authorization": "x.y.z"}, timeout=30)
    command = re.search(r"(grep REQUEST-ID (?:\.local/\S+ ?)+)", RUNBOOK)
    assert command
    line = command[1].replace("REQUEST-ID", answer.headers["x-request-id"])
    found = subprocess.run(
        shlex.split(line.replace(".local/", f"{service.environment['HOME']}/")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "/functions.log:" in found.stdout
    assert "/access.log:" in found.stdout
