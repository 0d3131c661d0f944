"""DELETE /user/sessions/all."""

import pytest

from sessions import session_store, user_store
from sessions.dynamodb import USERS
from sessions.errors import Unavailable
from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import HEADERS, SESSION_SECONDS, UNAVAILABLE, missing, session_over
from tests.support.faults import FAULTS, LOST_ANSWER, NOT_DONE, inject, meanwhile
from tests.support.order import in_order
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import stored_rows, stored_user, tables

pytestmark = pytest.mark.usefixtures("aws")

KEEP = {"allButSelf": ["true"]}


def bulk(count):
    return {"count": count, "type": "session"}


def delete(token, query=None):
    return call("delete_all_sessions", token, query=query)


@pytest.fixture(scope="module")
def unharmed(aws):
    """A user with two sessions that no request here revokes, a token, and the user's rows."""
    with at(1_800_000_000):
        person = new_person()
        log_in(person)
        token = log_in(person)
    return person, token, stored_rows(person)


@pytest.fixture
def before_revoking(monkeypatch):
    """Let something happen just before sessions are revoked."""
    revoke_all_sessions = user_store.revoke_all_sessions

    def register(act):
        def revoke(*given):
            act()
            return revoke_all_sessions(*given)

        monkeypatch.setattr(user_store, "revoke_all_sessions", revoke)

    return register


def test_revokes_every_session_of_the_user_and_of_no_other(clock):
    person, other = new_person(), log_in(new_person())
    tokens = [log_in(person) for _ in range(3)]
    assert delete(tokens[0]) == (200, HEADERS, bulk(3))
    assert statuses(*tokens, other) == [401, 401, 401, 200]


@pytest.mark.parametrize(
    ("query", "is_kept"),
    [
        ({"allButSelf": ["true"]}, True),
        ({"allButSelf": ["1"]}, True),
        ({"allButSelf": [""]}, True),
        ({"allbutSelf": ["true"]}, True),  # as the published example has it
        ({"ALLBUTSELF": ["1"]}, True),
        ({}, False),
        ({"allButSelf": ["false"]}, False),
        ({"allbutself": ["0"]}, False),
        ({"other": ["true"]}, False),
        ({"allButSelf[]": ["true"]}, False),
    ],
)
def test_all_but_self_says_whether_the_session_in_use_is_kept(clock, query, is_kept):
    person = new_person()
    tokens = [log_in(person) for _ in range(3)]
    assert delete(tokens[1], query) == (200, HEADERS, bulk(2 if is_kept else 3))
    assert statuses(*tokens) == [401, 200 if is_kept else 401, 401]


@pytest.mark.parametrize(
    "query",
    [
        *({"allButSelf": [value]} for value in ("yes", "no", "TRUE", "False", "2", "-1", "01")),
        *({"allButSelf": [value]} for value in (" ", " true", "true\n", "null", "\0")),
        {"allButSelf": ["true", "true"]},
        {"allButSelf": ["true", "false"]},
        {"allButSelf": ["true"], "allbutself": ["true"]},
        {"ALLBUTSELF": ["x"]},
    ],
)
def test_any_other_all_but_self_is_refused_and_revokes_nothing(clock, unharmed, query):
    person, token, before = unharmed
    assert delete(token, query) == (400, HEADERS, missing("allButSelf"))
    assert stored_rows(person) == before


def test_expired_and_revoked_sessions_are_not_counted(clock):
    person = new_person()
    log_in(person)
    clock.now += SESSION_SECONDS
    log_in(person)
    token = log_in(person)
    assert delete(token, KEEP).body == bulk(1)
    log_in(person)
    assert delete(token, KEEP).body == bulk(1)
    assert delete(token, KEEP).body == bulk(0)
    assert delete(token).body == bulk(1)


