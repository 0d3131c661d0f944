"""What the store promises about sessions, read back through the store."""

import pytest

from sessions import account_store, dynamodb, session_epoch, session_store, user_store
from sessions.errors import (
    Banned,
    InvalidPassword,
    InvalidSession,
    InvalidUser,
    SessionMissing,
    Unavailable,
)
from sessions.model import LoginAddress, Session, is_live
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
    rows,
    session_of,
    unsaved_user,
    user_and_sessions,
)

LARGEST_ID = 10**15 - 1

# ------------------------------------------------------ IDs


def test_ids_grow_whatever_the_clock_says():
    login = login_of(new_user())
    given = [
        user_store.allocate_session_id(login, now, ADDRESS).last_iat
        for now in (100, 100, 50, 101, 200, 1)
    ]
    assert given == [100, 101, 102, 103, 200, 201]


@pytest.mark.parametrize("now", [NOW - 5, NOW])
def test_an_id_is_not_used_again_though_no_trace_of_its_session_is_left(now):
    user = new_user()
    ended = [log_in(user), log_in(user)]
    session_store.revoke_session(user.id, ended[0], NOW)
    user_store.revoke_all_sessions(read(user))
    session_store.purge_sessions(user.id, ended)
    assert rows(user) == []
    iat = log_in(user, now)
    assert iat > max(ended)
    assert live(user) == [iat]


def test_an_id_comes_with_the_users_row_as_it_is_then():
    user = new_user()
    allotted = user_store.allocate_session_id(login_of(user), NOW, ADDRESS)
    assert allotted == read(user)
    assert read(user) == user._replace(
        last_iat=NOW, login_addresses={"6": LoginAddress(ADDRESS, NOW)}
    )


@pytest.mark.parametrize("now", [1, 100, 200])
def test_a_banned_user_gets_no_id_be_the_clock_ahead_or_behind(now):
    user = new_user()
    user_store.allocate_session_id(login_of(user), 100, ADDRESS)
    account_store.ban(user.id, 1, None, None)
    with pytest.raises(Banned):
        user_store.allocate_session_id(login_of(user), now, ADDRESS)
    assert read(user).last_iat == 100


def test_a_ban_keeps_a_user_out_until_the_second_of_its_end():
    user = new_user()
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    with pytest.raises(Banned):
        user_store.allocate_session_id(login_of(user), NOW + 9, ADDRESS)
    assert user_store.allocate_session_id(login_of(user), NOW + 10, ADDRESS).last_iat == NOW + 10


@pytest.mark.parametrize("keep_sessions", [True, False])
def test_who_found_an_earlier_password_right_gets_no_id(keep_sessions):
    user = new_user()
    login = login_of(user)
    account_store.replace_password(user, "other", keep_sessions=keep_sessions)
    with pytest.raises(InvalidPassword):
        user_store.allocate_session_id(login, NOW, ADDRESS)
    assert read(user).last_iat == 0


def test_nobody_gets_no_id_and_no_row():
    with pytest.raises(InvalidUser):
        user_store.allocate_session_id(NOBODY, 100, ADDRESS)
    assert user_and_sessions(NOBODY.user, ()) == (None, {})


# ------------------------------------------------------ reading and writing


@pytest.mark.parametrize("iat", [1, NOW, LARGEST_ID])
def test_a_session_is_read_as_it_was_written(iat):
    user = new_user()
    session = Session(user.id, iat, iat + 1, "Küche ﷺ 🍳", bytes(range(32)), session_epoch=3)
    session_store.put_session(session)
    assert session_store.query_sessions(user.id) == [session]
    assert user_and_sessions(user.id, {iat}) == (user, {iat: session})


def test_a_session_that_somebody_else_has_put_there_is_not_ours():
    user = new_user()
    ours = session_of(user, 7)
    session_store.put_session(ours)
    with pytest.raises(Unavailable):
        session_store.put_session(ours._replace(jti_sha256=b"k" * 32))
    assert session_store.query_sessions(user.id) == [ours]


def test_a_session_that_is_put_again_is_the_same_session():
    user = new_user()
    session_store.put_session(session_of(user, 7))
    session_store.put_session(session_of(user, 7))
    assert session_store.query_sessions(user.id) == [session_of(user, 7)]


def test_a_session_that_was_ended_is_not_put_again():
    user = new_user()
    session_store.put_session(session_of(user, 7))
    session_store.revoke_session(user.id, 7, NOW)
    with pytest.raises(Unavailable):
        session_store.put_session(session_of(user, 7))
    assert live(user) == []


def test_only_the_users_own_sessions_are_read_and_only_those_asked_for():
    user, stranger = new_user(), new_user()
    add_sessions(user, range(1, 4))
    add_sessions(stranger, range(3, 6))
    assert user_and_sessions(user.id, {2, 3, 5}) == (
        user,
        {2: session_of(user, 2), 3: session_of(user, 3)},
    )
    assert rows(user) == [3, 2, 1]


