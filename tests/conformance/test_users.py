"""What the store promises about users and the names they log in with, read back through it."""

import pytest

from sessions import account_store, session_epoch, user_store
from sessions.errors import Banned, ChangedMeanwhile, UnknownUser, UserTaken
from sessions.model import Login, login_key
from tests.support.users import (
    ADDRESS,
    NOW,
    live,
    log_in,
    login_of,
    new_name,
    new_user,
    read,
    unsaved_user,
    user_and_sessions,
)


def logins(*names):
    """Return whom each name leads to, and by which password."""
    found = [user_store.find_login(name) for name in names]
    return [login and (login.user, login.password_hash, login.password_version) for login in found]


def names_of(user):
    return user.username, user.email


# ------------------------------------------------------ who is who


def test_a_new_user_is_found_by_id_and_by_either_name_without_case():
    user = unsaved_user()._replace(username=f"Straße.{new_name()}", last_iat=7)
    assert user_store.read_user(user.id) is None
    account_store.create_user(user, "hash")
    assert user_store.read_user(user.id) == user
    for name in names_of(user):
        for spelling in (name, name.upper(), name.lower()):
            assert user_store.find_login(spelling) == Login(login_key(name), user.id, "hash")
    assert live(user) == []


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_name_and_an_id_may_be_as_long_as_a_key(letter):
    filling = letter * 900
    user = unsaved_user()
    user = user._replace(
        id=(user.id + filling + "x" * 2048).encode()[:2048].decode(),
        username=(user.username + filling + "x" * 2048).encode()[:2048].decode(),
    )
    account_store.create_user(user, "hash")
    assert user_store.read_user(user.id) == user
    assert logins(user.username) == [(user.id, "hash", 0)]


@pytest.mark.parametrize("name", ["", "x" * 2049, "é" * 1025, "ﷺ" * 320])
def test_what_cannot_be_a_key_is_nobodys_name(name):
    assert user_store.find_login(name) is None
    assert user_store.find_login_and_epoch(name) == (None, 0)
    assert user_store.read_user(name) is None


def test_a_name_that_nobody_has_leads_to_nobody():
    name = new_name()
    assert user_store.find_login(name) is None
    assert user_store.find_login_and_epoch(name)[0] is None
    assert user_store.read_user(name) is None


@pytest.mark.parametrize("taken", ["id", "username", "email", "username and email"])
def test_of_a_user_of_whom_anything_is_taken_nothing_is_stored(taken):
    user, other = new_user(), unsaved_user()
    taken_fields = taken.split(" and ")
    clash = other._replace(**{field: getattr(user, field).upper() for field in taken_fields})
    if taken == "id":
        clash = other._replace(id=user.id)
    with pytest.raises(UserTaken):
        account_store.create_user(clash, "theirs")
    assert read(user) == user
    assert user_store.read_user(other.id) is None
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2
    assert logins(*names_of(other)) == [None, None]


# ------------------------------------------------------ other names


def test_new_names_lead_to_the_user_by_the_same_password_and_the_old_ones_to_nobody():
    user = new_user()
    iat = log_in(user)
    account_store.replace_password(user, "second", keep_sessions=True)
    now_called = unsaved_user()
    account_store.rename_user(read(user), *names_of(now_called))
    assert names_of(read(user)) == names_of(now_called)
    assert logins(*names_of(user)) == [None, None]
    assert logins(*names_of(now_called)) == [(user.id, "second", 1)] * 2
    assert live(user) == [iat]


@pytest.mark.parametrize("field", ["username", "email"])
def test_one_name_can_change_alone(field):
    user = new_user()
    renamed = user._replace(**{field: getattr(unsaved_user(), field)})
    account_store.rename_user(user, *names_of(renamed))
    assert read(user) == renamed
    assert logins(*names_of(renamed)) == [(user.id, "hash", 0)] * 2
    assert logins(getattr(user, field)) == [None]


