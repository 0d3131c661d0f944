"""What each route asks of AWS, and what test_every_fault.py does not see of its faults."""

import itertools
import threading

import pytest

from sessions import aws as layer_aws
from sessions import signing_keys
from sessions.errors import Unavailable
from tests.support.calls import call, invoke
from tests.support.clock import at
from tests.support.contract import HEADERS, UNAVAILABLE
from tests.support.events import event_for
from tests.support.faults import FAULTS, inject
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws", "clock", "pauses")


@pytest.fixture(scope="module")
def member(aws):
    """A user with two sessions, and the token of the older one."""
    with at(1_800_000_000):
        person = new_person()
        token = log_in(person)
        log_in(person)
    return person, token


def request(name, person, token, iat=1_800_000_001):
    route = ROUTES[name]
    usual = route.request(session=iat, login=person.username)
    return call(name, token if route.needs_token else None, **usual)


def assert_unavailable(answer, logged):
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert answer.headers == {**HEADERS, "Retry-After": "1"}
    (line,) = [line for line in logged() if line["message"] == "RequestFailed"]
    assert (line["level"], line["status"]) == ("ERROR", 503)
    return line


class Meeting:
    """Holds each call until all that should be under way together with it are.

    One that is made alone, where there should be others, waits in vain and fails.
    """

    def __init__(self, events, sizes):
        self.met = [[] for _ in sizes]
        self.early = []  # what began before all that should come before it had ended
        self._meetings = [threading.Barrier(size, timeout=10) for size in sizes]
        self._begun = self._ended = 0
        self._lock = threading.Lock()
        events.register("before-call.dynamodb", self._begin)
        events.register("after-call.dynamodb", self._end)

    def _begin(self, model, **_):
        with self._lock:
            upto = list(itertools.accumulate(each.parties for each in self._meetings))
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
    clock.now += 2  # a login in a second that has had one asks once more
    round_trips = ROUTES[route].round_trips
    meeting = Meeting(dynamodb.meta.events, [len(each) for each in round_trips])
    assert request(route, person, token, clock.now - 1).status in {200, 201}
    assert [sorted(each) for each in meeting.met] == [list(each) for each in round_trips]
    assert meeting.early == []


@pytest.mark.parametrize(
    ("route", "failing", "slow"),
    [
        ("create_session", "BatchGetItem", "UpdateItem"),
        ("create_session", "UpdateItem", "BatchGetItem"),
        ("delete_all_sessions", "UpdateItem", "Query"),
        ("delete_all_sessions", "Query", "UpdateItem"),
    ],
)
def test_nothing_is_under_way_any_more_once_a_route_has_answered(
    clock, dynamodb, logged, route, failing, slow
):
    person = new_person()
    token = log_in(person)
    has_failed, ended = threading.Event(), []
    inject(dynamodb, failing, FAULTS["no rights"])
    events = dynamodb.meta.events
    events.register(f"after-call.dynamodb.{failing}", lambda **_: has_failed.set())
    events.register(f"before-call.dynamodb.{slow}", lambda **_: has_failed.wait(10) and None)
    events.register(f"after-call.dynamodb.{slow}", lambda **_: ended.append(slow))
    before = threading.enumerate()
    assert_unavailable(request(route, person, token), logged)
    assert set(threading.enumerate()) <= set(before)
    assert ended


@pytest.mark.parametrize("fault", ["throttled", "an internal error", "no rights", "no connection"])
def test_a_log_in_that_cannot_look_for_sessions_too_many_is_done_and_says_so(
    clock, dynamodb, logged, fault
):
    person = new_person()
    inject(dynamodb, "Query", FAULTS[fault])
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD})
    assert answer.status == 201
    warning, done = logged()[-2:]
    assert (warning["level"], warning["message"]) == ("WARNING", "CleanUpFailed")
    assert (warning["step"], warning["correlation_id"]) == (
        "enforce_session_limit",
        done["correlation_id"],
    )
    assert "botocore." in warning["exception"]
    assert done["message"] == "SessionCreated"
    assert call("get_current_session", answer.body["token"]).status == 200


# --------------------------------------------------- Secrets Manager


@pytest.fixture
def cold(aws, monkeypatch):
    """A function that has read no signing keys yet, and its client of Secrets Manager."""
    client = layer_aws.client("secretsmanager")
    monkeypatch.setattr(signing_keys, "secretsmanager", client)
    monkeypatch.setattr(signing_keys.signing_keys, "_key_set", None)
    monkeypatch.setattr(signing_keys.signing_keys, "_read_at", 0)
    monkeypatch.setattr(signing_keys.signing_keys, "_stale_at", 0)
    return client


@pytest.mark.parametrize(
    "secret",
    ["", "not JSON", "[]", "{}", '{"current": "gone"}', '{"current": "k", "k": "too short"}'],
)
def test_a_secret_that_is_no_key_set_is_unavailable_and_not_logged(
    member, cold, logged, monkeypatch, secret
):
    person, token = member
    monkeypatch.setattr(cold, "get_secret_value", lambda **_: {"SecretString": secret})
    line = assert_unavailable(request("get_current_session", person, token), logged)
    assert "MalformedKeySet" in line["exception"]
    assert "too short" not in str(logged())


def test_a_binary_secret_is_unavailable(clock, member, cold, logged, monkeypatch):
    monkeypatch.setattr(cold, "get_secret_value", lambda **_: {"SecretBinary": b"x"})
    assert_unavailable(request("get_current_session", *member), logged)


@pytest.mark.parametrize("route", ["create_session", "get_current_session"])
def test_one_fault_is_one_error_in_the_log(clock, member, cold, logged, route):
    inject(cold, "GetSecretValue", FAULTS["no rights"])
    request(route, *member)
    errors = [line["message"] for line in logged() if line["level"] == "ERROR"]
    assert errors == ["SigningKeysUnreadable", "RequestFailed"]


def test_a_warm_function_goes_on_with_the_keys_it_has(clock, member, cold):
    person, token = member
    assert request("get_current_session", person, token).status == 200
    sent = inject(cold, "GetSecretValue", FAULTS["no connection"])
    clock.now += 301
    assert request("get_current_session", person, token).status == 200
    assert len(sent) == 3
    clock.now += 29
    assert request("get_current_session", person, token).status == 200
    assert len(sent) == 3, "not at every request"


def test_a_token_that_is_no_token_costs_no_call_to_secrets_manager(clock, cold):
    sent = inject(cold, "GetSecretValue", FAULTS["no rights"])
    assert call("get_current_session", "a.b.c").status == 401
    assert sent == []


def test_the_authorizer_without_signing_keys_fails_so_that_the_gateway_says_unavailable(
    clock, member, cold
):
    inject(cold, "GetSecretValue", FAULTS["no connection"])
    with pytest.raises(Unavailable):
        invoke("authorize", event_for("authorize", member[1]))


def test_the_authorizer_needs_no_signing_keys_at_the_log_in(cold):
    inject(cold, "GetSecretValue", FAULTS["no connection"])
    event = {**event_for("authorize"), "httpMethod": "POST"}
    assert "usageIdentifierKey" in invoke("authorize", event)


def test_the_keys_are_read_once(clock, member, cold):
    sent = inject(cold, "GetSecretValue", FAULTS["no rights"], times=0)
    for _ in range(3):
        assert request("get_current_session", *member).status == 200
    assert len(sent) == 1
