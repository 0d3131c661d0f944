"""How often a login may be tried. Only the login imports this, and what lifts its limits.

An attempt is counted before the password is hashed and released if the password was right, so that
guesses made at once cost no more hashes than the limits allow (OWASP Authentication Cheat Sheet,
"Login Throttling"). Windows are fixed and their number is part of a row's key, so it does not
matter when a row is deleted. Attempts are counted by the address that the gateway saw, or the
page's CloudFront (docs/decisions/0012), or a back end that the operator trusts (0020), and by
nothing that a client says.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from sessions import dynamodb, settings
from sessions.concurrent import run_concurrently
from sessions.dynamodb import ConditionFailed
from sessions.errors import InvalidPassword, InvalidUser, RateLimited
from sessions.items import Item
from sessions.logins import Login, login_key
from sessions.request import Request, address_block
from sessions.session_store import read_user_and_sessions
from sessions.telemetry import best_effort
from sessions.user_store import find_login_and_epoch, is_used_lately

WINDOW_SECONDS = settings.number("LOGIN_ATTEMPTS_SECONDS")
PER_NAME_AND_ADDRESS = settings.number("LOGIN_ATTEMPTS_PER_NAME_AND_ADDRESS")
PER_ADDRESS = settings.number("LOGIN_ATTEMPTS_PER_ADDRESS")
PER_NAME = settings.number("LOGIN_ATTEMPTS_PER_NAME")

_FROM_EVERYWHERE = "failures_from_everywhere"
_OF_ALL_NAMES = "failures"
_NOBODY = "#"  # users' IDs have no such character
_LIMITS = {_FROM_EVERYWHERE: "name", _OF_ALL_NAMES: "address"}


class Attempt:
    """One attempt to log in, as a context: it stays counted only if the login itself was wrong.

    `begin` counts it. A wrong name or password inside the block leaves it counted; any other end
    releases it, unless the block has done so already, beside its other calls. Unless unknown users
    are told, `InvalidUser` leaves the block as `InvalidPassword`.

    Attributes:
        address: the caller's address, or the network of it.
    """

    def __init__(
        self, request: Request, name: str, attempt_id: str, *, tell_unknown_users: bool
    ) -> None:
        """Prepare an attempt.

        Args:
            request: the request, with the caller's address and the time.
            name: the username or e-mail address, whether or not a user has it.
            attempt_id: a random ID; under it, a call that is made again counts once.
            tell_unknown_users: whether the caller may learn that nobody has the name.
        """
        # Without an address is an event that no gateway sends; DynamoDB takes no empty name.
        self.address = address_block(request.source_ip) or "unknown"
        self._request = request
        self._name = name
        self._id = attempt_id
        self._tells_unknown_users = tell_unknown_users
        window = request.now // WINDOW_SECONDS
        self._window_end = (window + 1) * WINDOW_SECONDS
        self._name_row = _name_row(name, window)
        self._address_row = f"address#{_digest(self.address)}#{window}"
        self._from_here = {f"failures_from_{_digest(self.address)}": PER_NAME_AND_ADDRESS}
        self._counted: dict[str, list[str]] = {}  # the counters by row

    def __enter__(self) -> Self:
        """Return the attempt itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the attempt, unless the name or the password was wrong."""
        if not isinstance(error, InvalidUser | InvalidPassword):
            self.release()
        elif isinstance(error, InvalidUser) and not self._tells_unknown_users:
            raise InvalidPassword from error

    def begin(self) -> tuple[Login | None, int]:
        """Count the attempt, and read meanwhile what `find_login_and_epoch` returns.

        Raises:
            RateLimited: too many attempts were wrong, or are under way.
            Unavailable: the attempt cannot be counted, and so must not be made.
        """
        of_the_name = {**self._from_here, _FROM_EVERYWHERE: PER_NAME}
        of_the_address = {_OF_ALL_NAMES: PER_ADDRESS}
        full_of_name, full_of_address, (login, session_epoch) = run_concurrently(
            partial(self._count, self._name_row, of_the_name),
            partial(self._count, self._address_row, of_the_address),
            partial(find_login_and_epoch, self._name),
        )
        if full_of_name == _FROM_EVERYWHERE and self._is_from_a_trusted_address(login):
            full_of_name = self._count(self._name_row, self._from_here)
        if full := full_of_name or full_of_address:
            self._request.log["limit"] = _LIMITS.get(full, "name and address")
            limit = (of_the_name | of_the_address)[full]
            raise RateLimited(limit, self._window_end, self._request.now)
        return login, session_epoch

    def release(self) -> None:
        """Count the attempt no more; a failure only makes the limits stricter for a while."""
        counted, self._counted = self._counted, {}
        with best_effort("release_attempt", self._request.request_id):
            run_concurrently(
                *(partial(remove_attempt, row, of, self._id) for row, of in counted.items())
            )

    def _count(self, row: str, limits: Mapping[str, int]) -> str | None:
        full = add_attempt(row, limits, self._id, self._window_end)
        if full is None:
            self._counted[row] = list(limits)
        return full

    def _is_from_a_trusted_address(self, login: Login | None) -> bool:
        """Say whether the user of this login logged in from this address lately.

        The limit from everywhere does not stop such an address. So guesses from elsewhere cannot
        lock the owner of an account out.
        A name that nobody has is looked up, too: else the time of the refusal would tell.
        """
        user, _, _ = read_user_and_sessions(login.user if login else _NOBODY, ())
        return user is not None and is_used_lately(user, self.address, self._request.now)


def add_attempt(row: str, limits: Mapping[str, int], attempt_id: str, expires: int) -> str | None:
    """Count an attempt under each counter of a row, unless one has reached its limit.

    A counter is a set of attempts' IDs, so that a write whose answer was lost counts once.

    Args:
        row: the row's key.
        limits: the most that each counter takes, by its name.
        attempt_id: the attempt's random ID.
        expires: when the row may be deleted, in epoch seconds.

    Returns:
        None, or the name of the first counter that is full; nothing was counted then.
    """
    names = {f"#counter{number}": name for number, name in enumerate(limits)}
    values: Item = {f":limit{n}": {"N": str(limit)} for n, limit in enumerate(limits.values())}
    room = " AND ".join(
        f"(attribute_not_exists({counter}) OR size({counter}) < {limit})"
        for counter, limit in zip(names, values, strict=True)
    )
    values |= {
        ":attempt": {"S": attempt_id},
        ":attempts": {"SS": [attempt_id]},
        ":expires": {"N": str(expires)},
    }
    try:
        dynamodb.call(
            "update_item",
            TableName=dynamodb.ATTEMPTS,
            Key={"key": {"S": row}},
            UpdateExpression=f"SET expires = :expires ADD {_each(names)}",
            ConditionExpression=f"contains(#counter0, :attempt) OR {room}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailed as error:
        item = error.item
        return next(name for name, limit in limits.items() if _size(item, name) >= limit)
    return None


def remove_attempt(row: str, counters: Iterable[str], attempt_id: str) -> None:
    """Take an attempt out of the counters of a row, if the row exists and they have it."""
    names = {f"#counter{number}": name for number, name in enumerate(counters)}
    with suppress(ConditionFailed):
        dynamodb.call(
            "update_item",
            TableName=dynamodb.ATTEMPTS,
            Key={"key": {"S": row}},
            UpdateExpression=f"DELETE {_each(names)}",
            ConditionExpression="attribute_exists(expires)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":attempts": {"SS": [attempt_id]}},
        )


def forget_attempts(names: Iterable[str], now: int) -> None:
    """Count no attempt with these names any more, from wherever; those of addresses stay counted.

    Raises:
        Unavailable: DynamoDB does not answer; some may be forgotten.
    """
    rows = [_name_row(name, now // WINDOW_SECONDS) for name in names]
    dynamodb.delete_items(dynamodb.ATTEMPTS, [{"key": {"S": row}} for row in rows])


def _name_row(name: str, window: int) -> str:
    """Return the key of the row that counts for a name, in all its spellings."""
    return f"name#{_digest(login_key(name))}#{window}"


def _each(counters: Iterable[str]) -> str:
    return ", ".join(f"{counter} :attempts" for counter in counters)


def _size(item: Item, counter: str) -> int:
    return len(item[counter]["SS"]) if counter in item else 0


def _digest(text: str) -> str:
    """Return a short text that stands for a name or an address in a key, without personal data."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