def test_another_case_of_the_same_names_is_stored_and_leads_to_the_user_as_before():
    user = new_user()
    renamed = user._replace(username=user.username.upper(), email=user.email.title())
    account_store.rename_user(user, *names_of(renamed))
    assert read(user) == renamed
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_rename_to_a_name_that_is_taken_changes_neither_name(field):
    user, other = new_user(), new_user()
    wanted = unsaved_user()._replace(**{field: getattr(other, field).upper()})
    with pytest.raises(UserTaken):
        account_store.rename_user(user, *names_of(wanted))
    assert (read(user), read(other)) == (user, other)
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2
    assert logins(*names_of(other)) == [(other.id, "hash", 0)] * 2
    free = wanted.email if field == "username" else wanted.username
    assert logins(free) == [None]


def test_a_name_that_was_given_up_is_free():
    user, other = new_user(), unsaved_user()
    account_store.rename_user(user, *names_of(other))
    heir = unsaved_user()._replace(username=user.username, email=user.email)
    account_store.create_user(heir, "theirs")
    assert logins(*names_of(user)) == [(heir.id, "theirs", 0)] * 2
    assert logins(*names_of(other)) == [(user.id, "hash", 0)] * 2


def test_a_user_that_is_not_as_it_was_read_is_not_renamed():
    renamed, with_another_password, gone = new_user(), new_user(), new_user()
    account_store.rename_user(renamed, *names_of(unsaved_user()))
    account_store.replace_password(with_another_password, "other", keep_sessions=True)
    account_store.delete_user(gone)
    for as_read in (renamed, with_another_password, gone):
        before = user_store.read_user(as_read.id)
        wanted = unsaved_user()
        with pytest.raises(ChangedMeanwhile):
            account_store.rename_user(as_read, *names_of(wanted))
        assert user_store.read_user(as_read.id) == before
        assert logins(*names_of(wanted)) == [None, None]


@pytest.mark.parametrize(("first", "second"), [("username", "email"), ("email", "username")])
def test_a_change_of_one_name_does_not_undo_that_of_the_other(first, second):
    user, wanted = new_user(), unsaved_user()
    renamed = user._replace(**{first: getattr(wanted, first)})
    account_store.rename_user(user, *names_of(renamed))
    with pytest.raises(ChangedMeanwhile):
        account_store.rename_user(
            user, *names_of(user._replace(**{second: getattr(wanted, second)}))
        )
    assert read(user) == renamed
    assert logins(*names_of(renamed)) == [(user.id, "hash", 0)] * 2


# ------------------------------------------------------ passwords


def test_a_new_password_is_that_of_both_names_and_ends_every_session():
    user = new_user()
    kept = log_in(user)
    user_store.revoke_all_sessions(read(user), kept)
    log_in(user)
    account_store.replace_password(read(user), "new", keep_sessions=False)
    assert logins(*names_of(user)) == [(user.id, "new", 1)] * 2
    assert live(user) == []
    iat = log_in(user)
    assert live(user) == [iat]


def test_a_new_password_leaves_the_sessions_where_asked():
    user = new_user()
    iats = [log_in(user), log_in(user)]
    account_store.replace_password(read(user), "new", keep_sessions=True)
    assert logins(*names_of(user)) == [(user.id, "new", 1)] * 2
    assert live(user) == iats[::-1]


@pytest.mark.parametrize("keep_sessions", [True, False])
def test_the_password_of_a_user_that_is_not_as_it_was_read_stays(keep_sessions):
    renamed, with_another_password, gone = new_user(), new_user(), new_user()
    iats = [log_in(user) for user in (renamed, with_another_password)]
    names = unsaved_user()
    account_store.rename_user(renamed, *names_of(names))
    account_store.replace_password(with_another_password, "other", keep_sessions=True)
    account_store.delete_user(gone)
    for as_read in (renamed, with_another_password, gone):
        with pytest.raises(ChangedMeanwhile):
            account_store.replace_password(as_read, "late", keep_sessions=keep_sessions)
    assert logins(*names_of(names)) == [(renamed.id, "hash", 0)] * 2
    assert logins(*names_of(with_another_password)) == [(with_another_password.id, "other", 1)] * 2
    assert logins(*names_of(gone)) == [None, None]
    assert [*live(renamed), *live(with_another_password)] == iats


def test_a_newer_hash_of_the_same_password_replaces_that_of_one_name():
    user = new_user()
    user_store.replace_password_hash(login_of(user), "stronger")
    assert logins(*names_of(user)) == [(user.id, "stronger", 0), (user.id, "hash", 0)]


