"""Rotate the signing key."""

import json
from random import Random

import jwt
import pytest

from sessions import errors, key_rotation, signing_keys
from sessions.signing_keys import CachedKeySet, KeySet
from tests.support.calls import call, invoke
from tests.support.contract import REMEMBERED_SESSION_SECONDS, TEMPLATE
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

ROTATION_SECONDS = TEMPLATE.parameters["KeyRotationDays"] * 86_400
START = KeySet("a", {"a": b"a" * 40, "b": b"b" * 40}, "b", 1_700_000_000)


def status(token):
    return call("get_current_session", token).status


def metrics(capsys):
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def test_the_next_key_signs_a_new_one_is_next_and_the_old_one_is_kept(clock, key_set):
    key_set.store(START)
    answer = invoke("rotate_signing_key", {})
    after = key_set.stored()
    assert answer == {
        "rotated": True,
        "current": "b",
        "next": after.next,
        "dropped": [],
        "retry_after_seconds": 60,
    }
    assert after.keys.keys() == {"a", "b", after.next}
    assert (after.next_since, after.retired) == (clock.now, {"a": clock.now})
    assert len(after.keys[after.next]) == 64
    assert {kid: after.keys[kid] for kid in "ab"} == START.keys


def test_no_answer_and_no_log_line_shows_a_key(clock, key_set, logged):
    key_set.store(START)
    answer = invoke("rotate_signing_key", {})
    for key in key_set.stored().keys.values():
        assert key.decode() not in json.dumps(answer) + json.dumps(logged())


def test_tokens_of_the_old_key_go_on_and_new_ones_are_of_the_next(clock, key_set):
    key_set.store(START)
    person = new_person()
    old = log_in(person)
    invoke("rotate_signing_key", {})
    key_set.forget()
    new = log_in(person)
    assert [kid_of(old), kid_of(new)] == ["a", "b"]
    assert [status(old), status(new)] == [200, 200]


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def test_made_twice_it_rotates_once(clock, key_set):
    key_set.store(START)
    invoke("rotate_signing_key", {})
    once = key_set.stored()
    clock.now += 59
    again = invoke("rotate_signing_key", {})
    assert (again["rotated"], again["retry_after_seconds"]) == (False, 1)
    assert key_set.stored() == once
    clock.now += 1
    assert invoke("rotate_signing_key", {})["rotated"] is True


def test_a_key_set_without_a_next_key_gets_one_first(clock, key_set):
    key_set.store(KeySet("initial", {"initial": b"x" * 40}))
    for asked in ({"when": "due"}, {}):
        answer = invoke("rotate_signing_key", asked)
        assert (answer["rotated"], answer["current"]) == (False, "initial")
        assert answer["next"] == key_set.stored().next


def test_the_schedule_rotates_when_it_is_time_and_says_how_late_it_is(clock, key_set, capsys):
    key_set.store(START._replace(next_since=clock.now))
    clock.now += ROTATION_SECONDS - 1
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is False
    clock.now += 1
    capsys.readouterr()
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is True
    overdue, done = metrics(capsys)
    assert overdue["SigningKeyOverdueDays"] == [0.0]
    assert done["SigningKeyRotated"] == [1.0]


def test_a_key_is_dropped_when_no_session_of_it_can_be_live(clock, key_set):
    longest = REMEMBERED_SESSION_SECONDS + 86_400
    retired = {"o": clock.now - longest, "p": clock.now - longest + 1}
    keys = {kid: kid.encode() * 40 for kid in "opab"}
    key_set.store(START._replace(keys=keys, retired=retired, next_since=clock.now))
    answer = invoke("rotate_signing_key", {"when": "due"})
    assert (answer["rotated"], answer["dropped"]) == (False, ["o"])
    assert key_set.stored().keys.keys() == {"p", "a", "b"}
    assert key_set.stored().retired == {"p": retired["p"]}


@pytest.mark.parametrize(
    ("dropped", "current", "next_key"), [("a", "b", None), ("b", "a", None), ("o", "a", "b")]
)
def test_a_compromised_key_is_dropped_at_once_by_its_kid(
    clock, key_set, dropped, current, next_key
):
    keys = {kid: kid.encode() * 40 for kid in "oab"}
    key_set.store(START._replace(keys=keys, retired={"o": clock.now}, next_since=clock.now))
    answer = invoke("rotate_signing_key", {"drop": dropped})
    after = key_set.stored()
    assert answer["dropped"] == [dropped]
    assert dropped not in after.keys
    assert dropped not in after.retired
    assert after.current == current == answer["current"]
    assert after.next in after.keys
    if next_key:
        assert after.next == next_key


def test_the_only_key_can_be_dropped_too(clock, key_set):
    key_set.store(KeySet("initial", {"initial": b"x" * 40}))
    token = log_in(new_person())
    answer = invoke("rotate_signing_key", {"drop": "initial"})
    assert answer["dropped"] == ["initial"]
    assert key_set.stored().keys.keys() == {answer["current"]}
    key_set.forget()
    assert status(token) == 401
    assert status(log_in(new_person())) == 200


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"drop": "nope"}, "UnknownKey"),
        ({"drop": ""}, "InvalidInput"),
        ({"when": "now"}, "InvalidInput"),
        ({"when": "due", "drop": "a"}, "InvalidInput"),
        ([], "InvalidInput"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(clock, key_set, event, error):
    key_set.store(START)
    with pytest.raises(getattr(errors, error)):
        invoke("rotate_signing_key", event)
    assert key_set.stored() == START


def test_of_two_changes_at_once_neither_is_lost(clock, key_set, monkeypatch):
    key_set.store(START)
    read_key_set = signing_keys.read_key_set

    def read_before_a_drop():
        read = read_key_set()
        monkeypatch.setattr(key_rotation, "read_key_set", read_key_set)
        invoke("rotate_signing_key", {"drop": "a"})
        return read

    monkeypatch.setattr(key_rotation, "read_key_set", read_before_a_drop)
    answer = invoke("rotate_signing_key", {})
    after = key_set.stored()
    assert "a" not in after.keys, "the dropped key has not come back"
    assert (answer["current"], answer["rotated"]) == ("b", False)
    assert (after.current, after.next) == ("b", answer["next"])


def test_ten_rotations_under_load_refuse_no_request_with_key_sets_of_every_age(clock, key_set):
    """Eight processes sign and check in turns, the last one so rarely that its key set is stale."""
    key_set.store(START)
    person = new_person()
    key_sets = [vars(CachedKeySet(signing_keys.signing_keys._read)).copy() for _ in range(8)]
    random = Random(1)  # noqa: S311 - it picks a test's steps
    held: list[str] = []
    kids: set[str] = set()
    rotations = steps = checks = 0
    while rotations < 10:
        steps += 1
        clock.now += random.randint(1, 20)
        for number, of_process in enumerate(key_sets):
            if steps % (number * number + 1):
                continue
            vars(signing_keys.signing_keys).update(of_process)
            held.append(log_in(person))
            kids.add(kid_of(held[-1]))
            # Later logins than the last hundred have ended what is older (MaxSessionsPerUser).
            for token in {held[-1], *random.sample(held[-90:], min(len(held), 3))}:
                assert status(token) == 200
                checks += 1
            of_process.update(vars(signing_keys.signing_keys))
        rotations += invoke("rotate_signing_key", {})["rotated"]
    ages = {clock.now - of_process["_read_at"] for of_process in key_sets}
    assert len(ages) > 2, "the key sets are of different ages"
    assert len(kids) > 5
    assert checks > 300
    assert len(key_set.stored().keys) == 12
