"""The life of a signing key, as rules without a clock or a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import UnknownKey
from sessions.key_rotation import (
    DROPPED_SECONDS,
    LONGEST_OUTAGE_SECONDS,
    MIN_PUBLISHED_SECONDS,
    NewKey,
    drop,
    key_set_text,
    promote,
    prune,
    seconds_until_promotable,
    stage,
)
from sessions.signing_keys import CachedKeySet, KeySet, parse_key_set

NEW = NewKey("new", b"n" * 32)
NOW = 1_800_000_000
LASTS = 1000  # seconds of the longest session
KEYS = {kid: kid.encode() * 32 for kid in "abcd"}
INITIAL = KeySet("a", {"a": KEYS["a"]})
STAGED = KeySet("a", {kid: KEYS[kid] for kid in "ab"}, "b", NOW)

TIMES = st.integers(NOW - 10**6, NOW)


@st.composite
def key_sets(draw):
    """Draw a key set as an earlier rotation can have left it."""
    current, upcoming, *others = draw(st.permutations("abcd"))
    if draw(st.booleans()):
        return KeySet(current, {current: KEYS[current]})
    split, end = sorted(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))))
    retired = {kid: draw(TIMES) for kid in others[:split]}
    dropped = {kid: draw(TIMES) + DROPPED_SECONDS for kid in others[split:end]}
    keys = {kid: KEYS[kid] for kid in (current, upcoming, *retired, *dropped)}
    return KeySet(current, keys, upcoming, draw(TIMES), retired, dropped)


@given(key_sets())
def test_a_key_set_is_read_as_it_was_written(key_set):
    assert parse_key_set(key_set_text(key_set)) == key_set


def test_a_key_must_be_published_before_it_signs():
    assert seconds_until_promotable(INITIAL, NOW) == MIN_PUBLISHED_SECONDS
    waits = [
        seconds_until_promotable(STAGED, NOW + passed)
        for passed in (0, MIN_PUBLISHED_SECONDS - 1, MIN_PUBLISHED_SECONDS, 10**6)
    ]
    assert waits == [MIN_PUBLISHED_SECONDS, 1, 0, 0]


@given(key_sets())
def test_a_staged_key_is_next_and_signs_nothing(key_set):
    after = stage(key_set, NEW, NOW)
    assert (after.current, after.next, after.next_since) == (key_set.current, "new", NOW)
    assert after.keys == {**key_set.keys, "new": NEW.key}


@given(key_sets())
def test_a_promotion_loses_no_key(key_set):
    after = promote(key_set, NEW, NOW)
    if key_set.next is not None and key_set.next_since > NOW - MIN_PUBLISHED_SECONDS:
        assert after == key_set, "the next key is too young"
        return
    assert after.keys == {**key_set.keys, "new": NEW.key}
    assert (after.next, after.next_since) == ("new", NOW)
    if key_set.next is None:
        assert (after.current, after.retired) == (key_set.current, {})
    else:
        assert after.current == key_set.next
        assert after.retired == {**key_set.retired, key_set.current: NOW}


@given(key_sets())
def test_a_key_is_pruned_once_its_last_session_is_expired(key_set):
    after = prune(key_set, NOW, LASTS)
    kept = {
        kid: at for kid, at in key_set.retired.items() if at + LASTS + LONGEST_OUTAGE_SECONDS > NOW
    }
    dropped = {kid: dead_at for kid, dead_at in key_set.dropped.items() if dead_at > NOW}
    assert (after.retired, after.dropped) == (kept, dropped)
    assert after.keys.keys() == {*kept, *dropped, key_set.current, key_set.next} - {None}


@pytest.mark.parametrize(("passed", "is_pruned"), [(-1, False), (0, True)])
def test_a_key_is_pruned_on_the_second(passed, is_pruned):
    retired = {"c": NOW}
    key_set = STAGED._replace(keys={**STAGED.keys, "c": KEYS["c"]}, retired=retired)
    after = prune(key_set, NOW + LASTS + LONGEST_OUTAGE_SECONDS + passed, LASTS)
    assert after == (STAGED if is_pruned else key_set)


@pytest.mark.parametrize(("passed", "is_pruned"), [(-1, False), (0, True)])
def test_a_dropped_key_is_pruned_on_the_second(passed, is_pruned):
    key_set = drop(STAGED, "a", NEW, STAGED.next_since + MIN_PUBLISHED_SECONDS)
    after = prune(key_set, key_set.dropped["a"] + passed, LASTS)
    assert ("a" not in after.keys, after.dropped == {}) == (is_pruned, is_pruned)


@given(key_sets(), st.data())
def test_a_dropped_key_signs_no_more_and_another_that_is_known_does(key_set, data):
    """It verifies until the caches of all functions are over."""
    kid = data.draw(st.sampled_from(sorted(key_set.keys)))
    after = drop(key_set, kid, NEW, NOW)
    assert key_set.keys.items() <= after.keys.items(), "no key is lost"
    if kid != key_set.current:
        assert after.current == key_set.current
    elif key_set.next is None or seconds_until_promotable(key_set, NOW):
        assert after == (key_set if key_set.next else stage(key_set, NEW, NOW))
        return
    else:
        assert (after.current, after.next) == (key_set.next, "new")
    assert kid not in {*after.retired, after.current, after.next}
    assert after.dropped == {kid: NOW + DROPPED_SECONDS, **key_set.dropped}
    assert drop(after, kid, NEW, NOW + 1) == after, "a second call changes nothing"


def test_no_key_signs_that_is_seconds_old():
    """The next key, and then the current one is dropped."""
    after = drop(STAGED, "b", NEW, NOW)
    assert (after.current, after.next, after.next_since) == ("a", "new", NOW)
    newest = NewKey("newest", b"n" * 32)
    assert drop(after, "a", newest, NOW + MIN_PUBLISHED_SECONDS - 1) == after
    assert drop(after, "a", newest, NOW + MIN_PUBLISHED_SECONDS).current == "new"


@given(key_sets())
def test_an_unknown_key_cannot_be_dropped(key_set):
    with pytest.raises(UnknownKey):
        drop(key_set, "unknown", NEW, NOW)


PROCESSES = st.integers(0, 2)
STEPS = st.lists(
    st.tuples(st.integers(1, 100), PROCESSES, PROCESSES, st.none() | st.integers(0, 4)), max_size=40
)


@given(STEPS)
def test_no_drop_breaks_a_login_of_any_process(steps):
    """What a process signs with verifies in all, of whatever age; a dead key in none.

    Each step is the seconds since the one before, who signs, who verifies, and a key to drop.
    """
    key_set, now = STAGED, STAGED.next_since + MIN_PUBLISHED_SECONDS

    def new_process():
        return CachedKeySet(lambda: key_set)

    processes = [new_process() for _ in range(3)]
    dead_at: dict[str, int] = {}
    for number, (passed, signer, verifier, dropped) in enumerate(steps):
        now += passed
        if dropped is not None:
            kid = sorted(key_set.keys)[dropped % len(key_set.keys)]
            new = NewKey(f"new {number}", NEW.key)
            key_set = prune(drop(key_set, kid, new, now), now, LASTS)
            dead_at |= key_set.dropped
        kid, key = processes[signer].current(now)
        dead = [kid for kid, at in dead_at.items() if at <= now]
        for process in (processes[signer], processes[verifier], new_process()):
            assert process.key(kid, now) == key
            assert not any(process.key(kid, now) for kid in dead)
