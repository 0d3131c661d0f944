"""An operator's day with sessionctl, at a gateway with the real functions.

tests/gateway/test_walkthrough.py types its commands in a shell.
"""

import json
import os
import shlex
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import httpx
import pytest

from sessionctl.__main__ import main
from tests.support.leaks import PASSWORD
from tests.support.service import Service, Start

FIRST, SECOND = PASSWORD, f"{PASSWORD}, and longer"


class Operator:
    """An operator at a command line, and a user who logs in."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def types(self, line: str, given: str = "", code: int = 0) -> str:
        """Run the command; return its output, that on standard error if it should fail."""
        gateway = self._service.url.removesuffix("/api")
        printed, errors = StringIO(), StringIO()
        with (
            redirect_stdout(printed),
            redirect_stderr(errors),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr("sys.stdin", TextIOWrapper(BytesIO(given.encode())))
            ended = main(["--local", gateway, *shlex.split(line)])
        assert ended == code, (line, printed.getvalue(), errors.getvalue())
        return (errors if code else printed).getvalue()

    def log_in(self, user: str, password: str) -> httpx.Response:
        named = {"user": user, "pass": password}
        return httpx.post(f"{self._service.url}/user/session", json=named, timeout=30)

    def let_the_next_key_sign(self) -> None:
        """Have it look as old as it must be, instead of waiting for a minute."""
        secret = {"SecretId": os.environ["SIGNING_KEYS_SECRET"]}
        client = self._service.client("secretsmanager")
        key_set = json.loads(client.get_secret_value(**secret)["SecretString"])
        client.put_secret_value(**secret, SecretString=json.dumps(key_set | {"next_since": 0}))

    def status(self, login: httpx.Response) -> int:
        """Return the status of a login's session."""
        token = {"Authorization": f"Bearer {login.json()['token']}"}
        return httpx.get(f"{self._service.url}/user/session", headers=token).status_code


def test_an_operators_day_with_the_real_functions(start: Start, tmp_path: Path) -> None:
    operator = Operator(start("--no-rate-limit"))
    types, log_in, status = operator.types, operator.log_in, operator.status

    created = types("user create ann ann@example.com --json", given=f"{FIRST}\n")
    ann = json.loads(created)["id"]
    taken = types("user create ann ann@example.org", given=f"{FIRST}\n", code=1)
    assert "UserTaken" in taken
    session = log_in("ann", FIRST)
    assert status(session) == 200
    assert ann in types("user show ann@example.com")
    assert "1 live, 1 stored" in types(f"user show --id {ann}")

    types("user ban ann --reason spam --until 12h")
    assert status(session) == 403
    assert "spam" in types("user show ann")
    types("user unban ann")
    assert status(session) == 200

    types("user password ann --keep-sessions", given=f"{SECOND}\n")
    assert status(session) == 200
    assert log_in("ann", FIRST).status_code == 401
    types("user password ann", given=f"{FIRST}\r\n")
    assert status(session) == 401

    assert "eve, ann@example.com" in types("user rename ann --username eve")
    assert "UnknownUser" in types("user show ann", code=1)

    one, other = log_in("eve", FIRST), log_in("eve", FIRST)
    ids = [item["iat"] for item in json.loads(types("sessions list eve --json"))["items"]]
    assert len(ids) == 2
    assert str(ids[0]) in types("sessions list eve")
    assert "Revoked 1 session" in types(f"sessions revoke eve {ids[-1]} --yes")
    assert (status(one), status(other)) == (401, 200)
    types("sessions revoke eve --all --yes")
    assert status(other) == 401
    session, joes = log_in("eve", FIRST), log_in("joe", "joe")
    types("sessions revoke --everyone --yes")
    assert (status(session), status(joes)) == (401, 401)

    session = log_in("eve", FIRST)
    before = json.loads(types("keys list --json"))["keys"]
    current = next(key["kid"] for key in before if key["role"] == "current")
    assert current in types("keys rotate")
    assert status(session) == 200
    assert "NextKeyTooYoung" in types(f"keys rotate --drop {current} --yes", code=1)
    operator.let_the_next_key_sign()
    assert "dead in 360 seconds" in types(f"keys rotate --drop {current} --yes")
    assert "dropped" in types("keys list")
    assert (status(session), status(log_in("eve", FIRST))) == (200, 200)
    assert "UnknownKey" in types("keys rotate --drop nothing --yes", code=1)

    file = tmp_path / "eve.json"
    types(f"user export eve --output {file}")
    assert json.loads(file.read_text())["user"]["username"] == "eve"
    types("user delete eve --yes")
    assert "UnknownUser" in types("user show eve", code=1)
    assert log_in("eve", FIRST).status_code == 404


def test_the_first_user_alone_has_a_short_password(service: Service) -> None:
    operator = Operator(service)
    assert operator.log_in("joe", "joe").status_code == 201
    for line in ("user create zoe zoe@example.com", "user password joe"):
        assert "it has fewer than 8 characters" in operator.types(line, given="joe\n", code=1)
