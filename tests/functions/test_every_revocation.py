"""A revocation is one write: cut short anywhere, it has happened for all sessions or for none."""

import pytest

from tests.support.calls import call, call_route, invoke
from tests.support.operations import ACCOUNT_OPERATIONS, ROUTES
from tests.support.order import ORDERS, in_order
from tests.support.people import log_in, new_person, statuses
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


@pytest.mark.parametrize(
    "name", [name for name, it in ACCOUNT_OPERATIONS.items() if it.then != 200]
)
def test_an_operation_cut_short_has_revoked_all_sessions_or_none(clock, power_cut, name):
    operation = ACCOUNT_OPERATIONS[name]
    call_number, seen = 0, []
    is_finished = False
    while not is_finished:
        person = new_person()
        tokens = [log_in(person) for _ in range(3)]
        is_finished = power_cut(
            call_number, lambda p=person: invoke(name, operation.event(id=p.id))
        )
        (status,) = set(statuses(*tokens))
        seen.append(status)
        call_number += 1
    assert set(seen) <= {200, operation.then}
    assert seen[-1] == operation.then
    assert seen == sorted(seen), "once done, it stays done"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.changes])
def test_a_request_cut_short_revives_no_session(clock, power_cut, order, name):
    route, call_number, is_finished = ROUTES[name], 0, False
    while not is_finished:
        person = new_person()
        revoked, token = log_in(person), log_in(person)
        call("delete_session", token, session=clock.now)

        def act(person=person, token=token):
            usual = route.request(session=clock.now + 1, login=person.username)
            call(name, token if route.needs_token else None, **usual)

        with in_order(order):
            is_finished = power_cut(call_number, act)
        assert statuses(revoked) == [401], call_number
        assert statuses(token)[0] in ({200, 401} if route.needs_token else {200})
        call_number += 1
    assert call_number > 2


@pytest.mark.parametrize("name", ["delete_session", "delete_all_sessions", "revoke_user_sessions"])
def test_a_revocation_has_an_id_like_no_other(clock, name):
    """By it a write that is made again finds itself done, and must not find another's."""
    person = new_person()
    token = log_in(person)
    if name in ROUTES:
        call_route(name, token, clock.now)
    else:
        invoke(name, {"id": person.id, "all": True})
    rows = stored_rows(person)
    revoked = [row for row in (rows["user"], *rows["sessions"]) if "revocation_id" in row]
    assert [len(row["revocation_id"]["S"]) for row in revoked] == [8], "48 bits in base64url"
