"""What the Verifier costs beside the bare call of DynamoDB that it makes, in one run.

`python -m benchmarks.verify` prints a table, and ends with 1 where the Verifier is over a limit.
Its client is boto3's own, as other services make it; ministack answers, in a process of its own.
"""

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from benchmarks.money import MILLION, load_prices
from benchmarks.tables import markdown, median_ratio
from benchmarks.units import consumed
from local.create_resources import create_resources
from local.engine import engine
from local.functions import runtime_environment
from local.template import load_template
from sessions.items import to_item
from sessions.model import Session, User
from sessions.proof import Claims, jti_sha256
from sessions.tokens import issue
from sessions.verifier import Verifier

MOST_CPU_OF_THE_CALL = 1.10
MOST_DOLLARS_A_MILLION = 0.40
BATCH = 200
TABLES: dict[str, Any] = {"sessions_table": "SessionsTable", "users_table": "UsersTable"}


class Recorder:
    """A client that keeps what it is asked."""

    def __init__(self, dynamodb: Any) -> None:
        self.requests: list[dict[str, Any]] = []
        self._dynamodb = dynamodb

    def batch_get_item(self, **request: Any) -> Any:
        """Keep the request, and pass it on."""
        self.requests.append(request)
        return self._dynamodb.batch_get_item(**request)


def store_session(dynamodb: Any) -> str:
    """Store a user with a session as a login leaves them, and return the session's token."""
    now = int(time.time())
    claims = Claims(secrets.token_urlsafe(16), now, now + 2_592_000, secrets.token_urlsafe(16))
    addresses = {f"203.0.113.{number}": now for number in range(8)}
    user = User(claims.sub, "joe", "joe@example.com", now, now, now, login_addresses=addresses)
    digest = jti_sha256(claims.jti)
    session = Session(claims.sub, now, claims.exp, "Chrome on Windows", digest, created_at=now)
    dynamodb.put_item(TableName=TABLES["users_table"], Item=to_item(user))
    dynamodb.put_item(TableName=TABLES["sessions_table"], Item=to_item(session))
    return issue(claims, "sessions", "initial", secrets.token_bytes(32))


def cpu_ms(call: Callable[[], object]) -> float:
    """Return the CPU time of a call in this process, as the mean of a batch."""
    began = time.process_time()
    for _ in range(BATCH):
        call()
    return (time.process_time() - began) / BATCH * 1000


def main() -> None:
    """Measure, print, and fail where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="batches of each, interleaved")
    rounds = parser.parse_args().rounds
    bare: list[float] = []
    whole: list[float] = []
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder)) as endpoint:
        os.environ.update(runtime_environment(endpoint, os.environ))
        dynamodb = boto3.client("dynamodb")
        create_resources(load_template(), dynamodb, boto3.client("secretsmanager"))
        token = store_session(dynamodb)
        recorder = Recorder(dynamodb)
        Verifier(recorder, **TABLES).verify(token)
        (request,) = recorder.requests  # one round trip
        units = consumed("BatchGetItem", request, dynamodb.batch_get_item(**request))
        verifier = Verifier(dynamodb, **TABLES)
        for _ in range(rounds + 1):
            bare.append(cpu_ms(lambda: dynamodb.batch_get_item(**request)))
            whole.append(cpu_ms(lambda: verifier.verify(token)))
    del bare[0], whole[0]  # these were cold
    dollars = MILLION * units * load_prices()["read_unit"]
    ratio = median_ratio(whole, bare)
    lines = [
        (name, f"{statistics.median(each):.3f}", of, round(1000 / statistics.median(each)))
        for name, each, of in (("the bare call", bare, "1.00"), ("Verifier", whole, ratio))
    ]
    print(markdown(("", "CPU ms", "of the call", "a second on one core"), lines))
    print(f"\nOne round trip of {units:g} read units: {dollars:.3f} dollars a million.")
    if float(ratio) > MOST_CPU_OF_THE_CALL or dollars > MOST_DOLLARS_A_MILLION:
        sys.exit(1)


if __name__ == "__main__":
    main()
