"""What is told of random histories, against the model of tests/test_history.py.

The records of the streams come late, in either order of the two, and twice where chance has it so.
In the end each session's end was told once and for the right reason, and no row is left over.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from sessions import event_bus
from sessions.dynamodb import SESSIONS
from tests.support.bus import Bus
from tests.support.calls import invoke
from tests.support.rows import stored_rows, tables
from tests.support.streams import Records, follow_streams
from tests.test_history import History, few_sessions  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("aws")

End = tuple[str, int]  # its reason, and when


class Told:
    """What a service knows that follows the events; one that comes again tells it nothing."""

    def __init__(self) -> None:
        self.epochs: dict[tuple[str, int], int] = {}  # of each session that began
        self.ends: dict[tuple[str, int], list[End]] = {}  # for good
        self.exp: dict[tuple[str, int], int] = {}
        self.bans: set[tuple[str, int, int]] = set()
        self.everyone: set[tuple[int, int]] = set()  # session epochs, and when they began
        self.late: set[tuple[str, int]] = set()  # ends that came when the session's time was over

    def hear(self, bus: Bus, now: int) -> None:
        for kind, detail in bus.events():
            if detail["user"] == "*":
                self.everyone.add((detail["session_epoch"], detail["ended_at"]))
                continue
            session = detail["user"], detail["session"]
            self.exp[session] = detail["expires_at"]
            if kind == "SessionCreated":
                self.epochs[session] = detail["session_epoch"]
            elif detail["reason"] == "banned":
                self.bans.add((*session, detail["ended_at"]))
            else:
                self._end(session, (detail["reason"], detail["ended_at"]), now)
        bus.entries.clear()

    def _end(self, session: tuple[str, int], end: End, now: int) -> None:
        ends = self.ends.setdefault(session, [])
        if end not in ends:
            ends.append(end)
        if self.exp[session] <= now:
            self.late.add(session)

    def is_over(self, session: tuple[str, int]) -> bool:
        newest = max(self.everyone, default=(0, 0))[0]
        return bool(self.ends.get(session)) or self.epochs[session] < newest


class HistoryOfEvents(History):
    """The same histories, and a service that follows their events."""

    bus: Bus
    get = rename = rotate_the_key = the_operator_sees_what_the_user_would = None  # they end nothing

    def __init__(self) -> None:
        super().__init__()
        self.follow = follow_streams()
        self.waiting: Records = []
        self.told = Told()
        self.everyone: list[int] = []  # when everyone's sessions ended
        self.is_sessions_first = False
        self.times = 1

    @initialize(is_sessions_first=st.booleans(), is_twice=st.booleans())
    def choose(self, *, is_sessions_first: bool, is_twice: bool) -> None:
        self.is_sessions_first = is_sessions_first
        self.times += is_twice

    @invariant()
    def every_token_sees_just_what_the_model_says(self) -> None:
        """Keep this step's records, in place of what tests/test_history.py asks."""
        self.waiting += self.follow(self.clock.now)

    @rule()
    def revoke_everyone(self) -> None:
        super().revoke_everyone()
        self.everyone.append(self.clock.now)

    @rule(person=st.integers(0, 1))
    def keep_the_newest(self, person: int) -> None:
        """Chance alone seldom finds a session that counts."""
        who = self.people[person]
        live = self.model.live(who, self.clock.now)
        for held in self.tokens:
            if held.person == who and held.iat in live[:1]:
                self.delete_all(held=held, all_but_self=True)

    @rule()
    def deliver(self) -> None:
        """Hand the records over, then those of the rows that were purged."""
        met = {(p.id, i, at) for p, i, at in self.model.banned if (p, i) in self.model.exp}
        self.waiting += self.follow(self.clock.now)
        while records := self.waiting:
            records.sort(key=lambda it: ("iat" in it["dynamodb"]["Keys"]) != self.is_sessions_first)
            for _ in range(self.times):
                answer = invoke("publish_events", {"Records": records})
                assert answer == {"batchItemFailures": []}
            self.waiting = self.follow(self.clock.now)
        self.told.hear(self.bus, self.clock.now)
        assert met <= self.told.bans

    @rule()
    def delete_what_has_expired(self) -> None:
        """As DynamoDB's TTL does, days after a stream was followed."""
        self.deliver()
        for _, row in self.rows():
            if int(row["exp"]["N"]) <= self.clock.now:
                names = {name: row[name] for name in ("user", "iat")}
                tables().delete_item(TableName=SESSIONS, Key=names)

    def rows(self) -> list[tuple[tuple[str, int], dict[str, Any]]]:
        found = (row for each in self.model.newest for row in stored_rows(each)["sessions"])
        return [((row["user"]["S"], int(row["iat"]["N"])), row) for row in found]

    def issued(self) -> set[tuple[str, int]]:
        return {(person.id, iat) for person, iat in (*self.model.exp, *self.model.ended)}

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return  # a history may end before it begins
        now = self.clock.now
        self.deliver()
        self.what_is_told_is_what_ended()
        self.no_row_is_left_over()
        self.clock.now = max([now + 86_400, *self.told.exp.values()])  # also of a user's tombstone
        self.delete_what_has_expired()
        self.deliver()
        assert not self.rows()
        self.each_end_was_told_once_and_why()
        self.clock.now = now

    def what_is_told_is_what_ended(self) -> None:
        """By the session epochs alone, whatever the times say."""
        assert self.told.epochs.keys() == self.issued()
        for person, iat in self.model.ended:
            assert self.told.is_over((person.id, iat))
        for person, iat in self.model.exp:
            is_expired = self.model.exp[person, iat] <= self.clock.now
            assert is_expired or not self.told.is_over((person.id, iat))

    def no_row_is_left_over(self) -> None:
        """A row stays while its session may count, or until TTL deletes it."""
        ended = {(person.id, iat): end for (person, iat), end in self.model.ended.items()}
        rows = [(key, row) for key, row in self.rows() if "revoked_reason" not in row]
        left = {key for key, row in rows if int(row["exp"]["N"]) > self.clock.now}
        assert {ended[key][0] for key in left & ended.keys()} <= {"everyone"}
        assert not {user for user, _ in left} - {person.id for person in self.people}

    def each_end_was_told_once_and_why(self) -> None:
        assert self.told.ends.keys() <= self.issued()
        assert sorted(at for _, at in self.told.everyone) == self.everyone
        for person, iat in (*self.model.exp, *self.model.ended):
            session = person.id, iat
            expired = ("expired", self.told.exp[session])
            why = self.model.ended.get((person, iat), expired)
            told = self.told.ends.get(session, [])
            if why[0] == "everyone":
                assert told in ([], [expired])  # its row stays until its time is over
            elif session in self.told.late:
                assert told in ([why], [why, expired])
            else:
                assert told == [why]
        of_bans = {(person.id, iat, at) for person, iat, at in self.model.banned}
        assert self.told.bans <= of_bans


def test_every_history_tells_each_end_once_and_why(clock, monkeypatch):
    HistoryOfEvents.clock, HistoryOfEvents.bus = clock, Bus()
    monkeypatch.setattr(event_bus, "eventbridge", HistoryOfEvents.bus)
    run_state_machine_as_test(
        HistoryOfEvents, settings=settings(max_examples=6, stateful_step_count=25)
    )
