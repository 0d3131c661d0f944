"""The API, and the authorizer of other APIs, on the vectors that Verifiers are held to."""

from collections.abc import Iterator

import pytest

from sessions.dynamodb import SESSIONS, USERS
from sessions.model import ACCOUNT_DELETED
from sessions.session_epoch import shard_key
from sessions.signing_keys import signing_keys
from tests.support.calls import call
from tests.support.contract import (
    BANNED,
    HEADERS,
    INVALID_SESSION,
    UNAUTHORIZED_HEADERS,
    session_over,
)
from tests.support.gateways import HTTP_2, asked, outcome
from tests.support.rows import tables
from tests.support.vectors import FILE, ISSUER, KEY, KID, Vector, vectors

pytestmark = pytest.mark.usefixtures("aws")

# What the API tells and a Verifier cannot: that takes the signature.
TOLD_BY_THE_API = {
    "a revoked row, which has no hash any more": "deleted",
    "exp past": "expired",
    "exp now": "expired",
    "the token expires in this second": "expired",
    **dict.fromkeys(("no user", "no user, where everyone's epoch is known"), ACCOUNT_DELETED),
    **dict.fromkeys(("neither", "well signed, sub of no user"), ACCOUNT_DELETED),
    "well signed, sub of another user": ACCOUNT_DELETED,
    "well signed, sub in another case": ACCOUNT_DELETED,
    "well signed, sub the username": ACCOUNT_DELETED,
    "well signed, iat of no session": "expired",
}


@pytest.fixture(params=vectors(), ids=lambda vector: vector.name)
def vector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vector]:
    """A vector, with its rows in the tables; those of the session epoch are put back."""
    vector: Vector = request.param
    monkeypatch.setattr("sessions.endpoint.ISSUER", ISSUER)
    monkeypatch.setattr(signing_keys, "key", lambda kid, _: KEY.encode() if kid == KID else None)
    epoch = shard_key(FILE["user"]["id"]["S"])
    before = tables().get_item(TableName=USERS, Key=epoch).get("Item")
    keys = [(USERS, epoch), (USERS, {"id": FILE["user"]["id"]})]
    for table, rows in ((USERS, vector.rows["users"]), (SESSIONS, vector.rows["sessions"])):
        for row in rows:
            key = {name: row[name] for name in ("id", "user", "iat") if name in row}
            if table == SESSIONS:
                keys.append((table, key))
            if (table, key) in keys:
                tables().put_item(TableName=table, Item=row)
    yield vector
    for table, key in keys:
        tables().delete_item(TableName=table, Key=key)
    if before:
        tables().put_item(TableName=USERS, Item=before)


def test_the_api_has_the_verdict_of_each_vector(clock, vector):
    clock.now = vector.now
    answer = call("get_current_session", vector.token)
    if vector.api == "session":
        assert answer.status == 200
        shown = answer.body
        assert vector.verified == {
            "user": shown["sub"],
            "id": shown["iat"],
            "created": shown["createdAt"],
            "expires": shown["exp"],
            "name": shown["name"],
            "method": shown["method"],
            "by": shown.get("by"),
        }
    elif vector.api == "Banned":
        assert answer == (403, HEADERS, BANNED)
    else:
        reason = vector.reason or TOLD_BY_THE_API.get(vector.name)
        told = session_over(reason) if reason else INVALID_SESSION
        assert answer == (401, UNAUTHORIZED_HEADERS, told)


def test_the_authorizer_has_the_verdict_of_each_vector(clock, vector):
    """It checks no signature, reads a header as the API does, and takes a session of any age."""
    clock.now = vector.now
    status, context = outcome(HTTP_2, asked(HTTP_2, vector.token))
    if "session" in {vector.verdict, vector.api}:
        assert status == 200
        names = {"user": "user", "session": "id", "expires": "expires", "name": "name"}
        names |= {"method": "method", "by": "by"}
        expected = {ours: vector.verified[theirs] for ours, theirs in names.items()}
        assert context == {name: str(it) for name, it in expected.items() if it is not None}
    else:
        reason = {"reason": vector.reason} if vector.reason else {}
        error = {"InvalidSession": INVALID_SESSION, "Banned": BANNED}[vector.verdict]
        assert (status, context) == (403, {"code": error["code"], **reason})
