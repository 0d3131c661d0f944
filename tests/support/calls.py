"""Calling handlers as API Gateway and Lambda do, with an eye on what they show."""

import copy
import importlib
import json
from typing import Any, NamedTuple

from tests.support.events import event_for
from tests.support.leaks import PASSWORD, Watch, token_of
from tests.support.operations import ROUTES

watch = Watch(PASSWORD)


class Answer(NamedTuple):
    """What a client would see."""

    status: int
    headers: dict[str, str]
    body: Any


def handler_of(name: str) -> Any:
    """Return the handler of the folder `functions/<name>`."""
    return importlib.import_module(f"functions.{name}.app").handler


def invoke(name: str, event: Any, context: Any = None) -> Any:
    """Invoke a function, as Lambda does: the event is the function's own copy."""
    handler = handler_of(name)
    with watch.listening():
        try:
            answer = handler(copy.deepcopy(event), context)
        except Exception as error:
            watch.answered(f"{type(error).__name__}: {error}")
            raise
    shown = copy.deepcopy(answer)
    if name == "export_users":  # the one answer that has hashes
        for user in shown["items"]:
            del user["password_hash"]
    watch.answered(json.dumps(shown), token_of(_shown(name, answer)))
    return answer


def _shown(name: str, answer: Any) -> Any:
    """Return what the answer shows, where it may show the token that it tells of."""
    if name == "create_session" and answer["statusCode"] == 201:
        return {"token": token_of(json.loads(answer["body"]), answer["headers"].get("Set-Cookie"))}
    return answer if name == "issue_session" else None


def call(name: str, token: str | None = None, **changes: Any) -> Answer:
    """Call the handler of a route; the arguments are those of `event_for`."""
    answer = invoke(name, event_for(name, token, **changes))
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def call_route(name: str, token: str | None, session: int, headers: Any = None) -> Answer:
    """Make the usual request of a route that needs a token; `session` is what it acts on."""
    return call(name, token, **ROUTES[name].request(session=session), headers=headers)
