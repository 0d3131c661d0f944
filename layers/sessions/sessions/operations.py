"""Account operations: functions without a route, which operators invoke with IAM rights.

Only they import this: pydantic costs a cold start 60 ms, which operators can wait for.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from sessions import clock, session_store, user_store
from sessions.dynamodb import can_be_key
from sessions.errors import (
    AccountError,
    Banned,
    ChangedMeanwhile,
    InvalidInput,
    InvalidPassword,
    InvalidUser,
    UnknownUser,
    UserBanned,
)
from sessions.logins import Login, is_defined, is_domain, is_visible, login_key
from sessions.model import Session, User
from sessions.telemetry import count, logger

_LONGEST_LOGGED = 320  # as long as a name may be

Event = dict[str, Any]
Audit = dict[str, Any]
LambdaHandler = Callable[[Event, Any], dict[str, Any]]


def account_operation(
    operation: str, outcome: str
) -> Callable[[Callable[[Event, int], dict[str, object]]], LambdaHandler]:
    """Make a handler of the account operation that has this name; `outcome` is its metric.

    The handler gets the event and the time, in epoch seconds. Its exceptions fail the invocation,
    so that `aws lambda invoke` shows a FunctionError with their words. Each call writes one line
    for the audit: the actor, the operation, the user and the time.
    """

    def decorate(handle: Callable[[Event, int], dict[str, object]]) -> LambdaHandler:
        @audited_operation(operation, outcome)
        @functools.wraps(handle)
        def handler(event: Event, now: int, audit: Audit) -> dict[str, object]:
            return handle(event, now)

        return handler

    return decorate


def audited_operation(
    operation: str, outcome: str
) -> Callable[[Callable[[Event, int, Audit], dict[str, object]]], LambdaHandler]:
    """Do as `account_operation`, for a handler that also gets the audit's line, to add to it."""

    def decorate(handle: Callable[[Event, int, Audit], dict[str, object]]) -> LambdaHandler:
        @functools.wraps(handle)
        def handler(event: Event, context: Any) -> dict[str, Any]:
            now = clock.epoch_seconds()
            audit: Audit = {
                "operation": operation,
                "actor": _actor(event, context),
                "user": _text(event, "id"),
                "login": _text(event, "login"),
                "at": now,
                "correlation_id": getattr(context, "aws_request_id", ""),
            }
            try:
                result = handle(event, now, audit)
            except AccountError as error:
                logger.info("OperationRefused", **audit, reason=str(error))
                count(operation, "OperationRefused")
                raise
            except Exception:
                logger.exception("OperationFailed", **audit)
                count(operation, "OperationFailed")
                raise
            logger.info(outcome, **{**audit, "user": result.get("id", audit["user"])})
            count(operation, outcome)
            return result

        return handler

    return decorate


def _actor(event: Any, context: Any) -> str | None:
    """Return the caller: Lambda tells only of callers that Amazon Cognito knows."""
    identity = getattr(context, "identity", None)
    return getattr(identity, "cognito_identity_id", None) or _text(event, "actor")


def _text(event: Any, name: str) -> str | None:
    value = event.get(name) if isinstance(event, dict) else None
    return value[:_LONGEST_LOGGED] if isinstance(value, str) else None


class OperationInput(BaseModel):
    """The input of an operation, in which its caller may give its own name.

    Types are exact (a number is no string), no string is empty, and unknown members are ignored.
    """

    model_config = ConfigDict(strict=True, frozen=True, str_min_length=1)

    actor: str | None = Field(default=None, max_length=256)


def _is_name(name: str) -> str:
    if any(map(str.isspace, name)) or not is_defined(name):
        raise ValueError("it has white space, a control character or an undefined one")
    key = login_key(name)
    if key and not can_be_key(key):
        raise ValueError("it is too long")
    return name


def _is_username(name: str) -> str:
    """Refuse a name that is an address once it is compared, so that no user can take another's."""
    key = login_key(name)
    if "@" in key:
        raise ValueError("it is an address")
    if not is_visible(key):
        raise ValueError("nothing in it is visible")
    return name


