"""What is told of sessions' beginnings and ends, by the gateway's own follower of the streams."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.contract import CANONICAL, SHORT, paths

JOE = {"user": "joe", "pass": "joe"}
WAIT_SECONDS = 20


@pytest.fixture(scope="module")
def service(start) -> Any:
    """A service of its own, whose log no other test writes to."""
    return start("--no-rate-limit")


def told(service) -> list[dict[str, Any]]:
    log = Path(service.environment["HOME"]) / "functions.log"
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"told"' in line]
    return [event for line in lines for event in line["told"]]


def wait_until(reached: Callable[[], bool], service) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not reached():
        assert time.monotonic() < end, told(service)
        time.sleep(0.05)


def rows(service) -> list[dict[str, Any]]:
    return service.client("dynamodb").scan(TableName="SessionsTable", ConsistentRead=True)["Items"]


def test_each_session_is_told_from_its_beginning_to_its_end_and_revoked_rows_go(service):
    with httpx.Client(base_url=service.url, timeout=60) as http:
        log_in = paths("create_session")[SHORT]
        tokens = [http.post(log_in, json=JOE).json()["token"] for _ in range(3)]
        token = {"Authorization": tokens[0]}
        listed = http.get(paths("list_sessions")[SHORT], headers=token).json()["items"]
        newest, *others = sorted((item["iat"] for item in listed), reverse=True)
        one = paths("delete_session")[CANONICAL].format(id=newest)
        assert http.delete(one, headers=token).status_code == 200
        everything = paths("delete_all_sessions")[SHORT]
        assert http.delete(everything, headers=token).json()["count"] == 2

    ends = {newest: "deleted", **dict.fromkeys(others, "all")}
    wait_until(
        lambda: len([event for event in told(service) if event["type"] == "SessionEnded"]) == 3,
        service,
    )
    found = told(service)
    assert {event["session"] for event in found if event["type"] == "SessionCreated"} == set(ends)
    assert {
        event["session"]: event["reason"] for event in found if event["type"] == "SessionEnded"
    } == ends
    wait_until(lambda: rows(service) == [], service)
