"""What tests of handlers can watch, the calls that reach DynamoDB and the log: a plugin."""

import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from argon2 import PasswordHasher

from sessions import aws as layer_aws
from sessions import dynamodb as layer_dynamodb
from sessions import key_rotation, passwords, signing_keys, telemetry
from sessions.signing_keys import KeySet, parse_key_set


@pytest.fixture
def dynamodb(aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The handlers' own client, anew: what a test does to it ends with the test."""
    client = layer_aws.client("dynamodb")
    monkeypatch.setattr(layer_dynamodb, "client", client)
    return client


@pytest.fixture
def dynamodb_calls(dynamodb: Any) -> list[tuple[str, dict[str, Any]]]:
    """The names and parameters of the calls that handlers make."""
    made: list[tuple[str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.name, params))

    dynamodb.meta.events.register("provide-client-params.dynamodb", record)
    return made


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The lines that are logged during the test; metrics go to stdout, not here."""
    stream = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", stream)
    return lambda: stream.getvalue().removesuffix("\n").split("\n") if stream.getvalue() else []


@pytest.fixture
def logged(lines: Callable[[], list[str]]) -> Callable[[], list[dict[str, Any]]]:
    """What they say."""
    return lambda: [json.loads(line) for line in lines()]


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[PasswordHasher]:
    """Hashes of passwords that cost nothing, for thousands of logins; the real one is yielded."""
    real = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        yield real


@pytest.fixture
def real_hashes(cheap_hashes: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as they are in use."""
    monkeypatch.setattr(passwords, "_hasher", cheap_hashes)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, which are over at once; how long they would have been."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


class StoredKeySet(NamedTuple):
    """The secret, and the key set that the handlers of this process keep."""

    client: Any

    def store(self, key_set: KeySet) -> None:
        """Put a key set there, and have the handlers read it."""
        text = key_rotation.key_set_text(key_set)
        self.client.put_secret_value(SecretId=signing_keys.SIGNING_KEYS_SECRET, SecretString=text)
        self.forget()

    def stored(self) -> KeySet:
        """Return the key set that is there."""
        answer = self.client.get_secret_value(SecretId=signing_keys.SIGNING_KEYS_SECRET)
        return parse_key_set(answer["SecretString"])

    def forget(self) -> None:
        """Let the handlers be as cold as a new process."""
        signing_keys.signing_keys.__init__(signing_keys.signing_keys._read)


@pytest.fixture
def key_set(aws: None) -> Iterator[StoredKeySet]:
    """The key set; the one that other tests use is put back."""
    key_set = StoredKeySet(boto3.client("secretsmanager"))
    before = key_set.stored()
    yield key_set
    key_set.store(before)


class PowerCutError(BaseException):
    """The process is no more; no handler may catch it."""


@pytest.fixture
def power_cut(dynamodb: Any) -> Callable[[int, Callable[[], object]], bool]:
    """Run something until a call of DynamoDB has been made; say whether it came to its end."""
    left = [-1]

    def cut(**_: Any) -> None:
        if left[0] == 0:
            raise PowerCutError
        left[0] -= 1

    def run(calls: int, act: Callable[[], object]) -> bool:
        left[0] = calls
        try:
            act()
        except PowerCutError:
            return False
        finally:
            left[0] = -1
        return True

    dynamodb.meta.events.register("after-call.dynamodb", cut)
    return run
