"""Users with many sessions, and each operation of the service with the input it usually gets."""

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.service import Observed, Service
from tests.support.events import event_for

PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that do not exist
SESSION_SECONDS = 2_592_000
NAME = "Chrome 96 on Windows 10"
BATCH = 25  # DynamoDB API Reference, BatchWriteItem
THREADS = 4

Row = dict[str, Any]

_numbers = itertools.count(1)


@dataclass
class Person:
    """A user, the token of the newest session, and the IDs of all, newest first."""

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
class Operation:
    """A function with the input it usually gets; `changes` says that it is not so again."""

    name: str
    function: str
    event: Callable[[Person], Any]
    changes: bool = False


def new_person(service: Service, sessions: int) -> Person:
    """Create a user who logs in; the other sessions are older, and stored as a login does."""
    name = f"user{next(_numbers)}"
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    made = service.invoke("CreateUserFunction", given).answer
    person = Person(made["id"], name, given["email"], "", [])
    answer = done(service.invoke("CreateSessionFunction", _log_in(person)))
    person.token = answer["token"]
    newest = answer["exp"] - SESSION_SECONDS
    person.iats = list(range(newest, newest - sessions, -1))
    row = stored_row(service, "SESSIONS_TABLE", user={"S": person.id}, iat={"N": str(newest)})
    store_rows(service, "SESSIONS_TABLE", (session_row(row, iat) for iat in person.iats[1:]))
    return person


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
    name = service.functions["CreateSessionFunction"].environment[table]
    row: Row = service.database.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    return row


def store_rows(service: Service, table: str, rows: Iterable[Row]) -> None:
    """Put rows straight into a table."""
    name = service.functions["CreateSessionFunction"].environment[table]
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


def _log_in(person: Person) -> Any:
    # In another second than the last: within one, a login takes a second try for its ID.
    while person.iats and int(time.time()) <= person.iats[0]:
        time.sleep(0.02)
    body = {"user": person.username, "pass": PASSWORD}
    event = event_for("create_session", body=body)
    # From an address of each user's own: logins are counted by it.
    event["requestContext"]["identity"]["sourceIp"] = f"10.0.{hash(person.id) % 250}.7"
    return event


def _route(name: str, **changes: Any) -> Callable[[Person], Any]:
    return lambda person: event_for(name, person.token, **changes)


def _named(name: str) -> Callable[[Person], Any]:
    return lambda person: event_for(name, person.token, session=person.other)


def _several(most: int) -> Callable[[Person], Any]:
    def event(person: Person) -> Any:
        """Name sessions that are not in use; where there are not so many, IDs of none."""
        others = person.iats[1:] or person.iats
        iats = [others[0] - number for number in range(most)]
        return event_for("delete_sessions", person.token, body={"sessions": iats})

    return event


def _of(**more: Any) -> Callable[[Person], Any]:
    return lambda person: {"user": person.username, **more}


def _new_user(_: Person) -> Any:
    name = f"user{next(_numbers)}"
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


def _began(person: Person) -> Any:
    key, rest = _session_image(person, person.iats[0])
    return {"Records": [_record(key, None, key | rest)]}


def _ended_together(person: Person) -> Any:
    """Return the records of sessions that were ended one by one in one transaction."""
    records = []
    for iat in person.iats[1:]:
        key, rest = _session_image(person, iat)
        ended = {"exp": rest["exp"], "ended": {"S": "bulk"}}
        records.append(_record(key, key | rest, key | ended))
    return {"Records": records[:100]}


def _session_image(person: Person, iat: int) -> tuple[Row, Row]:
    key = {"user": {"S": person.id}, "iat": {"N": str(iat)}}
    exp = {"N": str(iat + SESSION_SECONDS)}
    rest = {
        "exp": exp,
        "name": {"S": NAME},
        "jti_sha256": {"B": "AAAA"},
        "session_epoch": {"N": "0"},
    }
    return key, rest


def _revoked(person: Person) -> Any:
    """Return the record of the user's row that *delete all* makes."""
    row = {
        "id": {"S": person.id},
        "username": {"S": person.username},
        "email": {"S": person.email},
        "created_at": {"N": str(person.iats[-1])},
        "last_iat": {"N": str(person.iats[0])},
        "password_version": {"N": "0"},
    }
    revoked = {"revoked_through": row["last_iat"], "revoked_reason": {"S": "all"}}
    return {"Records": [_record({"id": row["id"]}, row, row | revoked)]}


def _record(keys: Row, old: Row | None, new: Row) -> Row:
    change = {"ApproximateCreationDateTime": time.time(), "Keys": keys, "NewImage": new}
    change |= {"OldImage": old} if old else {}
    record = {"eventID": "1", "eventName": "MODIFY" if old else "INSERT"}
    return record | {"dynamodb": change | {"SequenceNumber": "1"}}


# The routes first, then the authorizer, then what operators invoke; the one that ends everybody's
# sessions is the last.
OPERATIONS = (
    Operation("create_session", "CreateSessionFunction", _log_in, changes=True),
    Operation("get_current_session", "GetCurrentSessionFunction", _route("get_current_session")),
    Operation("get_session", "GetSessionFunction", _named("get_session")),
    Operation("list_sessions", "ListSessionsFunction", _route("list_sessions")),
    Operation("delete_session", "DeleteSessionFunction", _named("delete_session"), changes=True),
    Operation("delete_sessions, 1 named", "DeleteSessionsFunction", _several(1), changes=True),
    Operation("delete_sessions, 100 named", "DeleteSessionsFunction", _several(100), changes=True),
    Operation(
        "delete_all_sessions",
        "DeleteAllSessionsFunction",
        _route("delete_all_sessions"),
        changes=True,
    ),
    Operation("authorize", "AuthorizeFunction", _route("authorize")),
    Operation("publish_events, a login", "PublishEventsFunction", _began),
    Operation("publish_events, up to 100 ended", "PublishEventsFunction", _ended_together),
    Operation("publish_events, all ended", "PublishEventsFunction", _revoked, changes=True),
    Operation("create_user", "CreateUserFunction", _new_user),
    Operation(
        "rename_user",
        "RenameUserFunction",
        lambda person: {"user": person.username, "username": f"{person.username}-renamed"},
        changes=True,
    ),
    Operation("set_password", "SetPasswordFunction", _of(password=PASSWORD), changes=True),
    Operation("ban_user", "BanUserFunction", _of(reason="spam"), changes=True),
    Operation("unban_user", "UnbanUserFunction", _of()),
    Operation("list_user_sessions", "ListUserSessionsFunction", _of()),
    Operation("export_user", "ExportUserFunction", _of()),
    Operation(
        "revoke_user_sessions, all", "RevokeUserSessionsFunction", _of(all=True), changes=True
    ),
    Operation(
        "revoke_user_sessions, 1 named",
        "RevokeUserSessionsFunction",
        lambda person: {"user": person.username, "sessions": [person.other]},
        changes=True,
    ),
    Operation("delete_user", "DeleteUserFunction", _of(), changes=True),
    Operation("rotate_signing_key", "RotateSigningKeyFunction", lambda _: {"when": "due"}),
    Operation("list_signing_keys", "ListSigningKeysFunction", lambda _: {}),
    Operation(
        "revoke_everyone", "RevokeEveryoneFunction", lambda _: {"everyone": True}, changes=True
    ),
)