def test_a_newer_hash_of_a_password_that_has_changed_since_is_not_stored():
    user, gone = new_user(), new_user()
    late, too_late = login_of(user), login_of(gone)
    account_store.replace_password(user, "new", keep_sessions=True)
    account_store.delete_user(gone)
    user_store.replace_password_hash(late, "stronger")
    user_store.replace_password_hash(too_late, "stronger")
    assert logins(*names_of(user)) == [(user.id, "new", 1)] * 2
    assert logins(*names_of(gone)) == [None, None]


# ------------------------------------------------------ bans and ends


def test_a_ban_says_since_when_why_and_until_when():
    user = new_user()
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    assert read(user) == user._replace(banned_at=NOW, ban_reason="spam", banned_until=NOW + 10)


def test_a_later_ban_replaces_the_one_before_it():
    user = new_user()
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    account_store.ban(user.id, NOW + 1, None, None)
    assert read(user) == user._replace(banned_at=NOW + 1)
    account_store.ban(user.id, NOW + 2, "fraud", None)
    assert read(user) == user._replace(banned_at=NOW + 2, ban_reason="fraud")


def test_a_ban_that_is_lifted_leaves_nothing_and_its_sessions_count_again():
    user = new_user()
    iat = log_in(user)
    before = read(user)
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    account_store.lift_ban(user.id, revoke_sessions=False)
    account_store.lift_ban(user.id, revoke_sessions=False)  # again, with no harm
    assert read(user) == before
    assert live(user) == [iat]


def test_a_ban_that_is_lifted_ends_its_sessions_where_asked():
    user = new_user()
    kept = log_in(user)
    before = read(user)
    user_store.revoke_all_sessions(before, kept)
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    account_store.lift_ban(user.id, revoke_sessions=True)
    assert read(user) == before._replace(revoked_through=NOW, revoked_reason="banned")
    assert live(user) == []
    iat = log_in(user)
    assert live(user) == [iat]


def test_a_closed_account_lets_nobody_in_whatever_ban_it_had():
    user = new_user()
    kept = log_in(user)
    user_store.revoke_all_sessions(read(user), kept)
    account_store.ban(user.id, NOW, "spam", NOW + 10)
    account_store.close_account(user.id, NOW)
    assert live(user) == []
    for now in (NOW, NOW + 10, 10**12):
        with pytest.raises(Banned):
            user_store.allocate_session_id(login_of(user), now, ADDRESS)


def test_nobody_is_banned_unbanned_or_closed_and_comes_to_be_by_it():
    changes = (
        lambda user: account_store.ban(user, 1, None, None),
        lambda user: account_store.lift_ban(user, revoke_sessions=False),
        lambda user: account_store.lift_ban(user, revoke_sessions=True),
        lambda user: account_store.close_account(user, 1),
    )
    for change in changes:
        with pytest.raises(UnknownUser):
            change("nobody")
    assert user_and_sessions("nobody", ()) == (None, {})


def test_everybodys_rows_are_no_users_to_be_banned():
    epoch = session_epoch.advance_session_epoch()
    with pytest.raises(UnknownUser):
        account_store.ban("session_epoch#0", NOW, None, None)
    assert user_store.read_user("session_epoch#0") is None
    assert session_epoch.advance_session_epoch() == epoch + 1


def test_of_a_user_that_was_deleted_neither_row_nor_name_is_left():
    user, stranger = new_user(), new_user()
    account_store.delete_user(user)
    assert user_store.read_user(user.id) is None
    assert logins(*names_of(user)) == [None, None]
    assert read(stranger) == stranger
    account_store.create_user(user, "new")
    assert logins(*names_of(user)) == [(user.id, "new", 0)] * 2


def test_a_user_that_is_not_as_it_was_read_is_not_deleted():
    renamed, with_another_password = new_user(), new_user()
    names = unsaved_user()
    account_store.rename_user(renamed, *names_of(names))
    account_store.replace_password(with_another_password, "other", keep_sessions=True)
    for as_read in (renamed, with_another_password):
        before = read(as_read)
        with pytest.raises(ChangedMeanwhile):
            account_store.delete_user(as_read)
        assert read(as_read) == before
    assert logins(*names_of(names)) == [(renamed.id, "hash", 0)] * 2
    assert logins(*names_of(with_another_password)) == [(with_another_password.id, "other", 1)] * 2
