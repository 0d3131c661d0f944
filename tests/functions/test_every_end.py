"""Why a session is over, told to whoever holds its token, and to nobody else (docs/events.md)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from sessions import session_issue
from sessions.dynamodb import SESSIONS, USERS
from tests.payloads.tokens import BAD_TOKENS, WITHOUT_A_SESSION, Victim
from tests.support.calls import call, call_route, invoke
from tests.support.clock import Clock
from tests.support.contract import (
    INVALID_SESSION,
    SESSION_SECONDS,
    UNAUTHORIZED_HEADERS,
    session_over,
)
from tests.support.events import ROOT
from tests.support.forgery import signing_key
from tests.support.leaks import PASSWORD
from tests.support.openapi import resolved
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, tables
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")


class Member:
    """A user with two sessions: the older one ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.person = new_person()
        self.token, self.other = log_in(self.person), log_in(self.person)
        self.iat = clock.now
        self.key = {"user": {"S": self.person.id}, "iat": {"N": str(self.iat)}}

    @property
    def row(self) -> Any:
        """The row of the session that ends; None once it is gone."""
        return tables().get_item(TableName=SESSIONS, Key=self.key).get("Item")

    def operate(self, operation: str, **given: Any) -> None:
        invoke(operation, {"login": self.person.email, **given})

    def ask(self, token: str | list[str] | None) -> Any:
        return call("get_current_session", headers={"Authorization": token})


def expire(it: Member) -> None:
    it.clock.now += SESSION_SECONDS


def stay_idle(it: Member) -> None:
    tables().update_item(
        TableName=SESSIONS,
        Key=it.key,
        UpdateExpression="SET #until = exp, exp = :exp",
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={":exp": {"N": str(it.clock.now + 600)}},
    )
    it.clock.now += 600


def evict(it: Member) -> None:
    most = session_issue.MAX_SESSIONS_PER_USER
    add_sessions(it.person, range(it.iat + 2, it.iat + most))
    assert it.ask(it.token).status == 200
    it.clock.now += most
    log_in(it.person)


def replace(it: Member) -> None:
    credentials = {"user": it.person.username, "pass": PASSWORD}
    call("create_session", it.token, body=credentials, headers={"X-Replace-Session": "true"})


def ban(it: Member) -> None:
    it.operate("ban_user", reason="spam", tell_user=True)


# Each way to end, by the word for it; what stands behind a comma is another road to the same.
ENDS: dict[str, Callable[[Member], object]] = {
    "expired": expire,
    "idle": stay_idle,
    "deleted": lambda it: call("delete_session", it.other, session=it.iat),
    "deleted, by itself": lambda it: call("delete_session", it.token, session=it.iat),
    "deleted, and banned": lambda it: (call("delete_session", it.token, session=it.iat), ban(it)),
    "bulk": lambda it: call("delete_sessions", it.other, body={"sessions": [it.iat]}),
    "bulk, by an operator": lambda it: it.operate("revoke_user_sessions", sessions=[it.iat]),
    "all": lambda it: call("delete_all_sessions", it.token),
    "all, but another": lambda it: call(
        "delete_all_sessions", it.other, query={"allButSelf": ["true"]}
    ),
    "all, by an operator": lambda it: it.operate("revoke_user_sessions", all=True),
    "all, as a ban was lifted": lambda it: (
        ban(it),
        it.operate("unban_user", revoke_sessions=True),
    ),
    "evicted": evict,
    "replaced": replace,
    "password_changed": lambda it: it.operate("set_password", password="another password"),
    "everyone": lambda _: invoke("revoke_everyone", {"everyone": True}),
    "account_deleted": lambda it: it.operate("delete_user"),
    "account_deleted, its rows are left": lambda it: tables().delete_item(
        TableName=USERS, Key={"id": {"S": it.person.id}}
    ),
}
WITHOUT_A_USER = [end for end in ENDS if end.startswith("account_deleted")]
# Revoked on the user's row: the sessions' own rows are purged once their end is published.
ON_THE_USERS_ROW = [end for end in ENDS if end.startswith(("all", "password_changed"))]
KEEPING_THE_HASH = [
    *("idle", "everyone", "account_deleted, its rows are left"),
    *ON_THE_USERS_ROW,
]

