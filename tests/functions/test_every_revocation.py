"""What ends sessions is one write: cut short anywhere, it has happened for all or for none."""

import pytest

from tests.support.calls import call, invoke
from tests.support.operations import ACCOUNT_OPERATIONS, ROUTES
from tests.support.order import ORDERS, in_order
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions

pytestmark = pytest.mark.usefixtures("aws")

REVOCATIONS = [name for name, each in ACCOUNT_OPERATIONS.items() if each.then != 200]


@pytest.fixture(params=REVOCATIONS)
def revocation(request):
    operation = ACCOUNT_OPERATIONS[request.param]
    return lambda person: invoke(operation.name, operation.event(id=person.id)), operation.then


def statuses(tokens):
    return {call("get_current_session", token).status for token in tokens}


def test_takes_effect_at_the_next_request_of_every_session_of_a_thousand(clock, revocation):
    act, status = revocation
    person = new_person()
    tokens = [log_in(person) for _ in range(50)]
    add_sessions(person, range(1, 951))
    act(person)
    assert statuses(tokens) == {status}


def test_cut_short_after_any_call_it_has_happened_for_every_session_or_for_none(
    clock, dynamodb, power_cut, revocation
):
    act, status = revocation
    call_number, seen = 0, []
    finished = False
    while not finished:
        person = new_person()
        tokens = [log_in(person) for _ in range(5)]
        finished = power_cut(call_number, lambda p=person: act(p))
        found = statuses(tokens)
        assert found in ({200}, {status}), call_number
        seen.append(found)
        call_number += 1
    assert seen[-1] == {status}
    assert seen == sorted(seen, key=lambda each: each == {status}), "once done, it stays done"


@pytest.fixture
def one_by_one(request):
    with in_order(request.param):
        yield


@pytest.mark.parametrize("one_by_one", ORDERS, indirect=True)
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.changes])
def test_a_request_cut_short_after_any_call_brings_nobody_back(
    clock, dynamodb, power_cut, one_by_one, name
):
    route, call_number = ROUTES[name], 0
    while True:
        person = new_person()
        revoked, token = log_in(person), log_in(person)
        call("delete_session", token, session=clock.now)

        def act(person=person, token=token):
            usual = route.request(session=clock.now + 1, login=person.username)
            call(name, token if route.needs_token else None, **usual)

        finished = power_cut(call_number, act)
        assert statuses([revoked]) == {401}, call_number
        ended = {200, 401} if route.needs_token else {200}
        assert statuses([token]) <= ended
        if finished:
            break
        call_number += 1
    assert call_number >= 2
