"""The Verifier, as another service of the product runs it: no environment, no key, two tables."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from sessions import errors
from sessions.verifier import (
    SESSIONS_ATTRIBUTES,
    USERS_ATTRIBUTES,
    VerifiedSession,
    Verifier,
    presented_token,
)
from tests.support.vectors import Vector, vectors

QUICKLY = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard"})
GOOD = next(vector for vector in vectors() if vector.verdict == "session")


class Tables:
    """A client of DynamoDB that answers from rows, and holds each read to what is allowed.

    Attributes:
        reads: how often it was asked.
        answers: what is answered, or raised, before the rows are.
        writes: the updates that were sent.
        fault: what an update raises.
    """

    def __init__(self, rows: dict[str, list[dict[str, Any]]], *answers: Any) -> None:
        self.rows = rows
        self.answers = list(answers)
        self.reads = 0
        self.writes: list[dict[str, Any]] = []
        self.fault: Exception | None = None
        self.meta = SimpleNamespace(config=QUICKLY)

    def update_item(self, **update: Any) -> dict[str, Any]:
        self.writes.append(update)
        if self.fault:
            raise self.fault
        return {}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.reads += 1
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer(RequestItems)
        return self.read(RequestItems)

    def read(self, request: dict[str, Any]) -> dict[str, Any]:
        assert all(of["ConsistentRead"] is True for of in request.values())
        responses = {table: list(self._found(table, of)) for table, of in request.items()}
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _found(self, table: str, of: dict[str, Any]) -> Any:
        names = of["ExpressionAttributeNames"]
        projected = {names[each] for each in of["ProjectionExpression"].split(", ")}
        allowed = {"users": USERS_ATTRIBUTES, "sessions": SESSIONS_ATTRIBUTES}[table]
        assert projected == set(allowed)
        keys = [sorted(key.items()) for key in of["Keys"]]
        assert len({str(key) for key in keys}) == len(keys), "DynamoDB takes no key twice"
        for row in self.rows[table]:
            key = {name: row[name] for name in ("id", "user", "iat") if name in row}
            if sorted(key.items()) in keys:
                yield {name: value for name, value in row.items() if name in projected}


def verifier_of(tables: Tables, **options: Any) -> Verifier:
    return Verifier(tables, sessions_table="sessions", users_table="users", **options)


def verdict_of(vector: Vector, tables: Tables, **options: Any) -> Any:
    """Return the session, or the error as its name and reason."""
    verifier = verifier_of(tables, used_seconds=vector.used_seconds)
    try:
        return verifier.verify(vector.token, max_age=vector.max_age, **options)
    except errors.ApiError as error:
        return type(error).__name__, getattr(error, "reason", None)


@pytest.fixture(autouse=True)
def of_a_service(monkeypatch) -> None:
    """Have the Verifier log as in a service: our own function has it log as it does itself."""
    monkeypatch.setattr(logging.getLogger("sessions.verifier"), "propagate", True)


@pytest.fixture
def good(clock) -> Vector:
    clock.now = GOOD.now
    return GOOD


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_each_vector_has_its_verdict(clock, vector):
    clock.now = vector.now
    tables = Tables(vector.rows)
    expected: Any = vector.verdict, vector.reason
    if vector.verdict == "session":
        expected = VerifiedSession(**vector.verified)
    assert verdict_of(vector, tables) == expected
    assert tables.reads == (1 if vector.reads else 0)
    assert uses(vector, tables) == ([vector.use] if vector.use else [])


def uses(vector: Vector, tables: Tables) -> list[dict[str, int]]:
    """Return the times of each use that was stored, as the vectors have them."""
    (row,) = vector.rows["sessions"] or [{}]
    return [
        {
            name: int(update["ExpressionAttributeValues"].get(f":{name}", row.get(name))["N"])
            for name in ("used_at", "exp")
        }
        for update in tables.writes
    ]


def failure(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "BatchGetItem")


NO_RIGHTS = failure("AccessDeniedException")
FAULTS = [
    failure("ThrottlingException"),
    failure("ProvisionedThroughputExceededException"),
    failure("ResourceNotFoundException"),
    failure("ValidationException"),
    failure("ExpiredTokenException"),
    failure("InternalServerError", 500),
    EndpointConnectionError(endpoint_url="https://dynamodb"),
    ReadTimeoutError(endpoint_url="https://dynamodb"),
    NoCredentialsError(),
]


@pytest.mark.parametrize("fault", [*FAULTS, NO_RIGHTS], ids=str)
def test_a_fault_of_dynamodb_is_unavailable(good, fault):
    tables = Tables(good.rows, fault)
    verifier = verifier_of(tables)
    with pytest.raises(errors.Unavailable) as caught:
        verifier.verify(good.token)
    assert caught.value.__cause__ is fault
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "1")
    assert tables.reads == 1  # botocore retries these itself, as its client is told


def leave(table: str) -> Any:
    """Return an answer that has all rows but those of `table`, which is left unprocessed."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        rest = {name: of for name, of in request.items() if name == table}
        done = {name: of for name, of in request.items() if name != table}
        return {**Tables(GOOD.rows).read(done), "UnprocessedKeys": rest}

    return answer


