"""How the store goes about it: calls, retries, and what it does on a bad day.

What it promises is in tests/conformance.
"""

import json

import pytest
from botocore.exceptions import ClientError

from sessions import session_store, user_store
from sessions.dynamodb import SESSIONS, USERS
from sessions.errors import Unavailable
from sessions.model import Login, Session
from tests.support.calls import call, invoke
from tests.support.faults import FAULTS, LOST_ANSWER, error, inject
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_sessions, stored_user

pytestmark = pytest.mark.usefixtures("aws", "pauses")


NOBODY = Login("nobody", "nobody", "hash")


def login_of(person):
    return user_store.find_login(person.username)


def operations(dynamodb_calls):
    return [operation for operation, _ in dynamodb_calls]


# ------------------------------------------------------ what is left undone


@pytest.mark.parametrize("late_table", ["USERS", "SESSIONS"])
def test_a_read_asks_again_for_what_was_left_undone(clock, dynamodb, monkeypatch, late_table):
    person = new_person()
    token = log_in(person)
    late, asked = globals()[late_table], []
    real = dynamodb.batch_get_item

    def without_one_table(RequestItems):  # noqa: N803 - botocore's name
        asked.append(sorted(RequestItems))
        now = {table: keys for table, keys in RequestItems.items() if table != late}
        if len(asked) > 1:
            return real(RequestItems=RequestItems)
        return {**real(RequestItems=now), "UnprocessedKeys": {late: RequestItems[late]}}

    monkeypatch.setattr(dynamodb, "batch_get_item", without_one_table)
    answer = call("get_current_session", token)
    assert (answer.status, answer.body["sub"]) == (200, person.id)
    assert asked == [sorted([USERS, SESSIONS]), [late]]


def test_a_read_that_is_never_done_in_full_is_unavailable(clock, dynamodb, monkeypatch, pauses):
    token = log_in(new_person())
    asked = []

    def nothing(RequestItems):  # noqa: N803 - botocore's name
        asked.append(RequestItems)
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    monkeypatch.setattr(dynamodb, "batch_get_item", nothing)
    answer = call("get_current_session", token)
    assert answer.status == 503
    assert len(asked) == 5
    assert pauses == sorted(pauses)
    assert 0.5 < sum(pauses) < 1


def test_clean_up_goes_on_with_what_was_left_undone(clock, dynamodb, monkeypatch):
    person = new_person()
    add_sessions(person, range(1, 31))
    real = dynamodb.batch_write_item
    sizes = []

    def first_ten(RequestItems):  # noqa: N803 - botocore's name
        ((table, deletes),) = RequestItems.items()
        sizes.append(len(deletes))
        answer = real(RequestItems={table: deletes[:10]})
        return {**answer, "UnprocessedItems": {table: deletes[10:]} if deletes[10:] else {}}

    monkeypatch.setattr(dynamodb, "batch_write_item", first_ten)
    session_store.purge_sessions(person.id, range(1, 31))
    assert sizes == [25, 15, 5, 5]
    assert stored_sessions(person) == {}


def test_clean_up_that_is_never_done_is_unavailable(clock, dynamodb, monkeypatch):
    person = new_person()
    add_sessions(person, range(1, 31))
    asked = []

    def nothing(RequestItems):  # noqa: N803 - botocore's name
        asked.append(RequestItems)
        return {"UnprocessedItems": RequestItems}

    monkeypatch.setattr(dynamodb, "batch_write_item", nothing)
    with pytest.raises(Unavailable, match="UnprocessedItems"):
        session_store.purge_sessions(person.id, range(1, 31))
    assert len(asked) == 5, "one batch is tried, and no other after it"
    assert len(stored_sessions(person)) == 30


# ------------------------------------------------------ answers that are lost


def test_a_new_session_whose_answer_was_lost_is_found_to_be_ours(clock, dynamodb):
    person = new_person()
    inject(dynamodb, "PutItem", LOST_ANSWER, times=1)
    token = log_in(person)
    assert list(stored_sessions(person)) == [clock.now]
    assert call("get_current_session", token).status == 200


