"""Both clients have a class for each error of the contract, of its name, and no other."""

import inspect
import json
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

import sessions_client
from sessions_client import NetworkError, SessionsClient, SessionsError
from sessions_client.model import name_in_contract
from tests.support.contract import ERRORS
from tests.support.openapi import OPERATIONS, examples, resolved

NODE = shutil.which("node")
MODULE = Path(__file__).parents[2] / "clients" / "js" / "sessions.js"


class Error(NamedTuple):
    """What a client sees of an error."""

    status: int
    code: str
    message: str


def names() -> dict[Error, str]:
    """Return the name of each error: that of its class in the service, at whatever status."""
    classes = {type(error) for error in ERRORS}
    contract = {Error(each.status, each.code, each.message): each.__name__ for each in classes}
    by_code = {error.code: name for error, name in contract.items()}
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            for example in examples(answer) if int(status) >= 400 else []:
                error = Error(int(status), example["code"], example["message"])
                contract[error] = by_code[error.code]
    # Here the token counts and the session in the path does not: no reason to log in.
    contract[Error(404, "INVALID_SESSION_ERROR", "Invalid Session")] = "SessionMissing"
    return contract


CONTRACT = names()


def python_errors() -> dict[Error, str]:
    """Return the name of the class that the Python client raises for each."""
    names = {}
    for error in CONTRACT:
        answer = httpx.Response(error.status, json=error._asdict() | {"fields": ["user"]})
        http = httpx.Client(transport=httpx.MockTransport(lambda _, answer=answer: answer))
        with pytest.raises(SessionsError) as raised, http:
            SessionsClient("http://service/api", http_client=http, retries=0).current_session()
        seen = raised.value
        assert Error(seen.status or 0, seen.code or "", str(seen)) == error
        names[error] = type(seen).__name__
    return names


def test_python_names_each_as_the_contract_does() -> None:
    assert python_errors() == CONTRACT


def test_python_has_no_other_errors() -> None:
    exported = inspect.getmembers(sessions_client, inspect.isclass)
    classes = {name for name, kind in exported if issubclass(kind, SessionsError)}
    assert classes - {SessionsError.__name__, NetworkError.__name__} == set(CONTRACT.values())


def test_a_session_has_the_attributes_of_the_contract_in_python() -> None:
    contract = resolved({"$ref": "#/components/schemas/Session"})
    attributes = {name_in_contract(field.name) for field in fields(sessions_client.Session)}
    assert attributes == set(contract["properties"])


PROGRAM = """
const [, , module, contract] = process.argv;
const sessions = await import(module);
const seen = [];
for (const [status, code, message] of JSON.parse(contract)) {
  const body = JSON.stringify({ code, message, fields: ["user"] });
  const fetch = async () => new Response(body, { status });
  const client = new sessions.SessionsClient("http://service/api", { fetch, retries: 0 });
  const error = await client.currentSession().catch((reason) => reason);
  seen.push([error.status, error.code, error.message, error.name]);
}
const isError = (name) => sessions[name].prototype instanceof Error;
const classes = Object.keys(sessions).filter(isError);
console.log(JSON.stringify({ seen, classes }));
"""


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_javascript_names_each_alike_and_has_no_other_errors() -> None:
    node = subprocess.run(
        [str(NODE), "--input-type=module", "-", MODULE.as_uri(), json.dumps(list(CONTRACT))],
        input=PROGRAM,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = json.loads(node.stdout)
    assert {Error(*error): name for *error, name in shown["seen"]} == CONTRACT
    assert set(shown["classes"]) - {"SessionsError", "NetworkError"} == set(CONTRACT.values())