def test_the_sessions_of_a_user_that_is_gone_are_read_without_a_user():
    user = unsaved_user()
    add_sessions(user, range(7, 8))
    assert user_and_sessions(user.id, {7}) == (None, {7: session_of(user, 7)})
    assert user_and_sessions(unsaved_user().id, ()) == (None, {})
    assert session_store.query_sessions(unsaved_user().id) == []


def test_sessions_are_ordered_by_number_the_newest_first():
    user = new_user()
    iats = [9, 10, 100, 99, LARGEST_ID, 1]
    for iat in iats:
        session_store.put_session(session_of(user, iat))
    assert rows(user) == sorted(iats, reverse=True)
    assert [each.iat for each in session_store.query_sessions(user.id, 2)] == [LARGEST_ID, 100]


# ------------------------------------------------------ ending some


def test_of_a_session_that_was_ended_only_its_id_and_the_reason_are_left():
    user = new_user()
    add_sessions(user, range(7, 9))
    session_store.revoke_session(user.id, 7, NOW)
    over = Session(user.id, 7, exp=NOW, name="", jti_sha256=b"", revoked_reason="deleted")
    assert session_store.query_sessions(user.id) == [session_of(user, 8), over]
    assert live(user, NOW - 1) == [8]


@pytest.mark.parametrize("clear", [True, False])
def test_a_session_is_ended_once(clear):
    user = new_user()
    add_sessions(user, range(7, 8))
    session_store.revoke_session(user.id, 7, NOW)
    if clear:
        session_store.purge_sessions(user.id, [7])
    before = session_store.query_sessions(user.id)
    with pytest.raises(SessionMissing):
        session_store.revoke_session(user.id, 7, NOW + 1)
    assert session_store.query_sessions(user.id) == before


def test_another_users_session_is_not_ended():
    user, stranger = new_user(), new_user()
    add_sessions(stranger, range(7, 8))
    with pytest.raises(SessionMissing):
        session_store.revoke_session(user.id, 7, NOW)
    assert session_store.revoke_sessions(user.id, [7], "bulk", NOW) == 0
    assert (rows(user), live(stranger)) == ([], [7])


def test_several_sessions_are_ended_for_a_reason_and_those_counted_that_were_not_over():
    user = new_user()
    add_sessions(user, range(1, 7))
    session_store.revoke_session(user.id, 3, NOW)
    session_store.purge_sessions(user.id, [4])
    assert session_store.revoke_sessions(user.id, [1, 2, 3, 4, 99], "bulk", NOW + 1) == 2
    assert session_store.revoke_sessions(user.id, [1, 2, 3, 4, 99], "bulk", NOW + 2) == 0
    ended = {
        each.iat: (each.revoked_reason, each.exp) for each in session_store.query_sessions(user.id)
    }
    assert ended == {
        6: (None, EXP),
        5: (None, EXP),
        3: ("deleted", NOW),
        2: ("bulk", NOW + 1),
        1: ("bulk", NOW + 1),
    }


def test_any_number_of_sessions_can_be_ended_and_then_cleared_away():
    user = new_user()
    add_sessions(user, range(1, 105))
    session_store.revoke_session(user.id, 50, NOW)
    assert session_store.revoke_sessions(user.id, range(1, 104), "bulk", NOW) == 102
    assert live(user) == [104]
    session_store.purge_sessions(user.id, range(1, 104))
    assert rows(user) == [104]


def test_sessions_that_are_not_there_are_cleared_away_without_harm():
    user, stranger = new_user(), new_user()
    add_sessions(stranger, range(7, 8))
    session_store.purge_sessions(user.id, [7])
    session_store.purge_sessions(user.id, [])
    assert (rows(user), rows(stranger)) == ([], [7])


# ------------------------------------------------------ how many there may be


def test_the_newest_are_kept_and_the_others_ended():
    user = new_user()
    iats = [log_in(user) for _ in range(5)]
    session_store.enforce_session_limit(read(user), epoch_of(user), 3, NOW)
    assert live(user) == iats[:1:-1]
    ended = {
        each.iat: each.revoked_reason
        for each in session_store.query_sessions(user.id)
        if each.revoked_reason
    }
    assert ended == dict.fromkeys(iats[:2], "evicted")


def test_what_is_over_takes_no_place_of_the_newest():
    user = new_user()
    iats = [log_in(user) for _ in range(4)]
    session_store.revoke_session(user.id, iats[-1], NOW)
    session_store.enforce_session_limit(read(user), epoch_of(user), 3, NOW)
    assert live(user) == iats[2::-1]


def test_rows_do_not_pile_up_however_often_somebody_logs_in():
    user = new_user()
    for _ in range(32):
        log_in(user)
        session_store.enforce_session_limit(read(user), epoch_of(user), 2, NOW)
    assert len(live(user)) == 2
    assert len(rows(user)) <= 2 + 1 + dynamodb.LARGEST_BATCH_WRITE


def test_what_was_revoked_is_left_for_who_follows_the_users_stream():
    user = new_user()
    revoked = [log_in(user) for _ in range(30)]
    user_store.revoke_all_sessions(read(user))
    iat = log_in(user)
    session_store.enforce_session_limit(read(user), epoch_of(user), 2, NOW)
    assert rows(user) == [iat, *revoked[::-1]]


