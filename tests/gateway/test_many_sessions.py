"""Many sessions of one user: made and ended at once, and more than one answer holds.

What one caller sees of each operation is in tests/verify.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.contract import CANONICAL, SHORT, session_over
from tests.support.operations import ROUTES

JOE = {"user": "joe", "pass": "joe"}
LOG_IN = ROUTES["create_session"].paths[SHORT]
CURRENT = ROUTES["get_current_session"].paths[SHORT]
ONE = ROUTES["get_session"].paths[SHORT]
LIST = ROUTES["list_sessions"].paths[SHORT]
SEVERAL = ROUTES["delete_sessions"].paths[SHORT]
ALL = ROUTES["delete_all_sessions"].paths[SHORT]
SESSIONS = os.environ["SESSIONS_TABLE"]
USERS = os.environ["USERS_TABLE"]


@pytest.fixture(scope="module")
def http(service) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=40)
    with httpx.Client(base_url=service.url, timeout=60, limits=limits) as client:
        yield client


@pytest.fixture(scope="module")
def dynamodb(service) -> Any:
    return service.client("dynamodb")


@pytest.fixture
def log_in(http: httpx.Client) -> Iterator[Callable[..., dict[str, str]]]:
    """Log in as joe and return the header that says so. Joe has no other session before."""
    headers: list[dict[str, str]] = []

    def log_in(**more: Any) -> dict[str, str]:
        answer = http.post(LOG_IN, json={**JOE, **more})
        assert answer.status_code == 201, answer.text
        headers.append({"Authorization": answer.json()["token"]})
        return headers[-1]

    http.delete(ALL, headers=log_in())
    yield log_in
    http.delete(ALL, headers=log_in())


def test_twenty_logins_at_once_are_twenty_sessions(http, log_in):
    """No later login gets the ID of one of them, so that none is ever revived."""
    with ThreadPoolExecutor(20) as threads:
        held = list(threads.map(lambda _: log_in(), range(20)))
    ids = [http.get(CURRENT, headers=token).json()["iat"] for token in held]
    assert len(set(ids)) == 20
    newest = max(ids)
    ended = held[ids.index(newest)]
    assert http.delete(ONE.format(id=newest), headers=ended).status_code == 200
    with ThreadPoolExecutor(20) as threads:
        later = list(threads.map(lambda _: log_in(), range(20)))
    later_ids = {http.get(CURRENT, headers=token).json()["iat"] for token in later}
    assert len(later_ids) == 20
    assert not later_ids & set(ids)
    assert http.get(CURRENT, headers=ended).json() == session_over("deleted")


def test_calls_that_end_the_same_sessions_at_once_count_each_once(http, log_in):
    here = log_in()
    ids = [http.get(CURRENT, headers=log_in()).json()["iat"] for _ in range(12)]

    def end(_: int) -> int:
        answer = http.request("DELETE", SEVERAL, headers=here, json={"sessions": ids})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(end, range(6))) == 12


def test_deletes_of_all_at_once_count_each_session_once(http, log_in):
    here = log_in()
    for _ in range(8):
        log_in()
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.delete(f"{ALL}?allButSelf", headers=here).json(), range(4))
        )
    assert sum(answer["count"] for answer in answers) == 8


def test_a_user_with_2000_sessions_can_list_and_end_them(http, log_in, dynamodb):
    here = log_in()
    mine = http.get(CURRENT, headers=here).json()
    ids = [mine["iat"] + number for number in range(2000, 0, -1)]  # none was revoked before
    rows = [
        {
            "user": {"S": mine["sub"]},
            "iat": {"N": str(iat)},
            "exp": {"N": str(mine["exp"])},
            "name": {"S": "old"},
            "jti_sha256": {"B": b"0" * 32},
            "session_epoch": {"N": "999"},  # none that the service has reached
        }
        for iat in ids
    ]
    dynamodb.update_item(
        TableName=USERS,
        Key={"id": {"S": mine["sub"]}},
        UpdateExpression="SET last_iat = :newest",
        ExpressionAttributeValues={":newest": {"N": str(ids[0])}},
    )
    for start in range(0, len(rows), 25):
        puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
        answer = dynamodb.batch_write_item(RequestItems={SESSIONS: puts})
        assert not answer["UnprocessedItems"]

    seen: list[int] = []
    while page := http.get(LIST, params={"offset": len(seen)}, headers=here).json()["items"]:
        assert len(page) <= 50
        seen += [session["iat"] for session in page]
    assert seen == [*ids, mine["iat"]]
    body = {"sessions": [str(iat) for iat in ids[:230]]}
    path = ROUTES["delete_sessions"].paths[CANONICAL]
    answer = http.request("DELETE", path, headers=here, json=body)
    assert answer.json() == {"count": 230, "type": "session"}
    assert http.get(LIST, headers=here).json()["count"] == 1771
    answer = http.delete(f"{ALL}?allButSelf=true", headers=here)
    assert answer.json() == {"count": 1770, "type": "session"}
    assert http.get(LIST, headers=here).json() == {"count": 1, "items": [mine]}