def _is_address(name: str) -> str:
    local, _, domain = login_key(name).rpartition("@")
    if "@" in local:
        raise ValueError("it has a second @")
    if not is_visible(local) or not is_visible(domain):
        raise ValueError("nothing is visible before or after its @")
    if not is_domain(domain):
        raise ValueError("its domain is no domain name")
    return name


_TRIMMED = StringConstraints(strip_whitespace=True)
Username = Annotated[
    str,
    _TRIMMED,
    Field(max_length=64),
    AfterValidator(_is_name),
    AfterValidator(_is_username),
]
Email = Annotated[
    str,
    _TRIMMED,
    Field(max_length=320, pattern=r"^[^@]+@[^@]+$"),
    AfterValidator(_is_name),
    AfterValidator(_is_address),
]


UserId = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_-]+$")]


class UserSelector(OperationInput):
    """A user, by a name or address to log in with, or by ID."""

    login: Annotated[str, _TRIMMED, Field(max_length=320)] | None = None
    id: UserId | None = None


class Page(OperationInput):
    """At most `limit` users: the first ones, or those that come behind an ID.

    That may be one of a row of the session epoch: the table Users has these, too.
    """

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_#-]+$")] | None = None


_Input = TypeVar("_Input", bound=OperationInput)


def parse_input(event: object, model: type[_Input]) -> _Input:
    """Return an account operation's input as a `model`; a member that is null counts as absent.

    Raises:
        InvalidInput: it names the fields that are absent or wrong, and says why where we know.
    """
    if isinstance(event, dict):
        event = {name: value for name, value in event.items() if value is not None}
    try:
        return model.model_validate(event)
    except ValidationError as error:
        fields: dict[str, str] = {}
        for detail in error.errors():
            if detail["loc"]:
                reason = detail.get("ctx", {}).get("error")  # of a check of our own
                name = str(detail["loc"][0])
                fields.setdefault(name, f"{name} ({reason})" if reason else name)
        raise InvalidInput(", ".join(fields.values()) or "not an object") from None


def resolve_user(selector: UserSelector) -> str:
    """Return the ID of the selected user; a user selected by ID need not exist.

    Raises:
        InvalidInput: it selects no user, or selects in two ways.
        UnknownUser: no user has that name or address.
        Unavailable: DynamoDB does not answer.
    """
    if (selector.login is None) == (selector.id is None):
        raise InvalidInput("login or id, one of them")
    if selector.id is not None:
        return selector.id
    login = user_store.find_login(selector.login or "")
    if login is None:
        raise UnknownUser
    return login.user


def read_user(selector: UserSelector) -> User:
    """Return the selected user.

    Raises:
        InvalidInput: it selects no user, or selects in two ways.
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    user = user_store.read_user(resolve_user(selector))
    if user is None:
        raise UnknownUser
    return user


def read_user_and_epoch(selector: UserSelector) -> tuple[User, int]:
    """Return the selected user and the session epoch.

    Raises:
        InvalidInput: it selects no user, or selects in two ways.
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    user, session_epoch, _ = session_store.read_user_and_sessions(resolve_user(selector), ())
    if user is None:
        raise UnknownUser
    return user, session_epoch


def read_user_and_sessions(selector: UserSelector) -> tuple[User, int, list[Session]]:
    """Return what `read_user_and_epoch` does, and every session row, newest first."""
    user, session_epoch = read_user_and_epoch(selector)
    return user, session_epoch, session_store.query_sessions(user.id)


def read_login_and_epoch(selector: UserSelector) -> tuple[Login, int]:
    """Return a login of the selected user, and the session epoch: one round trip.

    Raises:
        InvalidInput: it selects no user, or selects in two ways.
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    if selector.login is None or selector.id is not None:
        user, session_epoch = read_user_and_epoch(selector)
        return user_store.login_of(user), session_epoch
    login, session_epoch = user_store.find_login_and_epoch(selector.login)
    if login is None:
        raise UnknownUser
    return login, session_epoch


@contextlib.contextmanager
def refusing_for_operators() -> Iterator[None]:
    """Refuse an account operation where a login would be refused."""
    try:
        yield
    except InvalidUser as error:
        raise UnknownUser from error
    except InvalidPassword as error:
        raise ChangedMeanwhile("the password was changed at this moment; try again") from error
    except Banned as error:
        raise UserBanned from error
