"""DELETE /user/sessions/all."""

import pytest

from sessions import session_store, user_store
from sessions.dynamodb import SESSIONS, USERS
from sessions.errors import Unavailable
from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import HEADERS, INVALID_SESSION, SESSION_SECONDS, UNAVAILABLE, missing
from tests.support.faults import FAULTS, inject
from tests.support.order import in_order
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, stored_sessions, stored_user, tables

pytestmark = pytest.mark.usefixtures("aws")


def bulk(count):
    return {"count": count, "type": "session"}


@pytest.fixture(scope="module")
def unharmed(aws):
    """A user with two sessions that no request here ends, a token, and the user's rows."""
    with at(1_800_000_000):
        person = new_person()
        log_in(person)
        token = log_in(person)
    return person, token, stored_rows(person)


def statuses(*tokens):
    return [call("get_current_session", token).status for token in tokens]


def test_ends_every_session_of_the_user_and_nobody_elses(clock):
    person = new_person()
    stranger = log_in(new_person())
    tokens = [log_in(person) for _ in range(3)]
    answer = call("delete_all_sessions", tokens[0])
    assert (answer.status, answer.body, answer.headers) == (200, bulk(3), HEADERS)
    assert statuses(*tokens, stranger) == [401, 401, 401, 200]
    again = call("delete_all_sessions", tokens[0])
    assert (again.status, again.body) == (401, INVALID_SESSION)


