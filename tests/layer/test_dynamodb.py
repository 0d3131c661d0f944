"""Calls of DynamoDB: their retries, and their errors made into ours.

tests/conformance proves what the stores promise; tests/functions/test_every_fault.py lets every
fault befall every call of every operation.
"""

import json

import pytest
from botocore.exceptions import ClientError

from sessions import dynamodb as layer_dynamodb
from sessions import session_store, user_store
from sessions.dynamodb import SESSIONS, USERS, can_be_key
from sessions.errors import Unavailable
from tests.support.faults import FAULTS, TRIED_AGAIN, inject

pytestmark = pytest.mark.usefixtures("aws", "pauses")

ONE, TWO, THREE = ({"id": {"S": text}} for text in ("one", "two", "three"))
WRITES = [{"Update": {"Key": key}} for key in (ONE, TWO)]
TRIES = 5


@pytest.fixture
def answers(dynamodb, monkeypatch):
    """Return what lets a method of the client give these answers; the last one is given on."""

    def give(method, *prepared):
        requests = []

        def answer(**parameters):
            requests.append(next(iter(parameters.values())))
            given = prepared[min(len(requests), len(prepared)) - 1]
            if isinstance(given, Exception):
                raise given
            return given

        monkeypatch.setattr(dynamodb, method, answer)
        return requests

    return give


# ---------------------------------------------------------------- batches


def test_a_read_asks_again_for_unprocessed_keys(answers):
    left = {USERS: {"Keys": [TWO], "ConsistentRead": True}}
    requests = answers(
        "batch_get_item",
        {"Responses": {USERS: [ONE], SESSIONS: [THREE]}, "UnprocessedKeys": left},
        {"Responses": {USERS: [TWO]}, "UnprocessedKeys": {}},
    )
    keys = {USERS: [ONE, TWO], SESSIONS: [THREE]}
    assert layer_dynamodb.get_items(keys) == {USERS: [ONE, TWO], SESSIONS: [THREE]}
    assert [sorted(request) for request in requests] == [sorted([USERS, SESSIONS]), [USERS]]
    assert requests[1] == left


def test_a_delete_asks_again_for_unprocessed_items(answers):
    first, second = ({"DeleteRequest": {"Key": key}} for key in (ONE, TWO))
    requests = answers(
        "batch_write_item", {"UnprocessedItems": {SESSIONS: [second]}}, {"UnprocessedItems": {}}
    )
    layer_dynamodb.delete_items(SESSIONS, [ONE, TWO])
    assert requests == [{SESSIONS: [first, second]}, {SESSIONS: [second]}]


def test_an_unprocessed_batch_is_unavailable_after_five_tries(answers):
    unprocessed = {USERS: {"Keys": [ONE]}}
    reads = answers("batch_get_item", {"Responses": {}, "UnprocessedKeys": unprocessed})
    with pytest.raises(Unavailable, match="UnprocessedKeys"):
        layer_dynamodb.get_items({USERS: [ONE]})
    deletes = answers("batch_write_item", {"UnprocessedItems": {USERS: []}})
    with pytest.raises(Unavailable, match="UnprocessedItems"):
        session_store.purge_sessions("u", range(1, 31))
    assert (len(reads), len(deletes)) == (TRIES, TRIES), "and no other batch after it"


# ------------------------------------------------------------ transactions


def cancelled(*codes):
    reasons = [{"Code": code} for code in codes]
    response = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


CONFLICT = cancelled("None", "TransactionConflict")


@pytest.mark.parametrize(
    ("prepared", "failed"),
    [
        ([{}], set()),
        ([CONFLICT, cancelled("ThrottlingError", "None"), {}], set()),
        ([cancelled("None", "ConditionalCheckFailed")], {1}),
        ([cancelled("ConditionalCheckFailed", "ConditionalCheckFailed")], {0, 1}),
        ([cancelled("TransactionConflict", "ConditionalCheckFailed")], {1}),
        ([CONFLICT, cancelled("ConditionalCheckFailed", "None")], {0}),
    ],
)
def test_a_transaction_is_tried_again_until_it_is_decided(answers, prepared, failed):
    requests = answers("transact_write_items", *prepared)
    assert layer_dynamodb.transact(WRITES) == failed
    assert requests == [WRITES] * len(prepared)


@pytest.mark.parametrize(
    ("cancellation", "tries"), [(CONFLICT, TRIES), (cancelled("ValidationError", "None"), 1)]
)
def test_an_undecided_transaction_is_unavailable_with_its_cause(answers, cancellation, tries):
    requests = answers("transact_write_items", cancellation)
    with pytest.raises(Unavailable) as refusal:
        layer_dynamodb.transact(WRITES)
    assert refusal.value.__cause__ is cancellation
    assert len(requests) == tries


# ------------------------------------------------------------------ faults


CALLS = {
    "GetItem": lambda: layer_dynamodb.get_item(USERS, ONE),
    "TransactWriteItems": lambda: session_store.revoke_sessions("u", [1], "bulk", 2),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", CALLS)
def test_a_lasting_fault_is_unavailable_with_its_cause(dynamodb, operation, fault):
    inject(dynamodb, operation, FAULTS[fault])
    with pytest.raises(Unavailable) as refusal:
        CALLS[operation]()
    assert type(refusal.value.__cause__).__module__.startswith("botocore")


@pytest.mark.parametrize("fault", TRIED_AGAIN)
def test_a_call_is_sent_three_times_at_most(dynamodb, fault):
    sent = inject(dynamodb, "GetItem", FAULTS[fault])
    with pytest.raises(Unavailable):
        CALLS["GetItem"]()
    assert len(sent) == 3


@pytest.mark.parametrize("fault", TRIED_AGAIN)
def test_a_fault_that_passes_is_not_seen(dynamodb, fault):
    sent = inject(dynamodb, "GetItem", FAULTS[fault], times=2)
    assert CALLS["GetItem"]() is None
    assert len(sent) == 3


def test_a_transaction_is_sent_again_under_its_own_token(dynamodb):
    """DynamoDB knows a committed transaction by its token; moto does not."""
    sent = inject(dynamodb, "TransactWriteItems", FAULTS["a time-out on reading"])
    with pytest.raises(Unavailable):
        CALLS["TransactWriteItems"]()
    tokens = [json.loads(body)["ClientRequestToken"] for body in sent]
    assert (len(tokens), len(set(tokens))) == (3, 1)


# -------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("text", "can_be"),
    [
        *(("", False), ("x" * 2048, True), ("x" * 2049, False)),
        *(("é" * 1024, True), ("é" * 1025, False)),
    ],
)
def test_a_key_has_1_to_2048_bytes(text, can_be):
    assert can_be_key(text) is can_be


@pytest.mark.parametrize("name", ["", "x" * 2049, "ﷺ" * 320])  # which is folded into longer text
def test_a_text_that_cannot_be_a_key_costs_no_call(dynamodb_calls, name):
    assert user_store.find_login(name) is None
    assert user_store.find_login_and_epoch(name) == (None, 0)
    assert user_store.read_user("x" * 2049) is None
    assert dynamodb_calls == []
