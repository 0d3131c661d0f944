"""The usage plan of the template, where callers have several addresses, and call for pages.

That users who flood are throttled, and others are not, is in tests/verify.
"""

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.contract import SHORT
from tests.support.operations import ROUTES
from tests.support.service import Service, Start

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = ROUTES["create_session"].paths[SHORT]
FLOOD = 300  # more than a gateway on a slow machine refills while it answers them


@pytest.fixture(scope="module")
def limited(start: Start) -> Service:
    """A service with its rate limits on."""
    return start()


def shard(caller: str) -> str:
    """Return the usage-plan key that pays for a caller."""
    key: str = importlib.import_module("functions.authorize.app")._shard(caller)
    return key


def test_pages_are_no_requests_of_the_api(limited):
    with httpx.Client(base_url=limited.url.removesuffix("/api"), timeout=60) as http:
        assert {http.get("/").status_code for _ in range(300)} == {200}
        assert http.get("/favicon.ico").status_code == 404
    log = (Path(limited.environment["HOME"]) / "access.log").read_text()
    statuses = [json.loads(line)["status"] for line in log.splitlines()]
    assert "404" in statuses
    assert len(statuses) < 300


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_an_address_that_floods_the_login_is_throttled(limited):
    """An address of another shard is not."""
    flooder = "127.0.0.1"
    others = (f"127.0.0.{last}" for last in range(2, 255))
    other = next(address for address in others if shard(address) != shard(flooder))
    elsewhere = httpx.HTTPTransport(local_address=other)
    with (
        httpx.Client(base_url=limited.url, timeout=60) as flooding,
        httpx.Client(base_url=limited.url, timeout=60, transport=elsewhere) as calm,
    ):
        with ThreadPoolExecutor(8) as threads:
            flood = threads.map(lambda _: flooding.post(LOG_IN, json={}).status_code, range(FLOOD))
            assert set(flood) == {400, 429}
        for _ in range(5):
            assert calm.post(LOG_IN, json=JOE).status_code == 201
