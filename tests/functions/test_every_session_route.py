"""What all routes that need a token do alike."""

import json

import pytest

from tests.support.calls import call, call_route, invoke
from tests.support.contract import (
    BANNED,
    HEADERS,
    INVALID_SESSION,
    SESSION_SECONDS,
    name_of_error,
)
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

each_route = pytest.mark.parametrize("route", AUTHENTICATED)


class Pair:
    """A user with two sessions, the token of the older and the ID of the newer."""

    def __init__(self, now):
        self.person = new_person()
        self.token = log_in(self.person)
        self.other = log_in(self.person, rememberMe=True)
        self.session = now + 1

    def call(self, route, token):
        return call_route(route, token, self.session)


@pytest.fixture
def pair(clock):
    return Pair(clock.now)


@each_route
def test_a_banned_user_is_refused_until_the_ban_is_lifted(clock, pair, route):
    invoke("ban_user", {"login": pair.person.email})
    before = stored_rows(pair.person)
    assert pair.call(route, pair.token) == (403, HEADERS, BANNED)
    assert stored_rows(pair.person) == before
    invoke("unban_user", {"login": pair.person.username})
    assert pair.call(route, pair.token).status == 200


@pytest.mark.parametrize("route", [name for name in AUTHENTICATED if ROUTES[name].names_a_session])
def test_a_path_names_only_sessions_that_count(clock, route):
    person = new_person()
    token = log_in(person, rememberMe=True)
    all_revoked, revoked, expiring = clock.now + 1, clock.now + 2, clock.now + 3
    log_in(person)
    call("delete_all_sessions", token, query={"allButSelf": ["1"]})
    log_in(person)
    call("delete_session", token, session=revoked)
    log_in(person)
    clock.now += SESSION_SECONDS - 1
    assert call("get_session", token, session=expiring).status == 200
    clock.now += 1
    before = stored_rows(person)
    assert len(before["sessions"]) == 4
    for session in (all_revoked, revoked, expiring):
        answer = call_route(route, token, session)
        assert answer.status == 404
        assert name_of_error(404, answer.body) == ROUTES[route].answers[404]
    assert stored_rows(person) == before


@pytest.mark.parametrize("route", [name for name in AUTHENTICATED if not ROUTES[name].changes])
def test_reading_changes_nothing(clock, pair, route):
    before = stored_rows(pair.person)
    clock.now += 100
    answer = pair.call(route, f"bEARER {pair.token}")
    assert (answer.status, answer.headers) == (200, HEADERS)
    assert stored_rows(pair.person) == before


@each_route
def test_begins_with_one_strongly_consistent_read(clock, pair, route, dynamodb_calls):
    dynamodb_calls.clear()
    pair.call(route, pair.token)
    operation, parameters = dynamodb_calls[0]
    assert operation == "BatchGetItem"
    assert [table["ConsistentRead"] for table in parameters["RequestItems"].values()] == [True] * 2
    assert [name for name, _ in dynamodb_calls].count("BatchGetItem") == 1


@each_route
def test_counts_one_outcome_and_logs_one_line(clock, pair, route, logged, capsys):
    capsys.readouterr()
    known = len(logged())
    pair.call(route, pair.token)
    pair.call(route, "bad")
    done, refused = logged()[known:]
    assert (done["level"], done["status"]) == ("INFO", 200)
    assert (done["correlation_id"], done["user"]) == (HEADERS["X-Request-Id"], pair.person.id)
    assert (refused["level"], refused["message"]) == ("INFO", "RequestRefused")
    assert (refused["status"], refused["code"]) == (401, INVALID_SESSION["code"])
    assert "exception" not in refused
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [metric.get(done["message"]) for metric in metrics] == [[1.0], None]
    assert [metric.get("RequestRefused") for metric in metrics] == [None, [1.0]]
