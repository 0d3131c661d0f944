"""Begin a session for a user whom a back end has authenticated. Invoked with IAM rights; no route.

The back end's word is the proof here, as a password is at the login: whoever may invoke this
function is any user. What comes after the proof is the login's own code.
"""

import ipaddress
import secrets
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from sessions.errors import InvalidInput
from sessions.logins import is_visible
from sessions.model import Session
from sessions.operations import (
    Audit,
    UserSelector,
    audited_operation,
    parse_input,
    read_login_and_epoch,
    refusing_for_operators,
)
from sessions.request import address_block
from sessions.session_issue import (
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    issue_session,
)
from sessions.session_name import session_name


def is_shown(text: str) -> str:
    """Refuse what a page or a terminal would not show as it is."""
    if not text.isprintable() or not is_visible(text):
        raise ValueError("it has a character that cannot be seen, or none that can")
    return text


def is_address(text: str) -> str:
    """Return the address without the zone of an IPv6 address, which could be any text."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("it is no IP address") from None
    return text.partition("%")[0]


class NewSession(UserSelector):
    """The session to begin: of which user, and how that user was authenticated.

    The method is a word for programs, which compare it and keep it in logs and metrics: so it has
    few characters, all in one case (as the values of RFC 8176's `amr` have), and no spelling of it
    looks like another.
    """

    method: Annotated[str, Field(max_length=32, pattern=r"^[a-z0-9_.-]+$")]
    name: str = ""
    seconds: Annotated[int, Field(ge=1, le=REMEMBERED_SESSION_SECONDS)] | None = None
    remember: bool | None = None
    by: Annotated[str, Field(max_length=256), AfterValidator(is_shown)] | None = None
    address: Annotated[str, Field(max_length=64), AfterValidator(is_address)] | None = None


@audited_operation("issue_session", "UserSessionIssued")
def handler(event: dict[str, Any], now: int, audit: Audit) -> dict[str, object]:
    """Begin the session as a login does, unless the user is banned.

    The address of whoever acts for the user is none of the user's: it is not known again.
    """
    new = parse_input(event, NewSession)
    if new.seconds is not None and new.remember is not None:
        raise InvalidInput("seconds or remember, one of them")
    audit |= {"method": new.method, "by": new.by}
    login, session_epoch = read_login_and_epoch(new)
    lasts = REMEMBERED_SESSION_SECONDS if new.remember else new.seconds or SESSION_SECONDS
    name = session_name((new.name, f"Session by {new.method}"), "")
    with refusing_for_operators():
        token, session = issue_session(
            login,
            Session(
                login.user,
                0,
                now + lasts,
                name,
                session_epoch=session_epoch,
                created_at=now,
                method=new.method,
                by=new.by,
                address=new.address,
            ),
            secrets.token_urlsafe(16),
            now,
            audit["correlation_id"],
            address=address_block(new.address) if new.address and new.by is None else None,
        )
    return {"id": login.user, "token": token, "exp": session.ends_at, "session": session.as_json()}
