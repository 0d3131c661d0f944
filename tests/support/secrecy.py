"""No test may make a handler show a secret: a plugin that looks after each."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sessions import key_rotation, signing_keys, telemetry, tokens
from tests.support.calls import watch


class Listener(logging.Handler):
    """Gives the watch every line that is logged, whoever logs it."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == telemetry.logger.name:
            watch.logged(telemetry.logger.registered_handler.format(record))
        else:
            watch.wrote(self.format(record))


@pytest.fixture(scope="session", autouse=True)
def watched() -> Iterator[None]:
    """Let the watch know each token and key that comes up, and hear all that is logged.

    At DEBUG, and of everybody: a developer who turns the level up sees no secret either.
    """

    def keep_keys(key_set: signing_keys.KeySet) -> None:
        for key in key_set.keys.values():
            watch.keep("signing key", key.decode())

    def issue(*given: Any) -> str:
        token: str = issued(*given)
        watch.keep_token(token)
        return token

    def parse_key_set(secret: str) -> signing_keys.KeySet:
        key_set = parsed(secret)
        keep_keys(key_set)
        return key_set

    def key_set_text(key_set: signing_keys.KeySet) -> str:
        keep_keys(key_set)
        return written(key_set)

    issued, parsed, written = tokens.issue, signing_keys.parse_key_set, key_rotation.key_set_text
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "issue", issue)
        patch.setattr(signing_keys, "parse_key_set", parse_key_set)
        patch.setattr(key_rotation, "key_set_text", key_set_text)
        telemetry.logger.setLevel(logging.DEBUG)
        logging.root.setLevel(logging.DEBUG)
        # They are AWS and the caller here: their logs are not ours.
        for name in ("moto", "samtranslator", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.root.addHandler(listener)
        yield
        logging.root.removeHandler(listener)


@pytest.fixture(autouse=True)
def nothing_leaks(watched: None) -> Iterator[None]:
    """No test may have made a handler show a secret."""
    yield
    assert watch.leaks() == []
