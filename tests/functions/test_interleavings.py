"""Two requests, of which the second runs in the middle of the first, at each point where it can.

That is before each call of DynamoDB that the first makes: the second runs there from its beginning
to its end. Calls that are made concurrently are made one by one here, in two orders where it
matters. Threads reach few of these points (tests/gateway/test_races.py); here each is reached.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sessions import session_epoch, session_issue
from sessions.dynamodb import SESSIONS, USERS
from sessions.errors import AccountError, InvalidSession, UserTaken
from sessions.session_store import read_user_and_sessions
from sessions.verifier import Verifier
from tests.support import people
from tests.support.calls import call, call_route, invoke
from tests.support.clock import Clock
from tests.support.contract import TEMPLATE, session_over
from tests.support.leaks import PASSWORD
from tests.support.operations import AUTHENTICATED
from tests.support.order import ORDERS, in_order
from tests.support.people import BEGINNINGS, log_in, new_person, try_to_log_in
from tests.support.rows import stored_rows, tables

both_orders = pytest.mark.parametrize("points", ORDERS, indirect=True)


# A login makes calls at once, and its order matters; the account operation makes none.
every_beginning = pytest.mark.parametrize(
    ("points", "begin"),
    [
        pytest.param(order, lambda it, begin=begin: begin(it.person), id=f"{name}-{order}")
        for name, begin in BEGINNINGS.items()
        for order in list(ORDERS)[: 2 if name == "a login" else 1]
    ],
    indirect=["points"],
)


class Member:
    """A user, and tokens of the user's sessions, which begin in one second."""

    def __init__(self, sessions: int) -> None:
        self.person = new_person()
        self.id = self.person.id
        self.tokens = [log_in(self.person) for _ in range(sessions)]

    def log_in(self) -> Any:
        return try_to_log_in(self.person)

    def log_in_afresh(self) -> Any:
        body = {"user": self.person.username, "pass": PASSWORD}
        headers = {"X-Replace-Session": "true"}
        return call("create_session", self.tokens[0], body=body, headers=headers)

    def delete(self, session: int, by: int) -> Any:
        return call("delete_session", self.tokens[by], session=session)

    def delete_several(self, sessions: range, by: int) -> Any:
        return call("delete_sessions", self.tokens[by], body={"sessions": [*sessions]})

    def delete_all(self, by: int, but: str = "false") -> Any:
        return call("delete_all_sessions", self.tokens[by], query={"allButSelf": [but]})

    def statuses(self) -> list[int]:
        return statuses(*self.tokens)


Act = Callable[[Any], Any]
Met = Iterator[tuple[Any, Any, Any]]


