"""The events of a session from its beginning to its end, which follow the gateway's streams."""

import json
import os
import time
from pathlib import Path

import httpx

from tests.support.contract import CANONICAL, SHORT
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES

WAIT_SECONDS = 20
NAME = "follower"


def test_each_session_is_published_and_its_revoked_row_is_purged(service):
    email = f"{NAME}@example.com"
    user = service.operate("create_user", username=NAME, email=email, password=PASSWORD)["id"]
    log = Path(service.environment["HOME"]) / "functions.log"

    def published(kind):
        lines = (json.loads(line) for line in log.read_text().splitlines() if user in line)
        events = [event for line in lines for event in line.get("published", [])]
        return [event for event in events if (event["user"], event["type"]) == (user, kind)]

    def rows():
        return service.client("dynamodb").query(
            TableName=os.environ["SESSIONS_TABLE"],
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": user}},
            ConsistentRead=True,
        )["Items"]

    with httpx.Client(base_url=service.url, timeout=60) as http:
        log_in = ROUTES["create_session"].paths[SHORT]
        credentials = {"user": NAME, "pass": PASSWORD}
        tokens = [http.post(log_in, json=credentials).json()["token"] for _ in range(3)]
        http.headers["Authorization"] = tokens[0]
        listed = http.get(ROUTES["list_sessions"].paths[SHORT]).json()["items"]
        newest, *others = sorted((item["iat"] for item in listed), reverse=True)
        one = ROUTES["delete_session"].paths[CANONICAL].format(id=newest)
        assert http.delete(one).status_code == 200
        assert http.delete(ROUTES["delete_all_sessions"].paths[SHORT]).json()["count"] == 2

    end = time.monotonic() + WAIT_SECONDS
    while len(published("SessionEnded")) < 3 or rows():
        assert time.monotonic() < end, (published("SessionEnded"), rows())
        time.sleep(0.05)
    reasons = {newest: "deleted", **dict.fromkeys(others, "all")}
    assert {event["session"] for event in published("SessionCreated")} == reasons.keys()
    assert {event["session"]: event["reason"] for event in published("SessionEnded")} == reasons
