"""What the routes and the stores ask of DynamoDB, and what is under way together."""

import itertools
import threading
from collections import Counter

import pytest

from sessions import session_store, user_store
from sessions.dynamodb import USERS
from sessions.session_epoch import EPOCH_SHARDS
from tests.support.calls import call, invoke
from tests.support.faults import FAULTS, inject
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_sessions

pytestmark = pytest.mark.usefixtures("aws", "clock", "pauses")


def request(name, person, token, session=0):
    route = ROUTES[name]
    usual = route.request(session=session, login=person.username)
    return call(name, token if route.needs_token else None, **usual)


class Meeting:
    """Holds each call until all that should be under way together with it are.

    A call that is made alone, where there should be others, waits in vain and fails.
    """

    def __init__(self, events, sizes):
        self.met = [[] for _ in sizes]
        self.early = []  # calls that began before all calls of an earlier round trip had ended
        self._meetings = [threading.Barrier(size, timeout=10) for size in sizes]
        self._begun = self._ended = 0
        self._lock = threading.Lock()
        events.register("before-call.dynamodb", self._begin)
        events.register("after-call.dynamodb", self._end)

    def _begin(self, model, **_):
        with self._lock:
            upto = list(itertools.accumulate(meeting.parties for meeting in self._meetings))
            number = next(place for place, most in enumerate(upto) if self._begun < most)
            self._begun += 1
            self.met[number].append(model.name)
            if self._ended < upto[number] - self._meetings[number].parties:
                self.early.append(model.name)
        self._meetings[number].wait()

    def _end(self, **_):
        with self._lock:
            self._ended += 1


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_makes_the_round_trips_of_the_catalogue(clock, route, dynamodb):
    person = new_person()
    token = log_in(person)
    log_in(person)
    clock.now += 2  # a login in the second of the newest session asks once more
    round_trips = ROUTES[route].round_trips
    meeting = Meeting(dynamodb.meta.events, [len(calls) for calls in round_trips])
    assert request(route, person, token, clock.now - 1).status in {200, 201}
    assert [sorted(calls) for calls in meeting.met] == [list(calls) for calls in round_trips]
    assert meeting.early == []


@pytest.mark.parametrize("selector", ["login", "id"])
def test_a_session_is_issued_in_four_round_trips(clock, dynamodb_calls, selector):
    person = new_person()
    named = {"login": person.email, "id": person.id}[selector]
    dynamodb_calls.clear()
    invoke("issue_session", {selector: named, "method": "passkey"})
    assert operations(dynamodb_calls) == ["BatchGetItem", "UpdateItem", "PutItem", "Query"]


def test_a_login_that_replaces_a_session_reads_it_first_and_writes_both_together(
    clock, dynamodb_calls
):
    person = new_person()
    token = log_in(person)
    usual = ROUTES["create_session"].request(login=person.username)
    made = []
    for headers in ({}, {"X-Replace-Session": "true"}):
        clock.now += 1
        dynamodb_calls.clear()
        call("create_session", token, headers=headers, **usual)
        made.append(Counter(operations(dynamodb_calls)))
    without, replacing = made
    assert without["PutItem"] == 1
    assert replacing - without == {"BatchGetItem": 1, "TransactWriteItems": 1}
    assert without - replacing == {"PutItem": 1}


def test_a_login_does_not_need_the_session_limit(dynamodb, logged):
    """A login succeeds though the session limit cannot be enforced, which is logged."""
    person = new_person()
    inject(dynamodb, "Query", FAULTS["no rights"])
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD})
    assert answer.status == 201
    warning, done = logged()[-2:]
    assert (warning["level"], warning["message"]) == ("WARNING", "CleanUpFailed")
    assert warning["step"] == "enforce_session_limit"
    assert warning["correlation_id"] == done["correlation_id"]
    assert "botocore." in warning["exception"]
    assert done["message"] == "SessionCreated"
    assert call("get_current_session", answer.body["token"]).status == 200


def operations(dynamodb_calls):
    return [operation for operation, _ in dynamodb_calls]


@pytest.mark.parametrize(
    "read",
    [lambda user: session_store.read_user_and_sessions(user, ()), user_store.find_login_and_epoch],
)
def test_readers_of_the_session_epoch_look_into_all_of_its_rows(dynamodb_calls, read):
    """One row would serve too few reads for everybody (sessions/session_epoch.py)."""
    readers = [f"user{number}" for number in range(100)]
    for reader in readers:
        read(reader)
    asked = {
        key["id"]["S"] for _, it in dynamodb_calls for key in it["RequestItems"][USERS]["Keys"]
    }
    assert len(asked.difference(readers)) == EPOCH_SHARDS


def test_a_session_id_is_allocated_in_one_update_or_two(dynamodb_calls):
    login = user_store.find_login(new_person().username)
    for updates in (1, 2):  # the second login comes in the second of the first
        dynamodb_calls.clear()
        user_store.allocate_session_id(login, 100, "203.0.113.7")
        assert operations(dynamodb_calls) == ["UpdateItem"] * updates


def test_revoked_sessions_are_left_out_of_the_next_try(dynamodb_calls):
    person = new_person()
    add_sessions(person, range(1, 11))
    for iat in (2, 5, 9):
        session_store.revoke_session(person.id, iat, 9, "r")
    dynamodb_calls.clear()
    assert session_store.revoke_sessions(person.id, range(1, 11), "bulk", 9) == 7
    sizes = [len(parameters["TransactItems"]) for _, parameters in dynamodb_calls]
    assert sizes == [10, 7]
    assert stored_sessions(person) == {}


@pytest.mark.parametrize(("iats", "made"), [([], []), ([1, 2], ["TransactWriteItems"])])
def test_without_live_sessions_one_transaction_is_made_at_most(dynamodb_calls, iats, made):
    assert session_store.revoke_sessions("u", iats, "bulk", 9) == 0
    assert operations(dynamodb_calls) == made
