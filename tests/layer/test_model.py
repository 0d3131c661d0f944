"""The rule that says whether a session counts, and how session IDs are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.model import end_reason, is_banned, is_live, live_sessions, parse_session_id
from tests.support.records import session, user

TIMES = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("now", "exp", "revoked_through", "revoked_except", "live"),
    [
        # Expiry alone, which comes on the second.
        (99, 100, 0, None, True),
        (100, 100, 0, None, False),
        # Revocation alone; the session is number 50.
        (60, 100, 49, None, True),
        (60, 100, 50, None, False),
        (60, 100, 51, None, False),
        # The exception saves its own session from revocation, and no other one.
        (60, 100, 50, 50, True),
        (60, 100, 51, 50, True),
        (60, 100, 51, 49, False),
        (60, 100, 51, 51, False),
        # It does not save from expiry.
        (100, 100, 51, 50, False),
        # The clock may be behind the ID.
        (10, 100, 0, None, True),
    ],
)
def test_a_session_counts_unless_expired_or_revoked(
    now, exp, revoked_through, revoked_except, live
):
    owner = user(revoked_through=revoked_through, revoked_except=revoked_except)
    assert is_live(session(iat=50, exp=exp), owner, 0, now) is live


@given(iat=TIMES, exp=TIMES, now=TIMES, later=TIMES, through=TIMES, kept=st.none() | TIMES)
def test_a_session_that_does_not_count_never_counts_again(iat, exp, now, later, through, kept):
    owner = user(revoked_through=through, revoked_except=kept)
    if not is_live(session(iat=iat, exp=exp), owner, 0, now):
        assert not is_live(session(iat=iat, exp=exp), owner, 0, now + later)


@given(iat=TIMES, exp=TIMES, now=TIMES, through=TIMES, kept=st.none() | TIMES)
def test_revoking_all_leaves_the_kept_session_at_most(iat, exp, now, through, kept):
    owner = user(revoked_through=max(through, iat), revoked_except=kept)
    assert is_live(session(iat=iat, exp=exp), owner, 0, now) is (iat == kept and now < exp)


@given(iat=TIMES, exp=TIMES, now=TIMES, banned=st.none() | TIMES, last=TIMES)
def test_neither_a_ban_nor_a_newer_session_revokes_a_session(iat, exp, now, banned, last):
    one, other = user(), user(banned_at=banned, last_iat=last)
    old = session(iat=iat, exp=exp)
    assert is_live(old, one, 0, now) is is_live(old, other, 0, now)


def test_a_later_session_epoch_revokes_a_session():
    """A session counts until a session epoch later than its own is in force."""
    old = session(exp=100, session_epoch=3)
    assert [is_live(old, user(), epoch, 60) for epoch in (2, 3, 4)] == [True, True, False]


def test_a_session_that_was_revoked_by_itself_does_not_count():
    assert not is_live(session(exp=100, revoked_reason="deleted"), user(), 0, 60)


def test_a_session_that_was_not_used_ends_idle_and_one_whose_time_is_over_expires():
    idle, over = session(exp=100, until=900), session(exp=100, until=100)
    reasons = [end_reason(it, user(), 0, now) for it in (idle, over) for now in (99, 100)]
    assert reasons == [None, "idle", None, "expired"]
    assert end_reason(idle, user(revoked_through=1, revoked_reason="all"), 0, 100) == "all"


def test_live_sessions_keep_their_order():
    sessions = [session(iat=iat, exp=exp) for iat, exp in ((9, 100), (8, 60), (7, 100))]
    assert live_sessions(sessions, user(), 0, 60) == [sessions[0], sessions[2]]


def test_a_client_sees_when_a_session_ends_and_whose_it_is_but_no_secret():
    shown = session(iat=50, exp=100, name="Chrome", session_epoch=3, created_at=49).as_json()
    assert shown == {
        "iat": 50,
        "exp": 100,
        "sub": "u",
        "name": "Chrome",
        "createdAt": 49,
        "usedAt": 49,
        "method": "password",
    }
    used = session(exp=100, until=900, used_at=60, address="::1", country="FR", known=False)
    assert used.as_json().items() >= {"exp": 900, "idleExp": 100, "usedAt": 60}.items()
    assert used.as_json().items() >= {"address": "::1", "country": "FR"}.items()
    assert "known" not in used.as_json()
    issued = session(method="support", by="anna@example.com").as_json()
    assert (issued["method"], issued["by"]) == ("support", "anna@example.com")


@pytest.mark.parametrize(
    ("banned_at", "banned_until", "now", "banned"),
    [
        (None, None, 15, False),
        (10, None, 10**12, True),
        (10, 20, 19, True),
        (10, 20, 20, False),
        (10, 20, 5, True),  # a clock that is behind
    ],
)
def test_a_ban_is_in_force_until_its_end(banned_at, banned_until, now, banned):
    assert is_banned(user(banned_at=banned_at, banned_until=banned_until), now) is banned


# -------------------------------------------------------------------- IDs


@given(st.integers(1, 10**15 - 1))
def test_an_id_is_itself_as_integer_and_as_digits(number):
    assert parse_session_id(number) == parse_session_id(str(number)) == number


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 10**15, 10**400, True, False, 1.0, 1e300, float("nan")),
        *(None, [], [1], {}, b"1", "", "0", "01", "+1", "-1", " 1", "1 ", "1\n", "1.0", "1e3"),
        *("1_0", "0x1", "٣", "²", "1,2", "null", "1" * 16, "9" * 5000, chr(0xD800)),
    ],
)
def test_a_value_that_spells_no_id_is_none(value):
    assert parse_session_id(value) is None


@given(st.text() | st.floats() | st.integers(max_value=0) | st.lists(st.integers()) | st.binary())
def test_only_an_integer_is_an_id(value):
    found = parse_session_id(value)
    assert found is None or value == str(found)
