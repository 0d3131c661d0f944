"""A small project of our own, so that what the gateway does is not tied to what ours says."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.functions import functions_of, load_handler
from local.gateway import Gateway
from local.routes import api_of
from local.server import application
from local.template import load_template
from local.usage_plan import UsagePlans

PROJECT = Path(__file__).parent / "project"

Call = Callable[..., httpx.Response]


class Clock:
    """A clock that a test sets."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def project(tmp_path):
    """The template of a copy that a test may change, and run in another process."""
    return shutil.copytree(PROJECT, tmp_path / "project") / "template.yaml"


@pytest.fixture(scope="session")
def template():
    return load_template(PROJECT / "template.yaml")


@pytest.fixture(scope="session")
def ours():
    return load_template()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log():
    return []


@pytest.fixture
def access_log():
    return []


@pytest.fixture
def gateway(template, clock, log, access_log):
    api, functions = api_of(template), functions_of(template)
    handlers = {name: load_handler(functions[name]) for name in ("Echo", "Authorize")}
    plans, logs = UsagePlans(template, api), {"log": log.append, "access_log": access_log.append}
    with closing(Gateway(api, functions, handlers, plans=plans, clock=clock, **logs)) as made:
        yield made


@pytest.fixture
def authorizer_calls(gateway):
    return gateway._handlers["Authorize"].__globals__["calls"]


@pytest.fixture
def lines():
    """What the console shows."""
    return []


@pytest.fixture
def call(gateway, lines):
    """Send one request to the gateway, without a network."""
    transport = httpx.ASGITransport(application(gateway, lines.append))

    async def send(method: str, url: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, url, **more)

    return lambda *arguments, **more: asyncio.run(send(*arguments, **more))


@pytest.fixture
def call_as(call):
    """Call the route behind the authorizer with a token."""
    return lambda token: call("GET", "/v1/closed", headers={"Authorization": token})


@pytest.fixture
def go_on(gateway):
    """What a hanging function waits for; it is set when the test is over."""
    event = gateway._handlers["Echo"].__globals__["go_on"]
    yield event
    event.set()
