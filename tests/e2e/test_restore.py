"""The runbook's section "Back from the dead", typed as it stands there, into ministack.

ministack restores a table as it is at the call, whatever moment the call names. So what happens
between that call and the next block is what a restore undoes.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from local.functions import logical_id
from local.intrinsics import REGION
from tests.e2e.built import ROOT
from tests.e2e.deployment import (
    SAM_SECONDS,
    Cloud,
    browser,
    build_for_this_machine,
    cloud,
    mend,
    mend_reference_to_the_secret,
    sam,
    stack,
)
from tests.support.answers import assert_is
from tests.support.contract import INVALID_SESSION, INVALID_USER
from tests.support.events import ALLOWED_ORIGINS
from tests.support.leaks import PASSWORD

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text().partition("\n## Back from the dead\n")[2]
NAME = "sessions"
ORIGINS = f"AllowedOrigins={','.join(ALLOWED_ORIGINS)}"
LOG_SECONDS = 30


def blocks(section: str) -> list[str]:
    """Return the blocks of a section that one types into a shell, in their order."""
    text = RUNBOOK.partition(f"\n### {section}\n")[2].partition("\n##")[0]
    return re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)


class Operator(NamedTuple):
    """Somebody with a shell, the project, and an account."""

    account: Cloud
    project: Path

    def types(self, block: str, **words: str) -> str:
        """Type a block; the words in capitals are replaced. The shell keeps its variables."""
        for word, meant in {"NAME": NAME, "--everyone": "--everyone --yes", **words}.items():
            block = re.sub(rf"(?<![\w-]){word}(?![\w-])", meant, block)
        script = self.project / "script"
        script.write_text(
            f"set -euo pipefail -a\nif [ -e state ]; then . ./state; fi\n{block}\n"
            "export -p > state; declare -f >> state\n"
        )
        run = subprocess.run(
            ["bash", str(script)],  # noqa: S607  # wherever it is
            cwd=self.project,
            env=self.account.environment,
            input="y\n" * 1000,  # sam asks whether to deploy
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SAM_SECONDS,
            check=False,
        )
        assert run.returncode == 0, f"{block}\n{run.stdout}"
        return run.stdout

    def invokes(self, function: str, event: object) -> Any:
        """Invoke a function of the stack, by the name of its folder."""
        name = stack(self.account, NAME).resources[logical_id(function)]
        answer = self.account.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        content = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, content
        return content


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator with the project's folder, in which the build is one for this machine."""
    folder = tmp_path_factory.mktemp("restore")
    project = folder / "project"
    (project / ".aws-sam").mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name != ".aws-sam":
            (project / path.name).symlink_to(path)
    (project / ".aws-sam" / "build").symlink_to(build_for_this_machine(folder).parent)
    aws = folder / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/e2e/aws_command.py" "$@"\n')
    aws.chmod(0o755)
    python = Path(sys.executable).parent
    path = os.pathsep.join([str(aws.parent), str(python), os.environ["PATH"]])
    with cloud(folder) as account:
        account.environment["PATH"] = path
        yield Operator(account, project)


@contextmanager
def customer(operator: Operator) -> Iterator[httpx.Client]:
    """Yield a client of the stack's API."""
    made = stack(operator.account, NAME)
    gateway = operator.account.client("apigateway")
    plan = gateway.get_usage_plan_keys(usagePlanId=made.resources["UsagePlan"])["items"]
    key = gateway.get_api_key(apiKey=plan[0]["id"], includeValue=True)
    with browser(operator.account, made) as http:
        http.headers["X-Api-Key"] = key["value"]  # ministack asks clients for it
        yield http


def create(operator: Operator, user: str) -> None:
    event = {"username": user, "email": f"{user}@example.com", "password": PASSWORD}
    operator.invokes("create_user", event)


def log_in(http: httpx.Client, user: str) -> httpx.Response:
    return http.post("/session", json={"user": user, "pass": PASSWORD})


def token_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {"Authorization": answer.json()["token"]}


