"""AWS, played by moto in this process: a plugin.

What DynamoDB would refuse, no engine need know: each request that the layer makes is checked
before it is sent (dynamodb_limits.py).
"""

import contextlib
import copy
import functools
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

import boto3
import botocore.session
import moto
import pytest
from moto.core import responses, serialize
from moto.core.models import BotocoreStubber
from moto.dynamodb.models.table import StreamShard
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from local.create_resources import create_resources
from sessions import aws as layer_aws
from sessions import signing_keys
from tests.support import dynamodb_limits
from tests.support.clock import Clock
from tests.support.contract import TEMPLATE

# Of the session that makes every client of the layer.
layer_aws._session.register("before-parameter-build.dynamodb", dynamodb_limits.hold)

# Sessions of botocore share the models of AWS's services that one of them has read.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

# What moto works out at each request, though it is always the same, is worked out once: it costs
# as much as what moto does for the request.
responses.method_names_from_class = functools.cache(responses.method_names_from_class)
UpdateExpressionParser.make = functools.cache(UpdateExpressionParser.make)  # moto changes a copy
_names_of_a_member = serialize.XFormedAttributePicker.get_possible_keys


@functools.cache
def _names_in_a_dict(shape: Any, name: str) -> tuple[str, ...]:
    picker = serialize.XFormedAttributePicker()
    member = serialize.AttributePickerContext({}, name, shape)
    return tuple(_names_of_a_member(picker, member))


def _remembered_names(picker: Any, member: serialize.AttributePickerContext) -> Iterable[str]:
    if type(member.obj) is dict:
        return _names_in_a_dict(member.shape, member.key)
    return _names_of_a_member(picker, member)


serialize.XFormedAttributePicker.get_possible_keys = _remembered_names


def _copied(shard: StreamShard, memo: dict[int, Any]) -> StreamShard:
    """Copy what changes: moto copies a whole table for each part of a transaction.

    Records of a stream never change, and there are as many of them as there were writes.
    """
    made = copy.copy(shard)
    made.table, made.items = copy.deepcopy(shard.table, memo), list(shard.items)
    return made


StreamShard.__deepcopy__ = _copied


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let moto answer one request at a time: of updates made at once it loses some.

    Up to there, whatever handlers do side by side is under way together.
    """
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def answer_alone(*given: Any, **named: Any) -> Any:
        with lock:
            return answer(*given, **named)

    with mock.patch.object(BotocoreStubber, "__call__", answer_alone):
        yield


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """AWS, played by moto, with the template's tables and secret; tests use their own users.

    Each module has its own: what one does to everybody (a generation, a signing key) reaches no
    other, and moto walks through all rows at most calls.
    """
    with moto.mock_aws(), one_at_a_time():
        create_resources(TEMPLATE, boto3.client("dynamodb"), boto3.client("secretsmanager"))
        signing_keys.signing_keys.__init__(
            signing_keys.signing_keys._read
        )  # as cold as a new process
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that handlers read: it stands still until the test moves it."""
    clock = Clock()
    monkeypatch.setattr("sessions.clock.epoch_seconds", lambda: clock.now)
    return clock


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[socket.socket]:
    """A server whose address tokens give away, and that must not hear from anybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener
