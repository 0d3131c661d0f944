"""Random histories of everything that can happen to sessions, against a model of twenty lines.

After each step every token ever issued is tried, and must see just what the model says.
That this can fail is itself tested: each planted fault below has to be noticed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from sessions import model, store
from tests.calls import Clock, Person, call, handler_of, invoke, log_in, new_person, stored_sessions
from tests.contract import BANNED, INVALID_SESSION, REMEMBERED_SESSION_SECONDS, SESSION_SECONDS

pytestmark = pytest.mark.usefixtures("aws")

REFUSED = {401: INVALID_SESSION, 403: BANNED}


class Model:
    """What is promised: nothing of keys, rows or round trips."""

    def __init__(self, people: list[Person]) -> None:
        self.exp: dict[tuple[Person, int], int] = {}  # of every session not ended
        self.newest = dict.fromkeys(people, 0)
        self.banned: set[Person] = set()

    def log_in(self, person: Person, now: int, seconds: int) -> int:
        iat = self.newest[person] = max(now, self.newest[person] + 1)
        self.exp[person, iat] = iat + seconds
        return iat

    def live(self, person: Person, now: int) -> list[int]:
        return sorted((i for (p, i), e in self.exp.items() if p == person and e > now))[::-1]

    def end(self, person: Person, now: int, iats: set[int]) -> int:
        ended = iats & set(self.live(person, now))
        for iat in ended:
            del self.exp[person, iat]
        return len(ended)

    def status(self, person: Person, now: int, iat: int) -> int:
        if iat not in self.live(person, now):
            return 401
        return 403 if person in self.banned else 200


class Held(NamedTuple):
    """A token that a client holds."""

    person: Person
    iat: int
    token: str


class History(RuleBasedStateMachine):
    """Two people, each with any number of sessions, and a clock."""

    clock: Clock
    latest: "History"  # for the planted faults
    held = Bundle("held")

    @initialize(target=held)
    def begin(self) -> MultipleResults[Held]:
        History.latest = self
        self.people = [new_person() for _ in range(2)]
        self.model = Model(self.people)
        self.tokens: list[Held] = []
        # In the same second, so that sessions of two people have the same IDs.
        return multiple(
            *(
                self.logged_in(person, remember=remember)
                for person in self.people
                for remember in (False, True)
            )
        )

    @rule(target=held, person=st.integers(0, 1), remember=st.booleans())
    def log_in(self, *, person: int, remember: bool) -> Held:
        who = self.people[person]
        if who in self.model.banned:
            body = {"user": who.username, "pass": "correct horse battery staple"}
            assert call("create_session", body=body).status == 403
            return Held(who, 0, "")
        return self.logged_in(who, remember=remember)

    @rule(held=held, other=held)
    def get(self, held: Held, other: Held) -> None:
        answer = self.call(held, "get_session", session=other.iat)
        if answer and other.iat in self.live(held):
            exp = self.model.exp[held.person, other.iat]
            assert (answer.body["iat"], answer.body["exp"]) == (other.iat, exp)
        elif answer:
            assert answer.status == 404

    @rule(held=held, other=held)
    def delete(self, held: Held, other: Held) -> None:
        answer = self.call(held, "delete_session", session=other.iat)
        if answer:
            ended = self.model.end(held.person, self.clock.now, {other.iat})
            assert answer.status == (200 if ended else 404)

    @rule(held=held, others=st.lists(held, max_size=4))
    def delete_several(self, held: Held, others: list[Held]) -> None:
        iats = [other.iat for other in others]
        answer = self.call(held, "delete_sessions", body={"sessions": [*iats, "x", *iats]})
        if answer:
            ended = self.model.end(held.person, self.clock.now, set(iats))
            assert answer.body == {"count": ended, "type": "session"}

    @rule(held=held, all_but_self=st.booleans())
    def delete_all(self, *, held: Held, all_but_self: bool) -> None:
        query = {"allButSelf": ["true"]} if all_but_self else None
        answer = self.call(held, "delete_all_sessions", query=query)
        if answer:
            covered = set(self.live(held)) - ({held.iat} if all_but_self else set())
            ended = self.model.end(held.person, self.clock.now, covered)
            assert answer.body == {"count": ended, "type": "session"}

    @rule(person=st.integers(0, 1))
    def ban(self, person: int) -> None:
        invoke("ban_user", {"user": self.people[person].email})
        self.model.banned.add(self.people[person])

    @rule(person=st.integers(0, 1))
    def unban(self, person: int) -> None:
        invoke("unban_user", {"user": self.people[person].username})
        self.model.banned.discard(self.people[person])

    @rule(seconds=st.sampled_from([1, 60, SESSION_SECONDS - 1, SESSION_SECONDS]))
    def tick(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def every_token_sees_just_what_the_model_says(self) -> None:
        listed = set()
        for held in getattr(self, "tokens", []):
            answer = self.call(held, "get_current_session")
            if answer:
                assert answer.body["iat"] == held.iat
            if answer and held.person not in listed:
                listed.add(held.person)
                page = call("list_sessions", held.token, query=None).body
                live = self.live(held)
                assert page["count"] == len(live)
                assert [item["iat"] for item in page["items"]] == live[:50]

    def logged_in(self, who: Person, *, remember: bool) -> Held:
        token = log_in(who, rememberMe=remember)
        lasts = REMEMBERED_SESSION_SECONDS if remember else SESSION_SECONDS
        held = Held(who, self.model.log_in(who, self.clock.now, lasts), token)
        self.tokens.append(held)
        return held

    def live(self, held: Held) -> list[int]:
        return self.model.live(held.person, self.clock.now)

    def call(self, held: Held, name: str, **request: Any) -> Any:
        """Call a route; return the answer if the model lets the token in."""
        answer = call(name, held.token, **request)
        status = self.model.status(held.person, self.clock.now, held.iat)
        if status == 200:
            assert answer.status in {200, 404}, answer
            return answer
        assert (answer.status, answer.body) == (status, REFUSED[status])
        return None


def test_every_history_shows_each_token_just_what_is_promised(clock):
    History.clock = clock
    run_state_machine_as_test(History, settings=settings(max_examples=50, stateful_step_count=20))


def reuse_iat_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    def allot(user: str, now: int) -> int:
        taken = [session.iat for session in store.query_sessions(user)]
        iat = max([now, *(iat + 1 for iat in taken)])
        store._dynamodb.update_item(
            TableName=store.USERS,
            Key={"id": {"S": user}},
            UpdateExpression="SET last_iat = :iat",
            ConditionExpression="attribute_not_exists(banned_at)",
            ExpressionAttributeValues={":iat": {"N": str(iat)}},
        )
        return iat

    monkeypatch.setattr(store, "allot_iat", allot)


def end_the_session_in_use_too(monkeypatch: pytest.MonkeyPatch) -> None:
    revoke_all = store.revoke_all
    monkeypatch.setattr(store, "revoke_all", lambda user, _: revoke_all(user, None))


def list_what_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_live(session: model.Session, user: model.User, now: int) -> bool:
        return session.iat > user.revoked_through or session.iat == user.revoked_except

    monkeypatch.setattr("functions.list_sessions.app.is_live", is_live)


def delete_another_users_session(monkeypatch: pytest.MonkeyPatch) -> None:
    delete = store.delete_session

    def delete_everybodys(user: str, iat: int) -> None:
        for person in History.latest.people:
            if iat in stored_sessions(person) and person.id != user:
                delete(person.id, iat)
        delete(user, iat)

    monkeypatch.setattr(store, "delete_session", delete_everybodys)


@pytest.mark.parametrize(
    "plant",
    [
        reuse_iat_within_a_second,
        end_the_session_in_use_too,
        list_what_has_expired,
        delete_another_users_session,
    ],
)
def test_a_planted_fault_is_noticed(
    clock, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
):
    History.clock = clock
    handler_of("list_sessions")  # imported before it is patched
    plant(monkeypatch)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        run_state_machine_as_test(
            History,
            settings=settings(
                max_examples=200,
                stateful_step_count=25,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
            ),
        )
