"""Customers of a product, and what must be true of their sessions.

One thread at a time acts for a customer. So it is known of each session whether it is live or
revoked; after a request that failed it is unknown, until it is looked up.
"""

import enum
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
import jwt

from sessionctl.account_functions import OperationError

# A call of the database that timed out may still be done; not after so long.
SETTLED_SECONDS = 3.0
# When a key dies is known to the second, and requests take some.
DYING_SECONDS = 5
FAILED = 500  # this status and those above say nothing about what was done
MOST_HELD = 8
MOST_TRIES = 40
RECENT = 10  # revoked sessions that each reconciliation looks up; the last looks up all

Operate = Callable[..., dict[str, Any]]
Deaths: TypeAlias = dict[str, float]
"""When each key that was dropped stops verifying, in epoch seconds, by its `kid`."""


class State(enum.Enum):
    """What is known of a session."""

    LIVE = "live"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


Found: TypeAlias = Counter[tuple[State, State]]


@dataclass
class Held:
    """A session whose token a customer holds."""

    token: str
    user: str
    iat: int
    state: State = State.LIVE
    unknown_since: float = 0.0

    def doubt(self) -> None:
        """Have asked for its revocation without an answer."""
        if self.state is not State.REVOKED:
            self.state, self.unknown_since = State.UNKNOWN, time.monotonic()

    def is_dead(self, deaths: Deaths) -> bool | None:
        """Say whether the token's key is dropped and dead; None while it dies.

        The session lives on, and nobody can use it.
        """
        dies_at = deaths.get(jwt.get_unverified_header(self.token)["kid"], float("inf"))
        seconds = time.time() - dies_at
        return None if abs(seconds) < DYING_SECONDS else seconds > 0

    def is_settled(self) -> bool:
        """Say whether what is seen of it now is what stays."""
        return time.monotonic() > self.unknown_since + SETTLED_SECONDS


