"""For each function: its event, and how a success and a refusal look."""

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from sessions import errors
from tests.support.events import EVENTS, load_event

Call = Callable[[str, Any], Any]
"""Calls the function of a name with an event; an exception is a dict with `errorType`."""

NOBODY = "nobody"
WITHOUT_A_USER = {"revoke_everyone", "rotate_signing_key", "list_signing_keys"}
ON_A_USER = {
    *("set_password", "ban_user", "unban_user", "list_user_sessions", "revoke_user_sessions"),
    *("delete_user", "export_user", "rename_user"),
}
_numbers = itertools.count(1)


class Login(NamedTuple):
    """A user who is logged in; the password is the name."""

    user: str
    username: str
    token: str
    iat: int


def new_login(call: Call) -> Login:
    """Create a user and log in, by the functions themselves."""
    username = f"user{next(_numbers)}"
    user = call("create_user", _new_user(username, password=username))["id"]
    answer = call("create_session", _for(username, "create_session"))
    assert answer["statusCode"] == 201, answer
    token = json.loads(answer["body"])["token"]
    claims = token.split(".")[1]
    iat = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iat"]
    return Login(user, username, token, iat)


def event_of(name: str, login: Login) -> Any:
    """Return the function's event with what it asks the reader to put there: a token, an ID."""
    if name == "create_user":
        return _new_user(f"{login.username}-2")
    if name == "rename_user":
        return {"id": login.user, "username": f"{login.username}-3"}
    return _for(login.username, name, login)


def check(name: str, answer: Any, login: Login, usage_plan_keys: str) -> None:
    """Hold the answer to `event_of` to what the function promises."""
    body: Any = json.loads(answer["body"]) if "body" in answer else None
    match name:
        case "authorize":
            assert _effect(answer) == "Allow", answer
            assert answer["principalId"] == login.user
            assert answer["usageIdentifierKey"] in usage_plan_keys.split(",")
        case "create_user":
            assert answer["username"] == f"{login.username}-2", answer
        case "ban_user":
            assert answer["id"] == login.user, answer
            assert answer["banned_at"] >= login.iat
        case "list_user_sessions" | "revoke_user_sessions":
            assert (answer["id"], answer["count"]) == (login.user, 1), answer
        case "revoke_everyone":
            assert answer["session_epoch"] > 0, answer
        case "export_user":
            assert answer["user"]["username"] == login.username, answer
        case "rotate_signing_key":
            assert answer["next"], answer
        case "publish_events":
            assert answer == {"batchItemFailures": []}
        case "list_signing_keys":
            assert "current" in {key["role"] for key in answer["keys"]}, answer
        case "unban_user" | "set_password" | "delete_user" | "rename_user":
            assert answer["id"] == login.user, answer
        case "create_session":
            assert answer["statusCode"] == 201, answer
            assert body.keys() == {"token", "exp"}
        case "list_sessions":
            assert answer["statusCode"] == 200, answer
            assert body["count"] == 1
        case "get_session" | "get_current_session":
            assert answer["statusCode"] == 200, answer
            assert (body["iat"], body["sub"]) == (login.iat, login.user)
        case "delete_session":
            assert answer["statusCode"] == 200, answer
            assert body["code"] == "GENERIC_SUCCESS"
        case _:
            assert answer["statusCode"] == 200, answer
            ended = 0 if name == "delete_all_sessions" else 1  # its event keeps the one in use
            assert body == {"count": ended, "type": "session"}


def refused_event_of(name: str, login: Login) -> Any:
    """Return the function's event as one that it must refuse."""
    if name == "create_user":
        return _new_user(login.username)
    if name == "publish_events":
        return {"Records": [{"eventID": "of nothing"}]}
    if name in WITHOUT_A_USER:
        return {"actor": 5}
    return _for(NOBODY, name)


def check_refusal(name: str, answer: Any) -> None:
    """Hold the answer to `refused_event_of` to the refusal that fits."""
    match name:
        case "authorize":
            assert _effect(answer) == "Deny", answer
        case "publish_events":  # what nobody can read holds up nothing
            assert answer == {"batchItemFailures": []}
        case "create_user":
            assert answer["errorType"] == errors.UserTaken.__name__, answer
        case name if name in WITHOUT_A_USER:
            assert answer["errorType"] == errors.InvalidInput.__name__, answer
        case name if name in ON_A_USER:
            assert answer["errorType"] == errors.UnknownUser.__name__, answer
        case _:
            refusal = errors.InvalidUser() if name == "create_session" else errors.InvalidSession()
            assert answer["statusCode"] == refusal.status, answer
            assert json.loads(answer["body"]) == refusal.body()


def _new_user(username: str, **changes: str) -> Any:
    names = {"username": username, "email": f"{username}@example.com"}
    return {**load_event("create_user"), **names, **changes}


def _for(username: str, name: str, login: Login | None = None) -> Any:
    text = (EVENTS / f"{name}.json").read_text().replace("joe", username)
    if login:
        text = text.replace("TOKEN", login.token).replace("1234567890", str(login.iat))
    return json.loads(text)


def _effect(policy: Any) -> str:
    (statement,) = policy["policyDocument"]["Statement"]
    effect: str = statement["Effect"]
    return effect