@pytest.mark.parametrize("left", [["users"], ["sessions"], ["sessions"] * 3])
def test_what_is_left_unprocessed_is_read_again(good, pauses, left):
    tables = Tables(good.rows, *map(leave, left))
    assert verdict_of(good, tables) == VerifiedSession(**good.verified)
    assert tables.reads == len(left) + 1
    assert pauses == [0.05, 0.1, 0.2][: len(left)]


@pytest.mark.parametrize("table", ["users", "sessions"])
def test_what_stays_unprocessed_is_unavailable(good, pauses, table):
    tables = Tables(good.rows, *[leave(table)] * 5)
    assert verdict_of(good, tables) == ("Unavailable", None)
    assert tables.reads == 5


@pytest.mark.parametrize(
    ("table", "broken"),
    [
        ("users", {"banned_at": {"S": "x"}}),
        ("users", {"revoked_through": {"N": "x"}}),
        ("sessions", {"exp": {"S": "soon"}}),
        ("sessions", {"jti_sha256": {"S": "x"}}),
    ],
)
def test_a_damaged_row_lets_nobody_in_and_is_no_refusal(good, table, broken):
    rows = {**good.rows, table: [{**good.rows[table][0], **broken}]}
    with pytest.raises((KeyError, TypeError, ValueError)):
        verdict_of(good, Tables(rows))


@pytest.mark.parametrize("max_age", [-1, -300])
def test_an_age_below_0_is_a_mistake_of_the_caller(good, max_age):
    tables = Tables(good.rows)
    with pytest.raises(ValueError, match="max_age"):
        verdict_of(good._replace(max_age=max_age), tables)
    assert tables.reads == 0


# -------------------------------------------------------------------------- uses


def vector_called(name: str) -> Vector:
    return next(vector for vector in vectors() if vector.name == name)


DUE = vector_called("a use is due in this second")
IDLING = vector_called("under a limit, a tenth of it is over")
NEAR_ITS_END = vector_called("under a limit, a use 21 seconds before its end")


@pytest.mark.parametrize("vector", [DUE, IDLING], ids=["without a limit", "under a limit"])
@pytest.mark.parametrize("fault", [*FAULTS, NO_RIGHTS], ids=str)
def test_a_use_that_cannot_be_stored_changes_no_verdict(clock, caplog, vector, fault):
    """It is told in one line each time; without the rights for it, once, and not tried again."""
    clock.now = vector.now
    tables = Tables(vector.rows)
    tables.fault = fault
    verifier = verifier_of(tables)
    as_read = {**vector.verified}
    if as_read["idle_expires"]:
        as_read["idle_expires"] = int(vector.rows["sessions"][0]["exp"]["N"])
    for _ in range(3):
        assert verifier.verify(vector.token) == VerifiedSession(**as_read)
    tries = 1 if fault is NO_RIGHTS else 3
    assert len(tables.writes) == tries
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * tries
    assert {record.name for record in caplog.records} == {"sessions.verifier"}
    assert str(fault) in caplog.text
    assert vector.token not in caplog.text


@pytest.mark.parametrize(
    "code", ["ConditionalCheckFailedException", "TransactionConflictException"]
)
def test_what_was_used_or_ends_meanwhile_is_no_fault(clock, caplog, code):
    clock.now = IDLING.now
    tables = Tables(IDLING.rows)
    tables.fault = failure(code)
    session = verdict_of(IDLING, tables)
    assert session.idle_expires == int(IDLING.rows["sessions"][0]["exp"]["N"])
    assert caplog.records == []