def assert_joe_is_back(http: httpx.Client, *tokens: dict[str, str]) -> None:
    """No token of his from before counts, and he logs in as ever."""
    for token in tokens:
        assert_is(http.get("/session", headers=token), 401, INVALID_SESSION)
    session = http.get("/session", headers=token_of(log_in(http, "joe")))
    assert session.status_code == 200, session.text


def assert_follows(operator: Operator, streams: list[str]) -> None:
    """The stack follows these streams alone, and published the last revocation off them."""
    mappings = operator.account.client("lambda").list_event_source_mappings()
    followed = {each["EventSourceArn"] for each in mappings["EventSourceMappings"]}
    assert followed == set(streams)
    group = stack(operator.account, NAME).outputs["LogGroup"]
    pages = operator.account.client("logs").get_paginator("filter_log_events")
    end = time.monotonic() + LOG_SECONDS
    while True:
        lines = [
            e["message"] for page in pages.paginate(logGroupName=group) for e in page["events"]
        ]
        published = [line for line in lines if '"EventsPublished"' in line]
        if any(re.search(r'"reason": ?"everyone"', line) for line in published):
            return
        assert time.monotonic() < end, "the end of all sessions was not published"
        time.sleep(0.5)


def test_a_restore_brings_users_back_and_no_session(operator):
    account = operator.account
    hold, restore, settings, take_over, tell, let_in = blocks(
        "Rows are damaged, or a table is gone"
    )
    operator.types(f".venv-build/bin/sam deploy --parameter-overrides {ORIGINS}")
    before = stack(account, NAME)
    mend(account, before, ALLOWED_ORIGINS)
    create(operator, "joe")
    with customer(operator) as http:
        tokens = [token_of(log_in(http, "joe")) for _ in range(2)]
        operator.types(hold)
        assert log_in(http, "joe").status_code >= 429
        operator.types(restore)
        http.delete("/sessions/all", headers=tokens[0]).raise_for_status()
        create(operator, "ann")
        operator.types(settings)
        operator.types(take_over)
        after = stack(account, NAME)
        mend_reference_to_the_secret(account, after)
        assert log_in(http, "joe").status_code >= 429
        operator.types(tell)
        operator.types(let_in)
        assert_joe_is_back(http, *tokens)
        assert_is(log_in(http, "ann"), 404, INVALID_USER)
    assert after.outputs["ApiUrl"] == before.outputs["ApiUrl"]
    dynamodb = account.client("dynamodb")
    tables = {kind: after.outputs[f"{kind}Table"] for kind in ("Users", "Logins", "Sessions")}
    streams = [
        dynamodb.describe_table(TableName=tables[kind])["Table"]["LatestStreamArn"]
        for kind in ("Users", "Sessions")
    ]
    assert_follows(operator, streams)
    assert set(dynamodb.list_tables()["TableNames"]) == {
        *tables.values(),
        after.resources["AttemptsTable"],
        *(before.outputs[f"{kind}Table"] for kind in ("Users", "Logins")),  # retained, as they were
    }


def test_a_stack_that_was_deleted_takes_its_tables_over(operator):
    """It follows the test above: the tables are those that were restored."""
    find, take_over, protect = blocks("The stack was deleted")
    outputs = stack(operator.account, NAME).outputs
    tables = {"USERS-TABLE": outputs["UsersTable"], "LOGINS-TABLE": outputs["LoginsTable"]}
    with customer(operator) as http:
        token = token_of(log_in(http, "joe"))
    sam(operator.account, "delete", "--stack-name", NAME, "--no-prompts", "--region", REGION)
    found = operator.types(find).split()
    assert {*tables.values()} < {*found}
    assert outputs["SessionsTable"] not in found
    operator.types(take_over, **tables, **{"AllowedOrigins=ORIGINS": ORIGINS})
    mend(operator.account, stack(operator.account, NAME), ALLOWED_ORIGINS)
    with customer(operator) as http:
        assert_joe_is_back(http, token)
    operator.types(protect)
    (why,) = blocks("A deployment did not end well")
    assert not operator.types(why).strip()
