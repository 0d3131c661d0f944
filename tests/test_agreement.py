"""The Verifiers and the API agree on every token, whatever has happened to its session.

The histories are those of tests/test_history.py, and idle limits. After each step, every token is
shown to the API, to the Verifier, to that in JavaScript and to the authorizer for other APIs; what
the API says is the rule. Whoever of them is asked first stores a use that is due, and all go by it.
`--comparisons 10000` makes as many of them.
"""

import base64
import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from sessions import errors, gateways, session_store, verifier
from sessions.dynamodb import SESSIONS, USERS
from sessions.gateways import Unauthorized
from sessions.last_use import after_use, update_of_last_use
from tests.support.calls import Answer, call, invoke
from tests.support.people import Person
from tests.support.records import session
from tests.support.rows import limit_idleness, tables
from tests.test_history import Held, History, Model
from tests.test_history import few_sessions as few_sessions  # noqa: PLC0414 - a fixture

ROOT = Path(__file__).parents[1]
VERIFY_JS = ROOT / "clients" / "js" / "verify.js"
NODE = shutil.which("node")
METHOD = "arn:aws:execute-api:us-east-1:123456789012:api/stage/GET/orders"
MAX_AGES = (None, 0, 61, 3_600)

pytestmark = [
    pytest.mark.usefixtures("aws", "few_sessions"),
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
]

CONDITION = update_of_last_use("", session(), session(used_at=1))["ConditionExpression"]
USED_SECONDS = int(os.environ["USED_SECONDS"])

Verdict = tuple[object, ...]
Ask = Callable[[str, int, int | None], Verdict]
"""Asks for the verdict on a token at a time, in epoch seconds, with an age in seconds."""


class Idleness(Model):
    """What is promised, and of sessions under an idle limit."""

    def __init__(self, people: list[Person]) -> None:
        super().__init__(people)
        self.limits: dict[tuple[Person, int], tuple[int, int]] = {}  # and when it was last used

    def live(self, person: Person, now: int) -> list[int]:
        iats = super().live(person, now)
        return [iat for iat in iats if now < (self.idle_end(person, iat) or math.inf)]

    def idle_end(self, person: Person, iat: int) -> int | None:
        if (person, iat) not in self.limits:
            return None
        limit, used_at = self.limits[person, iat]
        return min(self.exp[person, iat], used_at + limit)

    def use(self, person: Person, iat: int, now: int) -> None:
        """Move a limit, if that is due by a tenth of it or by itself, and well before its end."""
        if (person, iat) not in self.limits or self.status(person, now, iat) != 200:
            return
        limit, used_at = self.limits[person, iat]
        end = used_at + limit
        if end >= self.exp[person, iat]:
            return  # it is the session's own end
        if now - used_at >= min(limit // 10, USED_SECONDS) and end - now > 20:
            self.limits[person, iat] = limit, now


def of_the_api(token: str, now: int, max_age: int | None) -> Verdict:
    """Return what follows from the answer of *get current session*."""
    status, _, body = call("get_current_session", token)
    if status != 200:
        return ({401: "InvalidSession", 403: "Banned"}[status],)
    if max_age is not None and now - body["createdAt"] > max_age:
        return ("StaleSession",)
    names = ("sub", "iat", "createdAt", "exp", "name", "method", "by", "idleExp")
    return tuple(body.get(name) for name in names)


def of_python(token: str, now: int, max_age: int | None) -> Verdict:
    own = verifier.Verifier(tables(), sessions_table=SESSIONS, users_table=USERS)
    try:
        return tuple(own.verify(token, max_age=max_age))
    except errors.ApiError as error:
        return (type(error).__name__,)


def of_the_authorizer(token: str, now: int, max_age: int | None) -> Verdict:
    """Return what a REST API of the product makes of the answer; it learns no beginning."""
    event = {"type": "TOKEN", "methodArn": METHOD, "authorizationToken": token}
    try:
        answer = invoke("verify_session", event)
    except Unauthorized:
        return ("InvalidSession",)
    if answer["policyDocument"]["Statement"][0]["Effect"] == "Deny":
        return ("Banned",)
    told = answer["context"]
    how = told["method"], told.get("by"), told.get("idle_expires") and int(told["idle_expires"])
    return told["user"], int(told["session"]), int(told["expires"]), told["name"], *how


class JavaScript:
    """A process of Node with the Verifier of a file; it works on the tables of this process."""

    def __init__(self, file: Path) -> None:
        bridge = ROOT / "tests" / "support" / "verify.mjs"
        self.process = subprocess.Popen(
            [str(NODE), str(bridge), file.as_uri()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, token: str, now: int, max_age: int | None) -> Verdict:
        answer = self._ask({"token": token, "now": now, "max_age": max_age})
        while "read" in answer or "update" in answer:
            answer = self._ask(self._read(answer) if "read" in answer else self._update(answer))
        if "error" in answer:
            return (answer["error"],)
        return tuple(answer["session"][name] for name in verifier.VerifiedSession._fields)

    def _read(self, asked: Any) -> Any:
        found = tables().batch_get_item(**asked["read"])
        return {"Responses": found["Responses"], "UnprocessedKeys": {}}

    def _update(self, asked: Any) -> Any:
        # tests/functions/test_interleavings.py shows that the condition of ours suffices.
        assert asked["update"]["ConditionExpression"] == CONDITION
        try:
            tables().update_item(**asked["update"])
        except ClientError as error:
            return {"error": error.response["Error"]["Code"]}
        return {}

    def _ask(self, line: Any) -> Any:
        text = json.dumps(line, default=lambda octets: base64.b64encode(octets).decode())
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def javascript(file: Path) -> Iterator[JavaScript]:
    asked = JavaScript(file)
    with asked.process:
        yield asked
        asked.process.stdin.close()


class Agreement(History):
    """A history that asks everybody about every token."""

    kind_of_model = Idleness
    model: Idleness
    others: dict[str, Ask]
    comparisons = 0

    def held_by(self, who: Person, answer: Answer, *, remember: bool) -> Held:
        """Let two of three sessions have an idle limit."""
        held = super().held_by(who, answer, remember=remember)
        limit = (600, 100_000, None)[len(self.tokens) % 3]
        if limit:
            limit_idleness(who.id, held.iat, limit, self.clock.now)
            self.model.limits[who, held.iat] = limit, self.clock.now
        return held

    @rule(seconds=st.sampled_from([59, 519, 520, 579, 580, USED_SECONDS - 1, USED_SECONDS]))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def every_token_sees_just_what_the_model_says(self) -> None:
        self.clock.now += 60  # else a use would rarely be due
        now = self.clock.now
        for place, held in enumerate(getattr(self, "tokens", ())):
            max_age = MAX_AGES[(now + place) % len(MAX_AGES)]
            asks = [*{"the API": of_the_api, **self.others}.items()]
            first = place % len(asks)
            said = {
                name: ask(held.token, now, max_age) for name, ask in asks[first:] + asks[:first]
            }
            self.model.use(held.person, held.iat, now)
            expected = said["the API"]
            assert expected[:1] in self.possible(held), "the API"
            if len(expected) > 1:
                assert expected[-1] == self.model.idle_end(held.person, held.iat), "the API"
            for name, ask in self.others.items():
                wanted = expected
                if ask is of_the_authorizer:
                    wanted = of_the_api(held.token, now, None)
                    wanted = wanted[:2] + wanted[3:]
                assert said[name] == wanted, name
                Agreement.comparisons += 1

    def possible(self, held: Held) -> set[Verdict]:
        """Return how a verdict may begin, by the model."""
        status = self.model.status(held.person, self.clock.now, held.iat)
        refusals: dict[int, set[Verdict]] = {401: {("InvalidSession",)}, 403: {("Banned",)}}
        return refusals.get(status, {(held.person.id,), ("StaleSession",)})


def everybody(of_javascript: Ask) -> dict[str, Ask]:
    return {
        "Python": of_python,
        "JavaScript": of_javascript,
        "the authorizer": of_the_authorizer,
    }


def histories(clock: Any, others: dict[str, Ask], number: int, **options: Any) -> None:
    """Go through so many histories."""
    Agreement.clock, Agreement.others = clock, others
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=number,
            stateful_step_count=25,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            **options,
        ),
    )


