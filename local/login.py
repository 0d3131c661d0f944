"""A log-in at the service that runs, for an event that needs a live token."""

import json
import re
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import click
import jwt

from local.functions import functions_of, logical_id
from local.routes import api_of, paths_of
from local.service import SEED
from local.state import running
from local.template import Template

# What the events in events/ have in the place of a token and of a session's ID.
TOKEN, SESSION = "TOKEN", "1234567890"


class LoginError(Exception):
    """Nobody could be logged in."""


def event_as(login: str, event: str, template: Template, folder: Path) -> str:
    """Return an event with the token of a new session of a user, and the session's ID."""
    token = _log_in(login, template, folder)
    claims = jwt.decode(token, options={"verify_signature": False})
    event = re.sub(rf"\b{TOKEN}\b", token, event)
    return re.sub(rf"\b{SESSION}\b", str(claims["iat"]), event)


def _log_in(login: str, template: Template, folder: Path) -> str:
    service = running(folder)
    if service is None or service.url is None:
        raise LoginError(f"no service runs whose state is in {folder}; start one with `make run`")
    api = api_of(template)
    path = paths_of(api, functions_of(template)[logical_id("create_session")].arn)[0]
    form = urlencode({"user": login, "pass": _password(login)})
    connection = HTTPConnection(urlsplit(service.url).netloc, timeout=30)  # it asks no proxy
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Session-Name": "invoke"}
        connection.request("POST", f"/{api.stage}{path}", form, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise LoginError(f"{service.url} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != HTTPStatus.CREATED:
        raise LoginError(f"{login} cannot log in: {answer.get('message')}")
    return str(answer["token"])


def _password(login: str) -> str:
    if login in (SEED["username"], SEED["email"]):
        return SEED["password"]
    try:
        return str(click.prompt(f"Password of {login}", hide_input=True, err=True))
    except click.Abort:
        raise LoginError("no password was given") from None
