"""The life of a signing key, as rules without a clock or a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import UnknownKey
from sessions.key_rotation import (
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
from sessions.signing_keys import KeySet, parse_key_set

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
    retired = {kid: draw(TIMES) for kid in others[: draw(st.integers(0, 2))]}
    keys = {kid: KEYS[kid] for kid in (current, upcoming, *retired)}
    return KeySet(current, keys, upcoming, draw(TIMES), retired)


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
    assert after.retired == kept
    assert after.keys.keys() == {*kept, key_set.current, key_set.next} - {None}


@pytest.mark.parametrize(("passed", "is_pruned"), [(-1, False), (0, True)])
def test_a_key_is_pruned_on_the_second(passed, is_pruned):
    retired = {"c": NOW}
    key_set = STAGED._replace(keys={**STAGED.keys, "c": KEYS["c"]}, retired=retired)
    after = prune(key_set, NOW + LASTS + LONGEST_OUTAGE_SECONDS + passed, LASTS)
    assert after == (STAGED if is_pruned else key_set)


@given(key_sets(), st.data())
def test_a_dropped_key_is_nowhere_and_another_signs(key_set, data):
    kid = data.draw(st.sampled_from(sorted(key_set.keys)))
    after = drop(key_set, kid, NEW, NOW)
    assert kid not in {*after.keys, *after.retired, after.current, after.next}
    assert after.current in after.keys
    assert after.next is None or after.next in after.keys
    assert key_set.keys.keys() - {kid} <= after.keys.keys()
    if kid != key_set.current:
        assert after.current == key_set.current


@given(key_sets())
def test_an_unknown_key_cannot_be_dropped(key_set):
    with pytest.raises(UnknownKey):
        drop(key_set, "unknown", NEW, NOW)