def test_an_id_whose_answer_was_lost_is_skipped(clock, dynamodb):
    person = new_person()
    login = user_store.find_login(person.username)
    inject(dynamodb, "UpdateItem", LOST_ANSWER, times=1)
    allotted = user_store.allocate_session_id(login, clock.now, "203.0.113.7").last_iat
    assert allotted == stored_user(person).last_iat > clock.now


def test_a_deletion_whose_answer_was_lost_was_done(clock, dynamodb):
    person = new_person()
    log_in(person)
    token = log_in(person)
    inject(dynamodb, "UpdateItem", LOST_ANSWER, times=1)
    answer = call("delete_session", token, session=clock.now)
    assert (answer.status, answer.body["code"]) == (200, "GENERIC_SUCCESS")
    assert list(stored_sessions(person)) == [clock.now + 1]


@pytest.mark.parametrize(("query", "count"), [(None, 3), ({"allButSelf": ["true"]}, 2)])
def test_delete_all_counts_what_it_ended_though_its_answer_was_lost(clock, dynamodb, query, count):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    inject(dynamodb, "UpdateItem", LOST_ANSWER, times=1)
    answer = call("delete_all_sessions", tokens[0], query=query)
    assert (answer.status, answer.body["count"]) == (200, count)
    statuses = [call("get_current_session", token).status for token in tokens]
    assert statuses == [401 if query is None else 200, 401, 401]


def test_a_transaction_is_retried_under_its_own_token(clock, dynamodb):
    # With it, DynamoDB finds that it was done already; moto does not know the token.
    person = new_person()
    token = log_in(person)
    sent = inject(dynamodb, "TransactWriteItems", FAULTS["a time-out on reading"], times=2)
    answer = call("delete_sessions", token, body={"sessions": [clock.now]})
    assert answer.body["count"] == 1
    tokens = [json.loads(body)["ClientRequestToken"] for body in sent]
    assert (len(tokens), len(set(tokens))) == (3, 1)


def test_a_ban_whose_answer_was_lost_is_the_same_ban(clock, dynamodb):
    person = new_person()
    inject(dynamodb, "UpdateItem", LOST_ANSWER, times=1)
    assert invoke("ban_user", {"login": person.username})["banned_at"] == clock.now
    invoke("unban_user", {"login": person.username})
    assert stored_user(person).banned_at is None


# ------------------------------------------------------ transactions


def cancelled(*codes):
    reasons = [{"Code": code} for code in codes]
    response = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


def test_sessions_that_are_gone_are_left_out_and_the_others_tried_again(clock, dynamodb_calls):
    person = new_person()
    add_sessions(person, range(1, 11))
    for iat in (2, 5, 9):
        session_store.revoke_session(person.id, iat, 9)
    dynamodb_calls.clear()
    assert session_store.revoke_sessions(person.id, range(1, 11), "bulk", 9) == 7
    sizes = [len(parameters["TransactItems"]) for _, parameters in dynamodb_calls]
    assert sizes == [10, 7]
    assert stored_sessions(person) == {}


def test_sessions_that_are_all_gone_take_one_transaction(clock, dynamodb_calls):
    person = new_person()
    dynamodb_calls.clear()
    assert session_store.revoke_sessions(person.id, [1, 2], "bulk", 9) == 0
    assert operations(dynamodb_calls) == ["TransactWriteItems"]


def test_no_sessions_take_no_transaction(dynamodb_calls):
    assert session_store.revoke_sessions("anybody", [], "bulk", 9) == 0
    assert dynamodb_calls == []


def test_a_transaction_that_meets_another_is_tried_again(clock, dynamodb, monkeypatch, pauses):
    person = new_person()
    add_sessions(person, range(1, 3))
    real = dynamodb.transact_write_items
    tries = iter([cancelled("None", "TransactionConflict"), cancelled("ThrottlingError", "None")])

    def meet_another(**request):
        if (error := next(tries, None)) is not None:
            raise error
        return real(**request)

    monkeypatch.setattr(dynamodb, "transact_write_items", meet_another)
    pauses.clear()
    assert session_store.revoke_sessions(person.id, [1, 2], "bulk", 9) == 2
    assert stored_sessions(person) == {}
    assert pauses == [0.05, 0.1]


