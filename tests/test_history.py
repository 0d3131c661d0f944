"""Random histories of everything that can happen to sessions, against a model of twenty lines.

After each step every token ever issued is tried, and must see just what the model says.
That this can fail is itself tested: each planted fault below has to be noticed.
"""

import itertools
import math
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

from sessions import (
    dynamodb,
    logins,
    model,
    session_epoch,
    session_issue,
    session_store,
    user_store,
)
from sessions.dynamodb import SESSIONS, USERS
from sessions.errors import UnknownKey
from tests.support.calls import Answer, call, handler_of, invoke
from tests.support.clock import Clock
from tests.support.contract import (
    BANNED,
    INVALID_SESSION,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
)
from tests.support.leaks import PASSWORD
from tests.support.people import Person, new_person, try_to_issue, try_to_log_in
from tests.support.rows import stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

MOST = 4  # sessions of a user, here
IDLE_SECONDS = 86_400
REFUSED = {401: INVALID_SESSION, 403: BANNED}


class Model:
    """What is promised: nothing of keys, rows or round trips."""

    def __init__(self, people: list[Person]) -> None:
        self.exp: dict[tuple[Person, int], int] = {}  # of every session not ended
        self.ended: dict[tuple[Person, int], tuple[str, int]] = {}  # why, and when
        self.banned: set[tuple[Person, int, int]] = set()  # the sessions that a ban met, and when
        self.newest = dict.fromkeys(people, 0)
        self.banned_until: dict[Person, float] = {}

    def log_in(self, person: Person, now: int, seconds: int) -> int:
        iat = self.newest[person] = max(now, self.newest[person] + 1)
        self.exp[person, iat] = now + seconds
        self.end(person, now, set(self.live(person, now)[MOST:]), "evicted")
        return iat

    def live(self, person: Person, now: int) -> list[int]:
        return sorted((i for (p, i), e in self.exp.items() if p == person and e > now))[::-1]

    def end(self, person: Person, now: int, iats: set[int], reason: str) -> int:
        ended = iats & set(self.live(person, now))
        for iat in ended:
            del self.exp[person, iat]
            self.ended[person, iat] = reason, now
        return len(ended)

    def ban(self, person: Person, now: int, until: float) -> None:
        if not self.is_banned(person, now):
            self.banned |= {(person, iat, now) for iat in self.live(person, now)}
        self.banned_until[person] = until

    def status(self, person: Person, now: int, iat: int) -> int:
        if iat not in self.live(person, now):
            return 401
        return 403 if self.is_banned(person, now) else 200

    def is_banned(self, person: Person, now: int) -> bool:
        return now < self.banned_until.get(person, 0)


class Held(NamedTuple):
    """A token that a client holds."""

    person: Person
    iat: int
    token: str


