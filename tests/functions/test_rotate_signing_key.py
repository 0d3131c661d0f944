"""Rotate the signing key."""

import json
import re
from contextlib import contextmanager
from random import Random

import jwt
import pytest

from sessions import aws, key_rotation, signing_keys
from sessions.errors import NextKeyTooYoung, Unavailable, UnknownKey
from sessions.signing_keys import CachedKeySet, KeySet
from tests.support.calls import call, invoke
from tests.support.contract import REMEMBERED_SESSION_SECONDS, TEMPLATE
from tests.support.faults import FAULTS, inject
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

ROTATION_SECONDS = TEMPLATE.parameters["KeyRotationDays"] * 86_400
START = KeySet("a", {"a": b"a" * 40, "b": b"b" * 40}, "b", 1_700_000_000)
INITIAL = KeySet("initial", {"initial": b"x" * 40})


def status(token):
    return call("get_current_session", token).status


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def metrics(capsys):
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def test_promotes_the_next_key_and_retires_the_signer(clock, key_set):
    """A new key is staged as the next one, and tokens of the retired key stay good."""
    key_set.store(START)
    person = new_person()
    old = log_in(person)
    answer = invoke("rotate_signing_key", {})
    after = key_set.stored()
    assert answer == {
        "rotated": True,
        "current": "b",
        "next": after.next,
        "dropped": [],
        "forgotten": [],
        "retry_after_seconds": 60,
    }
    assert after.keys.keys() == {"a", "b", after.next}
    assert (after.next_since, after.retired) == (clock.now, {"a": clock.now})
    assert len(after.keys[after.next]) == 64
    assert re.fullmatch(rf"{clock.now}-[0-9a-f]{{8}}", after.next), "another in each second, too"
    assert {kid: after.keys[kid] for kid in "ab"} == START.keys
    key_set.forget()
    new = log_in(person)
    assert [kid_of(old), kid_of(new)] == ["a", "b"]
    assert [status(old), status(new)] == [200, 200]


def test_called_twice_it_rotates_once(clock, key_set):
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
    key_set.store(INITIAL)
    for event in ({"when": "due"}, {}):
        answer = invoke("rotate_signing_key", event)
        assert (answer["rotated"], answer["current"]) == (False, "initial")
        assert answer["next"] == key_set.stored().next


@pytest.mark.parametrize("late_seconds", [0, 3 * 86_400])
def test_the_schedule_rotates_when_a_rotation_is_due(clock, key_set, capsys, late_seconds):
    """A metric says how late that is, which is never once it is done."""
    key_set.store(START._replace(next_since=clock.now))
    clock.now += ROTATION_SECONDS - 1
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is False
    clock.now += 1 + late_seconds
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is True
    written = metrics(capsys)
    assert [line.get("SigningKeyOverdueDays") for line in written] == [[0.0], None, [0.0], None]
    assert written[-1]["SigningKeyRotated"] == [1.0]


def test_a_key_is_pruned_when_the_last_session_of_it_is_expired(clock, key_set):
    longest = REMEMBERED_SESSION_SECONDS + 86_400
    retired = {"o": clock.now - longest, "p": clock.now - longest + 1}
    keys = {kid: kid.encode() * 40 for kid in "opab"}
    key_set.store(START._replace(keys=keys, retired=retired, next_since=clock.now))
    answer = invoke("rotate_signing_key", {"when": "due"})
    assert (answer["rotated"], answer["forgotten"]) == (False, ["o"])
    assert key_set.stored().keys.keys() == {"p", "a", "b"}
    assert key_set.stored().retired == {"p": retired["p"]}


