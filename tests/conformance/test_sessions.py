"""What the store promises about sessions, read back through the store."""

import pytest

from sessions import account_store, dynamodb, session_store, user_store
from sessions.errors import (
    Banned,
    Internal,
    InvalidPassword,
    InvalidSession,
    InvalidUser,
    SessionMissing,
    Unavailable,
)
from sessions.model import Session, is_live
from tests.support.users import (
    ADDRESS,
    EXP,
    LATER,
    NOBODY,
    NOW,
    add_sessions,
    begin,
    epoch_of,
    live,
    log_in,
    login_of,
    new_user,
    read,
    revoke,
    revoke_all,
    rows,
    session_of,
    unsaved_user,
    user_and_sessions,
)

LARGEST_ID = 10**15 - 1
DAY = 86_400


def reasons(user):
    """Return why each session was revoked by itself, by ID."""
    sessions = session_store.query_sessions(user.id)
    return {session.iat: session.revoked_reason for session in sessions if session.revoked_reason}


# ------------------------------------------------------ IDs


def test_ids_grow_whatever_the_clock_says():
    login = login_of(new_user())
    ids = [
        user_store.allocate_session_id(login, now, ADDRESS).last_iat
        for now in (100, 100, 50, 101, 200, 1)
    ]
    assert ids == [100, 101, 102, 103, 200, 201]


def test_no_id_is_over_a_day_ahead_of_the_clock():
    user = new_user()
    login = login_of(user)
    user_store.allocate_session_id(login, NOW + DAY - 1, ADDRESS)
    assert user_store.allocate_session_id(login, NOW, ADDRESS).last_iat == NOW + DAY
    before = read(user)
    with pytest.raises(Internal, match="over a day ahead of the clock"):
        user_store.allocate_session_id(login, NOW, ADDRESS)
    assert read(user) == before
    assert user_store.allocate_session_id(login, NOW + 1, ADDRESS).last_iat == NOW + DAY + 1


@pytest.mark.parametrize("now", [NOW - 5, NOW])
def test_an_id_is_not_used_again_though_its_session_was_purged(now):
    user = new_user()
    revoked = [log_in(user), log_in(user)]
    revoke(user, revoked[0], NOW)
    revoke_all(read(user))
    session_store.purge_sessions(user.id, revoked)
    assert rows(user) == []
    iat = log_in(user, now)
    assert iat > max(revoked)
    assert live(user) == [iat]


def test_an_id_comes_with_the_users_row_of_that_moment():
    user = new_user()
    allocated = user_store.allocate_session_id(login_of(user), NOW, ADDRESS)
    assert allocated == read(user)
    known = {"last_iat": NOW, "last_login_at": NOW, "login_addresses": {ADDRESS: NOW}}
    assert read(user) == user._replace(**known)


@pytest.mark.parametrize("now", [NOW, NOW + 1])  # of the newest session, and later
def test_an_id_may_come_from_no_address(now):
    user = new_user()
    log_in(user)
    allocated = user_store.allocate_session_id(login_of(user), now, None)
    assert allocated.last_iat == NOW + 1
    assert allocated.login_addresses == {ADDRESS: NOW}


def test_a_user_is_read_by_id_as_a_login_is_by_name():
    user = new_user()
    by_name, session_epoch = user_store.find_login_and_epoch(user.username)
    account_store.replace_password(user, "other", 0, keep_sessions=True)
    row, epoch, _ = session_store.read_user_and_sessions(user.id, ())
    expected = by_name._replace(password_hash="", password_version=1)
    assert (user_store.login_of(row), epoch) == (expected, session_epoch)
    assert session_store.read_user_and_sessions("nobody", ()) == (None, session_epoch, {})


@pytest.mark.parametrize("now", [100, 200])  # of the newest session, and later
def test_a_banned_user_gets_no_id(now):
    user = new_user()
    user_store.allocate_session_id(login_of(user), 100, ADDRESS)
    account_store.ban(user.id, 1, None, None, 0)
    with pytest.raises(Banned):
        user_store.allocate_session_id(login_of(user), now, ADDRESS)
    assert read(user).last_iat == 100


