"""Rotate the signing key."""

import json
import threading

import pytest

from sessions import tokens
from sessions.tokens import KeyRing, Ring
from tests.calls import call, invoke, log_in, new_person
from tests.contract import REMEMBERED_SESSION_SECONDS, TEMPLATE

pytestmark = pytest.mark.usefixtures("aws")

ROTATION_SECONDS = TEMPLATE.parameters["KeyRotationDays"] * 86_400
START = Ring("a", {"a": b"a" * 40, "b": b"b" * 40}, "b", 1_700_000_000)


def status(token):
    return call("get_current_session", token).status


def metrics(capsys):
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def test_the_next_key_signs_a_new_one_is_next_and_the_old_one_is_kept(clock, ring):
    ring.store(START)
    answer = invoke("rotate_signing_key", {})
    after = ring.stored()
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


def test_no_answer_and_no_log_line_shows_a_key(clock, ring, logged):
    ring.store(START)
    answer = invoke("rotate_signing_key", {})
    for key in ring.stored().keys.values():
        assert key.decode() not in json.dumps(answer) + json.dumps(logged())


def test_tokens_of_the_old_key_go_on_and_new_ones_are_of_the_next(clock, ring):
    ring.store(START)
    person = new_person()
    old = log_in(person)
    invoke("rotate_signing_key", {})
    ring.forget()
    new = log_in(person)
    assert [kid_of(old), kid_of(new)] == ["a", "b"]
    assert [status(old), status(new)] == [200, 200]


def kid_of(token):
    import jwt  # noqa: PLC0415 - here only

    return jwt.get_unverified_header(token)["kid"]


def test_made_twice_it_rotates_once(clock, ring):
    ring.store(START)
    invoke("rotate_signing_key", {})
    once = ring.stored()
    clock.now += 59
    again = invoke("rotate_signing_key", {})
    assert (again["rotated"], again["retry_after_seconds"]) == (False, 1)
    assert ring.stored() == once
    clock.now += 1
    assert invoke("rotate_signing_key", {})["rotated"] is True


def test_a_ring_without_a_next_key_gets_one_first(clock, ring):
    ring.store(Ring("initial", {"initial": b"x" * 40}))
    for asked in ({"when": "due"}, {}):
        answer = invoke("rotate_signing_key", asked)
        assert (answer["rotated"], answer["current"]) == (False, "initial")
        assert answer["next"] == ring.stored().next


def test_the_schedule_rotates_when_it_is_time_and_says_how_late_it_is(clock, ring, capsys):
    ring.store(START._replace(next_since=clock.now))
    clock.now += ROTATION_SECONDS - 1
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is False
    clock.now += 1
    capsys.readouterr()
    assert invoke("rotate_signing_key", {"when": "due"})["rotated"] is True
    overdue, done = metrics(capsys)
    assert overdue["SigningKeyOverdueDays"] == [0.0]
    assert done["SigningKeyRotated"] == [1.0]


def test_a_key_is_dropped_when_no_session_of_it_can_be_live(clock, ring):
    longest = REMEMBERED_SESSION_SECONDS + 86_400
    retired = {"o": clock.now - longest, "p": clock.now - longest + 1}
    keys = {kid: kid.encode() * 40 for kid in "opab"}
    ring.store(START._replace(keys=keys, retired=retired, next_since=clock.now))
    answer = invoke("rotate_signing_key", {"when": "due"})
    assert (answer["rotated"], answer["dropped"]) == (False, ["o"])
    assert ring.stored().keys.keys() == {"p", "a", "b"}
    assert ring.stored().retired == {"p": retired["p"]}


@pytest.mark.parametrize(
    ("dropped", "current", "next_key"), [("a", "b", None), ("b", "a", None), ("o", "a", "b")]
)
def test_a_compromised_key_is_dropped_at_once_by_its_kid(clock, ring, dropped, current, next_key):
    keys = {kid: kid.encode() * 40 for kid in "oab"}
    ring.store(START._replace(keys=keys, retired={"o": clock.now}, next_since=clock.now))
    answer = invoke("rotate_signing_key", {"drop": dropped})
    after = ring.stored()
    assert answer["dropped"] == [dropped]
    assert dropped not in after.keys
    assert dropped not in after.retired
    assert after.current == current == answer["current"]
    assert after.next in after.keys
    if next_key:
        assert after.next == next_key


