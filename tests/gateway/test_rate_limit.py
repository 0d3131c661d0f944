"""The usage plan of the template, over HTTP: a flood is throttled, and no caller of another shard.

Pages are no requests of the API: neither its limits nor its access log know of them.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.contract import RATE_LIMITED, SHORT, TEMPLATE
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES
from tests.support.service import Service, Start

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = ROUTES["create_session"].paths[SHORT]
CURRENT = ROUTES["get_current_session"].paths[SHORT]
# More than a gateway on a slow machine refills while it answers them.
FLOOD = 3_000


@pytest.fixture(scope="module")
def limited(start: Start) -> Service:
    """A service with its rate limits on."""
    return start()


def assert_is_throttled(answer: httpx.Response, limit: str) -> None:
    assert answer.status_code == 429
    assert answer.json() == RATE_LIMITED
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-ratelimit-limit"] == str(TEMPLATE.parameters[limit])
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["cache-control"] == "no-store"


def until_throttled(http: httpx.Client, **request: Any) -> Iterator[httpx.Response]:
    """Flood from several threads; yield the answers up to one that was throttled."""
    with ThreadPoolExecutor(8) as threads:
        for _ in range(FLOOD // 100):
            answers = list(threads.map(lambda _: http.request(**request), range(100)))
            yield from answers
            if any(answer.status_code == 429 for answer in answers):
                return


def assert_was_throttled(answers: Iterator[httpx.Response], limit: str, otherwise: int) -> None:
    """Hold the answers to `otherwise`, or a refusal that names the template's parameter `limit`."""
    refused = [answer for answer in answers if answer.status_code != otherwise]
    assert refused
    for answer in refused:
        assert_is_throttled(answer, limit)


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
        flood = until_throttled(flooding, method="POST", url=LOG_IN, json={})
        assert_was_throttled(flood, "LoginRateLimit", otherwise=400)
        for _ in range(5):
            assert calm.post(LOG_IN, json=JOE).status_code == 201


def new_token(http: httpx.Client, limited: Service, name: str) -> tuple[str, str]:
    """Create a user and log in; return the token and the user's ID."""
    email = f"{name}@example.com"
    user = limited.operate("create_user", username=name, email=email, password=PASSWORD)["id"]
    return http.post(LOG_IN, json={"user": name, "pass": PASSWORD}).json()["token"], user


def test_a_user_who_floods_is_throttled(limited):
    """A user of another shard is not."""
    with httpx.Client(base_url=limited.url, timeout=60) as http:
        flooder, flooding = new_token(http, limited, "flooder")
        people = (new_token(http, limited, f"calm{number}") for number in range(20))
        calm = next(token for token, person in people if shard(person) != shard(flooding))
        headers = {"Authorization": flooder}
        flood = until_throttled(http, method="GET", url=CURRENT, headers=headers)
        assert_was_throttled(flood, "RateLimit", otherwise=200)
        for _ in range(20):
            assert http.get(CURRENT, headers={"Authorization": calm}).status_code == 200