@pytest.mark.parametrize("operation", ["delete_sessions", "create_user"])
def test_a_transaction_that_meets_others_for_ever_is_unavailable(
    clock, dynamodb, monkeypatch, operation
):
    person = new_person()
    token = log_in(person)
    tries = []

    def meet_another(TransactItems):  # noqa: N803 - botocore's name
        tries.append(TransactItems)
        raise cancelled(*["TransactionConflict"] * len(TransactItems))

    monkeypatch.setattr(dynamodb, "transact_write_items", meet_another)
    if operation == "delete_sessions":
        answer = call("delete_sessions", token, body={"sessions": [clock.now]})
        assert answer.status == 503
    else:
        event = {"username": "late", "email": "late@example.com", "password": PASSWORD}
        with pytest.raises(Unavailable) as refusal:
            invoke("create_user", event)
        assert "TransactionCanceledException" in str(refusal.value.__cause__)
    assert len(tries) == 5
    assert list(stored_sessions(person)) == [clock.now]


def test_a_transaction_that_is_wrong_is_not_tried_again(dynamodb, monkeypatch):
    tries = []

    def refuse(TransactItems):  # noqa: N803 - botocore's name
        tries.append(TransactItems)
        raise cancelled("ValidationError", "None")

    monkeypatch.setattr(dynamodb, "transact_write_items", refuse)
    with pytest.raises(Unavailable):
        session_store.revoke_sessions("anybody", [1, 2], "bulk", 9)
    assert len(tries) == 1


# ------------------------------------------------------ the user's row


def test_an_id_is_allotted_in_one_update_or_two(clock, dynamodb_calls):
    login = login_of(new_person())
    dynamodb_calls.clear()
    user_store.allocate_session_id(login, 100, "203.0.113.7")
    assert operations(dynamodb_calls) == ["UpdateItem"]
    user_store.allocate_session_id(login, 100, "203.0.113.7")
    assert operations(dynamodb_calls) == ["UpdateItem"] * 3


# ------------------------------------------------------ names


@pytest.mark.parametrize("name", ["", "x" * 2049, "é" * 1025, "ﷺ" * 320])
def test_what_cannot_be_a_key_is_nobodys_name_and_costs_no_call(dynamodb_calls, name):
    assert user_store.find_login(name) is None
    assert dynamodb_calls == []


def test_a_name_of_2048_bytes_is_looked_up(dynamodb_calls):
    assert user_store.find_login("x" * 2048) is None
    assert operations(dynamodb_calls) == ["GetItem"]


def test_a_name_is_looked_up_strongly_consistently(dynamodb_calls):
    user_store.find_login("nobody")
    assert dynamodb_calls[0][1]["ConsistentRead"] is True


# ------------------------------------------------------ faults


CALLS = {
    "BatchGetItem": lambda: session_store.read_user_and_sessions("u", {1}),
    "Query": lambda: session_store.query_sessions("u"),
    "UpdateItem": lambda: user_store.allocate_session_id(NOBODY, 1, "203.0.113.7"),
    "PutItem": lambda: session_store.put_session(Session("u", 1, 2, "n", b"x")),
    "BatchWriteItem": lambda: session_store.purge_sessions("u", [1]),
    "TransactWriteItems": lambda: session_store.revoke_sessions("u", [1], "bulk", 2),
    "GetItem": lambda: user_store.find_login("u"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", CALLS)
def test_every_fault_that_lasts_is_unavailable_with_its_cause(dynamodb, operation, fault):
    inject(dynamodb, operation, FAULTS[fault])
    with pytest.raises(Unavailable) as refusal:
        CALLS[operation]()
    assert type(refusal.value.__cause__).__module__.startswith("botocore")


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_is_met_with_three_attempts_at_most(dynamodb, operation):
    sent = inject(dynamodb, operation, error(500, "InternalServerError"))
    with pytest.raises(Unavailable):
        CALLS[operation]()
    assert len(sent) == 3


def test_calls_have_deadlines_that_fit_into_the_functions_own(dynamodb):
    config = dynamodb.meta.config
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < 10