@pytest.fixture
def points(dynamodb: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Met]]:
    """For each point of a request: a new subject, and the answers to both requests about it."""
    waiting: list[Callable[[], None]] = []
    left = 0

    def let_the_second_in(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0 and waiting:
            waiting.pop()()

    dynamodb.meta.events.register("provide-client-params.dynamodb", let_the_second_in)

    def points(begin: Callable[[], Any] | int, first: Act, second: Act) -> Met:
        """Let them meet; a subject is what `begin` returns, or a member with so many sessions."""
        nonlocal left
        for number in itertools.count():
            subject = Member(begin) if isinstance(begin, int) else begin()
            answers: list[Any] = []
            waiting[:] = [lambda s=subject, a=answers: a.append(outcome(second, s))]
            left = number
            answer = outcome(first, subject)
            if waiting:
                assert number, "there was no point"
                waiting.clear()
                return
            yield subject, answer, answers[0]

    with in_order(getattr(request, "param", next(iter(ORDERS)))):
        yield points


def outcome(act: Act, subject: Any) -> Any:
    try:
        return act(subject)
    except AccountError as error:
        return error


def statuses(*tokens: str) -> list[int]:
    """Return how each token is answered, which is how it is answered again."""
    first = people.statuses(*tokens)
    assert people.statuses(*tokens) == first
    return first


# ------------------------------------------------------------------ logins


@every_beginning
def test_delete_all_revokes_a_login_that_has_its_id(points, begin):
    """Revoked at one point, the session is revoked at each later one."""
    seen = []
    for member, answer, deleted in points(1, begin, lambda it: it.delete_all(0)):
        assert (answer.status, deleted.status) == (201, 200)
        assert member.statuses() == [401]
        seen += statuses(answer.body["token"])
    assert seen == sorted(seen)
    assert set(seen) == {200, 401}


@every_beginning
def test_delete_all_counts_the_sessions_before_its_write(points, begin):
    """A session that it leaves at one point, it leaves at each later one."""
    seen = []
    for member, deleted, answer in points(2, lambda it: it.delete_all(0), begin):
        assert (deleted.status, answer.status) == (200, 201)
        assert member.statuses() == [401] * 2
        seen += statuses(answer.body["token"])
        assert deleted.body["count"] in ({2, 3} if seen[-1] == 401 else {2})
    assert seen == sorted(seen, reverse=True)
    assert 401 in seen


@every_beginning
@pytest.mark.parametrize("revoke", [False, True])
def test_a_login_meets_a_ban_at_every_point(points, begin, revoke):
    seen = set()
    for member, answer, _ in points(0, begin, lambda it: invoke("ban_user", {"id": it.id})):
        seen.add(answer.status)
        tokens = [answer.body["token"]] if answer.status == 201 else []
        assert statuses(*tokens) == [403] * len(tokens)
        assert len(stored_rows(member.person)["sessions"]) == len(tokens), "no row without a token"
        invoke("unban_user", {"id": member.id, "revoke_sessions": revoke})
        assert statuses(*tokens) == [401 if revoke else 200] * len(tokens)
    assert seen == {201, 403}


@every_beginning
def test_a_login_does_not_outlast_a_change_of_the_password(points, begin):
    def change(member):
        return invoke("set_password", {"id": member.id, "password": f"{PASSWORD}!"})

    seen = set()
    # A login in the second of the newest session is refused an ID once, and asks again.
    for number, (_, answer, _) in enumerate(points(1, begin, change)):
        seen.add(answer.status)
        if answer.status == 201:
            # At the first point the change comes before the request, which may need no password.
            assert statuses(answer.body["token"]) == [401 if number else 200]
    assert seen == {201, 401}


@every_beginning
def test_a_login_does_not_bring_a_deleted_user_back(points, begin):
    def delete(member):
        return invoke("delete_user", {"id": member.id})

    for member, answer, deleted in points(0, begin, delete):
        assert deleted["id"] == member.id
        if answer.status == 201:
            assert statuses(answer.body["token"]) == [401]
        assert stored_rows(member.person)["user"] is None
        assert begin(member).status == 404


@every_beginning
def test_two_logins_are_two_sessions(points, begin):
    for _, *answers in points(0, begin, Member.log_in):
        tokens = [answer.body["token"] for answer in answers]
        ids = {call("get_current_session", token).body["iat"] for token in tokens}
        listed = call("list_sessions", tokens[0]).body
        assert (len(ids), listed["count"]) == (2, 2)
        assert {session["iat"] for session in listed["items"]} == ids


def test_a_session_is_replaced_once_and_each_login_is_a_session(points):
    for member, *answers in points(1, Member.log_in_afresh, Member.log_in_afresh):
        assert [answer.status for answer in answers] == [201, 201]
        assert member.statuses() == [401]
        tokens = [answer.body["token"] for answer in answers]
        assert statuses(*tokens) == [200, 200]
        (replaced, *_) = stored_rows(member.person)["sessions"]
        assert replaced["revoked_reason"]["S"] == "replaced"


def test_delete_all_revokes_both_sessions_of_a_login_that_replaces_one(points):
    seen = []
    for member, answer, _ in points(2, Member.log_in_afresh, lambda it: it.delete_all(1)):
        assert member.statuses() == [401, 401]
        seen += statuses(answer.body["token"])
    assert seen == sorted(seen)
    assert set(seen) == {200, 401}


# ----------------------------------------------------------------- deletes


def test_two_deletes_of_one_session_revoke_it_once(clock, points):
    for member, *answers in points(
        2, lambda it: it.delete(clock.now, by=1), lambda it: it.delete(clock.now, by=0)
    ):
        assert [answer.status for answer in answers] == [404, 200]
        assert member.statuses() == [401, 200]


def test_overlapping_deletes_of_several_count_each_session_once(clock, points):
    def revoke(first):
        sessions = range(clock.now + first, clock.now + first + 3)
        return lambda it: it.delete_several(sessions, by=4)

    for member, one, other in points(5, revoke(0), revoke(1)):
        assert one.body["count"] + other.body["count"] == 4
        assert member.statuses() == [401] * 4 + [200]


@both_orders
def test_of_two_that_delete_all_but_themselves_one_is_left(points):
    for member, *answers in points(
        3, lambda it: it.delete_all(0, but="true"), lambda it: it.delete_all(1, but="true")
    ):
        loser, winner = sorted(answers, key=lambda answer: -answer.status)
        assert (winner.status, winner.body["count"]) == (200, 2)
        assert (loser.status, loser.body) == (401, session_over("all"))
        assert member.statuses() == [answer.status for answer in answers] + [401]


@both_orders
@pytest.mark.parametrize("but", ["false", "true"])
def test_a_delete_all_revives_no_session_and_counts_each_once(points, but):
    """A session is kept only if the other request came too late to revoke it."""
    for member, first, second in points(
        3, lambda it: it.delete_all(0, but=but), lambda it: it.delete_all(1)
    ):
        assert {first.status, second.status} <= {200, 401}
        is_kept = but == "true" and second.status == 401
        counts = [answer.body.get("count", 0) for answer in (first, second)]
        assert sum(counts) == (2 if is_kept else 3)
        assert member.statuses() == [200 if is_kept else 401, 401, 401]


@both_orders
@pytest.mark.parametrize("route", AUTHENTICATED)
def test_a_request_of_a_session_revoked_meanwhile_is_its_last(clock, points, route):
    for member, answer, deleted in points(
        3,
        lambda it: call_route(route, it.tokens[0], session=clock.now + 1),
        lambda it: it.delete(clock.now, by=2),
    ):
        assert answer.status in {200, 401}
        # After a delete-all, the other's token is refused as well.
        assert deleted.status == 200 or (answer.status == 200 and route == "delete_all_sessions")
        is_revoked = answer.status == 200 and route.startswith("delete")
        assert member.statuses()[:2] == [401, 401 if is_revoked else 200]


# ---------------------------------------------------- uses, and ends of all kinds

HOUR, IDLE_SECONDS = 3600, 7200


class Used(Member):
    """A user of two sessions; a use of the older one is due, which moves the end of its limit."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(2)
        self.clock, self.session = clock, clock.now
        clock.now += HOUR

    def use(self) -> Any:
        return call("list_sessions", self.tokens[0])

    def row(self) -> Any:
        rows = {int(row["iat"]["N"]): row for row in stored_rows(self.person)["sessions"]}
        return rows.get(self.session)

    def lose_the_row(self) -> None:
        key = {"user": {"S": self.id}, "iat": {"N": str(self.session)}}
        tables().delete_item(TableName=SESSIONS, Key=key)

    def assert_over(self) -> None:
        """No reader takes the session for one that counts, and no row stands where none stood."""
        assert statuses(self.tokens[0]) == [401]
        with pytest.raises(InvalidSession):
            Verifier(tables(), sessions_table=SESSIONS, users_table=USERS).verify(self.tokens[0])
        user, _, _ = read_user_and_sessions(self.id, ())
        if user is not None:
            listed = invoke("list_user_sessions", {"id": self.id})["items"]
            newest = call("list_sessions", log_in(self.person)).body["items"]
            assert self.session not in {it["iat"] for it in [*listed, *newest]}
        row = self.row()
        if row is not None and "revoked_reason" in row:
            assert row.keys() <= {*KEPT, "revoked_reason", "revocation_id"}


KEPT = {"user", "iat", "exp", "session_epoch", "created_at", "method"}
ENDS: dict[str, Callable[[Used], Any]] = {
    "deleted": lambda it: it.delete(it.session, by=1),
    "bulk": lambda it: it.delete_several(range(it.session, it.session + 1), by=1),
    "all": lambda it: it.delete_all(1, but="true"),
    "evicted": lambda it: it.log_in(),
    "replaced": lambda it: it.log_in_afresh(),
    "password_changed": lambda it: invoke(
        "set_password", {"id": it.id, "password": f"{PASSWORD}!"}
    ),
    "everyone": lambda _: invoke("revoke_everyone", {"everyone": True}),
    "account_deleted": lambda it: invoke("delete_user", {"id": it.id}),
    "TTL": lambda it: it.lose_the_row(),
}


@pytest.fixture
def few_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_issue, "IDLE_SECONDS", IDLE_SECONDS)
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 2)
    monkeypatch.setattr(session_epoch, "EPOCH_SHARDS", 2)  # moto takes long for a large transaction


@pytest.mark.usefixtures("few_sessions")
@pytest.mark.parametrize("end", ENDS)
@both_orders
def test_a_use_revives_no_session_that_ends_meanwhile(clock, points, end):
    seen = set()
    for it, answer, _ in points(lambda: Used(clock), Used.use, ENDS[end]):
        seen.add(answer.status)
        if end == "password_changed":
            invoke("set_password", {"id": it.id, "password": PASSWORD})
        it.assert_over()
    assert seen == {200, 401}


@pytest.mark.usefixtures("few_sessions")
@pytest.mark.parametrize("end", [name for name in ENDS if name != "TTL"])
def test_a_session_that_is_used_meanwhile_ends_all_the_same(clock, points, end):
    stored = set()
    for it, *_ in points(lambda: Used(clock), ENDS[end], Used.use):
        row = it.row()
        stored.add(row is not None and "used_at" in row)
        if end == "password_changed":
            invoke("set_password", {"id": it.id, "password": PASSWORD})
        it.assert_over()
    assert True in stored or end not in {"all", "everyone", "password_changed"}


@pytest.mark.usefixtures("few_sessions")
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_use_moves_no_end_that_somebody_has_seen(clock, points, is_deleted):
    """At each point as much time passes as a function may take, and then somebody looks."""
    longest = TEMPLATE.resources_of("AWS::Lambda::Function")["ListSessionsFunction"]["Timeout"]
    seen = set()

    def look(it: Used) -> bool:
        it.clock.now += longest
        is_over = it.session not in {
            each["iat"] for each in invoke("list_user_sessions", {"id": it.id})["items"]
        }
        if is_over and is_deleted:  # by TTL
            it.lose_the_row()
        return is_over

    for left in (1, longest - 1, longest, longest + 1, 20, 21, 35):

        def begin(left: int = left) -> Used:
            it = Used(clock)
            clock.now = it.session + IDLE_SECONDS - left
            return it

        for it, answer, is_over in points(begin, Used.use, look):
            assert answer.status in {200, 401}
            seen.add(is_over)
            if is_over:
                it.assert_over()
    assert seen == {False, True}


@pytest.mark.usefixtures("few_sessions")
def test_two_uses_at_once_are_stored_once(clock, points):
    """The later one finds that the sooner one is stored, and leaves it so."""

    def use_later(it: Used) -> Any:
        it.clock.now += 1
        return it.use()

    for it, *answers in points(lambda: Used(clock), Used.use, use_later):
        assert [answer.status for answer in answers] == [200, 200]
        assert it.row()["used_at"] == {"N": str(answers[1].body["items"][-1]["usedAt"])}


# -------------------------------------------------------------- operations


@pytest.mark.parametrize("shared", ["username", "email"])
def test_of_two_users_of_one_name_only_one_is_created(clock, points, shared):
    numbers = itertools.count()

    def begin():
        number, users = next(numbers), []
        for side in "ab":
            names = {name: f"{name}-{number}{side}@x.y" for name in ("username", "email")}
            names["username"] = names["username"].partition("@")[0]
            users.append({**names, shared: names[shared].replace(f"{number}{side}", f"{number}")})
        return [{**names, "password": PASSWORD} for names in users]

    def create(which):
        return lambda users: invoke("create_user", users[which])

    for users, one, other in points(begin, create(0), create(1)):
        assert isinstance(one, UserTaken)
        for name in ("username", "email"):
            answer = call("create_session", body={"user": users[1][name], "pass": PASSWORD})
            current = call("get_current_session", answer.body["token"])
            assert current.body["sub"] == other["id"]
        (free,) = {"username", "email"} - {shared}
        assert call("create_session", body={"user": users[0][free], "pass": "x"}).status == 404
