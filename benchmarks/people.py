"""People who use a product for a while, and remember what must be true of their sessions.

What one person does is done by one thread at a time, so that the person knows each session to be
live or over; but for the outcome of a request that failed, which is either, and stays it.
"""

import base64
import enum
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from sessionctl.account_functions import OperationError

# A call of the database that timed out may still be done; not after so long.
SETTLED_SECONDS = 3.0
FAILED = 500  # this status and those above say nothing about what was done
MOST_HELD = 8
MOST_TRIES = 40
RECENT = 10  # sessions that are over, which each reconciliation asks about; the last asks about all

Operate = Callable[..., dict[str, Any]]


class State(enum.Enum):
    """What is known of a session."""

    LIVE = "live"
    OVER = "over"
    UNSURE = "unsure"


@dataclass
class Held:
    """A session whose token a person holds."""

    token: str
    iat: int
    state: State = State.LIVE
    unsure_since: float = 0.0

    def end(self) -> None:
        """Know that it is over."""
        self.state = State.OVER

    def doubt(self) -> None:
        """Have asked for its end, and not been told whether it came."""
        if self.state is not State.OVER:
            self.state, self.unsure_since = State.UNSURE, time.monotonic()

    def is_settled(self) -> bool:
        """Say whether what is seen of it now is what stays."""
        return time.monotonic() > self.unsure_since + SETTLED_SECONDS


