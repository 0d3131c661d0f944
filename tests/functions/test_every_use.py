"""When and from where a session was last used, and that one which is not used ends."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions import authentication, dynamodb, endpoint, session_issue
from sessions.dynamodb import SESSIONS
from sessions.errors import InvalidSession
from sessions.last_use import _WRITE_SECONDS
from sessions.verifier import Verifier
from tests.support.calls import call, call_route, invoke
from tests.support.contract import INVALID_SESSION, SESSION_SECONDS, TEMPLATE
from tests.support.events import event_for
from tests.support.faults import EVERY_FAULT, FAULTS, inject
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.support.people import begin_session, log_in, new_person, statuses
from tests.support.rows import stored_rows, stored_sessions, tables

pytestmark = pytest.mark.usefixtures("aws")

HOUR, DAY = 3600, 86_400
SECRET = "Secretof64Characters" + "x" * 44
HERE = event_for("get_session")["requestContext"]["identity"]["sourceIp"]
OF_USE = {"used_at", "until", "address", "country", "known"}


@pytest.fixture
def deployed(monkeypatch):
    """Deploy with other parameters."""

    def deploy(**parameters):
        for name, value in parameters.items():
            for module in (authentication, session_issue):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, value)

    return deploy


@pytest.fixture
def page(monkeypatch):
    """Deploy with the page, whose CloudFront says where a viewer is."""
    monkeypatch.setattr(endpoint, "PAGE_SECRET", SECRET)

    def by_way_of(address, country, secret=SECRET):
        told = {"X-Viewer-Address": address, "CloudFront-Viewer-Country": country}
        return {"X-Page-Secret": secret, **told}

    return by_way_of


def stored(person):
    """Return the one session of a user, as it is stored."""
    (row,) = stored_sessions(person).values()
    return row


def where(person):
    return stored(person)["address"], stored(person)["country"]


def writes(dynamodb_calls):
    return [name for name, _ in dynamodb_calls].count("UpdateItem")


def see(token, session):
    """Say whether other services see the session."""
    verifier = Verifier(dynamodb.client, sessions_table=SESSIONS, users_table=dynamodb.USERS)
    try:
        return verifier.verify(token).id == session
    except InvalidSession:
        return False


# ------------------------------------------------------------ that it is stored


def test_a_use_is_stored_and_shown_once_an_hour(clock, dynamodb_calls):
    person, began = new_person(), clock.now
    token = log_in(person)
    clock.now = began + HOUR - 1
    dynamodb_calls.clear()
    assert call("get_current_session", token).body["usedAt"] == began
    assert [name for name, _ in dynamodb_calls] == ["BatchGetItem"]
    clock.now = began + HOUR
    dynamodb_calls.clear()
    assert call("get_current_session", token).body["usedAt"] == clock.now
    assert [name for name, _ in dynamodb_calls] == ["BatchGetItem", "UpdateItem"]
    assert stored(person)["used_at"] == clock.now
    dynamodb_calls.clear()
    clock.now += HOUR - 1
    assert call("get_current_session", token).body["usedAt"] == began + HOUR
    assert writes(dynamodb_calls) == 0


@pytest.mark.parametrize("route", AUTHENTICATED)
def test_every_route_is_a_use(clock, dynamodb_calls, route):
    person, began = new_person(), clock.now
    other, token = log_in(person), log_in(person)
    clock.now += HOUR
    assert call_route(route, token, session=began).status == 200
    row = next(it for it in stored_rows(person)["sessions"] if it["iat"]["N"] == str(began + 1))
    assert row["used_at"] == {"N": str(clock.now)}
    assert statuses(other) == [401 if ROUTES[route].changes else 200]


@pytest.mark.parametrize("limit", ["50", "1"])
def test_a_list_shows_the_use_that_it_is(clock, limit):
    person, began = new_person(), clock.now
    log_in(person)
    token = log_in(person)
    clock.now += HOUR
    shown = call("list_sessions", token, query={"limit": [limit]}).body["items"]
    assert [item["usedAt"] for item in shown] == [clock.now, began][: int(limit)]
    assert call("get_session", token, session=began + 1).body["usedAt"] == clock.now
    assert call("get_session", token, session=began).body["usedAt"] == began


def test_the_end_of_the_session_in_use_is_no_use_of_it(clock, dynamodb_calls):
    person = new_person()
    token = log_in(person)
    session = clock.now
    clock.now += HOUR
    dynamodb_calls.clear()
    assert call("delete_session", token, session=session).status == 200
    assert writes(dynamodb_calls) == 1
    (row,) = stored_rows(person)["sessions"]
    assert not OF_USE & row.keys()


def test_no_use_is_stored_where_none_is_asked_for(clock, deployed, dynamodb_calls):
    deployed(USED_SECONDS=0)
    token = log_in(new_person())
    clock.now += SESSION_SECONDS - 1
    dynamodb_calls.clear()
    assert statuses(token) == [200]
    assert writes(dynamodb_calls) == 0


def test_a_row_of_an_earlier_version_is_used_like_any_other(clock):
    person = new_person()
    token = log_in(person)
    key = {"user": {"S": person.id}, "iat": {"N": str(clock.now)}}
    remove = "REMOVE created_at, address, #method"
    tables().update_item(
        TableName=SESSIONS,
        Key=key,
        UpdateExpression=remove,
        ExpressionAttributeNames={"#method": "method"},
    )
    shown = call("get_current_session", token).body
    assert (shown["usedAt"], "address" in shown, "idleExp" in shown) == (clock.now, False, False)
    clock.now += HOUR
    shown = call("get_current_session", token).body
    assert (shown["usedAt"], shown["address"]) == (clock.now, HERE)


@pytest.mark.parametrize("fault", ["no rights", "down", "a time-out on reading"])
@pytest.mark.parametrize("route", ["get_current_session", "list_sessions", "delete_sessions"])
@pytest.mark.usefixtures("pauses")
def test_a_request_does_not_need_its_use_to_be_stored(clock, dynamodb, logged, route, fault):
    person, began = new_person(), clock.now
    token = log_in(person)
    clock.now += HOUR
    inject(dynamodb, "UpdateItem", FAULTS[fault])
    assert call_route(route, token, session=began - 1).status == 200
    warning, done = logged()[-2:]
    assert (warning["level"], warning["step"]) == ("WARNING", "store_last_use")
    assert done["level"] == "INFO"
    assert stored(person)["used_at"] is None


def test_a_conflict_with_a_bulk_deletion_is_no_news(clock, dynamodb, logged):
    token = log_in(new_person())
    clock.now += HOUR
    before = len(logged())
    inject(dynamodb, "UpdateItem", EVERY_FAULT["in conflict with a transaction"].befall)
    assert statuses(token) == [200]
    assert [line["level"] for line in logged()[before:]] == ["INFO"]


def test_after_a_slow_read_there_is_no_time_for_it(clock, dynamodb, dynamodb_calls):
    """Else a write that fails would outlast the function, and with it the request."""
    token = log_in(new_person())
    slowest = authentication._SLOWEST_READ_SECONDS
    for seconds, stored_uses in ((slowest, 1), (slowest + 1, 0)):
        clock.now += HOUR

        def pass_time(seconds=seconds, **_):
            clock.now += seconds

        dynamodb_calls.clear()
        dynamodb.meta.events.register_first("after-call.dynamodb.BatchGetItem", pass_time)
        assert statuses(token) == [200]
        dynamodb.meta.events.unregister("after-call.dynamodb.BatchGetItem", pass_time)
        assert writes(dynamodb_calls) == stored_uses


def test_a_function_ends_before_the_write_of_a_use_could_move_an_end_that_was_seen():
    """By a clock that is some seconds behind, too."""
    for name in AUTHENTICATED:
        function = TEMPLATE.resources_of("AWS::Lambda::Function")[ROUTES[name].function]
        assert function["Timeout"] + 5 <= _WRITE_SECONDS


# ------------------------------------------------------------- from where


def test_a_session_says_from_where_it_was_last_used(clock, page):
    person = new_person()
    body = {"user": person.username, "pass": PASSWORD}
    began = call("create_session", body=body, headers=page("203.0.113.9", "FR"))
    assert where(person) == ("203.0.113.9", "FR")
    token = began.body["token"]
    shown = call("get_current_session", token, headers=page("198.51.100.1", "DE")).body
    assert (shown["address"], shown["country"]) == ("203.0.113.9", "FR"), "no use was due"
    clock.now += HOUR
    shown = call("get_current_session", token, headers=page("2001:db8::1", "DE")).body
    assert (shown["address"], shown["country"]) == where(person) == ("2001:db8::1", "DE")
    clock.now += HOUR
    shown = call("get_current_session", token).body
    assert (shown["address"], "country" in shown) == (HERE, False)
    assert where(person) == (HERE, None)


def test_a_country_is_believed_of_cloudfront_alone(clock, page):
    person = new_person()
    headers = page("203.0.113.9", "FR", SECRET[:-1])
    body = {"user": person.username, "pass": PASSWORD}
    token = call("create_session", body=body, headers=headers).body["token"]
    clock.now += HOUR
    assert where(person) == (HERE, None)
    call("get_current_session", token, headers=headers)
    assert stored(person)["used_at"] == clock.now
    assert where(person) == (HERE, None)


def test_a_use_removes_what_a_deployment_does_not_keep_any_more(clock, page, deployed):
    person = new_person()
    body = {"user": person.username, "pass": PASSWORD}
    headers = page("203.0.113.9", "FR")
    token = call("create_session", body=body, headers=headers).body["token"]
    deployed(KEEP_ADDRESSES=False)
    clock.now += HOUR
    shown = call("get_current_session", token, headers=headers).body
    assert (shown["usedAt"], {"address", "country"} & shown.keys()) == (clock.now, set())
    (row,) = stored_rows(person)["sessions"]
    assert not {"address", "country"} & row.keys()
    call("create_session", body=body, headers=headers)
    begin_session(person, address="203.0.113.9")
    assert not [row for row in stored_sessions(person).values() if row["address"]]


@pytest.mark.parametrize("by", [None, "an agent"])
def test_an_issued_session_says_the_address_that_the_back_end_gave(by):
    person = new_person()
    begin_session(person, address="2001:db8:1:2:3::4", by=by)
    assert stored(person)["address"] == "2001:db8:1:2:3::4"
    begin_session(person, address="fe80::1%a zone", by=by)
    assert "fe80::1" in {row["address"] for row in stored_sessions(person).values()}


# ------------------------------------------------------------- idle limits


def test_a_session_that_is_not_used_ends_by_the_idle_limit(clock, deployed):
    person = new_person()
    deployed(IDLE_SECONDS=DAY)
    began, token, other = clock.now, log_in(person), log_in(person, rememberMe=True)
    shown = call("get_current_session", token).body
    assert (shown["exp"], shown["idleExp"]) == (began + SESSION_SECONDS, began + DAY)
    clock.now = began + DAY - 1
    assert statuses(token, other) == [200, 200], "just before the end, that is not stored"
    clock.now += 1
    assert statuses(token, other) == [401, 401]
    newer = log_in(person)
    assert call("list_sessions", newer, query=None).body["count"] == 1
    assert invoke("list_user_sessions", {"id": person.id})["count"] == 1
    assert not see(token, began)


def test_a_use_puts_the_end_off_but_not_behind_the_sessions_own(clock, deployed):
    deployed(IDLE_SECONDS=20 * DAY)
    began = clock.now
    token = log_in(new_person())
    for days, ends in ((10, 30), (29, 30)):
        clock.now = began + days * DAY
        shown = call("get_current_session", token).body
        assert (shown["idleExp"], shown["exp"]) == (began + ends * DAY, began + 30 * DAY)
    clock.now = began + 30 * DAY
    assert statuses(token) == [401]


def test_the_tokens_end_is_that_of_a_session_in_use(clock, deployed):
    deployed(IDLE_SECONDS=DAY)
    person = new_person()
    body = {"user": person.username, "pass": PASSWORD}
    answer = call("create_session", body=body).body
    issued = invoke("issue_session", {"id": person.id, "method": "passkey", "seconds": 2 * DAY})
    assert answer["exp"] == clock.now + SESSION_SECONDS
    assert issued["exp"] == issued["session"]["exp"] == clock.now + 2 * DAY
    assert issued["session"]["idleExp"] == clock.now + DAY
    for hours in range(1, 48):
        clock.now += HOUR
        assert statuses(answer["token"], issued["token"]) == [200, 200], hours
    clock.now += HOUR
    assert statuses(answer["token"], issued["token"]) == [200, 401]


def test_a_session_keeps_the_idle_limit_that_it_began_with(clock, deployed):
    person, began = new_person(), clock.now
    without = log_in(person)
    deployed(IDLE_SECONDS=DAY)
    within = log_in(person)
    deployed(IDLE_SECONDS=0)
    clock.now += DAY // 2
    assert statuses(without, within) == [200, 200]
    clock.now = began + DAY + DAY // 2
    assert statuses(without, within) == [200, 401]


@pytest.mark.parametrize("used_seconds", [0, HOUR, 2 * DAY])
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    idle=st.sampled_from([100, HOUR, DAY]),
    gaps=st.lists(st.floats(0, 1), max_size=6),
    routes=st.lists(st.sampled_from(["get_current_session", "list_sessions"]), min_size=6),
)
def test_a_session_in_use_does_not_idle_out_and_one_that_is_not_does(
    clock, deployed, used_seconds, idle, gaps, routes
):
    deployed(IDLE_SECONDS=idle, USED_SECONDS=used_seconds)
    person = new_person()
    token, session = log_in(person), clock.now
    for gap, route in zip(gaps, routes, strict=False):
        clock.now += round(gap * (idle - idle // 10 - _WRITE_SECONDS))
        assert call(route, token).status == 200
    clock.now += idle
    for route in AUTHENTICATED:
        answer = call_route(route, token, session=session)
        assert (answer.status, answer.body["code"]) == (401, INVALID_SESSION["code"])
    assert invoke("list_user_sessions", {"id": person.id})["count"] == 0
    assert not see(token, session)
