"""AWS as it is on a bad day: faults put in where botocore sends a request or reads an answer."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.core.models import BotocoreStubber, botocore_stubber

Send = Callable[[], AWSResponse]
Hook = Callable[[Any, Send], AWSResponse]  # what becomes of a request, which `send` carries out

EVER = sys.maxsize  # more times than anything is tried


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _answer(request: Any, status: int, body: Any) -> AWSResponse:
    return AWSResponse(request.url, status, {}, _Raw(json.dumps(body).encode()))


def error(status: int, code: str, **more: Any) -> Hook:
    """Return what makes AWS answer with an error."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret details"}
    return lambda request, _: _answer(request, status, body | more)


def failure(exception: type[Exception]) -> Hook:
    """Return what makes the connection fail."""

    def befall(request: Any, _: Send) -> AWSResponse:
        raise exception(endpoint_url=request.url)

    return befall


def _after_it_was_done(hook: Hook) -> Hook:
    def befall(request: Any, send: Send) -> AWSResponse:
        send()
        return hook(request, send)

    return befall


def meanwhile(hook: Hook, act: Callable[[], object]) -> Hook:
    """Return what does as `hook`, and lets something happen before the request is made again."""

    def befall(request: Any, send: Send) -> AWSResponse:
        try:
            return hook(request, send)
        finally:
            act()

    return befall


def _cancelled(reason: str) -> Hook:
    """Return what cancels a transaction, for its first part's sake."""

    def befall(request: Any, send: Send) -> AWSResponse:
        reasons = [{"Code": "None"} for _ in json.loads(request.body)["TransactItems"]]
        reasons[0] = {"Code": reason}
        cancel = error(400, "TransactionCanceledException", CancellationReasons=reasons)
        return cancel(request, send)

    return befall


def _nothing_done(request: Any, _: Send) -> AWSResponse:
    asked = json.loads(request.body)["RequestItems"]
    nothing = {"Responses": {}, "UnprocessedKeys": asked, "UnprocessedItems": asked}
    return _answer(request, 200, nothing)


def _only_done(place: int) -> Hook:
    """Return what does the first (0) or the last (-1) entry of a batch, and leaves the others."""

    def befall(request: Any, send: Send) -> AWSResponse:
        asked = json.loads(request.body)["RequestItems"]
        table = list(asked)[place]
        # A read has keys, and says beside them how to read; a write is a list.
        entries = asked[table]["Keys"] if isinstance(asked[table], dict) else asked[table]
        only = [entries.pop(place)]
        only = {**asked[table], "Keys": only} if isinstance(asked[table], dict) else only
        request.body = json.dumps({"RequestItems": {table: only}}).encode()
        left = asked if entries else {each: asked[each] for each in asked if each != table}
        answer = json.loads(send().content)
        return _answer(request, 200, answer | {"UnprocessedKeys": left, "UnprocessedItems": left})

    return befall


def _no_key_set(request: Any, send: Send) -> AWSResponse:
    return _answer(request, 200, json.loads(send().content) | {"SecretString": "secret details"})


def _refused_by_the_bus(request: Any, _: Send) -> AWSResponse:
    results = [{"ErrorCode": "InternalFailure"} for _ in json.loads(request.body)["Entries"]]
    return _answer(request, 200, {"FailedEntryCount": len(results), "Entries": results})


FAULTS: dict[str, Hook] = {
    "throttled": error(400, "ProvisionedThroughputExceededException"),
    "throttled by the account": error(400, "ThrottlingException"),
    "over the limit": error(400, "RequestLimitExceeded"),
    "an internal error": error(500, "InternalServerError"),
    "down": error(503, "ServiceUnavailable"),
    "no rights": error(400, "AccessDeniedException"),
    "no such table": error(400, "ResourceNotFoundException"),
    "a validation error": error(400, "ValidationException"),
    "no connection": failure(EndpointConnectionError),
    "a time-out on connecting": failure(ConnectTimeoutError),
    "a time-out on reading": failure(ReadTimeoutError),
}
# Faults of one attempt after which the write was not done, which botocore knows of some.
NOT_DONE = {
    name: FAULTS[name]
    for name in ("throttled", "an internal error", "no connection", "a time-out on reading")
}
LOST_ANSWER = _after_it_was_done(failure(ReadTimeoutError))


class Fault(NamedTuple):
    """What befalls a request.

    Attributes:
        befall: does it.
        operations: those of AWS that it can befall, if not all.
        times: how often it befalls them in turn. botocore makes three attempts, and what it
            does not take for a failure, we ask for again; what nobody asks for again ends with one.
    """

    befall: Hook
    operations: Collection[str] | None = None
    times: tuple[int, ...] = (1, EVER)

    def can_befall(self, operation: str) -> bool:
        return self.operations is None or operation in self.operations


