"""Both clients know every error of the contract, each by its own class, and no other."""

import inspect
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

import sessions_client
from sessions import errors
from sessions_client import NetworkError, SessionsClient, SessionsError
from tests.support.openapi import OPERATIONS, resolved

NODE = shutil.which("node")
MODULE = Path(__file__).parents[2] / "clients" / "js" / "sessions.js"
# What JavaScript calls otherwise than the contract does, but for the `Error` at the end.
IN_JAVASCRIPT = {"SessionMissing": "SessionNotFound", "InvalidEndpoint": "EndpointNotFound"}


class Error(NamedTuple):
    """What a client sees of an error."""

    status: int
    code: str
    message: str


def names() -> dict[Error, str]:
    """Return what the contract calls each error.

    It is the service's own word; what is a 404 for want of a session has one name, though.
    """
    found = {
        Error(refusal.status, refusal.code, refusal.message): refusal.__name__
        for refusal in errors.Refusal.__subclasses__()
    }
    by_code = {error.code: name for error, name in found.items() if error.status != 404}
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = resolved(answer)["content"]["application/json"]["schema"]
                words = resolved(schema)["properties"]
                error = Error(int(status), words["code"]["const"], words["message"]["const"])
                if error not in found:  # made by the gateway alone, of a name that there is
                    found[error] = by_code[error.code]
    missing = errors.NoSuchSession
    found[Error(missing.status, missing.code, missing.message)] = errors.SessionMissing.__name__
    return found


CONTRACT = names()


def python_errors() -> dict[Error, str]:
    """Return the class that the Python client raises for each."""
    found = {}
    for error in CONTRACT:
        answer = httpx.Response(error.status, json=error._asdict() | {"fields": ["user"]})
        http = httpx.Client(transport=httpx.MockTransport(lambda _, answer=answer: answer))
        with pytest.raises(SessionsError) as raised, http:
            SessionsClient("http://service/api", http_client=http, retries=0).current_session()
        seen = raised.value
        assert Error(seen.status or 0, seen.code or "", str(seen)) == error
        found[error] = type(seen).__name__
    return found


def test_python_names_each_as_the_contract_does() -> None:
    assert python_errors() == CONTRACT


def test_python_has_no_other_errors() -> None:
    exported = inspect.getmembers(sessions_client, inspect.isclass)
    classes = {name for name, kind in exported if issubclass(kind, SessionsError)}
    assert classes - {SessionsError.__name__, NetworkError.__name__} == set(CONTRACT.values())


PROGRAM = """
const [, , module, contract] = process.argv;
const sessions = await import(module);
const seen = [];
for (const [status, code, message] of JSON.parse(contract)) {
  const body = JSON.stringify({ code, message, fields: ["user"] });
  const fetch = async () => new Response(body, { status });
  const client = new sessions.SessionsClient("http://service/api", { fetch, retries: 0 });
  const error = await client.currentSession().catch((reason) => reason);
  seen.push([error.status, error.code, error.message, error.constructor.name]);
}
const classes = Object.keys(sessions).filter((name) => name.endsWith("Error"));
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
    expected = {error: f"{IN_JAVASCRIPT.get(name, name)}Error" for error, name in CONTRACT.items()}
    assert {Error(*error): name for *error, name in shown["seen"]} == expected
    assert set(shown["classes"]) - {"SessionsError", "NetworkError"} == set(expected.values())
