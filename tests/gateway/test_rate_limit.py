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
from tests.support.service import Service, Start, watch

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = ROUTES["create_session"].paths[SHORT]
FLOOD = 300  # more than a gateway on a slow machine refills while it answers them
CURRENT = ROUTES["get_current_session"].paths[SHORT]
SECRET = "mX3-pq9_Tz7vLw0cRb5nYs2fGh8kJd4aUe6iOo1W"
BY_BACK_END = {"X-Back-End-Secret": SECRET, "X-Viewer-Address": "203.0.113.9"}


@pytest.fixture(scope="module")
def limited(start: Start) -> Service:
    """A service with its rate limits on, which trusts a back end, and shows its secret nowhere."""
    watch.keep("back end's secret", SECRET)
    return start("--back-end-secret", SECRET)


def principals(service: Service) -> dict[str, str]:
    """Return who paid for each request, by the request's ID."""
    log = (Path(service.environment["HOME"]) / "access.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    return {line["requestId"]: line["principal"] for line in lines}


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


def test_a_user_and_a_back_end_that_asks_with_the_users_token_are_throttled_apart(limited):
    """They have the same address here, and in an office."""
    with httpx.Client(base_url=limited.url, timeout=60) as http:
        token = http.post(LOG_IN, json=JOE, headers=BY_BACK_END).json()["token"]
        as_user, by_back_end = {"Authorization": token}, {"Authorization": token, **BY_BACK_END}
        asked = []
        with ThreadPoolExecutor(8) as threads:
            while 429 not in [answer.status_code for answer in asked]:
                flood = threads.map(lambda _: http.get(CURRENT, headers=as_user), range(50))
                asked += flood
                assert len(asked) < 20 * FLOOD
                checks = [http.get(CURRENT, headers=by_back_end) for _ in range(2)]
                assert {answer.status_code for answer in checks} == {200}
        paid = principals(limited)
    (user,) = {paid[answer.headers["x-request-id"]] for answer in asked}
    assert {paid[answer.headers["x-request-id"]] for answer in checks} == {"back-end"}
    assert user != "back-end"
