"""What the store promises of concurrent calls, of threads as of other processes."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from sessions import account_store, session_store, user_store
from sessions.errors import (
    AccountError,
    ApiError,
    ChangedMeanwhile,
    InvalidSession,
    SessionMissing,
    UserTaken,
)
from tests.support.users import (
    NOW,
    add_sessions,
    begin,
    epoch_of,
    live,
    log_in,
    login_of,
    new_name,
    new_user,
    read,
    revoke,
    revoke_all,
    unsaved_user,
)

pytestmark = pytest.mark.usefixtures("conditional_writes")


def concurrently(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """Make the calls at the same moment; return what each returned, or the class it raised."""
    calls = list(calls)
    barrier = Barrier(len(calls))

    def outcome(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        except (ApiError, AccountError) as refusal:
            return type(refusal)

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(outcome, calls))


def one_of(outcomes: list[Any], refused: type[Exception]) -> int:
    """Return the place of the one call that was done; the others were refused."""
    done = [place for place, outcome in enumerate(outcomes) if outcome is not refused]
    assert len(done) == 1, outcomes
    return done[0]


def test_logins_of_one_second_get_ids_of_their_own():
    user = new_user()
    iats = concurrently([lambda: log_in(user)] * 24)
    assert len(set(iats)) == 24
    assert live(user) == sorted(iats, reverse=True)
    assert read(user).last_iat == max(iats)


def test_a_session_is_revoked_by_one_call():
    user = new_user()
    add_sessions(user, range(7, 9))
    outcomes = concurrently([lambda: revoke(user, 7, NOW)] * 8)
    one_of(outcomes, SessionMissing)
    assert live(user) == [8]


def test_each_session_is_counted_by_the_one_call_that_revoked_it():
    user = new_user()
    add_sessions(user, range(1, 61))
    sets = [range(1, 41), range(21, 61), range(1, 61, 2), range(60, 0, -3)]
    counts = concurrently(
        [
            lambda iats=iats: session_store.revoke_sessions(user.id, iats, "bulk", NOW)
            for iats in sets
        ]
    )
    assert sum(counts) == 60
    assert live(user) == []


def test_concurrent_logins_respect_the_session_limit():
    """No more sessions than the limit are left when all logins are done."""
    user = new_user()

    def log_in_within_the_limit():
        iat = log_in(user)
        session_store.enforce_session_limit(read(user), epoch_of(user), 3, NOW)
        return iat

    iats = concurrently([log_in_within_the_limit] * 8)
    assert live(user) == sorted(iats, reverse=True)[:3]


@pytest.mark.parametrize("by", ["revoke_all", "close_account", "replace_password"])
def test_a_revocation_of_all_meets_logins(by):
    """No session from before a revocation of all sessions counts after it."""
    user = new_user()
    login, epoch = user_store.find_login_and_epoch(user.username)
    revoke_all = {
        "revoke_all": lambda: user_store.revoke_all_sessions(user, 0, "r"),
        "close_account": lambda: account_store.close_account(user.id, NOW, 0),
        "replace_password": lambda: account_store.replace_password(
            user, "new", 0, keep_sessions=False
        ),
    }[by]
    early, late, under_way, is_revoked = [], [], Event(), Event()

    def log_in_again_and_again():
        for _ in range(8):
            is_late = is_revoked.is_set()
            iat = begin(login, epoch)
            (late if is_late else early).append(iat)
            if len(early) >= 8:
                under_way.set()

    def revoke_all_meanwhile():
        under_way.wait(30)
        logged_in = list(early)
        revoke_all()
        is_revoked.set()
        return logged_in

    *_, logged_in = concurrently([log_in_again_and_again] * 4 + [revoke_all_meanwhile])
    assert set(live(user)).isdisjoint(logged_in)
    if by == "revoke_all":
        assert set(live(user)) >= set(late)
    else:
        assert (live(user), late) == ([], [])


def test_of_sessions_that_each_revoke_all_others_one_is_left():
    user = new_user()
    iats = [log_in(user) for _ in range(6)]
    outcomes = concurrently([lambda kept=iat: revoke_all(user, kept) for iat in iats])
    assert live(user) == [iats[one_of(outcomes, InvalidSession)]]


def test_each_advance_of_the_session_epoch_is_by_one_call():
    user = new_user()
    log_in(user)
    before = epoch_of(user)
    outcomes = concurrently([account_store.advance_session_epoch] * 4)
    epochs = [outcome for outcome in outcomes if outcome is not ChangedMeanwhile]
    assert epochs
    assert sorted(epochs) == list(range(before + 1, before + 1 + len(epochs)))
    assert epoch_of(user) == max(epochs)
    assert live(user) == []


def test_of_many_new_users_of_one_name_one_is_created():
    name = new_name()
    users = [unsaved_user()._replace(username=name) for _ in range(8)]
    outcomes = concurrently(
        [lambda user=user: account_store.create_user(user, "hash") for user in users]
    )
    winner = users[one_of(outcomes, UserTaken)]
    assert login_of(winner).user == winner.id
    assert [user for user in users if user_store.read_user(user.id)] == [winner]
    assert [user for user in users if user_store.find_login(user.email)] == [winner]


def test_of_many_users_renamed_to_one_name_one_gets_it():
    name = new_name()
    users = [new_user() for _ in range(6)]
    outcomes = concurrently(
        [lambda user=user: account_store.rename_user(user, name, user.email) for user in users]
    )
    winner = users[one_of(outcomes, UserTaken)]
    assert user_store.find_login(name).user == winner.id
    assert user_store.find_login(winner.username) is None
    losers = [user for user in users if user != winner]
    assert [read(user) for user in losers] == losers
    assert [login_of(user).user for user in losers] == [user.id for user in losers]


def test_of_many_new_passwords_one_is_that_of_both_names():
    user = new_user()
    passwords = [f"hash {number}" for number in range(6)]
    outcomes = concurrently(
        [
            lambda new=new: account_store.replace_password(user, new, 0, keep_sessions=True)
            for new in passwords
        ]
    )
    password = passwords[one_of(outcomes, ChangedMeanwhile)]
    found = [user_store.find_login(name) for name in (user.username, user.email)]
    assert [(login.password_hash, login.password_version) for login in found] == [(password, 1)] * 2


def test_a_user_renamed_and_deleted_at_once_is_either():
    for _ in range(4):
        user, names = new_user(), unsaved_user()
        outcomes = concurrently(
            [
                lambda user=user: account_store.delete_user(user, NOW),
                lambda user=user, names=names: account_store.rename_user(
                    user, names.username, names.email
                ),
            ]
        )
        is_renamed = one_of(outcomes, ChangedMeanwhile) == 1
        assert (user_store.read_user(user.id) is not None) == is_renamed
        for old, new in ((user.username, names.username), (user.email, names.email)):
            assert user_store.find_login(old) is None
            assert (user_store.find_login(new) is not None) == is_renamed