def test_a_ban_refuses_logins_until_the_second_of_its_end():
    user = new_user()
    account_store.ban(user.id, NOW, "spam", NOW + 10, 0)
    with pytest.raises(Banned):
        user_store.allocate_session_id(login_of(user), NOW + 9, ADDRESS)
    assert user_store.allocate_session_id(login_of(user), NOW + 10, ADDRESS).last_iat == NOW + 10


@pytest.mark.parametrize("keep_sessions", [True, False])
def test_a_login_with_an_earlier_password_gets_no_id(keep_sessions):
    user = new_user()
    login = login_of(user)
    account_store.replace_password(user, "other", 0, keep_sessions=keep_sessions)
    with pytest.raises(InvalidPassword):
        user_store.allocate_session_id(login, NOW, ADDRESS)
    assert read(user).last_iat == 0


def test_an_absent_user_gets_no_id_and_no_row():
    with pytest.raises(InvalidUser):
        user_store.allocate_session_id(NOBODY, 100, ADDRESS)
    assert user_and_sessions(NOBODY.user, ()) == (None, {})


# ------------------------------------------------------ reading and writing


@pytest.mark.parametrize("iat", [1, LARGEST_ID])
def test_a_session_is_read_as_it_was_written(iat):
    user = new_user()
    session = Session(user.id, iat, iat + 1, "Küche ﷺ 🍳", bytes(range(32)), session_epoch=3)
    session_store.put_session(session, NOW)
    assert session_store.query_sessions(user.id) == [session]
    assert user_and_sessions(user.id, {iat}) == (user, {iat: session})


def test_a_session_can_be_put_again():
    """A session can be put again, unless it differs or was revoked."""
    user = new_user()
    session = session_of(user, 7)
    for _ in range(2):
        session_store.put_session(session, NOW)
        assert session_store.query_sessions(user.id) == [session]
    with pytest.raises(Unavailable):
        session_store.put_session(session._replace(jti_sha256=b"k" * 32), NOW)
    assert session_store.query_sessions(user.id) == [session]
    revoke(user, 7, NOW)
    with pytest.raises(Unavailable):
        session_store.put_session(session, NOW)
    assert live(user) == []


def test_a_session_takes_the_place_of_another():
    user = new_user()
    add_sessions(user, range(5, 8))
    session_store.replace_session(6, session_of(user, 9), NOW)
    assert live(user) == [9, 7, 5]
    assert reasons(user) == {6: "replaced"}


def test_a_session_that_has_ended_is_not_replaced_and_the_new_one_is_stored():
    user = new_user()
    add_sessions(user, range(5, 7))
    revoke(user, 6)
    session_store.replace_session(6, session_of(user, 9), NOW)
    session_store.replace_session(4, session_of(user, 8), NOW)  # of which the row has gone
    assert live(user) == [9, 8, 5]
    assert reasons(user) == {6: "deleted"}


def test_no_session_is_replaced_by_one_that_cannot_be_stored():
    user = new_user()
    add_sessions(user, range(5, 7))
    with pytest.raises(Unavailable):
        session_store.replace_session(5, session_of(user, 6)._replace(name="another"), NOW)
    assert live(user) == [6, 5]


def test_the_users_own_sessions_alone_are_read():
    user, stranger = new_user(), new_user()
    add_sessions(user, range(1, 4))
    add_sessions(stranger, range(3, 6))
    assert user_and_sessions(user.id, {2, 3, 5}) == (
        user,
        {2: session_of(user, 2), 3: session_of(user, 3)},
    )
    assert rows(user) == [3, 2, 1]


def test_the_sessions_of_an_absent_user_are_read():
    user = unsaved_user()
    add_sessions(user, range(7, 8))
    assert user_and_sessions(user.id, {7}) == (None, {7: session_of(user, 7)})
    assert user_and_sessions(unsaved_user().id, ()) == (None, {})
    assert session_store.query_sessions(unsaved_user().id) == []


