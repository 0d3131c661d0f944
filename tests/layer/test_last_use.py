"""When a use of a session is stored, and what it changes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.last_use import _WRITE_SECONDS, after_use, update_of_last_use
from sessions.model import end_reason
from tests.support.records import session, user

HOUR, DAY = 3600, 86_400
BEGAN = 1_800_000_000


def begun(idle=None, lasts=30 * DAY, **attributes):
    """Return a session that has just begun, with an idle limit if one is given."""
    until = BEGAN + lasts
    limit = {} if idle is None else {"until": until}
    exp = until if idle is None else min(until, BEGAN + idle)
    return session(exp=exp, created_at=BEGAN, **limit, **attributes)


@pytest.mark.parametrize(
    ("idle", "used_seconds", "due_after"),
    [
        (None, HOUR, HOUR),
        (None, 1, 1),
        (DAY, HOUR, HOUR),
        (DAY, 0, DAY // 10),
        (HOUR, DAY, HOUR // 10),
        (100, HOUR, 10),
        (100 * DAY, HOUR, HOUR),  # the session ends sooner than that
    ],
)
def test_a_use_is_stored_when_the_last_one_is_old_enough(idle, used_seconds, due_after):
    it = begun(idle)
    assert after_use(it, BEGAN + due_after - 1, used_seconds) is None
    used = after_use(it, BEGAN + due_after, used_seconds)
    assert used.used_at == BEGAN + due_after
    assert after_use(used, BEGAN + 2 * due_after - 1, used_seconds) is None
    assert after_use(used, BEGAN + 2 * due_after, used_seconds).used_at == BEGAN + 2 * due_after


def test_without_an_idle_limit_no_use_is_stored_if_none_is_asked_for():
    assert after_use(begun(), BEGAN + 30 * DAY - 1, 0) is None
    assert after_use(begun(100 * DAY), BEGAN + 30 * DAY - 1, 0) is None


def test_a_use_changes_its_time_and_the_end_of_the_idle_limit_alone():
    it = begun(DAY)
    used = after_use(it, BEGAN + HOUR, HOUR)
    assert used == it._replace(used_at=BEGAN + HOUR, exp=BEGAN + HOUR + DAY)
    assert after_use(begun(), BEGAN + HOUR, HOUR) == begun(used_at=BEGAN + HOUR)


def test_no_use_makes_a_session_last_longer_than_it_was_meant_to():
    it = begun(DAY, lasts=2 * DAY)
    used = after_use(it, BEGAN + DAY - HOUR, HOUR)
    assert (used.exp, used.ends_at) == (BEGAN + 2 * DAY - HOUR, BEGAN + 2 * DAY)
    last = after_use(used, BEGAN + DAY + HOUR, HOUR)
    assert last.exp == last.ends_at == used.ends_at
    assert end_reason(last, user(), 0, last.exp) == "expired"


def test_a_use_just_before_the_end_is_not_stored_unless_it_moves_no_end():
    it = begun(DAY)
    assert after_use(it, it.exp - _WRITE_SECONDS - 1, HOUR).exp > it.exp
    for left in range(1, _WRITE_SECONDS + 1):
        assert after_use(it, it.exp - left, HOUR) is None
    assert after_use(begun(), BEGAN + 30 * DAY - 1, HOUR).exp == BEGAN + 30 * DAY


def test_no_use_is_stored_by_a_clock_that_was_set_back():
    used = after_use(begun(DAY), BEGAN + HOUR, HOUR)
    for earlier in (0, 1, HOUR, DAY):
        assert after_use(used, used.used_at - earlier, HOUR) is None
    assert after_use(begun(), BEGAN - 1, 1) is None


def test_a_row_of_an_earlier_version_was_last_used_when_it_began():
    old = session(iat=BEGAN, exp=BEGAN + 30 * DAY)
    assert (old.last_used_at, old.ends_at) == (BEGAN, old.exp)
    assert after_use(old, BEGAN + HOUR, HOUR) == old._replace(used_at=BEGAN + HOUR)
    assert "idleExp" not in old.as_json()


LIMITS = st.sampled_from([100, 1000, HOUR, DAY, 20 * DAY])
USED_SECONDS = st.sampled_from([0, 60, HOUR, 2 * DAY])


@given(LIMITS, USED_SECONDS, st.lists(st.floats(0, 1), max_size=30), st.integers(0, 10**6))
def test_a_session_that_is_used_often_enough_never_idles_out(idle, used_seconds, gaps, late):
    longest = idle - idle // 10 - _WRITE_SECONDS
    it, now = begun(idle, lasts=10**9), BEGAN
    for gap in gaps:
        now += round(gap * longest)
        assert end_reason(it, user(), 0, now) is None
        it = after_use(it, now, used_seconds) or it
    assert it.exp <= now + idle, "one that is not used for the limit is over"
    assert end_reason(it, user(), 0, now + idle + late) == "idle"


@given(LIMITS, USED_SECONDS, st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_an_end_that_somebody_may_have_seen_is_never_moved(idle, used_seconds, gaps):
    """Whenever the use came, its write comes before the end that it moves."""
    it, now, stored = begun(idle, lasts=10**9), BEGAN, [BEGAN]
    for gap in gaps:
        now += gap
        if end_reason(it, user(), 0, now) is not None:
            break
        used = after_use(it, now, used_seconds)
        if used is not None:
            assert now + _WRITE_SECONDS < it.exp < used.exp
            it = used
            stored.append(now)
    due = min(used_seconds or idle, idle // 10)
    assert all(later - sooner >= due for sooner, later in pairwise(stored))


def test_what_changes_is_written_where_the_session_is_as_it_was_read():
    it = begun(DAY, address="203.0.113.7", country="FR")
    used = after_use(it, BEGAN + HOUR, HOUR)._replace(address="2001:db8::1", country=None)
    update = update_of_last_use("table", it, used)
    assert update["UpdateExpression"] == (
        "SET #exp = :exp, #used_at = :used_at, #address = :address REMOVE #country"
    )
    assert update["ExpressionAttributeValues"] == {
        ":exp": {"N": str(used.exp)},
        ":used_at": {"N": str(used.used_at)},
        ":address": {"S": "2001:db8::1"},
        ":before": {"N": str(BEGAN)},
    }