REFUSAL = (401, UNAUTHORIZED_HEADERS, INVALID_SESSION)
NOT_OURS = (
    *("another key", "an empty key", "alg none, unsigned", "iss 'other'", "kid 'unknown'"),
    *("the signature of another token", "the claims of another token"),
)


def told(reason: str) -> Any:
    return 401, UNAUTHORIZED_HEADERS, session_over(reason)


@pytest.mark.parametrize(
    ("end", "is_published"),
    [*((end, False) for end in ENDS), *((end, True) for end in ON_THE_USERS_ROW)],
)
def test_the_next_request_on_each_route_is_told_why(
    clock, end, is_published, dynamodb_calls, logged
):
    """It changes nothing and reads no more than a request of a live session; the log says it."""
    reason, _, _ = end.partition(",")
    member = Member(clock)
    if is_published:
        records = follow_streams()
        ENDS[end](member)
        invoke("publish_events", {"Records": records(clock.now)})
        assert member.row is None
    else:
        ENDS[end](member)
    before = stored_rows(member.person)
    for route in AUTHENTICATED:
        dynamodb_calls.clear()
        assert call_route(route, member.token, member.iat + 1) == told(reason), route
        keys = [
            len(table["Keys"])
            for _, parameters in dynamodb_calls
            for table in parameters["RequestItems"].values()
        ]
        sessions = 2 if ROUTES[route].names_a_session else 1
        assert keys == ([] if reason == "expired" else [2, sessions]), route
        assert (logged()[-1]["message"], logged()[-1]["reason"]) == ("RequestRefused", reason)
    assert stored_rows(member.person) == before


@pytest.mark.parametrize("end", ENDS)
def test_whoever_holds_no_token_of_ours_is_told_nothing(clock, end, logged):
    """Nor, with nothing but our key, of a session whose row or whose user is still there."""
    member = Member(clock)
    victim = Victim(member.person, new_person(), member.token, member.other, signing_key(), "")
    ENDS[end](member)
    known = len(logged())
    for kind in NOT_OURS:
        assert member.ask(BAD_TOKENS[kind](victim)) == REFUSAL, kind
    if end not in WITHOUT_A_USER:
        assert member.ask(WITHOUT_A_SESSION["iat beyond any session"](victim)) == REFUSAL
    if end in KEEPING_THE_HASH:
        assert member.ask(WITHOUT_A_SESSION["another jti"](victim)) == REFUSAL
        another = {**member.row, "jti_sha256": {"B": b"x" * 32}}
        tables().put_item(TableName=SESSIONS, Item=another)
        assert member.ask(member.token) == REFUSAL
    assert not [line for line in logged()[known:] if "reason" in line]


@pytest.mark.parametrize("end", ["deleted", "idle"])
def test_nothing_is_told_of_a_session_whose_row_is_gone(clock, end):
    """A login purges rows of ended sessions, and so does DynamoDB's TTL."""
    member = Member(clock)
    ENDS[end](member)
    tables().delete_item(TableName=SESSIONS, Key=member.key)
    assert member.ask(member.token) == REFUSAL


def test_a_path_that_names_a_session_that_is_over_tells_nothing(clock):
    member = Member(clock)
    ENDS["deleted"](member)
    answer = call("get_session", member.other, session=member.iat)
    assert (answer.status, answer.body) == (404, INVALID_SESSION)


def test_the_documents_have_these_words_and_no_others():
    """Events have one more: a ban is a 403 here, and may be lifted."""
    words = {end.partition(",")[0] for end in ENDS}
    assert set(resolved({"$ref": "#/components/schemas/EndReason"})["enum"]) == words
    table = (ROOT / "docs" / "events.md").read_text().partition("| reason | cause |")[2]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == words | {"banned"}
