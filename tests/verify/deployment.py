"""The deployment that is tried: a stack in AWS, a URL, or the service of this machine.

Tests know nothing of it but what is here. What a deployment cannot be asked is None, and the tests
that need it are skipped, each with the reason.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.template import load_template
from sessionctl.account_functions import CONFIG, OperationError, invoke
from tests.support.contract import SHORT, TEMPLATE
from tests.support.events import ALLOWED_ORIGINS
from tests.support.operations import ACCOUNT_OPERATIONS, ROUTES
from tests.support.service import Service
from tests.support.stack import Stack, read_stack

Operate = Callable[..., Any]
"""Carries out an account operation, by its name, with its input."""

Lines = Callable[[str], list[dict[str, Any]]]
"""Returns the lines of a log that name something, such as a request's ID."""

TIMEOUT_SECONDS = 60
PATIENCE_SECONDS = 90  # of a test with what arrives late: log lines and events
METRIC_SECONDS = 300  # of one with CloudWatch, which shows a metric some minutes late
EMULATOR = os.environ.get("AWS_ENDPOINT_URL")  # as AWS's own tools have it
EMULATOR_SECONDS = 5  # nothing in an emulator is later
LOG_IN = ROUTES["create_session"].paths[SHORT]
ALL = ROUTES["delete_all_sessions"].paths[SHORT]


@dataclass(frozen=True)
class Deployment:
    """What is tried.

    Attributes:
        url: of its API.
        http: a client of that.
        origins: those that it allows, as far as they are known; the first is the first.
        parameters: of its template.
        operate: carries out account operations.
        logged: the functions' log.
        accessed: the access log.
        stack: what AWS's management calls show of it.
        back_end_secret: that of a back end which it trusts.
    """

    url: str
    http: httpx.Client
    origins: list[str]
    parameters: Mapping[str, Any] = field(default_factory=lambda: TEMPLATE.parameters)
    operate: Operate | None = None
    logged: Lines | None = None
    accessed: Lines | None = None
    stack: Stack | None = None
    back_end_secret: str | None = None


class User(NamedTuple):
    """Somebody with a name and a password, for this run alone."""

    name: str
    password: str
    http: httpx.Client

    @property
    def credentials(self) -> dict[str, str]:
        """Return the body of a login."""
        return {"user": self.name, "pass": self.password}

    def log_in(self, **more: Any) -> dict[str, str]:
        """Log in, with more members of the body; return the header that says so."""
        answer = self.http.post(LOG_IN, json={**self.credentials, **more})
        assert answer.status_code == 201, answer.text
        return {"Authorization": answer.json()["token"]}

    def log_out_everywhere(self) -> None:
        """End all sessions."""
        assert self.http.delete(ALL, headers=self.log_in()).status_code == 200


# ------------------------------------------------------- three kinds of deployment


@contextmanager
def of_service(service: Service, back_end_secret: str | None = None) -> Iterator[Deployment]:
    """A development gateway."""
    folder = Path(service.environment["HOME"])
    with _client(service.url, {}) as http:
        yield Deployment(
            service.url,
            http,
            ALLOWED_ORIGINS,
            operate=service.operate,
            logged=lambda word: _lines_of((folder / "functions.log").read_text(), word),
            accessed=lambda word: _lines_of((folder / "access.log").read_text(), word),
            back_end_secret=back_end_secret,
        )


@contextmanager
def of_url(url: str, headers: dict[str, str]) -> Iterator[Deployment]:
    """An API of which nothing but the address is known."""
    with _client(url, headers) as http:
        # Its own refusals name the first allowed origin, whoever asks.
        first = http.get("/session").headers.get("access-control-allow-origin")
        yield Deployment(url, http, [first] if first else [])


@contextmanager
def of_stack(name: str, headers: dict[str, str]) -> Iterator[Deployment]:
    """A stack in the account and region of the caller's environment."""
    stack = read_stack(name, boto3.client)
    given = {key: value for key, value in stack.parameters.items() if key in TEMPLATE.parameters}
    parameters = load_template(parameters=given).parameters
    functions = boto3.client("lambda", config=CONFIG)

    def operate(operation: str, **given: Any) -> Any:
        function = stack.resources[ACCOUNT_OPERATIONS[operation].function]
        return invoke(functions, function, {**given, "actor": "make verify"})

    with _client(stack.outputs["ApiUrl"], headers) as http:
        yield Deployment(
            stack.outputs["ApiUrl"],
            http,
            parameters["AllowedOrigins"],
            parameters,
            operate,
            logged=_lines_of_group(stack, "LogGroup"),
            accessed=_lines_of_group(stack, "AccessLog"),
            stack=stack,
            back_end_secret=os.environ.get("BACK_END_SECRET"),
        )


def _client(url: str, headers: dict[str, str]) -> httpx.Client:
    if not EMULATOR:
        return httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS)
    # What answers in AWS's place has the API, too, and knows it by the name that AWS gave it.
    named = httpx.URL(url)
    return httpx.Client(
        base_url=EMULATOR + named.path,
        headers={**headers, "Host": named.host},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,  # no proxy knows the way
    )


def _lines_of(text: str, word: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if word in line]


def _lines_of_group(stack: Stack, logical_id: str) -> Lines:
    began = int((time.time() - 60) * 1000)  # clocks differ

    def lines(word: str) -> list[dict[str, Any]]:
        pages = (
            stack.client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=stack.resources[logical_id],
                startTime=began,
                filterPattern=f'"{word}"',
            )
        )
        found = (event["message"] for page in pages for event in page["events"])
        return [json.loads(text) for text in found if text.startswith("{")]

    return lines


# --------------------------------------------------------------------------- users


@contextmanager
def new_users(deployment: Deployment) -> Iterator[Callable[[], User]]:
    """Make users; at the end each is deleted, whatever happened."""
    made = []

    def new_user() -> User:
        operate = needed(deployment.operate, "a user of its own: it is tried with a stack")
        # Letters of other scripts, so that each login shows that they arrive as they are.
        name, password = f"verify-{secrets.token_hex(6)}", f"Žofie {secrets.token_urlsafe(18)}"
        made.append(name)
        operate("create_user", username=name, email=f"{name}@example.com", password=password)
        return User(name, password, deployment.http)

    yield new_user
    left = []
    for name in made:
        try:
            deployment.operate("delete_user", login=name)
        except (OperationError, BotoCoreError, ClientError) as error:
            if getattr(error, "kind", "") != "UnknownUser":  # it was never made
                left.append(name)
    assert not left, f"delete these users by hand, with sessionctl: {left}"


def needed(part: Any, what: str) -> Any:
    """Return a part of the deployment, or skip the test."""
    if part is None:
        pytest.skip(f"needs {what}")
    return part


def eventually(found: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask until something is found; return that, or nothing after a while."""
    end = time.monotonic() + (min(seconds, EMULATOR_SECONDS) if EMULATOR else seconds)
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.5)
    return result


def counted(stack: Stack, metric: str, **dimensions: str) -> float:
    """Return how often something was counted within the last hour."""
    now = datetime.now(UTC)
    found = stack.client("cloudwatch").get_metric_statistics(
        Namespace="Sessions",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))
