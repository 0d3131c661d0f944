"""Account operations: functions without a route, which operators invoke with IAM rights.

Only they import this: pydantic costs a cold start 60 ms, which operators can wait for.
"""

import functools
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sessions import clock, session_store, user_store
from sessions.dynamodb import can_be_key
from sessions.errors import AccountError, InvalidInput, UnknownUser
from sessions.logins import login_key
from sessions.model import Session, User
from sessions.telemetry import count, logger

_LONGEST_LOGGED = 320  # as long as a name may be

Event = dict[str, Any]
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
        @functools.wraps(handle)
        def handler(event: Event, context: Any) -> dict[str, Any]:
            now = clock.epoch_seconds()
            audit: dict[str, Any] = {
                "operation": operation,
                "actor": _actor(event, context),
                "user": _text(event, "id"),
                "login": _text(event, "login"),
                "at": now,
                "correlation_id": getattr(context, "aws_request_id", ""),
            }
            try:
                result = handle(event, now)
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


class UserSelector(OperationInput):
    """A user, by a name or address to log in with, or by ID."""

    login: str | None = Field(default=None, max_length=320)
    id: str | None = Field(default=None, max_length=256, pattern=r"^[A-Za-z0-9_-]+$")


def _can_log_in(name: str) -> str:
    if not can_be_key(login_key(name)):
        raise ValueError("no key of DynamoDB")
    return name


def _is_no_address(name: str) -> str:
    """Refuse a name that is an address once it is compared, so that no user can take another's."""
    if "@" in login_key(name):
        raise ValueError("an address")
    return name


Username = Annotated[
    str,
    AfterValidator(_can_log_in),
    AfterValidator(_is_no_address),
    Field(max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$"),
]
Email = Annotated[
    str,
    AfterValidator(_can_log_in),
    Field(max_length=320, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$"),
]
Password = Annotated[str, Field(max_length=1024)]

_Input = TypeVar("_Input", bound=OperationInput)


def parse_input(event: object, model: type[_Input]) -> _Input:
    """Return an account operation's input as a `model`.

    Raises:
        InvalidInput: it names the fields that are absent or wrong.
    """
    try:
        return model.model_validate(event)
    except ValidationError as error:
        details = error.errors()
        fields = dict.fromkeys(str(detail["loc"][0]) for detail in details if detail["loc"])
        raise InvalidInput(", ".join(fields) or "not an object") from None


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
