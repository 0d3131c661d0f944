"""A request that another one comes in between of, at each point where it can.

That is before each call of DynamoDB that it makes: the other runs there from its beginning to its
end. Calls that are made side by side are made one by one here, in two orders where it matters.
Threads reach few of these points (tests/gateway/test_races.py); here each is reached.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sessions.errors import AccountError, UserTaken
from tests.support.calls import call, call_route, invoke
from tests.support.contract import INVALID_SESSION
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED
from tests.support.order import ORDERS, in_order
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

Act = Callable[[], Any]
Points = Callable[[Callable[[], tuple[Act, Act]]], Iterator[tuple[Any, Any]]]


both_orders = pytest.mark.parametrize("points", ORDERS, indirect=True)


@pytest.fixture
def points(dynamodb: Any, request: pytest.FixtureRequest) -> Iterator[Points]:
    """Begin a new pair for each point of the first one; what both were answered."""
    waiting: list[Act] = []
    left = 0

    def let_the_other_in(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0 and waiting:
            waiting.pop()()

    dynamodb.meta.events.register("provide-client-params.dynamodb", let_the_other_in)

    def points(begin: Callable[[], tuple[Act, Act]]) -> Iterator[tuple[Any, Any]]:
        nonlocal left
        for number in itertools.count():
            act, other = begin()
            answers: list[Any] = []
            waiting[:], left = [lambda a=answers, o=other: a.append(outcome(o))], number
            answer = outcome(act)
            if waiting:
                assert number, "there was no point"
                waiting.clear()
                return
            yield answer, answers[0]

    with in_order(getattr(request, "param", next(iter(ORDERS)))):
        yield points


def outcome(act: Act) -> Any:
    try:
        return act()
    except AccountError as error:
        return error


def statuses(*tokens: str) -> list[int]:
    """Return how each token is answered, which is how it is answered when asked again."""
    first = [call("get_current_session", token).status for token in tokens]
    assert [call("get_current_session", token).status for token in tokens] == first
    return first


def credentials(person: Person) -> dict[str, str]:
    return {"user": person.username, "pass": PASSWORD}


class Met:
    """The user of the pair at hand, and sessions of that user."""

    def __init__(self, sessions: int) -> None:
        self.person = new_person()
        self.tokens = [log_in(self.person) for _ in range(sessions)]

    def log_in(self) -> Any:
        return call("create_session", body=credentials(self.person))


# --------------------------------------------------------------- logins


@both_orders
def test_a_log_in_is_ended_by_a_delete_all_from_the_point_on_at_which_it_has_its_id(clock, points):
    def begin():
        nonlocal met
        met = Met(1)
        return met.log_in, lambda: call("delete_all_sessions", met.tokens[0])

    met, seen = None, []
    for answer, deleted in points(begin):
        assert (answer.status, deleted.status) == (201, 200)
        assert statuses(*met.tokens) == [401]
        seen += statuses(answer.body["token"])
    assert seen == sorted(seen), "ended at one point, it is ended at each later one"
    assert set(seen) == {200, 401}


@both_orders
def test_a_delete_all_ends_and_counts_what_began_before_its_one_write(clock, points):
    def begin():
        nonlocal met
        met = Met(2)
        return lambda: call("delete_all_sessions", met.tokens[0]), met.log_in

    met, seen = None, []
    for deleted, answer in points(begin):
        assert (deleted.status, answer.status) == (200, 201)
        assert statuses(*met.tokens) == [401] * 2
        seen += statuses(answer.body["token"])
        assert deleted.body["count"] in ({2, 3} if seen[-1] == 401 else {2})
    assert seen == sorted(seen, reverse=True), "untouched at one point, it is so at each later one"
    assert 401 in seen


@both_orders
@pytest.mark.parametrize("revoke", [False, True])
def test_a_log_in_meets_a_ban_wherever_it_comes(clock, points, revoke):
    def begin():
        nonlocal met
        met = Met(0)
        return met.log_in, lambda: invoke("ban_user", {"id": met.person.id})

    met, seen = None, set()
    for answer, _ in points(begin):
        seen.add(answer.status)
        tokens = [answer.body["token"]] if answer.status == 201 else []
        assert statuses(*tokens) == [403] * len(tokens)
        assert len(stored_rows(met.person)["sessions"]) == len(tokens), "no session is nobody's"
        invoke("unban_user", {"id": met.person.id, "revoke_sessions": revoke})
        assert statuses(*tokens) == [401 if revoke else 200] * len(tokens)
    assert seen == {201, 403}


@both_orders
def test_a_log_in_with_the_old_password_is_over_wherever_the_change_comes(clock, points):
    def begin():
        nonlocal met
        met = Met(0)
        change = {"id": met.person.id, "password": f"{PASSWORD}!"}
        return met.log_in, lambda: invoke("set_password", change)

    met, seen = None, set()
    for answer, _ in points(begin):
        seen.add(answer.status)
        if answer.status == 201:
            assert statuses(answer.body["token"]) == [401]
    assert seen == {201, 401}


@both_orders
def test_a_log_in_of_a_user_who_is_deleted_wherever_that_comes_opens_nothing(clock, points):
    def begin():
        nonlocal met
        met = Met(0)
        return met.log_in, lambda: invoke("delete_user", {"id": met.person.id})

    met = None
    for answer, deleted in points(begin):
        assert deleted["id"] == met.person.id
        if answer.status == 201:
            assert statuses(answer.body["token"]) == [401]
        assert stored_rows(met.person)["user"] is None, "the login has not brought it back"
        assert call("create_session", body=credentials(met.person)).status == 404


@both_orders
def test_two_log_ins_are_two_sessions_wherever_they_meet(clock, points):
    def begin():
        nonlocal met
        met = Met(0)
        return met.log_in, met.log_in

    met = None
    for answers in points(begin):
        tokens = [answer.body["token"] for answer in answers]
        ids = [call("get_current_session", token).body["iat"] for token in tokens]
        assert len(set(ids)) == 2
        assert call("list_sessions", tokens[0], query=None).body["count"] == 2


# ---------------------------------------------------------------- deletes


def test_two_deletes_of_one_session_end_it_once_wherever_they_meet(clock, points):
    def begin():
        nonlocal met
        met = Met(2)
        delete = [
            lambda token=token: call("delete_session", token, session=clock.now)
            for token in met.tokens[::-1]
        ]
        return delete[0], delete[1]

    met = None
    for answers in points(begin):
        assert [answer.status for answer in answers] == [404, 200]
        assert statuses(*met.tokens) == [401, 200]


def test_overlapping_deletes_of_several_count_each_session_once_wherever_they_meet(clock, points):
    def begin():
        nonlocal met
        met = Met(5)

        def end(iats):
            return call("delete_sessions", met.tokens[4], body={"sessions": list(iats)})

        return lambda: end(range(clock.now, clock.now + 3)), lambda: end(
            range(clock.now + 1, clock.now + 4)
        )

    met = None
    for one, other in points(begin):
        assert one.body["count"] + other.body["count"] == 4
        assert statuses(*met.tokens) == [401] * 4 + [200]


@both_orders
def test_of_two_who_end_all_but_themselves_one_is_left_wherever_they_meet(clock, points):
    def begin():
        nonlocal met
        met = Met(3)
        delete = [
            lambda token=token: call("delete_all_sessions", token, query={"allButSelf": [""]})
            for token in met.tokens[:2]
        ]
        return delete[0], delete[1]

    met = None
    for answers in points(begin):
        assert sorted(answer.status for answer in answers) == [200, 401]
        winner, loser = sorted(answers, key=lambda answer: answer.status)
        assert (loser.body, winner.body["count"]) == (INVALID_SESSION, 2)
        assert statuses(*met.tokens) == [answer.status for answer in answers] + [401]


@both_orders
def test_two_who_end_all_are_told_each_session_once_wherever_they_meet(clock, points):
    def begin():
        nonlocal met
        met = Met(3)
        delete = [
            lambda token=token: call("delete_all_sessions", token) for token in met.tokens[:2]
        ]
        return delete[0], delete[1]

    met = None
    for answers in points(begin):
        assert {answer.status for answer in answers} in ({200}, {200, 401})
        assert sum(answer.body.get("count", 0) for answer in answers) == 3
        assert statuses(*met.tokens) == [401] * 3


@both_orders
@pytest.mark.parametrize("route", AUTHENTICATED)
def test_a_request_whose_session_is_ended_as_it_runs_is_its_last(clock, points, route):
    def begin():
        nonlocal met
        met = Met(3)
        act = [
            lambda: call_route(route, met.tokens[0], session=clock.now + 1),
            lambda: call("delete_session", met.tokens[2], session=clock.now),
        ]
        return act[0], act[1]

    met = None
    for ran, deleted in points(begin):
        assert ran.status in {200, 401}
        # Once it has ended all, the other's token is none any more.
        assert deleted.status == 200 or (ran.status == 200 and route == "delete_all_sessions")
        assert statuses(met.tokens[0]) == [401]
        ended = ran.status == 200 and route.startswith("delete")
        assert statuses(met.tokens[1]) == [401 if ended else 200]


# -------------------------------------------------------------- operations


@pytest.mark.parametrize("shared", ["username", "email"])
def test_of_two_users_of_one_name_one_is_made_and_nothing_of_the_other(clock, points, shared):
    def begin():
        number = next(numbers)
        users.clear()
        for side in "ab":
            names = {
                "username": f"{shared}-{number}{side}",
                "email": f"{shared}-{number}{side}@x.y",
            }
            names[shared] = names[shared].replace(f"{number}{side}", f"{number}")
            users.append({**names, "password": PASSWORD})
        create = [lambda user=user: invoke("create_user", user) for user in users]
        return create[0], create[1]

    numbers, users = itertools.count(), []
    for one, other in points(begin):
        assert isinstance(one, UserTaken)
        for name in ("username", "email"):
            answer = call("create_session", body={"user": users[1][name], "pass": PASSWORD})
            current = call("get_current_session", answer.body["token"])
            assert current.body["sub"] == other["id"]
        free = ({"username", "email"} - {shared}).pop()
        assert call("create_session", body={"user": users[0][free], "pass": "x"}).status == 404
