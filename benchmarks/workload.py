"""Users with many sessions, and each operation of the catalogue with the input it usually gets."""

import base64
import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from benchmarks.service import Observed, Service
from sessions.items import to_item
from sessions.model import Session, User
from tests.support.events import event_for
from tests.support.leaks import PASSWORD
from tests.support.operations import (
    ACCOUNT_OPERATIONS,
    AUTHORIZERS,
    OPERATIONS,
    ROUTES,
    STREAM_CONSUMER,
    Operation,
)

SESSION_SECONDS = 2_592_000
BATCH = 25  # DynamoDB API Reference, BatchWriteItem
THREADS = 4

Row = dict[str, Any]

_numbers = itertools.count(1)


@dataclass
class Subject:
    """A user to measure with, the token of the newest session, and all IDs, newest first."""

    id: str
    username: str
    email: str
    token: str
    iats: list[int]

    @property
    def other(self) -> int:
        """Return the session next to the one in use, or that one if there is no other."""
        return self.iats[:2][-1]


@dataclass(frozen=True)
class Work:
    """An operation with the input that it usually gets, or with one of several."""

    name: str
    operation: Operation
    event: Callable[[Subject], Any]

    @property
    def changes(self) -> bool:
        """Say whether its subject is not afterwards what it was before."""
        return self.operation.changes or self.operation is STREAM_CONSUMER


def new_subject(service: Service, sessions: int) -> Subject:
    """Create a user who logs in; the other sessions are older, and stored as a login does."""
    event = _new_user()
    made = service.invoke("create_user", event).answer
    subject = Subject(made["id"], event["username"], event["email"], "", [])
    answer = done(service.invoke("create_session", _log_in(subject)))
    subject.token = answer["token"]
    newest = answer["exp"] - SESSION_SECONDS
    subject.iats = list(range(newest, newest - sessions, -1))
    row = stored_row(service, "SESSIONS_TABLE", user={"S": subject.id}, iat={"N": str(newest)})
    store_rows(service, "SESSIONS_TABLE", (session_row(row, iat) for iat in subject.iats[1:]))
    return subject


def session_row(row: Row, iat: int, user: str | None = None) -> Row:
    """Return a session like the one that a login stored; nobody has its token."""
    return row | {
        "user": {"S": user} if user else row["user"],
        "iat": {"N": str(iat)},
        "exp": {"N": str(iat + SESSION_SECONDS)},
        "jti_sha256": {"B": secrets.token_bytes(32)},
    }


def stored_row(service: Service, table: str, **key: dict[str, str]) -> Row:
    """Return a row of a table, which is named by the variable that names it for functions."""
    name = service.functions["create_session"].environment[table]
    row: Row = service.database.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    return row


def store_rows(service: Service, table: str, rows: Iterable[Row]) -> None:
    """Put rows straight into a table."""
    name = service.functions["create_session"].environment[table]
    puts = ({"PutRequest": {"Item": row}} for row in rows)
    batches = iter(lambda: list(itertools.islice(puts, BATCH)), [])
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(
            lambda batch: service.database.batch_write_item(RequestItems={name: batch}), batches
        ):
            pass


def done(observed: Observed) -> Any:
    """Return the body of an answer, which says that it was done.

    Raises:
        ValueError: it was refused.
    """
    answer = observed.answer
    if "statusCode" not in answer:
        return answer
    if answer["statusCode"] >= 400:
        raise ValueError(f"refused: {observed}")
    return json.loads(answer["body"])