@pytest.mark.parametrize(
    ("dropped", "current", "next_key"), [("a", "b", None), ("b", "a", None), ("o", "a", "b")]
)
def test_a_dropped_key_signs_no_more_and_the_answer_says_when_it_is_dead(
    clock, key_set, dropped, current, next_key
):
    keys = {kid: kid.encode() * 40 for kid in "oab"}
    key_set.store(START._replace(keys=keys, retired={"o": clock.now}))
    answer = invoke("rotate_signing_key", {"drop": dropped})
    after = key_set.stored()
    assert answer["dropped"] == [{"kid": dropped, "dead_after_seconds": 360}]
    assert (answer["forgotten"], answer["rotated"]) == ([], dropped == "a")
    assert dropped not in {*after.retired, after.current, after.next}
    assert after.current == current == answer["current"]
    assert after.next in after.keys
    assert after.next == (next_key or answer["next"])


def test_a_dropped_key_is_forgotten_by_the_same_call_or_the_schedule(clock, key_set):
    for again in ({"drop": "a"}, {"when": "due"}, {}):
        key_set.store(START)
        invoke("rotate_signing_key", {"drop": "a"})
        once = key_set.stored()
        clock.now += 50
        answer = invoke("rotate_signing_key", again)
        assert answer["dropped"] == [{"kid": "a", "dead_after_seconds": 310}]
        assert key_set.stored() == once
        clock.now += 310
        answer = invoke("rotate_signing_key", again)
        assert (answer["dropped"], answer["forgotten"]) == ([], ["a"])
        assert "a" not in key_set.stored().keys
    with pytest.raises(UnknownKey):
        invoke("rotate_signing_key", {"drop": "a"})


@contextmanager
def within(process):
    """Handle requests as one of several processes, with the key set that it keeps."""
    vars(signing_keys.signing_keys).update(process)
    yield
    process.update(vars(signing_keys.signing_keys))


def new_process():
    return vars(CachedKeySet(signing_keys.signing_keys._read)).copy()


def test_the_login_of_a_process_that_still_signs_with_a_dropped_key_is_good(clock, key_set):
    """The whole of its cache long, in every process; and in none once the key is dead."""
    key_set.store(START)
    person, warm = new_person(), new_process()
    with within(warm):
        tokens = [log_in(person)]
    dropped_at = clock.now
    dead_after = invoke("rotate_signing_key", {"drop": "a"})["dropped"][0]["dead_after_seconds"]
    verifying = [new_process() for _ in range(2)]
    for passed in (0, 100, 299):
        clock.now = dropped_at + passed
        with within(warm):
            tokens.append(log_in(person))
        for process in (warm, *verifying, new_process()):
            with within(process):
                assert [status(token) for token in tokens] == [200] * len(tokens)
    assert {kid_of(token) for token in tokens} == {"a"}
    clock.now = dropped_at + 300
    with within(warm):
        assert kid_of(log_in(person)) == "b"
    for passed, answer in ((dead_after - 1, 200), (dead_after, 401)):
        clock.now = dropped_at + passed
        for process in (warm, *verifying, new_process()):
            with within(process):
                assert {status(token) for token in tokens} == {answer}


def test_the_current_key_is_not_dropped_while_the_next_one_is_too_young(clock, key_set):
    """The refusal says how long that is, also where the next key has only been made by the call."""
    key_set.store(INITIAL)
    token = log_in(new_person())
    with pytest.raises(NextKeyTooYoung, match=r"^again in 60 seconds$"):
        invoke("rotate_signing_key", {"drop": "initial"})
    staged = key_set.stored()
    assert (staged.current, staged.dropped) == ("initial", {})
    clock.now += 59
    with pytest.raises(NextKeyTooYoung, match=r"^again in 1 seconds$"):
        invoke("rotate_signing_key", {"drop": "initial"})
    assert key_set.stored() == staged
    clock.now += 1
    assert invoke("rotate_signing_key", {"drop": "initial"})["current"] == staged.next
    clock.now += 360
    assert [status(token), status(log_in(new_person()))] == [401, 200]


def test_a_next_key_that_was_dropped_leaves_no_young_one_to_sign(clock, key_set):
    key_set.store(START)
    invoke("rotate_signing_key", {"drop": "b"})
    with pytest.raises(NextKeyTooYoung):
        invoke("rotate_signing_key", {"drop": "a"})
    assert key_set.stored().current == "a"