_ONCE = (1,)
_IN_TURN = (1, 3, EVER)
# One of each kind that botocore treats alike; tests/layer/test_dynamodb.py has every one of them,
# and that each is tried again.
TRIED_AGAIN = ("throttled", "an internal error", "a time-out on reading")
_TRANSACTIONS = {"TransactWriteItems"}
_BATCHES = {"BatchGetItem", "BatchWriteItem"}
_SINGLE_WRITES = {"BatchWriteItem", "PutItem", "UpdateItem"}
_WRITES = {*_SINGLE_WRITES, *_TRANSACTIONS, "PutEvents", "PutSecretValue"}

EVERY_FAULT = {
    **{name: Fault(FAULTS[name], times=(EVER,)) for name in TRIED_AGAIN},
    "an internal error": Fault(FAULTS["an internal error"]),
    "no rights": Fault(FAULTS["no rights"], times=_ONCE),
    "done, and the answer lost": Fault(LOST_ANSWER, _WRITES),
    "done, and an internal error": Fault(_after_it_was_done(FAULTS["an internal error"]), _WRITES),
    "in conflict with a transaction": Fault(
        error(400, "TransactionConflictException"), _SINGLE_WRITES, _ONCE
    ),
    "a transaction in progress": Fault(error(400, "TransactionInProgressException"), _TRANSACTIONS),
    "cancelled by a conflict": Fault(_cancelled("TransactionConflict"), _TRANSACTIONS, _IN_TURN),
    "cancelled by throttling": Fault(_cancelled("ThrottlingError"), _TRANSACTIONS, _IN_TURN),
    "nothing processed": Fault(_nothing_done, _BATCHES, _IN_TURN),
    "only the first processed": Fault(_only_done(0), _BATCHES, _IN_TURN),
    "only the last processed": Fault(_only_done(-1), _BATCHES, _IN_TURN),
    "refused by the bus": Fault(_refused_by_the_bus, {"PutEvents"}, _IN_TURN),
    "no key set": Fault(_no_key_set, {"GetSecretValue"}, _ONCE),
}


class Sent(NamedTuple):
    """A request that was sent to AWS, and whether it was carried out."""

    operation: str
    body: Any
    done: bool


@contextlib.contextmanager
def befalling(fault: Fault | None = None, first: int = 0, times: int = 1) -> Iterator[list[Sent]]:
    """Let a fault befall the requests to AWS, whoever sends them, from the `first` on.

    Where it cannot befall a request, that is carried out. The requests are yielded, in order.
    """
    sent: list[Sent] = []
    made: dict[str, bytes] = {}
    carry_out = BotocoreStubber.__call__

    def answer(
        stubber: BotocoreStubber, event_name: str, request: Any, **rest: Any
    ) -> AWSResponse | None:
        operation, number = event_name.rpartition(".")[2], len(sent)
        sent.append(Sent(operation, json.loads(request.body), done=False))

        def send() -> AWSResponse:
            sent[number] = sent[number]._replace(done=True)
            # DynamoDB makes a transaction once under a token, and then answers as it did before
            # (API Reference, "TransactWriteItems"); moto does not know the token.
            if operation != "TransactWriteItems":
                return carry_out(stubber, event_name, request, **rest)
            token = sent[number].body["ClientRequestToken"]
            if token in made:
                return AWSResponse(request.url, 200, {}, _Raw(made[token]))
            response = carry_out(stubber, event_name, request, **rest)
            if response.status_code == 200:
                made[token] = response.content
            return response

        if fault and fault.can_befall(operation) and first <= number < first + times:
            return fault.befall(request, send)
        return send()

    with mock.patch.object(BotocoreStubber, "__call__", answer):
        yield sent


def inject(client: Any, operation: str, fault: Hook, *, times: int | None = None) -> list[bytes]:
    """Let a fault befall an operation, always or the first times; return the bodies sent."""
    sent: list[bytes] = []

    def send(event_name: str, request: Any, **rest: Any) -> Any:
        def carry_out() -> Any:
            return botocore_stubber(event_name, request, **rest)

        if not event_name.endswith(f".{operation}"):
            return carry_out()
        sent.append(request.body)
        if times is not None and len(sent) > times:
            return carry_out()
        return fault(request, carry_out)

    # moto would carry out the request as well: botocore asks everybody before it sends.
    client.meta.events.unregister("before-send", botocore_stubber)
    client.meta.events.register("before-send", send)
    return sent