class Subjects:
    """Subjects by the number of their sessions; work that changes its subject gets a new one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lasting: dict[int, Subject] = {}

    def observe(self, work: Work, sessions: int, *, latency_seconds: float = 0.0) -> Observed:
        """Do the work once for a subject with so many sessions, and return what it took.

        Raises:
            ValueError: it was refused.
        """
        subject = self._lasting.get(sessions)
        if subject is None or work.changes:
            subject = new_subject(self._service, sessions)
        if not work.changes:
            self._lasting[sessions] = subject
        event = work.event(subject)
        self._service.latency_seconds = latency_seconds
        observed = self._service.invoke(work.operation.name, event)
        self._service.latency_seconds = 0.0
        done(observed)
        return observed


# ----------------------------------------------------------------------- inputs


def _usual(operation: Operation) -> Callable[[Subject], Any]:
    def event(subject: Subject) -> Any:
        if operation.name in ACCOUNT_OPERATIONS:
            return ACCOUNT_OPERATIONS[operation.name].event(login=subject.username)
        if operation.name in AUTHORIZERS:
            return event_for(operation.name, subject.token)
        usual = ROUTES[operation.name].request(session=subject.other)
        return event_for(operation.name, subject.token, **usual)

    return event


def _log_in(subject: Subject) -> Any:
    # In another second than the last: within one, a login takes a second try for its ID.
    while subject.iats and int(time.time()) <= subject.iats[0]:
        time.sleep(0.02)
    event = event_for("create_session", **ROUTES["create_session"].request(login=subject.username))
    # From an address of each user's own: logins are counted by it.
    event["requestContext"]["identity"]["sourceIp"] = f"10.0.{hash(subject.id) % 250}.7"
    return event


def _several(most: int) -> Callable[[Subject], Any]:
    def event(subject: Subject) -> Any:
        """Name sessions that are not in use; where there are not so many, IDs of none."""
        others = subject.iats[1:] or subject.iats
        iats = [others[0] - number for number in range(most)]
        return event_for("delete_sessions", subject.token, body={"sessions": iats})

    return event


def _new_user(_: Subject | None = None) -> Any:
    name = f"user{next(_numbers)}"
    names = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return ACCOUNT_OPERATIONS["create_user"].event(**names)


def _imported(_: Subject) -> Any:
    """Return as many users as one call takes, as another service had them, with bcrypt's hashes."""
    (usual,) = ACCOUNT_OPERATIONS["import_users"].given["users"]
    numbers = itertools.islice(_numbers, BATCH)
    return {
        "users": [
            usual
            | {"id": f"{uuid4()}", "username": f"old{number}", "email": f"old{number}@example.com"}
            for number in numbers
        ]
    }


def _renamed(subject: Subject) -> Any:
    return {"login": subject.username, "username": f"{subject.username}-renamed"}


def _one_of_its(subject: Subject) -> Any:
    return {"login": subject.username, "sessions": [subject.other]}


def _begun(subject: Subject) -> Any:
    return {"Records": [record_of(None, _session(subject, subject.iats[0]))]}


def _revoked_together(subject: Subject) -> Any:
    """Return the records of sessions that were revoked one by one in one transaction."""
    sessions = [_session(subject, iat) for iat in subject.iats[1:101]]
    return {
        "Records": [record_of(each, Session(*each[:3], revoked_reason="bulk")) for each in sessions]
    }


def _all_revoked(subject: Subject) -> Any:
    """Return the record of the user's row that *delete all* makes."""
    newest, oldest = subject.iats[0], subject.iats[-1]
    user = User(subject.id, subject.username, subject.email, oldest, last_iat=newest)
    return {
        "Records": [record_of(user, user._replace(revoked_through=newest, revoked_reason="all"))]
    }


def _session(subject: Subject, iat: int) -> Session:
    exp = iat + SESSION_SECONDS
    return Session(subject.id, iat, exp, "Chrome on Windows", bytes(32), created_at=iat)


def record_of(old: User | Session | None, new: User | Session) -> Row:
    """Return the record that a change of a row leaves in its table's stream."""
    image = image_of(new)
    keys = {name: image[name] for name in ("id", "user", "iat") if name in image}
    change = {"ApproximateCreationDateTime": time.time(), "Keys": keys, "NewImage": image}
    change |= {"OldImage": image_of(old)} if old else {}
    record = {"eventID": "1", "eventName": "MODIFY" if old else "INSERT"}
    return record | {"dynamodb": change | {"SequenceNumber": "1"}}


def image_of(row: User | Session) -> Row:
    """Return a row as a stream has it: its bytes are in base64."""
    image = to_item(row)
    for attribute in image.values():
        if "B" in attribute:
            attribute["B"] = base64.b64encode(attribute["B"]).decode()
    return image


# What is not measured with its usual input, by the name of the function.
INPUTS: dict[str, dict[str, Callable[[Subject], Any]]] = {
    "create_session": {"create_session": _log_in},
    "delete_sessions": {
        "delete_sessions, 1 named": _several(1),
        "delete_sessions, 100 named": _several(100),
    },
    "publish_events": {
        "publish_events, a login": _begun,
        "publish_events, up to 100 revoked": _revoked_together,
        "publish_events, all revoked": _all_revoked,
    },
    "create_user": {"create_user": _new_user},
    "import_users": {"import_users, 25 new": _imported},
    "rename_user": {"rename_user": _renamed},
    "revoke_user_sessions": {
        "revoke_user_sessions, all": _usual(OPERATIONS["revoke_user_sessions"]),
        "revoke_user_sessions, 1 named": _one_of_its,
    },
}
WORKLOAD = tuple(
    Work(name, operation, event)
    for operation in OPERATIONS.values()
    for name, event in INPUTS.get(operation.name, {operation.name: _usual(operation)}).items()
)