class UsersHistory(RuleBasedStateMachine):
    """Two people, each with any number of sessions, and a clock."""

    clock: Clock
    latest: "UsersHistory"  # for the planted faults
    held = Bundle("held")

    @initialize(target=held)
    def begin(self) -> MultipleResults[Held]:
        UsersHistory.latest = self
        self.clock.now += 1000  # a window of the login throttle: histories share one address
        self.people = [new_person() for _ in range(2)]
        self.model = Model(self.people)
        self.passwords = dict.fromkeys(self.people, PASSWORD)
        self.names: dict[Person, str] = {}
        self.tokens: list[Held] = []
        # In the same second, so that sessions of two people have the same IDs.
        return multiple(
            *(
                self.held_by(
                    person, self.try_to_log_in(person, remember=remember), remember=remember
                )
                for person in self.people
                for remember in (False, True)
            )
        )

    @rule(target=held, person=st.integers(0, 1), remember=st.booleans(), issued=st.booleans())
    def log_in(self, *, person: int, remember: bool, issued: bool) -> Held:
        who = self.people[person]
        answer = self.try_to_log_in(who, remember=remember, issued=issued)
        if self.model.is_banned(who, self.clock.now):
            assert answer.status == 403
            return Held(who, 0, "")
        return self.held_by(who, answer, remember=remember)

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
            ended = self.model.end(held.person, self.clock.now, {other.iat}, "deleted")
            assert answer.status == (200 if ended else 404)

    @rule(held=held, others=st.lists(held, max_size=4))
    def delete_several(self, held: Held, others: list[Held]) -> None:
        iats = [other.iat for other in others]
        answer = self.call(held, "delete_sessions", body={"sessions": [*iats, "x", *iats]})
        if answer:
            ended = self.model.end(held.person, self.clock.now, set(iats), "bulk")
            assert answer.body == {"count": ended, "type": "session"}

    @rule(held=held, all_but_self=st.booleans())
    def delete_all(self, *, held: Held, all_but_self: bool) -> None:
        query = {"allButSelf": ["true"]} if all_but_self else None
        answer = self.call(held, "delete_all_sessions", query=query)
        if answer:
            covered = set(self.live(held)) - ({held.iat} if all_but_self else set())
            ended = self.model.end(held.person, self.clock.now, covered, "all")
            assert answer.body == {"count": ended, "type": "session"}

    @rule(person=st.integers(0, 1), seconds=st.sampled_from([None, 60, SESSION_SECONDS]))
    def ban(self, person: int, seconds: int | None) -> None:
        who = self.people[person]
        until = None if seconds is None else self.clock.now + seconds
        invoke("ban_user", {"login": who.email, "until": until})
        self.model.ban(who, self.clock.now, math.inf if until is None else until)

    @rule(person=st.integers(0, 1), revoke=st.booleans())
    def unban(self, *, person: int, revoke: bool) -> None:
        who = self.people[person]
        invoke("unban_user", {"login": who.email, "revoke_sessions": revoke})
        self.model.banned_until.pop(who, None)
        if revoke:
            self.end_all(who, "all")

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

    def try_to_log_in(self, who: Person, *, remember: bool, issued: bool = False) -> Answer:
        if issued:
            return try_to_issue(who, login=who.email, remember=remember)
        told = {"user": who.email, "rememberMe": remember, "pass": self.passwords[who]}
        return try_to_log_in(who, **told)

    def held_by(self, who: Person, answer: Answer, *, remember: bool) -> Held:
        assert answer.status == 201, answer
        token = answer.body["token"]
        lasts = REMEMBERED_SESSION_SECONDS if remember else SESSION_SECONDS
        held = Held(who, self.model.log_in(who, self.clock.now, lasts), token)
        self.tokens.append(held)
        return held

    def end_all(self, who: Person, reason: str) -> int:
        live = set(self.model.live(who, self.clock.now))
        return self.model.end(who, self.clock.now, live, reason)

    def live(self, held: Held) -> list[int]:
        return self.model.live(held.person, self.clock.now)

    def call(self, held: Held, name: str, **request: Any) -> Any:
        """Call a route; return the answer if the model lets the token in."""
        answer = call(name, held.token, **request)
        status = self.model.status(held.person, self.clock.now, held.iat)
        if status == 200:
            assert answer.status in {200, 404}, answer
            return answer
        told = {name: value for name, value in answer.body.items() if name != "reason"}
        assert (answer.status, told) == (status, REFUSED[status])
        return None


class History(UsersHistory):
    """The same, and what operators do."""

    @rule(person=st.integers(0, 1), keep=st.booleans())
    def change_the_password(self, *, person: int, keep: bool) -> None:
        who = self.people[person]
        self.passwords[who] += "!"
        new = {"password": self.passwords[who], "keep_sessions": keep}
        invoke("set_password", {"login": who.email, **new})
        if not keep:
            self.end_all(who, "password_changed")

    @rule(person=st.integers(0, 1), others=st.none() | st.lists(UsersHistory.held, max_size=3))
    def revoke(self, person: int, others: list[Held] | None) -> None:
        who = self.people[person]
        iats = {other.iat for other in others or () if other.iat}
        which = {"all": True} if others is None else {"sessions": list(iats)}
        answer = invoke("revoke_user_sessions", {"id": who.id, **which})
        assert answer["count"] == (
            self.end_all(who, "all")
            if others is None
            else self.model.end(who, self.clock.now, iats, "bulk")
        )

    @rule()
    def revoke_everyone(self) -> None:
        invoke("revoke_everyone", {"everyone": True})
        for who in self.people:
            self.end_all(who, "everyone")

    @rule(person=st.integers(0, 1))
    def rename(self, person: int) -> None:
        who = self.people[person]
        old = self.names.get(who, who.username)
        self.names[who] = f"{old}x"
        invoke("rename_user", {"login": who.email, "username": self.names[who]})
        assert call("create_session", body={"user": old, "pass": "x"}).status == 404
        assert call("create_session", body={"user": self.names[who], "pass": "x"}).status == 401

    @rule(person=st.integers(0, 1))
    def delete_the_user(self, person: int) -> None:
        who = self.people[person]
        invoke("delete_user", {"login": who.email})
        self.end_all(who, "account_deleted")
        self.people[person] = new_person()
        self.passwords[self.people[person]] = PASSWORD
        self.model.newest[self.people[person]] = 0

    @rule(drop=st.booleans())
    def rotate_the_key(self, *, drop: bool) -> None:
        rotate = {"drop": "nobody's"} if drop else {}
        try:
            invoke("rotate_signing_key", rotate)
        except UnknownKey:
            assert drop

    @rule(person=st.integers(0, 1))
    def the_operator_sees_what_the_user_would(self, person: int) -> None:
        who = self.people[person]
        answer = invoke("list_user_sessions", {"id": who.id})
        assert [item["iat"] for item in answer["items"]] == self.model.live(who, self.clock.now)