def test_sessions_are_ordered_by_number_the_newest_first():
    user = new_user()
    iats = [9, 10, 100, 99, LARGEST_ID, 1]
    for iat in iats:
        session_store.put_session(session_of(user, iat), NOW)
    assert rows(user) == sorted(iats, reverse=True)


@pytest.mark.parametrize("newest", [None, 2, 4, 8])
def test_a_query_goes_on_after_a_page_of_one_megabyte(newest):
    """Amazon DynamoDB Developer Guide, "Paginating table query results"."""
    user = new_user()
    for iat in range(1, 8):
        session_store.put_session(session_of(user, iat)._replace(name="n" * 300_000), NOW)
    sessions = session_store.query_sessions(user.id, newest)
    assert [session.iat for session in sessions] == [7, 6, 5, 4, 3, 2, 1][:newest]


# ------------------------------------------------------ last uses


USE = {"used_at": NOW + 9, "exp": NOW + 99, "address": ADDRESS, "country": "FR"}


def begin_idle(user):
    """Store the session 7, which has an idle limit, and return it."""
    session = session_of(user, 7)._replace(created_at=NOW, exp=NOW + 50, until=EXP)
    session_store.put_session(session, NOW)
    return session


def test_a_use_is_stored_over_the_one_before_it_and_takes_out_what_it_lacks():
    before = begin_idle(new_user())
    for use in (USE, {"used_at": NOW + 20, "address": None, "country": None}):
        used = before._replace(**use)
        session_store.store_last_use(before, used)
        assert session_store.query_sessions(used.user) == [used]
        before = used


def test_a_use_that_comes_after_a_later_one_changes_nothing():
    before = begin_idle(new_user())
    later = before._replace(**USE)
    session_store.store_last_use(before, later)
    session_store.store_last_use(before, before._replace(used_at=NOW + 8, exp=NOW + 60))
    assert session_store.query_sessions(before.user) == [later]


@pytest.mark.parametrize(
    "end", [revoke, lambda user, iat: session_store.purge_sessions(user.id, [iat])]
)
def test_a_use_changes_no_session_that_has_ended(end):
    user = new_user()
    before = begin_idle(user)
    end(user, 7)
    rows_before = session_store.query_sessions(user.id)
    session_store.store_last_use(before, before._replace(**USE))
    assert session_store.query_sessions(user.id) == rows_before


def test_a_session_that_ends_takes_its_last_use_along():
    user = new_user()
    before = begin_idle(user)
    session_store.store_last_use(before, before._replace(**USE))
    revoke(user, 7, NOW)
    (row,) = session_store.query_sessions(user.id)
    assert row == Session(user.id, 7, exp=NOW, created_at=NOW, revoked_reason="deleted")


# ------------------------------------------------------ revoking some


def test_a_revoked_session_keeps_its_id_its_beginning_and_the_reason_alone():
    user = new_user()
    began = {"created_at": 5, "method": "support", "by": "Anna"}
    session_store.put_session(session_of(user, 7)._replace(**began), NOW)
    add_sessions(user, range(8, 9))
    revoke(user, 7, NOW)
    revoked = Session(user.id, 7, exp=NOW, revoked_reason="deleted", **began)
    assert session_store.query_sessions(user.id) == [session_of(user, 8), revoked]
    assert live(user, NOW - 1) == [8]


@pytest.mark.parametrize("is_purged", [True, False])
def test_a_session_is_revoked_once(is_purged):
    user = new_user()
    add_sessions(user, range(7, 8))
    revoke(user, 7, NOW)
    if is_purged:
        session_store.purge_sessions(user.id, [7])
    before = session_store.query_sessions(user.id)
    with pytest.raises(SessionMissing):
        revoke(user, 7, NOW + 1)
    assert session_store.query_sessions(user.id) == before


def test_a_revocation_made_again_finds_itself_done_and_another_does_not():
    user = new_user()
    add_sessions(user, range(7, 8))
    for _ in range(2):
        session_store.revoke_session(user.id, 7, NOW, "ours")
    with pytest.raises(SessionMissing):
        session_store.revoke_session(user.id, 7, NOW, "another")
    assert reasons(user) == {7: "deleted"}