@dataclass
class Tally:
    """What one thread has seen; adding up is for the end."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Customer:
    """A user with a number of devices, and the operator who deals with this user."""

    def __init__(
        self,
        name: str,
        http: httpx.Client,
        operate: Operate,
        tally: Tally,
        deaths: Deaths,
        seed: int,
    ) -> None:
        self.name = name
        self.deaths = deaths
        self.password = f"password of {name}"
        self.is_banned = False
        self.held: list[Held] = []
        self.lost = 0  # logins whose answer never came: as many unknown sessions, at most
        self._http = http
        self._operate = operate
        self._tally = tally
        self._random = random.Random(seed)
        self._versions = itertools.count(2)
        self._actions: dict[Callable[[Held], None], int] = {
            self._get_current: 16,
            self._get_one: 12,
            self._list: 12,
            self._delete_one: 8,
            self._delete_several: 3,
            self._delete_all: 1,
            self._delete_all_but_self: 2,
            self._ban: 1,
            self._set_password: 1,
            self._revoke: 2,
        }

    def sign_up(self) -> None:
        """Create the user."""
        email = f"{self.name}@example.com"
        self._operate("create_user", username=self.name, email=email, password=self.password)

    def act(self) -> None:
        """Do one thing, whatever it is."""
        if self.is_banned and self._random.random() < 0.3:
            self.set_ban(is_banned=False, revoke=self._random.random() < 0.3)
            return
        holds = len(self._usable())
        if not holds or (holds < MOST_HELD and self._random.random() < 0.2):
            self._log_in()
        if self.held:
            (action,) = self._random.choices([*self._actions], [*self._actions.values()])
            action(self._any())

    def reconcile(self, *, all_of_them: bool = False) -> Found:
        """Look up whether each session is what it must be; twice, where that is unknown.

        Returns:
            How many were held as what, and were found what.
        """
        found: Found = Counter()
        revoked = [each for each in self.held if each.state is State.REVOKED]
        for held in self.held:
            if held.is_dead(self.deaths) is not False:
                self._get_current(held)  # it is refused; whether the session lives is not seen
        for held in self._usable() + (revoked if all_of_them else revoked[-RECENT:]):
            before = held.state
            for _ in range(2 if before is State.UNKNOWN else 1):
                self._get_current(held)
            found[before, held.state] += 1
        return found

    def end_all(self) -> None:
        """End every session that there is, also those that nobody knows."""
        self._insist("revoke_user_sessions", login=self.name, all=True)
        self._all_revoked()

    def set_ban(self, *, is_banned: bool, revoke: bool = False) -> None:
        """Ban, or lift the ban."""
        if is_banned:
            self._insist("ban_user", login=self.name)
        else:
            self._insist("unban_user", login=self.name, revoke_sessions=revoke)
            if revoke:
                self._all_revoked()
        self.is_banned = is_banned

    # ------------------------------------------------------------ requests

    def _log_in(self) -> None:
        """Log in, by JSON or a form."""
        given = {"user": self.name, "pass": self.password}
        kind = self._random.choice(["json", "data"])
        answer = self._send("create_session", "POST", "/user/session", **{kind: given})
        if answer.status_code == 201:
            self._expect(not self.is_banned, "a banned user logged in")
            token = answer.json()["token"]
            claims = jwt.decode(token, options={"verify_signature": False})
            iat = claims["iat"]
            self._expect(all(each.iat != iat for each in self.held), f"{iat} is used twice")
            self.held.append(Held(token, claims["sub"], iat))
        elif answer.status_code >= FAILED:
            self.lost += 1
        elif answer.status_code != 429:
            expected = 403 if self.is_banned else 201
            self._expect(answer.status_code == expected, f"a login: {answer.status_code}")

    def _get_current(self, held: Held) -> None:
        answer = self._request(held, "get_current_session", "GET", "/user/session")
        if answer is not None:
            self._expect(answer.json()["iat"] == held.iat, "the current session is another")

    def _get_one(self, held: Held) -> None:
        other = self._any()
        answer = self._request(held, "get_session", "GET", f"/user/session/{other.iat}")
        if answer is not None:
            self._see(other, is_live=answer.status_code == 200)

    def _list(self, held: Held) -> None:
        answer = self._request(held, "list_sessions", "GET", "/user/sessions")
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
        path = f"/user/session/{other.iat}"
        answer = self._request(held, "delete_session", "DELETE", path, revokes=[other])
        if answer is not None:
            self._expect(
                other.state is not (State.REVOKED if answer.status_code == 200 else State.LIVE),
                f"deleting one that is {other.state.value}: {answer.status_code}",
            )
            other.state = State.REVOKED

    def _delete_several(self, held: Held) -> None:
        others = list({each.iat: each for each in (self._any(), self._any(), self._any())}.values())
        body = {"sessions": [each.iat for each in others] * 2}
        answer = self._request(
            held, "delete_sessions", "DELETE", "/user/sessions", revokes=others, json=body
        )
        if answer is not None:
            self._count(answer.json()["count"], others)
            self._revoked(others)

    def _delete_all(self, held: Held) -> None:
        self._delete_all_but(held, [], "")

    def _delete_all_but_self(self, held: Held) -> None:
        self._delete_all_but(held, [held], "?allButSelf=true")

    def _delete_all_but(self, held: Held, kept: list[Held], query: str) -> None:
        others = [each for each in self.held if each not in kept]
        path = f"/user/sessions/all{query}"
        answer = self._request(held, "delete_all_sessions", "DELETE", path, revokes=others)
        if answer is not None:
            # Where the query met a fault, it may be too small (docs/decisions/0005).
            self._count(answer.json()["count"], others, self.lost, exact=False)
            self._revoked(others)
            self.lost = 0

    # ---------------------------------------------------------- operations

    def _ban(self, _: Held) -> None:
        self.set_ban(is_banned=True)

    def _set_password(self, _: Held) -> None:
        self.password = f"password {next(self._versions)} of {self.name}"
        keep = self._random.random() < 0.7
        self._insist("set_password", login=self.name, password=self.password, keep_sessions=keep)
        if not keep:
            self._all_revoked()

    def _revoke(self, held: Held) -> None:
        if self._random.random() < 0.2:
            self._insist("revoke_user_sessions", login=self.name, all=True)
            self._all_revoked()
        else:
            self._insist("revoke_user_sessions", login=self.name, sessions=[held.iat])
            held.state = State.REVOKED

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
        self._expect(False, f"{name} always fails")  # noqa: FBT003 - it is the claim that failed

    def _usable(self) -> list[Held]:
        return [
            each
            for each in self.held
            if each.state is not State.REVOKED and each.is_dead(self.deaths) is False
        ]

    def _any(self) -> Held:
        """Return a session to use; now and then a revoked one."""
        usable = self._usable()
        uses_revoked = not usable or self._random.random() < 0.05
        return self._random.choice(self.held if uses_revoked else usable)

    # -------------------------------------------------------------- claims

    def _send(self, operation: str, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            answer = httpx.Response(599, text=repr(error))
        self._tally.requests[operation, str(answer.status_code)] += 1
        return answer

    def _request(
        self,
        held: Held,
        operation: str,
        method: str,
        path: str,
        *,
        revokes: Iterable[Held] = (),
        **request: Any,
    ) -> httpx.Response | None:
        """Send a request with a session; return the answer, if it says anything but that."""
        token = {"Authorization": held.token}
        before = held.is_dead(self.deaths)
        answer = self._send(operation, method, path, headers=token, **request)
        status = answer.status_code
        if status >= FAILED:
            for each in revokes:
                each.doubt()
            return None
        if status == 401 and held.is_dead(self.deaths) is not False:
            self._tally.requests["of a dead key", "401"] += 1
            return None
        self._expect(before is not True, f"{operation}, with a token of a dead key: {status}")
        self._expect(status in {200, 401, 403, 404}, f"{operation}: {status}")
        self._see(held, is_live=status != 401)
        if status != 401:
            self._expect((status == 403) == self.is_banned, f"{operation}, of a ban: {status}")
        return None if status in {401, 403} else answer

    def _see(self, held: Held, *, is_live: bool) -> None:
        seen = State.LIVE if is_live else State.REVOKED
        if held.state is State.UNKNOWN and held.is_settled():
            held.state = seen
        if held.state is not State.UNKNOWN:
            self._expect(seen is held.state, f"{held.iat} is {seen.value}, not {held.state.value}")

    def _count(self, count: int, revoked: list[Held], lost: int = 0, *, exact: bool = True) -> None:
        live = sum(each.state is State.LIVE for each in revoked)
        unknown = sum(each.state is State.UNKNOWN for each in revoked) + lost
        self._tally.requests["counted", "too small" if count < live else "right"] += 1
        self._expect(
            (live <= count or not exact) and count <= live + unknown,
            f"{count} revoked, of {live} and {unknown} unknown",
        )

    def _revoked(self, revoked: Iterable[Held]) -> None:
        for each in revoked:
            each.state = State.REVOKED

    def _all_revoked(self) -> None:
        self._revoked(self.held)
        self.lost = 0

    def _expect(self, claim: bool, otherwise: str) -> None:  # noqa: FBT001 - as `assert` takes it
        if not claim:
            self._tally.wrong.append(f"{time.strftime('%H:%M:%S')} {self.name}: {otherwise}")