def test_all_agree_on_every_token_of_every_history(clock, pytestconfig):
    wanted, Agreement.comparisons = pytestconfig.getoption("comparisons"), 0
    with javascript(VERIFY_JS) as of_javascript:
        others = everybody(of_javascript)
        while Agreement.comparisons < wanted:
            histories(clock, others, 2)
    print(f"{Agreement.comparisons} comparisons")  # noqa: T201 - for whoever asked for more


def forget_the_epoch_in_python(patch: pytest.MonkeyPatch, script: str) -> str:
    patch.setattr(verifier, "epoch_in", lambda _: 0)
    return script


def let_the_banned_in(patch: pytest.MonkeyPatch, script: str) -> str:
    patch.setattr(gateways, "Banned", errors.InvalidSession)
    return script


def forget_the_epoch_in_the_api(patch: pytest.MonkeyPatch, script: str) -> str:
    patch.setattr(session_store, "epoch_in", lambda _: 0)
    return script


def forget_the_epoch_in_javascript(patch: pytest.MonkeyPatch, script: str) -> str:
    return script.replace("began < epoch", "false")


def store_each_use_in_python(patch: pytest.MonkeyPatch, script: str) -> str:
    patch.setattr(verifier, "after_use", lambda session, now, _: after_use(session, now, 1))
    return script


def store_each_use_in_javascript(patch: pytest.MonkeyPatch, script: str) -> str:
    return script.replace("now - usedAt < dueSeconds", "false")


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (store_each_use_in_python, "Python|the authorizer|the API"),
        (store_each_use_in_javascript, "JavaScript|the API"),
        (forget_the_epoch_in_the_api, "the API"),
        (forget_the_epoch_in_python, "Python"),
        (forget_the_epoch_in_javascript, "JavaScript"),
        (let_the_banned_in, "the authorizer"),
    ],
)
def test_a_fault_in_one_of_them_is_noticed(clock, monkeypatch, tmp_path, plant, told):
    script = tmp_path / "verify.js"
    script.write_text(plant(monkeypatch, VERIFY_JS.read_text()))
    with javascript(script) as of_javascript, pytest.raises(AssertionError, match=told):
        histories(clock, everybody(of_javascript), 100, derandomize=True)
