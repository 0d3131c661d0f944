"""The input of account operations: whom they are about, and what names may be.

Only they import this: pydantic costs a cold start 60 ms, which operators can wait for.
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sessions import store
from sessions.errors import InvalidInput, UnknownUser
from sessions.model import Session, User, login_key


class OperationInput(BaseModel):
    """The input of an operation, in which its caller may say who it is.

    Types are exact (a number is no string), and unknown members are ignored.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    actor: str | None = Field(default=None, min_length=1, max_length=256)


class WhichUser(OperationInput):
    """A user, by the name or address that logs in, or by ID."""

    user: str | None = Field(default=None, min_length=1, max_length=320)
    id: str | None = Field(default=None, max_length=256, pattern=r"^[A-Za-z0-9_-]+$")


def _can_log_in(name: str) -> str:
    if not store.can_be_key(login_key(name)):
        raise ValueError("no key of DynamoDB")
    return name


def _is_no_address(name: str) -> str:
    """Refuse what is an address once it is compared, so that nobody can take another's."""
    if "@" in login_key(name):
        raise ValueError("an address")
    return name


Username = Annotated[
    str,
    AfterValidator(_can_log_in),
    AfterValidator(_is_no_address),
    Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$"),
]
Email = Annotated[
    str,
    AfterValidator(_can_log_in),
    Field(max_length=320, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$"),
]
Password = Annotated[str, Field(min_length=1, max_length=1024)]

Input = TypeVar("Input", bound=OperationInput)


def parse_input(event: object, model: type[Input]) -> Input:
    """Return an account operation's input as a `model`.

    Raises:
        InvalidInput: it names the fields that are absent or wrong.
    """
    try:
        return model.model_validate(event)
    except ValidationError as error:
        wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors() if each["loc"])
        raise InvalidInput(", ".join(wrong) or "not an object") from None


def find_user(which: WhichUser) -> str:
    """Return the ID of the user that `which` names; one named by ID need not exist.

    Raises:
        InvalidInput: it names nobody, or names one in two ways.
        UnknownUser: nobody has that name or address.
        Unavailable: DynamoDB does not answer.
    """
    if (which.user is None) == (which.id is None):
        raise InvalidInput("user or id, one of them")
    if which.id is not None:
        return which.id
    login = store.find_login(which.user or "")
    if login is None:
        raise UnknownUser
    return login.user


def read_user(which: WhichUser) -> User:
    """Return the user that `which` names.

    Raises:
        InvalidInput: it names nobody, or names one in two ways.
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    user = store.read_user(find_user(which))
    if user is None:
        raise UnknownUser
    return user


def read_user_and_sessions(which: WhichUser) -> tuple[User, list[Session]]:
    """Return the user that `which` names, and every session row of the user, newest first.

    Raises:
        InvalidInput: it names nobody, or names one in two ways.
        UnknownUser: there is no such user.
        Unavailable: DynamoDB does not answer.
    """
    # With everybody's generation, which says whether a session counts.
    user, _ = store.read_user_and_sessions(find_user(which), ())
    if user is None:
        raise UnknownUser
    return user, store.query_sessions(user.id)