@dataclass
class Tally:
    """What one thread has seen; adding up is for the end."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Person:
    """A user with a number of devices, and the operator who deals with this user."""

    def __init__(
        self, name: str, http: httpx.Client, operate: Operate, tally: Tally, seed: int
    ) -> None:
        self.name = name
        self.password = f"password of {name}"
        self.is_banned = False
        self.held: list[Held] = []
        self.lost = 0  # logins whose answer never came: sessions nobody holds, at most
        self._http = http
        self._operate = operate
        self._tally = tally
        self._random = random.Random(seed)
        self._versions = itertools.count(2)
        self._actions: list[tuple[Callable[[Held], None], int]] = [
            (self._read_current, 16),
            (self._read_one, 12),
            (self._list, 12),
            (self._delete_one, 8),
            (self._delete_several, 3),
            (self._delete_all, 1),
            (self._delete_all_but_self, 2),
            (self._ban, 1),
            (self._set_password, 1),
            (self._revoke, 2),
        ]

    def act(self) -> None:
        """Do one thing, whatever it is."""
        if self.is_banned and self._random.random() < 0.3:
            self.set_ban(is_banned=False, revoke=self._random.random() < 0.3)
            return
        holds = [each for each in self.held if each.state is not State.OVER]
        if not holds or (len(holds) < MOST_HELD and self._random.random() < 0.2):
            self.log_in()
        if not self.held:
            return
        actions, weights = zip(*self._actions, strict=True)
        (action,) = self._random.choices(actions, weights)
        action(self._any())

    def reconcile(self, *, all_of_them: bool = False) -> Counter[tuple[State, State]]:
        """Ask for each session whether it is what it must be; twice, where nobody knew.

        Returns:
            How many were held as what, and were found what.
        """
        found: Counter[tuple[State, State]] = Counter()
        over = [each for each in self.held if each.state is State.OVER]
        kept = over if all_of_them else over[-RECENT:]
        for held in [each for each in self.held if each.state is not State.OVER] + kept:
            before = held.state
            for _ in range(2 if before is State.UNSURE else 1):
                self._read_current(held)
            found[before, held.state] += 1
        return found

    def set_ban(self, *, is_banned: bool, revoke: bool = False) -> None:
        """Ban, or lift the ban."""
        if is_banned:
            self._insist("ban_user", user=self.name)
        else:
            self._insist("unban_user", user=self.name, revoke_sessions=revoke)
            if revoke:
                self._all_over()
        self.is_banned = is_banned

    # ------------------------------------------------------------ requests

    def log_in(self) -> None:
        """Log in, by JSON or a form."""
        given = {"user": self.name, "pass": self.password}
        kind = self._random.choice(["json", "data"])
        answer = self._send("create_session", "POST", "/user/session", **{kind: given})
        if answer.status_code == 201:
            self._expect(not self.is_banned, "a banned user logged in")
            token = answer.json()["token"]
            iat = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["iat"]
            self._expect(all(each.iat != iat for each in self.held), f"{iat} is used twice")
            self.held.append(Held(token, iat))
        elif answer.status_code >= FAILED:
            self.lost += 1
        elif answer.status_code != 429:
            expected = 403 if self.is_banned else 201
            self._expect(answer.status_code == expected, f"a login: {answer.status_code}")

    def _read_current(self, held: Held) -> None:
        answer = self._ask(held, "get_current_session", "GET", "/user/session")
        if answer is not None:
            self._expect(answer.json()["iat"] == held.iat, "the current session is another")

    def _read_one(self, held: Held) -> None:
        other = self._any()
        answer = self._ask(held, "get_session", "GET", f"/user/session/{other.iat}")
        if answer is not None:
            self._see(other, is_live=answer.status_code == 200)

    def _list(self, held: Held) -> None:
        answer = self._ask(held, "list_sessions", "GET", "/user/sessions")
        if answer is None:
            return
        listed = {item["iat"] for item in answer.json()["items"]}
        for each in self.held:
            self._see(each, is_live=each.iat in listed)
        strangers = listed - {each.iat for each in self.held}
        self._expect(len(strangers) <= self.lost, "sessions are listed that nobody began")
        self._expect(answer.json()["count"] == len(listed), "the count is not the list's")

    def _delete_one(self, held: Held) -> None:
        other = self._any()
        answer = self._ask(
            held, "delete_session", "DELETE", f"/user/session/{other.iat}", ends=[other]
        )
        if answer is not None:
            self._expect(
                other.state is not (State.OVER if answer.status_code == 200 else State.LIVE),
                f"deleting one that is {other.state.value}: {answer.status_code}",
            )
            other.end()

    def _delete_several(self, held: Held) -> None:
        others = list({each.iat: each for each in (self._any(), self._any(), self._any())}.values())
        body = {"sessions": [each.iat for each in others] * 2}
        answer = self._ask(
            held, "delete_sessions", "DELETE", "/user/sessions", ends=others, json=body
        )
        if answer is not None:
            self._count(answer.json()["count"], others)
            self._over(others)

    def _delete_all(self, held: Held) -> None:
        self._delete_all_but(held, [], "")

    def _delete_all_but_self(self, held: Held) -> None:
        self._delete_all_but(held, [held], "?allButSelf=true")

    def _delete_all_but(self, held: Held, kept: list[Held], query: str) -> None:
        others = [each for each in self.held if each not in kept]
        path = f"/user/sessions/all{query}"
        answer = self._ask(held, "delete_all_sessions", "DELETE", path, ends=others)
        if answer is not None:
            self._count(answer.json()["count"], others, self.lost)
            self._over(others)
            self.lost = 0

    # ---------------------------------------------------------- operations

    def _ban(self, _: Held) -> None:
        self.set_ban(is_banned=True)

    def _set_password(self, _: Held) -> None:
        self.password = f"password {next(self._versions)} of {self.name}"
        keep = self._random.random() < 0.7
        self._insist("set_password", user=self.name, password=self.password, keep_sessions=keep)
        if not keep:
            self._all_over()

    def _revoke(self, held: Held) -> None:
        if self._random.random() < 0.2:
            self._insist("revoke_user_sessions", user=self.name, all=True)
            self._all_over()
        else:
            self._insist("revoke_user_sessions", user=self.name, sessions=[held.iat])
            held.end()

    def _insist(self, name: str, **event: Any) -> None:
        """Do an operation again until it is done; each of these may be done twice."""
        for _ in range(MOST_TRIES):
            try:
                self._operate(name, **event)
            except OperationError as error:
                self._tally.requests[name, error.kind] += 1
                time.sleep(0.1)
            else:
                self._tally.requests[name, "done"] += 1
                return
        self._expect(False, f"{name} fails for ever")  # noqa: FBT003 - it is the claim that failed

    def _any(self) -> Held:
        """Return a session to use; now and then one that is over."""
        holds = [each for each in self.held if each.state is not State.OVER]
        uses_one_that_is_over = not holds or self._random.random() < 0.05
        return self._random.choice(self.held if uses_one_that_is_over else holds)

    # -------------------------------------------------------------- claims

    def _send(self, operation: str, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            answer = httpx.Response(599, text=repr(error))
        self._tally.requests[operation, str(answer.status_code)] += 1
        return answer

    def _ask(
        self,
        held: Held,
        operation: str,
        method: str,
        path: str,
        *,
        ends: Iterable[Held] = (),
        **request: Any,
    ) -> httpx.Response | None:
        """Send a request with a session; return the answer, if it says anything but that."""
        token = {"Authorization": held.token}
        answer = self._send(operation, method, path, headers=token, **request)
        status = answer.status_code
        if status >= FAILED:
            for each in ends:
                each.doubt()
            return None
        self._expect(status in {200, 401, 403, 404}, f"{operation}: {status}")
        self._see(held, is_live=status != 401)
        if status != 401:
            self._expect((status == 403) == self.is_banned, f"{operation}, of a ban: {status}")
        return None if status in {401, 403} else answer

    def _see(self, held: Held, *, is_live: bool) -> None:
        seen = State.LIVE if is_live else State.OVER
        if held.state is State.UNSURE and held.is_settled():
            held.state = seen
        if held.state is not State.UNSURE:
            self._expect(seen is held.state, f"{held.iat} is {seen.value}, not {held.state.value}")

    def _count(self, count: int, ended: list[Held], lost: int = 0) -> None:
        known = sum(each.state is State.LIVE for each in ended)
        unsure = sum(each.state is State.UNSURE for each in ended) + lost
        self._expect(
            known <= count <= known + unsure, f"{count} ended, of {known} and {unsure} unsure"
        )

    def _over(self, ended: Iterable[Held]) -> None:
        for each in ended:
            each.end()

    def _all_over(self) -> None:
        self._over(self.held)
        self.lost = 0

    def _expect(self, claim: bool, otherwise: str) -> None:  # noqa: FBT001 - as `assert` takes it
        if not claim:
            self._tally.wrong.append(f"{time.strftime('%H:%M:%S')} {self.name}: {otherwise}")