# ------------------------------------------------------ ending all


def test_every_session_so_far_is_over_and_later_ones_count():
    user, stranger = new_user(), new_user()
    for each in (user, user, stranger):
        log_in(each)
    before = read(user)
    assert user_store.revoke_all_sessions(before) == before
    assert (live(user), live(stranger)) == ([], [NOW])
    assert live(user, NOW) == []
    assert live(user, 0) == [], "nor at any earlier time"
    assert log_in(user) == NOW + 2
    assert live(user) == [NOW + 2]


def test_a_session_that_has_an_id_but_no_row_yet_is_over_too():
    user = new_user()
    iat = user_store.allocate_session_id(login_of(user), NOW, ADDRESS).last_iat
    user_store.revoke_all_sessions(read(user))
    session_store.put_session(session_of(user, iat))
    assert live(user) == []


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_one_that_is_kept_counts_alone_and_can_be_kept_again(which):
    user = new_user()
    kept = [log_in(user) for _ in range(3)][which]
    for _ in range(2):
        user_store.revoke_all_sessions(read(user), kept)
        assert live(user) == [kept]
        log_in(user)
        assert len(live(user)) == 2


def test_the_one_that_was_kept_is_over_with_all():
    user = new_user()
    kept = log_in(user)
    user_store.revoke_all_sessions(read(user), kept)
    user_store.revoke_all_sessions(read(user))
    assert live(user) == []


def test_another_one_can_be_kept_next_time():
    user = new_user()
    first, second = log_in(user), log_in(user)
    user_store.revoke_all_sessions(read(user), first)
    third = log_in(user)
    user_store.revoke_all_sessions(read(user), third)
    assert live(user) == [third]
    for over in (first, second):
        with pytest.raises(InvalidSession):
            user_store.revoke_all_sessions(read(user), over)
    assert live(user) == [third]


@pytest.mark.parametrize("other_is_kept", [True, False])
def test_one_that_was_ended_since_it_was_read_is_not_brought_back(other_is_kept):
    user = new_user()
    ours, other = log_in(user), log_in(user)
    as_read = read(user)
    user_store.revoke_all_sessions(as_read, other if other_is_kept else None)
    newest = log_in(user)
    with pytest.raises(InvalidSession):
        user_store.revoke_all_sessions(as_read, ours)
    assert live(user) == ([newest, other] if other_is_kept else [newest])


def test_what_was_live_until_then_is_told_by_the_row_as_it_was():
    user = new_user()
    as_read = read(user)
    iats = [log_in(user) for _ in range(3)]
    user_store.revoke_all_sessions(read(user), iats[1])
    newest = log_in(user)
    before = user_store.revoke_all_sessions(as_read, newest)
    told = [
        each.iat
        for each in session_store.query_sessions(user.id)
        if is_live(each, before, epoch_of(user), LATER)
    ]
    assert told == [newest, iats[1]]


@pytest.mark.parametrize("kept", [None, 7])
def test_a_user_that_is_gone_has_no_sessions_and_comes_not_back(kept):
    user = unsaved_user()
    with pytest.raises(InvalidSession):
        user_store.revoke_all_sessions(user, kept)
    assert user_and_sessions(user.id, ()) == (None, {})


# ------------------------------------------------------ everybody's


def test_everybodys_sessions_are_over_at_once_and_later_ones_count():
    people = [new_user() for _ in range(20)]  # who read the epoch in different rows
    for user in people:
        log_in(user)
    before = {epoch_of(user) for user in people}
    after = session_epoch.advance_session_epoch()
    assert {after - 1} == before
    assert [live(user) for user in people] == [[]] * 20
    assert [log_in(user) for user in people] == [NOW + 1] * 20
    assert [live(user) for user in people] == [[NOW + 1]] * 20


def test_a_log_in_that_was_under_way_is_over_with_everybodys():
    user = new_user()
    under_way = user_store.find_login_and_epoch(user.username)
    epoch = session_epoch.advance_session_epoch()
    begin(*under_way)
    assert live(user) == []
    assert user_store.find_login_and_epoch(user.username) == (login_of(user), epoch)


def test_a_session_that_was_kept_is_over_with_everybodys():
    user = new_user()
    kept = log_in(user)
    user_store.revoke_all_sessions(read(user), kept)
    session_epoch.advance_session_epoch()
    assert live(user) == []


# ------------------------------------------------------ pages


@pytest.mark.parametrize("newest", [None, 2, 4, 6, 7, 8])
def test_as_many_sessions_are_read_as_asked_for_though_a_page_holds_one_megabyte(newest):
    # Amazon DynamoDB Developer Guide, "Paginating table query results".
    user = new_user()
    for iat in range(1, 8):
        session_store.put_session(session_of(user, iat)._replace(name="n" * 300_000))
    read = session_store.query_sessions(user.id, newest)
    assert [session.iat for session in read] == [7, 6, 5, 4, 3, 2, 1][:newest]