def test_another_users_session_is_not_revoked_and_not_purged():
    user, stranger = new_user(), new_user()
    add_sessions(stranger, range(7, 8))
    with pytest.raises(SessionMissing):
        revoke(user, 7, NOW)
    assert session_store.revoke_sessions(user.id, [7], "bulk", NOW) == 0
    session_store.purge_sessions(user.id, [7])
    assert (rows(user), live(stranger)) == ([], [7])


def test_several_sessions_are_revoked_and_counted():
    """Several sessions are revoked, and those that were live are counted."""
    user = new_user()
    add_sessions(user, range(1, 7))
    revoke(user, 3, NOW)
    session_store.purge_sessions(user.id, [4])
    assert session_store.revoke_sessions(user.id, [1, 2, 3, 4, 99], "bulk", NOW + 1) == 2
    assert session_store.revoke_sessions(user.id, [1, 2, 3, 4, 99], "bulk", NOW + 2) == 0
    assert reasons(user) == {3: "deleted", 2: "bulk", 1: "bulk"}
    ends = {session.iat: session.exp for session in session_store.query_sessions(user.id)}
    assert ends == {6: EXP, 5: EXP, 3: NOW, 2: NOW + 1, 1: NOW + 1}


def test_any_number_of_sessions_can_be_revoked_and_purged():
    user = new_user()
    add_sessions(user, range(1, 105))
    revoke(user, 50, NOW)
    assert session_store.revoke_sessions(user.id, range(1, 104), "bulk", NOW) == 102
    assert live(user) == [104]
    session_store.purge_sessions(user.id, range(1, 104))
    assert rows(user) == [104]


# ------------------------------------------------------ the limit of sessions


def test_the_oldest_live_sessions_beyond_the_limit_are_revoked():
    user = new_user()
    iats = [log_in(user) for _ in range(6)]
    revoke(user, iats[-1], NOW)
    expired = session_of(user, iats[-1] + 1)._replace(exp=NOW)
    session_store.put_session(expired, NOW)  # neither takes a place
    session_store.enforce_session_limit(read(user), epoch_of(user), 3, NOW)
    assert live(user) == iats[4:1:-1]
    assert reasons(user) == {**dict.fromkeys(iats[:2], "evicted"), iats[-1]: "deleted"}


def test_rows_do_not_pile_up_however_often_a_user_logs_in():
    user = new_user()
    for now in range(NOW, NOW + 32 * 60, 60):
        log_in(user, now)
        session_store.enforce_session_limit(read(user), epoch_of(user), 2, now)
    assert len(live(user)) == 2
    assert len(rows(user)) <= 2 + 1 + dynamodb.LARGEST_BATCH_WRITE


def test_the_limit_purges_no_row_of_a_login_that_may_be_under_way():
    user = new_user()
    for _ in range(32):
        log_in(user)
        session_store.enforce_session_limit(read(user), epoch_of(user), 2, NOW)
    assert len(rows(user)) == 32
    session_store.enforce_session_limit(read(user), epoch_of(user), 2, NOW + 100)
    assert rows(user) == [NOW + 31, NOW + 30, *range(NOW + 3, NOW - 1, -1)]


def test_the_limit_purges_no_unpublished_row():
    """The limit purges no row whose end publish_events has yet to publish."""
    user = new_user()
    unpublished = [log_in(user) for _ in range(2)]
    revoke_all(read(user))
    for _ in range(dynamodb.LARGEST_BATCH_WRITE):  # so many it purges
        revoke(user, log_in(user))
    iat = log_in(user)
    session_store.enforce_session_limit(read(user), epoch_of(user), 2, LATER)
    assert rows(user) == [iat, *unpublished[::-1]]


# ------------------------------------------------------ revoking all