class IdleHistory(History):
    """The same, where a session ends that is not used for a day; after each step each is used."""

    @rule(seconds=st.sampled_from([1, 60, IDLE_SECONDS]))
    def tick(self, seconds: int) -> None:
        self.clock.now += seconds
        if seconds == IDLE_SECONDS:
            for who in self.people:
                self.end_all(who, "idle")


@pytest.fixture(autouse=True)
def few_sessions(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", MOST)
    monkeypatch.setattr(session_epoch, "EPOCH_SHARDS", 2)  # moto takes long for a large transaction


@pytest.mark.parametrize(("machine", "idle", "histories"), [(History, 0, 4), (IdleHistory, 1, 2)])
def test_every_history_shows_each_token_just_what_is_promised(
    clock, monkeypatch, machine, idle, histories
):
    monkeypatch.setattr(session_issue, "IDLE_SECONDS", idle * IDLE_SECONDS)
    machine.clock = clock
    run_state_machine_as_test(
        machine, settings=settings(max_examples=histories, stateful_step_count=25)
    )


def reuse_iat_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    allocate_session_id = user_store.allocate_session_id

    def allot(login: logins.Login, now: int, address: str) -> model.User:
        user = allocate_session_id(login, now, address)
        taken = {
            session.iat
            for session in session_store.query_sessions(user.id)
            if not session.revoked_reason
        }
        iat = next(iat for iat in itertools.count(now) if iat not in taken)
        dynamodb.client.update_item(
            TableName=USERS,
            Key={"id": {"S": user.id}},
            UpdateExpression="SET last_iat = :iat",
            ExpressionAttributeValues={":iat": {"N": str(iat)}},
        )
        dynamodb.client.delete_item(TableName=SESSIONS, Key=session_store._key(user.id, iat))
        return user._replace(last_iat=iat)

    monkeypatch.setattr(user_store, "allocate_session_id", allot)


def end_the_session_in_use_too(monkeypatch: pytest.MonkeyPatch) -> None:
    revoke_all = user_store.revoke_all_sessions
    monkeypatch.setattr(
        user_store, "revoke_all_sessions", lambda user, *ids: revoke_all(user, *ids[:2])
    )


def delete_another_users_session(monkeypatch: pytest.MonkeyPatch) -> None:
    end = session_store.revoke_session

    def end_everybodys(user: str, iat: int, now: int) -> None:
        for person in UsersHistory.latest.people:
            if iat in stored_sessions(person) and person.id != user:
                end(person.id, iat, now)
        end(user, iat, now)

    monkeypatch.setattr(session_store, "revoke_session", end_everybodys)


@pytest.mark.parametrize(
    "plant",
    [
        reuse_iat_within_a_second,
        end_the_session_in_use_too,
        delete_another_users_session,
    ],
)
def test_a_planted_fault_is_noticed(
    clock, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
):
    UsersHistory.clock = clock
    handler_of("list_sessions")  # imported before it is patched
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            UsersHistory,
            settings=settings(
                max_examples=200,
                stateful_step_count=10,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
            ),
        )