def test_a_process_that_was_stopped_after_its_read_revives_nothing(clock):
    """The clock is read again before the write: here, the session's last seconds have come."""
    clock.now = IDLING.now

    def late(request: dict[str, Any]) -> dict[str, Any]:
        clock.now += 800
        return tables.read(request)

    tables = Tables(IDLING.rows, late)
    assert isinstance(verdict_of(IDLING, tables), VerifiedSession)
    assert tables.writes == []


@pytest.mark.parametrize(
    ("client", "seconds"),
    [
        (QUICKLY, 20),
        (Config(connect_timeout=1, read_timeout=20, retries={"total_max_attempts": 1}), 21),
        (Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2}), 21),
        (Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard"}), 47),
        (Config(), 10 * 120 + 1 + 2 + 4 + 8 + 16 + 4 * 20),
    ],
    ids=["of the example", "one try", "two tries", "without a number", "botocore's own"],
)
def test_no_write_is_begun_that_may_come_after_the_sessions_end(clock, client, seconds):
    """Such as a try after time-outs: another caller would have seen that the session is over."""
    (row,) = NEAR_ITS_END.rows["sessions"]
    for left, writes in ((seconds, 0), (seconds + 1, 1)):
        ends = {"exp": {"N": str(clock.now + left)}, "used_at": {"N": str(clock.now - 1000)}}
        tables = Tables({**NEAR_ITS_END.rows, "sessions": [{**row, **ends}]})
        tables.meta.config = client
        assert isinstance(verdict_of(NEAR_ITS_END, tables), VerifiedSession)
        assert len(tables.writes) == writes


def test_a_use_without_a_limit_may_be_stored_late(clock):
    clock.now = DUE.now
    tables = Tables(DUE.rows)
    tables.meta.config = Config(read_timeout=None)
    assert verdict_of(DUE, tables) == VerifiedSession(**DUE.verified)
    assert uses(DUE, tables) == [DUE.use]


def test_a_time_below_0_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="used_seconds"):
        verifier_of(Tables({}), used_seconds=-1)


def test_a_stale_session_asks_for_a_fresh_login():
    """RFC 9470, section 3."""
    error = errors.StaleSession(300)
    assert (error.status, error.max_age) == (401, 300)
    assert error.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="A more recent login is needed", max_age="300"'
    )
    assert error.body() == {"code": "STALE_SESSION_ERROR", "message": "Session Too Old"}


def test_threads_may_share_one(good):
    tables = Tables(good.rows)
    verifier = verifier_of(tables)
    with ThreadPoolExecutor(8) as threads:
        verified = list(threads.map(verifier.verify, [good.token] * 64))
    assert verified == [VerifiedSession(**good.verified)] * 64


# A function of Lambda has its own settings and modules; a service of the product has neither.
ALONE = """
import gc, logging, os, sys
threshold, level = gc.get_threshold(), logging.getLogger("botocore").level
import botocore.exceptions
before = set(sys.modules)
import sessions.verifier
new = set(sys.modules) - before
print(sorted({name.partition(".")[0] for name in new} - set(sys.stdlib_module_names)), new)
assert gc.get_threshold() == threshold and logging.getLogger("botocore").level == level
"""


def test_it_needs_no_environment_and_imports_nothing_but_botocore(tmp_path):
    package = [path for path in sys.path if path.endswith("layers/sessions")]
    site = [path for path in sys.path if path.endswith("site-packages")]
    shown = subprocess.run(
        [sys.executable, "-S", "-c", ALONE],
        env={"PYTHONPATH": ":".join(package + site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.startswith("['sessions'] ")
    for module in ("settings", "aws", "dynamodb", "telemetry", "tokens", "signing_keys"):
        assert f"'sessions.{module}'" not in shown


@pytest.mark.parametrize(
    ("authorizations", "cookie", "fetch_site", "token"),
    [
        (["t"], None, None, "t"),
        (["Bearer t"], None, None, "t"),
        (["Basic t"], None, None, ""),
        ([], None, None, ""),
        (["t", "t"], None, None, ""),
        ([], "c", "same-origin", "c"),
        ([], "c", "none", "c"),
        ([], "c", "same-site", ""),
        ([], "c", "cross-site", ""),
        ([], "c", "", ""),
        ([], "c", None, ""),
        ([], "", "same-origin", ""),
        (["t"], "c", "same-origin", "t"),
        ([""], "c", "same-origin", ""),
        (["t", "t"], "c", "same-origin", ""),
    ],
)
def test_a_header_counts_and_a_cookie_only_of_our_own_pages(
    authorizations, cookie, fetch_site, token
):
    assert presented_token(authorizations, cookie, fetch_site) == token