def test_an_unknown_key_cannot_be_dropped(clock, key_set):
    key_set.store(START)
    with pytest.raises(UnknownKey):
        invoke("rotate_signing_key", {"drop": "unknown"})
    assert key_set.stored() == START


@pytest.mark.parametrize("others", range(1, 5))
def test_of_changes_at_once_none_is_lost(clock, key_set, monkeypatch, pauses, others):
    """Each time that a rotation has read the key set, another change is stored before its own."""
    olds = [f"o{number}" for number in range(others)]
    keys = {kid: kid.encode() * 40 for kid in ("a", "b", *olds)}
    key_set.store(START._replace(keys=keys, retired=dict.fromkeys(olds, clock.now)))
    waiting = list(olds)
    read_key_set = signing_keys.read_key_set

    def read_before_a_drop():
        before = read_key_set()
        if waiting:
            with monkeypatch.context() as patch:
                patch.setattr(key_rotation, "read_key_set", read_key_set)
                invoke("rotate_signing_key", {"drop": waiting.pop()})
        return before

    monkeypatch.setattr(key_rotation, "read_key_set", read_before_a_drop)
    answer = invoke("rotate_signing_key", {})
    after = key_set.stored()
    assert after.dropped.keys() == {*olds}, "no dropped key has come back"
    assert (answer["current"], answer["rotated"]) == ("b", True)
    assert (after.current, after.next) == ("b", answer["next"])


def test_a_key_set_is_stored_once_and_only_if_it_changes(clock, key_set, monkeypatch, pauses):
    """A fault is no change by somebody else, after which it would be made anew."""
    key_set.store(START._replace(next_since=clock.now))
    client = aws.client("secretsmanager")
    monkeypatch.setattr(key_rotation, "secretsmanager", client)
    sent = inject(client, "PutSecretValue", FAULTS["no rights"])
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is False
    assert sent == []
    with pytest.raises(Unavailable):
        invoke("rotate_signing_key", {"drop": "b"})
    assert len(sent) == 1


def test_a_version_that_was_made_current_by_hand_must_be_put_anew(
    clock, key_set, monkeypatch, pauses
):
    """As docs/runbook.md does: a change of it could have been begun before the newer one."""
    secret = {"SecretId": signing_keys.SIGNING_KEYS_SECRET}
    key_set.store(START)
    older = key_set.client.get_secret_value(**secret)
    invoke("rotate_signing_key", {})
    with monkeypatch.context() as patch:  # moto gives the newest version, whatever its stage
        patch.setattr(key_rotation, "read_key_set", lambda: (START, older["VersionId"]))
        with pytest.raises(Unavailable) as failure:
            invoke("rotate_signing_key", {})
    assert "ResourceExistsException" in str(failure.value.__cause__)
    key_set.client.put_secret_value(**secret, SecretString=older["SecretString"])
    assert invoke("rotate_signing_key", {})["rotated"] is True


def test_ten_rotations_under_load_refuse_no_request(clock, key_set):
    """Eight processes sign and check, each so much more rarely that its key set is older."""
    key_set.store(START)
    person = new_person()
    processes = [new_process() for _ in range(8)]
    random = Random(1)  # noqa: S311 - it picks a test's steps
    tokens: list[str] = []
    rotations = steps = checks = 0
    while rotations < 10:
        steps += 1
        clock.now += random.randint(1, 40)
        for number, process in enumerate(processes):
            if steps % (number * number + 1):
                continue
            with within(process):
                tokens.append(log_in(person))
                # Later logins than the last hundred have revoked older ones (MaxSessionsPerUser).
                for token in {tokens[-1], *random.sample(tokens[-90:], min(len(tokens), 3))}:
                    assert status(token) == 200
                    checks += 1
        rotations += invoke("rotate_signing_key", {})["rotated"]
    assert len({clock.now - process["_read_at"] for process in processes}) > 2, "of many ages"
    assert len({kid_of(token) for token in tokens}) > 5
    assert checks > 150
    assert len(key_set.stored().keys) == 12