def test_keeps_the_session_in_use_where_asked(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    answer = call("delete_all_sessions", tokens[1], query={"allButSelf": ["true"]})
    assert (answer.status, answer.body) == (200, bulk(2))
    assert statuses(*tokens) == [401, 200, 401]
    assert call("list_sessions", tokens[1]).body["count"] == 1


KEEPING = [
    {"allButSelf": ["true"]},
    {"allButSelf": ["1"]},
    {"allButSelf": [""]},
    {"allbutSelf": ["true"]},  # as the published example has it
    {"allbutself": ["true"]},
    {"ALLBUTSELF": ["1"]},
]
ENDING = [
    None,
    {},
    {"allButSelf": ["false"]},
    {"allButSelf": ["0"]},
    {"ALLBUTSELF": ["false"]},
    {"other": ["true"]},
    {"allButSelf[]": ["true"]},
]


@pytest.mark.parametrize(
    ("query", "count", "status"),
    [(query, 1, 200) for query in KEEPING] + [(query, 2, 401) for query in ENDING],
)
def test_all_but_self_says_whether_the_session_in_use_stays(clock, query, count, status):
    person = new_person()
    token = log_in(person)
    other = log_in(person)
    answer = call("delete_all_sessions", token, query=query)
    assert (answer.status, answer.body) == (200, bulk(count))
    assert statuses(token, other) == [status, 401]


@pytest.mark.parametrize(
    "query",
    [{"allButSelf": [value]} for value in ("yes", "no", "TRUE", "True", "False", "2", "-1", "01")]
    + [{"allButSelf": [value]} for value in (" ", " true", "true ", "true\n", "null", "\0")]
    + [
        {"allButSelf": ["true", "true"]},
        {"allButSelf": ["true", "false"]},
        {"allButSelf": ["true"], "allbutself": ["true"]},
        {"ALLBUTSELF": ["x"]},
    ],
)
def test_any_other_all_but_self_is_refused_and_ends_nothing(clock, unharmed, query):
    person, token, before = unharmed
    answer = call("delete_all_sessions", token, query=query)
    assert (answer.status, answer.body, answer.headers) == (400, missing("allButSelf"), HEADERS)
    assert stored_rows(person) == before


def test_expired_and_revoked_sessions_are_not_counted(clock):
    person = new_person()
    log_in(person)
    clock.now += SESSION_SECONDS
    log_in(person)
    token = log_in(person)
    assert call("delete_all_sessions", token, query={"allButSelf": ["1"]}).body == bulk(1)
    log_in(person)
    assert call("delete_all_sessions", token, query={"allButSelf": ["1"]}).body == bulk(1)
    assert call("delete_all_sessions", token, query={"allButSelf": ["1"]}).body == bulk(0)
    assert call("delete_all_sessions", token).body == bulk(1)
    assert len(stored_sessions(person)) == 4


def test_sessions_stay_dead_where_the_clean_up_was_cut_short(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    assert call("delete_all_sessions", tokens[0]).body == bulk(3)
    assert len(stored_sessions(person)) == 3
    assert statuses(*tokens) == [401] * 3
    user = stored_user(person)
    assert (user.revoked_through, user.revoked_except) == (clock.now + 2, None)


def test_the_session_kept_stays_alive_where_the_clean_up_was_cut_short(clock):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    call("delete_all_sessions", tokens[1], query={"allButSelf": [""]})
    assert statuses(*tokens) == [401, 200, 401]
    user = stored_user(person)
    assert (user.revoked_through, user.revoked_except) == (clock.now + 2, clock.now + 1)
    # Only one session can have been kept: the last that asked for it.
    newer = log_in(person)
    call("delete_all_sessions", newer, query={"allButSelf": ["true"]})
    assert statuses(*tokens, newer) == [401, 401, 401, 200]
    # And what was kept once is not kept for ever.
    call("delete_all_sessions", newer)
    assert statuses(*tokens, newer) == [401] * 4
    assert stored_user(person).revoked_except is None


def test_a_row_that_comes_back_does_not_bring_its_session_back(clock):
    person = new_person()
    token = log_in(person)
    (row,) = stored_rows(person)["sessions"]
    call("delete_all_sessions", token)
    tables().put_item(TableName=SESSIONS, Item=row)
    assert statuses(token) == [401]


def test_the_user_can_log_in_again_in_the_same_second(clock):
    person = new_person()
    old = log_in(person)
    call("delete_all_sessions", old)
    new = log_in(person)
    assert statuses(old, new) == [401, 200]
    assert call("list_sessions", new).body["count"] == 1


def test_a_clock_that_goes_back_brings_no_session_back(clock):
    person = new_person()
    old = log_in(person)
    call("delete_all_sessions", old)
    clock.now -= 3600
    new = log_in(person)
    assert statuses(old, new) == [401, 200]


def test_a_session_that_begins_while_all_are_being_ended_is_ended_too(clock, monkeypatch):
    person = new_person()
    token = log_in(person)
    late = []
    revoke_all = user_store.revoke_all_sessions

    def revoke_after_a_log_in(user, kept):
        late.append(log_in(person))
        return revoke_all(user, kept)

    monkeypatch.setattr(user_store, "revoke_all_sessions", revoke_after_a_log_in)
    assert call("delete_all_sessions", token).status == 200
    assert statuses(token, *late) == [401, 401]


def delete_before_revoking(monkeypatch):
    revoke_all = user_store.revoke_all_sessions

    def revoke_too_late(user, kept):
        tables().delete_item(TableName=USERS, Key={"id": {"S": user.id}})
        return revoke_all(user, kept)

    monkeypatch.setattr(user_store, "revoke_all_sessions", revoke_too_late)


def test_a_user_deleted_meanwhile_has_no_session_and_comes_not_back(clock, monkeypatch):
    person = new_person()
    token = log_in(person)
    delete_before_revoking(monkeypatch)
    answer = call("delete_all_sessions", token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert stored_rows(person)["user"] is None


@pytest.mark.parametrize("kept_by_the_other", [False, True])
def test_a_session_that_another_request_ends_meanwhile_is_not_brought_back(
    clock, monkeypatch, kept_by_the_other
):
    person = new_person()
    token, other = log_in(person), log_in(person)
    revoke_all = user_store.revoke_all_sessions

    def revoke_after_the_other(user, kept):
        monkeypatch.setattr(user_store, "revoke_all_sessions", revoke_all)
        query = {"allButSelf": ["true"]} if kept_by_the_other else None
        assert call("delete_all_sessions", other, query=query).status == 200
        return revoke_all(user, kept)

    monkeypatch.setattr(user_store, "revoke_all_sessions", revoke_after_the_other)
    answer = call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    assert (answer.status, answer.body) == (401, INVALID_SESSION)
    assert statuses(token, other) == [401, 200 if kept_by_the_other else 401]


# -------------------------------------------------------------------- faults


@pytest.mark.parametrize("query", [None, {"allButSelf": ["true"]}])
def test_sessions_that_cannot_be_counted_are_over_all_the_same_and_the_log_says_so(
    clock, monkeypatch, logged, query
):
    def fails(*_):
        raise Unavailable

    person = new_person()
    token, other = log_in(person), log_in(person)
    with monkeypatch.context() as patch:
        patch.setattr(session_store, "query_sessions", fails)
        answer = call("delete_all_sessions", token, query=query)
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert (logged()[-1]["message"], logged()[-1]["revoked"]) == ("RequestFailed", True)
    assert statuses(token, other) == [200 if query else 401, 401]
    again = call("delete_all_sessions", token, query=query)
    assert (again.status, again.body) == ((200, bulk(0)) if query else (401, INVALID_SESSION))


@pytest.mark.usefixtures("pauses")
def test_sessions_that_cannot_be_ended_go_on_and_the_log_does_not_say_that_they_are_over(
    clock, dynamodb, logged
):
    person = new_person()
    token, before = log_in(person), stored_rows(person)
    inject(dynamodb, "UpdateItem", FAULTS["an internal error"])
    answer = call("delete_all_sessions", token)
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert logged()[-1]["message"] == "RequestFailed"
    assert "revoked" not in logged()[-1]
    assert stored_rows(person) == before


def test_a_user_deleted_meanwhile_is_told_so_though_nothing_can_be_counted(
    clock, dynamodb, monkeypatch
):
    person = new_person()
    token = log_in(person)
    inject(dynamodb, "Query", FAULTS["no rights"])
    delete_before_revoking(monkeypatch)
    answer = call("delete_all_sessions", token)
    assert (answer.status, answer.body) == (401, INVALID_SESSION)


def test_a_session_that_began_after_the_request_is_counted_though_the_answer_was_lost(
    clock, dynamodb, monkeypatch
):
    def again(attempts, **_):
        return 0 if attempts == 1 else None

    # Each write is carried out, and made again as if nobody had heard of it.
    dynamodb.meta.events.register("needs-retry.dynamodb.UpdateItem", again)
    person = new_person()
    token, late = log_in(person), []
    revoke_all = user_store.revoke_all_sessions

    def revoke_after_a_log_in(user, kept):
        late.append(log_in(person))
        return revoke_all(user, kept)

    monkeypatch.setattr(user_store, "revoke_all_sessions", revoke_after_a_log_in)
    with in_order("as they stand"):
        answer = call("delete_all_sessions", token)
    assert (answer.status, answer.body) == (200, bulk(2))
    assert statuses(token, *late) == [401, 401]
