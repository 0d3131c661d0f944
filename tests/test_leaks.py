"""The watch over secrets: each leak that is planted here, it notices."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from functions.create_session import app
from sessions import aws, endpoint, passwords, proof, session_store, signing_keys, telemetry, tokens
from tests.support.calls import call, watch
from tests.support.leaks import Watch
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

Plant = Callable[[pytest.MonkeyPatch], None]


def around(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, show: Callable[..., Any]
) -> None:
    """Let a function show what it is given before it does its work."""
    function = getattr(module, name)

    def showing(*given: Any) -> Any:
        show(*given)
        return function(*given)

    monkeypatch.setattr(module, name, showing)


def log_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(_: str, password: str) -> None:
        telemetry.logger.debug("checked", given=password)

    around(monkeypatch, passwords, "check_password", show)


def log_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    around(monkeypatch, passwords, "check_password", lambda known, _: telemetry.logger.info(known))


def answer_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    created, known = app.created, []
    around(monkeypatch, passwords, "check_password", lambda each, _: known.append(each))
    monkeypatch.setattr(app, "created", lambda body: created({**body, "hash": known[-1]}))


def log_the_jti(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(claims: proof.Claims, *_: Any) -> None:
        telemetry.logger.info("issued", jti=claims.jti)

    around(monkeypatch, tokens, "issue", show)


def raise_with_the_jtis_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(session: Any, _: int) -> None:
        raise ValueError(session)

    around(monkeypatch, session_store, "put_session", show)


def count_by_the_jti(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(claims: proof.Claims, *_: Any) -> None:
        telemetry.count(claims.jti, "SessionCreated")

    around(monkeypatch, tokens, "issue", show)


def print_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    around(monkeypatch, tokens, "issue", lambda *given: print(given[-1].decode()))  # noqa: T201


def log_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    issue = tokens.issue

    def issue_and_tell(*given: Any) -> str:
        token: str = issue(*given)
        telemetry.logger.info("issued", token=token.split(".")[2])
        return token

    monkeypatch.setattr(tokens, "issue", issue_and_tell)


def answer_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    created, other = app.created, log_in(new_person())
    monkeypatch.setattr(app, "created", lambda body: created({**body, "before": other}))


def let_botocore_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws._log, "level", logging.DEBUG)
    aws._log.manager._clear_cache()


def log_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry.logger.registered_formatter, "json_serializer", str)


@pytest.mark.parametrize(
    ("plant", "noticed"),
    [
        (log_the_password, "correct horse"),
        (log_the_hash, "$argon2"),
        (answer_the_hash, "$argon2"),
        (log_the_jti, "jti: "),
        (raise_with_the_jtis_hash, "jti_sha256="),
        (count_by_the_jti, "jti: "),
        (print_the_key, "signing key: "),
        (log_the_token, "signature: "),
        (answer_another_token, "'eyJ"),
        (let_botocore_tell, "jti_sha256: "),
        (log_as_it_comes, "no line of a log"),
    ],
)
def test_each_planted_leak_is_noticed(
    clock, monkeypatch: pytest.MonkeyPatch, plant: Plant, noticed: str
) -> None:
    person = new_person()
    with monkeypatch.context() as planted:
        plant(planted)
        body = {"user": person.username, "pass": "correct horse battery staple"}
        assert call("create_session", body=body).status in {201, 500}
    aws._log.manager._clear_cache()
    assert any(noticed in leak for leak in watch.leaks())


def test_what_every_login_makes_is_known_and_stays_unseen(clock):
    token = log_in(new_person())
    claims = endpoint.verify_token(
        endpoint.read_request({"headers": {"Authorization": token}}, clock.now)
    )
    assert watch.knows(claims.jti)
    assert watch.knows(token.split(".")[2])
    _, key = signing_keys.signing_keys.current(clock.now)
    assert watch.knows(key.decode())
    assert watch.leaks() == []


def test_a_token_that_the_watch_never_met_is_a_complaint():
    strange = Watch()
    strange.answered('{"token": "a.b.c"}', "a.b.c")
    assert strange.leaks() == ["a token was answered that the watch does not know"]
