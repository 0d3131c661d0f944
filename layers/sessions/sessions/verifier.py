"""The Verifier: whose session a token proves, asked by other services of the product.

It runs in their processes. So it reads no environment, makes no client and needs no key: the tables
are all it has, and docs/verify.md says what else a service must do.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from sessions import clock, proof
from sessions.errors import InvalidSession, StaleSession, Unavailable
from sessions.items import Item, from_item
from sessions.model import Session, Standing
from sessions.request import token_in
from sessions.retries import until_processed
from sessions.session_epoch import epoch_in, shard_key


class VerifiedSession(NamedTuple):
    """A session that counts. Times are epoch seconds.

    Attributes:
        user: the user's ID.
        id: the session's ID, which is its token's `iat`.
        created: when the user logged in.
        expires: when the session ends at the latest.
        name: the session's name, such as `Chrome on Windows`.
        method: how the user was authenticated: `password`, or what the back end said that did it.
        by: who else began the session for the user, such as a support agent; None if nobody did.
    """

    user: str
    id: int
    created: int
    expires: int
    name: str
    method: str
    by: str | None = None


class Verifier:
    """Says whose session a token proves: one strongly consistent read for each call.

    It may be used by several threads at once.

    Args:
        dynamodb: a client of boto3 or botocore for DynamoDB; its time-outs and retries are yours.
        sessions_table: the name of the table Sessions, the stack's output `SessionsTable`.
        users_table: the name of the table Users, the stack's output `UsersTable`.
    """

    def __init__(self, dynamodb: Any, *, sessions_table: str, users_table: str) -> None:
        self._dynamodb = dynamodb
        self._sessions_table = sessions_table
        self._users_table = users_table

    def verify(self, token: str, *, max_age: int | None = None) -> VerifiedSession:
        """Return the session that `token` proves.

        Args:
            token: the token alone, as `presented_token` finds it.
            max_age: how many seconds ago the user logged in at most; None for any time.

        Raises:
            InvalidSession: the token does not prove a live session.
            Banned: it does, and its user is banned.
            StaleSession: it does, and the user logged in longer ago.
            Unavailable: DynamoDB does not answer, or refuses; the cause says why.
            ValueError: `max_age` is below 0.
        """
        if max_age is not None and max_age < 0:
            raise ValueError("max_age is below 0")
        now = clock.epoch_seconds()
        _, _, claims = proof.read_token(token)
        if claims.exp <= now:
            raise InvalidSession  # without the reason: nothing proves yet whose token it is
        user, session_epoch, found = self._read(claims)
        _, session = proof.check(claims, user, found, session_epoch, now)
        if max_age is not None and now - session.began_at > max_age:
            raise StaleSession(max_age)
        return VerifiedSession(
            session.user,
            session.iat,
            session.began_at,
            session.ends_at,
            session.name,
            session.method,
            session.by,
        )

    def _read(self, claims: proof.Claims) -> tuple[Standing | None, int, Session | None]:
        """Return the user, the session epoch and the session that the claims name."""
        request = {
            self._users_table: {
                "Keys": [{"id": {"S": claims.sub}}, shard_key(claims.sub)],
                **_OF_USERS,
            },
            self._sessions_table: {
                "Keys": [{"user": {"S": claims.sub}, "iat": {"N": str(claims.iat)}}],
                **_OF_SESSIONS,
            },
        }
        users: list[Item] = []
        sessions: list[Item] = []
        try:
            for answer in until_processed(
                self._dynamodb.batch_get_item, "UnprocessedKeys", request
            ):
                users += answer["Responses"].get(self._users_table, ())
                sessions += answer["Responses"].get(self._sessions_table, ())
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
        standing = [from_item(Standing, item) for item in users if item["id"]["S"] == claims.sub]
        found = [from_item(Session, item) for item in sessions]
        return (standing[0] if standing else None), epoch_in(users), (found[0] if found else None)


def presented_token(
    authorizations: Sequence[str], cookie: str | None = None, fetch_site: str | None = None
) -> str:
    """Return the token that a request presents; empty where it presents none.

    A cookie counts only if the browser says that a page of the same origin, or nobody's page, sends
    it: other pages can have it sent along, too (W3C Fetch Metadata, `Sec-Fetch-Site`, which no page
    can set).

    Args:
        authorizations: the values of the header `Authorization`.
        cookie: the value of the cookie that holds the token, if the product has one.
        fetch_site: the value of the header `Sec-Fetch-Site`.
    """
    if not authorizations and cookie and fetch_site in {"same-origin", "none"}:
        return cookie
    return token_in(authorizations)


def _projection(names: Sequence[str]) -> dict[str, Any]:
    """Return the part of a read that asks for these attributes alone."""
    # Some of them are words that DynamoDB reserves.
    substitutes = {f"#{number}": name for number, name in enumerate(names)}
    return {
        "ConsistentRead": True,
        "ProjectionExpression": ", ".join(substitutes),
        "ExpressionAttributeNames": substitutes,
    }


# What is read, which the output VerifySessionsPolicy allows: nothing that names or proves a user.
USERS_ATTRIBUTES = (*Standing._fields, "session_epoch")
SESSIONS_ATTRIBUTES = Session._fields
_OF_USERS = _projection(USERS_ATTRIBUTES)
_OF_SESSIONS = _projection(SESSIONS_ATTRIBUTES)