def test_every_session_so_far_is_revoked_and_later_ones_count():
    user, stranger = new_user(), new_user()
    for owner in (user, user, stranger):
        log_in(owner)
    before = read(user)
    assert revoke_all(before) == before
    assert live(stranger) == [NOW]
    assert [live(user, now) for now in (LATER, NOW, 0)] == [[], [], []]
    assert log_in(user) == NOW + 2
    assert live(user) == [NOW + 2]


def test_a_session_with_an_id_but_no_row_yet_is_revoked():
    user = new_user()
    iat = user_store.allocate_session_id(login_of(user), NOW, ADDRESS).last_iat
    revoke_all(read(user))
    session_store.put_session(session_of(user, iat), NOW)
    assert live(user) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_kept_session_counts_alone_and_can_be_kept_again(place):
    user = new_user()
    kept = [log_in(user) for _ in range(3)][place]
    for _ in range(2):
        revoke_all(read(user), kept)
        assert live(user) == [kept]
        log_in(user)
        assert len(live(user)) == 2


def test_a_kept_session_is_revoked_with_all():
    user = new_user()
    kept = log_in(user)
    revoke_all(read(user), kept)
    revoke_all(read(user))
    assert live(user) == []
    assert read(user).revoked_except is None


@pytest.mark.parametrize("ours_is_newest", [True, False])
@pytest.mark.parametrize("other_is_kept", [True, False])
def test_a_session_revoked_since_it_was_read_is_not_revived(other_is_kept, ours_is_newest):
    user = new_user()
    ours, other = sorted((log_in(user), log_in(user)), reverse=ours_is_newest)
    as_read = read(user)
    revoke_all(as_read, other if other_is_kept else None)
    newest = log_in(user)
    with pytest.raises(InvalidSession):
        revoke_all(as_read, ours)
    assert live(user) == ([newest, other] if other_is_kept else [newest])


def test_a_revocation_returns_the_row_before_it():
    """The row before a revocation says which sessions were live until then."""
    user = new_user()
    as_read = read(user)
    iats = [log_in(user) for _ in range(3)]
    revoke_all(read(user), iats[1])
    newest = log_in(user)
    before = revoke_all(as_read, newest)
    sessions = session_store.query_sessions(user.id)
    were_live = [
        session.iat for session in sessions if is_live(session, before, epoch_of(user), LATER)
    ]
    assert were_live == [newest, iats[1]]


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_revocation_of_all_made_again_returns_what_it_revoked(is_kept):
    user = new_user()
    kept = log_in(user) if is_kept else None
    log_in(user)
    as_read = read(user)
    log_in(user)
    before = read(user)
    for _ in range(2):
        assert user_store.revoke_all_sessions(as_read, 0, "ours", kept) == before
    after = read(user)
    assert user_store.revoke_all_sessions(as_read, 0, "another", kept) == after


@pytest.mark.parametrize("kept", [None, 7])
def test_a_revocation_does_not_create_an_absent_user(kept):
    user = unsaved_user()
    with pytest.raises(InvalidSession):
        revoke_all(user, kept)
    assert user_and_sessions(user.id, ()) == (None, {})


# ------------------------------------------------------ the session epoch


def test_a_new_session_epoch_revokes_the_sessions_of_every_user():
    users = [new_user() for _ in range(8)]  # they read the epoch in different rows
    iats = [log_in(user) for user in users]
    revoke_all(read(users[0]), iats[0])
    before = {epoch_of(user) for user in users}
    after = account_store.advance_session_epoch()
    assert {after - 1} == before
    assert [live(user) for user in users] == [[]] * 8
    assert [log_in(user) for user in users] == [NOW + 1] * 8
    assert [live(user) for user in users] == [[NOW + 1]] * 8


def test_a_new_session_epoch_revokes_a_login_under_way():
    """A new session epoch revokes the session of a login that read the old one."""
    user = new_user()
    under_way = user_store.find_login_and_epoch(user.username)
    epoch = account_store.advance_session_epoch()
    begin(*under_way)
    assert live(user) == []
    assert user_store.find_login_and_epoch(user.username) == (login_of(user), epoch)