def test_only_the_session_kept_last_is_kept(clock):
    person = new_person()
    kept_first = log_in(person)
    delete(kept_first, KEEP)
    kept_last = log_in(person)
    delete(kept_last, KEEP)
    assert statuses(kept_first, kept_last) == [401, 200]
    delete(kept_last)
    assert statuses(kept_first, kept_last) == [401, 401]
    assert stored_user(person).revoked_except is None


def test_a_login_counts_at_once_even_if_the_clock_goes_back(clock):
    person = new_person()
    old = log_in(person)
    delete(old)
    new = log_in(person)
    clock.now -= 3600
    newest = log_in(person)
    assert statuses(old, new, newest) == [401, 200, 200]


@pytest.mark.parametrize("can_be_counted", [True, False])
def test_a_user_deleted_meanwhile_stays_deleted(clock, dynamodb, before_revoking, can_be_counted):
    person = new_person()
    token = log_in(person)
    if not can_be_counted:
        inject(dynamodb, "Query", FAULTS["no rights"])
    before_revoking(lambda: tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}}))
    answer = delete(token)
    assert (answer.status, answer.body) == (401, session_over("account_deleted"))
    assert stored_rows(person)["user"] is None


# -------------------------------------------------------------------- faults


@pytest.mark.parametrize("query", [None, KEEP])
def test_sessions_that_cannot_be_counted_are_revoked(clock, monkeypatch, logged, query):
    def fail(*_):
        raise Unavailable

    person = new_person()
    token, other = log_in(person), log_in(person)
    with monkeypatch.context() as patch:
        patch.setattr(session_store, "query_sessions", fail)
        answer = delete(token, query)
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert (logged()[-1]["message"], logged()[-1]["revoked"]) == ("RequestFailed", True)
    assert statuses(token, other) == [200 if query else 401, 401]
    again = delete(token, query)
    assert (again.status, again.body) == ((200, bulk(0)) if query else (401, session_over("all")))


@pytest.mark.usefixtures("pauses")
def test_the_log_calls_sessions_revoked_only_if_they_are(clock, dynamodb, logged):
    person = new_person()
    token, before = log_in(person), stored_rows(person)
    inject(dynamodb, "UpdateItem", FAULTS["an internal error"])
    answer = delete(token)
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert logged()[-1]["message"] == "RequestFailed"
    assert "revoked" not in logged()[-1]
    assert stored_rows(person) == before


def test_a_login_meanwhile_is_counted_though_the_answer_was_lost(clock, dynamodb, before_revoking):
    def again(attempts, **_):
        return 0 if attempts == 1 else None

    # Each write is carried out, and made again as if its answer had been lost.
    dynamodb.meta.events.register("needs-retry.dynamodb.UpdateItem", again)
    person = new_person()
    tokens = [log_in(person)]
    before_revoking(lambda: tokens.append(log_in(person)))
    with in_order("as they stand"):
        answer = delete(tokens[0])
    assert (answer.status, answer.body) == (200, bulk(2))
    assert statuses(*tokens) == [401, 401]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("query", [None, KEEP])
@pytest.mark.parametrize("fault", [*NOT_DONE, "done, and the answer lost"])
def test_each_session_is_counted_once_though_a_write_is_made_again(clock, dynamodb, fault, query):
    """By the call that revoked it, whatever befell the first attempt of the other."""
    person, others = new_person(), []
    tokens = [log_in(person) for _ in range(3)]
    again = meanwhile(NOT_DONE.get(fault, LOST_ANSWER), lambda: others.append(delete(tokens[1])))
    inject(dynamodb, "UpdateItem", again, times=1)
    with in_order("as they stand"):
        answer = delete(tokens[0], query)
    (other,) = others
    if fault in NOT_DONE:
        assert (other.status, other.body) == (200, bulk(3))
        assert answer.status == (401 if query else 200)
        assert query or answer.body == bulk(0)
        assert statuses(*tokens) == [401] * 3
    else:
        assert other.status == 401
        assert (answer.status, answer.body) == (200, bulk(2 if query else 3))
        assert statuses(*tokens) == [200 if query else 401, 401, 401]