def test_the_only_key_can_be_dropped_too(clock, ring):
    ring.store(Ring("initial", {"initial": b"x" * 40}))
    token = log_in(new_person())
    answer = invoke("rotate_signing_key", {"drop": "initial"})
    assert answer["dropped"] == ["initial"]
    assert ring.stored().keys.keys() == {answer["current"]}
    ring.forget()
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
def test_what_makes_no_sense_is_refused_and_changes_nothing(clock, ring, event, error):
    from sessions import errors  # noqa: PLC0415 - after the environment stands

    ring.store(START)
    with pytest.raises(getattr(errors, error)):
        invoke("rotate_signing_key", event)
    assert ring.stored() == START


def test_of_two_changes_at_once_neither_is_lost(clock, ring, monkeypatch):
    from sessions import rotation  # noqa: PLC0415 - after the environment stands

    ring.store(START)
    read_ring = rotation.read_ring

    def read_before_a_drop():
        read = read_ring()
        monkeypatch.setattr(rotation, "read_ring", read_ring)
        invoke("rotate_signing_key", {"drop": "a"})
        return read

    monkeypatch.setattr(rotation, "read_ring", read_before_a_drop)
    answer = invoke("rotate_signing_key", {})
    after = ring.stored()
    assert "a" not in after.keys, "the dropped key has not come back"
    assert (answer["current"], answer["rotated"]) == ("b", False)
    assert (after.current, after.next) == ("b", answer["next"])


@pytest.mark.parametrize("operation", ["GetSecretValue", "PutSecretValue"])
def test_a_fault_of_secrets_manager_fails_the_invocation_and_changes_nothing(
    clock, ring, monkeypatch, operation
):
    from sessions import clients, rotation  # noqa: PLC0415 - after the environment stands
    from sessions.errors import Unavailable  # noqa: PLC0415
    from tests.layer.faults import FAULTS, inject  # noqa: PLC0415

    ring.store(START)
    client = clients.client("secretsmanager")
    inject(client, operation, FAULTS["no connection"])
    monkeypatch.setattr(rotation, "_secretsmanager", client)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(Unavailable):
        invoke("rotate_signing_key", {})
    assert ring.stored() == START


def test_ten_rotations_under_load_refuse_no_request_with_rings_of_every_age():
    """Functions' rings, each with an age of its own, sign and check while the key rotates."""
    from sessions import rotation  # noqa: PLC0415 - after the environment stands

    lock, published, clock = threading.Lock(), [START], [1_700_000_100]
    ended, refused, checked = threading.Event(), [], []
    rings = [KeyRing(lambda: published[0]) for _ in range(8)]
    held: list[str] = []

    def work(number: int) -> None:
        mine = rings[number]
        while not ended.is_set():
            with lock:
                now = clock[0]
                kid, key = mine.current(now)
                claims = tokens.Claims("user", now, now + 10**7, "jti")
                held.append(tokens.issue(claims, "us", kid, key))
                del held[:-200]
                for token in (held[0], held[len(held) // 2], held[-1]):
                    for ring_of_another in rings:
                        try:
                            tokens.verify(
                                token, "us", lambda k, r=ring_of_another, at=now: r.key(k, at), now
                            )
                        except tokens.InvalidSession:
                            refused.append(token)
                        checked.append(token)
                clock[0] += number  # so that their rings are read at different times

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    rotations = 0
    while rotations < 10:
        with lock:
            if not rotation.too_young_seconds(published[0], clock[0]):
                new = rotation.NewKey(f"k{rotations}", b"k" * 40)
                published[0] = rotation.rotated(published[0], new, clock[0])
                rotations += 1
    ended.set()
    for thread in threads:
        thread.join()
    assert refused == []
    assert len(checked) > 100
    assert len(published[0].keys) == 12
