"""What the store promises about users and their logins, read back through the store."""

import pytest

from sessions import account_store, dynamodb, user_store
from sessions.errors import Banned, ChangedMeanwhile, UnknownUser, UserTaken
from sessions.items import to_item
from sessions.logins import Login, login_key
from tests.support.users import (
    ADDRESS,
    NOW,
    live,
    log_in,
    login_of,
    new_name,
    new_user,
    read,
    revoke_all,
    unsaved_user,
    user_and_sessions,
)

# What an operator reads who is refused.
CHANGED = r"^the user was changed at this moment; try again$"
TAKEN = r"^the name or the address is taken$"


def logins(*names):
    """Return the user, the hash and the version of each name's login."""
    found = [user_store.find_login(name) for name in names]
    return [login and (login.user, login.password_hash, login.password_version) for login in found]


def names_of(user):
    return user.username, user.email


def user_with_a_kept_session():
    user = new_user()
    revoke_all(user, log_in(user))
    return user


# ------------------------------------------------------ creation


def test_a_new_user_is_found_by_id_and_name():
    """A new user is found by ID, and by either name in any case."""
    user = unsaved_user()._replace(username=f"Straße.{new_name()}", last_iat=7)
    assert user_store.read_user(user.id) is None
    assert logins(*names_of(user)) == [None, None]
    account_store.create_user(user, "hash")
    assert user_store.read_user(user.id) == user
    for name in names_of(user):
        for spelling in (name, name.upper(), name.lower()):
            assert user_store.find_login(spelling) == Login(login_key(name), user.id, "hash")
    assert live(user) == []


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_name_and_an_id_may_be_as_long_as_a_key(letter):
    filling = letter * 900 + "x" * 2048
    user = unsaved_user()
    user = user._replace(
        id=(user.id + filling).encode()[:2048].decode(),
        username=(user.username + filling).encode()[:2048].decode(),
    )
    account_store.create_user(user, "hash")
    assert user_store.read_user(user.id) == user
    assert logins(user.username) == [(user.id, "hash", 0)]


@pytest.mark.parametrize("taken", [{"id"}, {"username"}, {"email"}, {"username", "email"}])
def test_a_user_of_whom_anything_is_taken_is_not_stored(taken):
    user, other = new_user(), unsaved_user()
    clash = other._replace(**{field: getattr(user, field) for field in taken})
    if "id" not in taken:
        clash = clash._replace(username=clash.username.upper(), email=clash.email.upper())
    with pytest.raises(UserTaken, match=TAKEN):
        account_store.create_user(clash, "theirs")
    assert read(user) == user
    assert user_store.read_user(other.id) is None
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2
    assert logins(*names_of(other)) == [None, None]


# ------------------------------------------------------ other names


def test_new_names_replace_the_old_ones_and_the_password_stays():
    user, renamed = new_user(), unsaved_user()
    iat = log_in(user)
    account_store.replace_password(user, "second", 0, keep_sessions=True)
    account_store.rename_user(read(user), *names_of(renamed))
    assert names_of(read(user)) == names_of(renamed)
    assert logins(*names_of(user)) == [None, None]
    assert logins(*names_of(renamed)) == [(user.id, "second", 1)] * 2
    assert live(user) == [iat]


def test_a_user_without_a_password_is_renamed_and_given_one():
    user, renamed = unsaved_user(), unsaved_user()
    account_store.create_user(user, "")
    assert logins(*names_of(user)) == [(user.id, "", 0)] * 2
    account_store.rename_user(user, *names_of(renamed))
    assert logins(*names_of(renamed)) == [(user.id, "", 0)] * 2
    account_store.replace_password(read(user), "first", 0, keep_sessions=True)
    assert logins(*names_of(renamed)) == [(user.id, "first", 1)] * 2


@pytest.mark.parametrize("field", ["username", "email"])
def test_one_name_can_change_alone(field):
    """One name can change alone, unless the other has changed since the user was read."""
    user, names = new_user(), unsaved_user()
    other = "email" if field == "username" else "username"
    renamed = user._replace(**{field: getattr(names, field)})
    account_store.rename_user(user, *names_of(renamed))
    assert logins(getattr(user, field)) == [None]
    late = user._replace(**{other: getattr(names, other)})
    with pytest.raises(ChangedMeanwhile, match=CHANGED):
        account_store.rename_user(user, *names_of(late))
    assert read(user) == renamed
    assert logins(*names_of(renamed)) == [(user.id, "hash", 0)] * 2


def test_a_name_can_change_in_case_alone():
    user = new_user()
    renamed = user._replace(username=user.username.upper(), email=user.email.title())
    account_store.rename_user(user, *names_of(renamed))
    assert read(user) == renamed
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_rename_to_a_taken_name_changes_neither_name(field):
    user, other = new_user(), new_user()
    names = unsaved_user()._replace(**{field: getattr(other, field).upper()})
    with pytest.raises(UserTaken, match=TAKEN):
        account_store.rename_user(user, *names_of(names))
    assert (read(user), read(other)) == (user, other)
    assert logins(*names_of(user)) == [(user.id, "hash", 0)] * 2
    assert logins(*names_of(other)) == [(other.id, "hash", 0)] * 2
    free = names.email if field == "username" else names.username
    assert logins(free) == [None]


def test_a_name_that_was_given_up_is_free():
    user, other = new_user(), unsaved_user()
    account_store.rename_user(user, *names_of(other))
    heir = unsaved_user()._replace(username=user.username, email=user.email)
    account_store.create_user(heir, "theirs")
    assert logins(*names_of(user)) == [(heir.id, "theirs", 0)] * 2
    assert logins(*names_of(other)) == [(user.id, "hash", 0)] * 2


# ------------------------------------------------------ a user read before a change


def rename(user):
    account_store.rename_user(user, *names_of(unsaved_user()))


def change_the_password(user):
    account_store.replace_password(user, "other", 0, keep_sessions=True)


def delete(user):
    account_store.delete_user(user, NOW)


CHANGES = {
    "rename_user": rename,
    "replace_password": lambda user: account_store.replace_password(
        user, "late", 0, keep_sessions=False
    ),
    "replace_password, keeping sessions": lambda user: account_store.replace_password(
        user, "late", 0, keep_sessions=True
    ),
    "delete_user": delete,
}


@pytest.mark.parametrize("earlier", [rename, change_the_password, delete])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_user_that_has_changed_since_is_refused(change, earlier):
    as_read = new_user()
    log_in(as_read)
    earlier(user_store.read_user(as_read.id))
    before = user_store.read_user(as_read.id)
    names = {*names_of(as_read), *(names_of(before) if before else ())}
    of_names = logins(*names)
    with pytest.raises(ChangedMeanwhile):
        CHANGES[change](as_read)
    assert user_store.read_user(as_read.id) == before
    assert logins(*names) == of_names
    if before is not None:
        assert live(before) == [NOW]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_user_leaves_a_name_that_is_anothers(change):
    """Half a transaction is all that a restored table may hold of it (docs/decisions/0017)."""
    user, other = new_user(), new_user()
    anothers = Login(login_key(user.email), other.id, "theirs")
    dynamodb.client.put_item(TableName=dynamodb.LOGINS, Item=to_item(anothers))
    with pytest.raises(ChangedMeanwhile):
        CHANGES[change](user)
    assert read(user) == user
    assert logins(*names_of(user)) == [(user.id, "hash", 0), (other.id, "theirs", 0)]


def test_a_rename_loses_no_newer_hash(monkeypatch):
    """A login of this moment has stored it under the old name."""
    user = new_user()

    def find_and_renew(name):
        login = user_store.find_login(name)
        user_store.replace_password_hash(login, "stronger")
        return login

    monkeypatch.setattr(account_store, "find_login", find_and_renew)
    with pytest.raises(ChangedMeanwhile):
        rename(user)
    assert read(user) == user
    assert logins(*names_of(user)) == [(user.id, "stronger", 0)] * 2


# ------------------------------------------------------ passwords


def test_a_new_password_revokes_every_session():
    """A new password is that of both names and revokes every session, a kept one too."""
    user = user_with_a_kept_session()
    log_in(user)
    account_store.replace_password(read(user), "new", 0, keep_sessions=False)
    assert logins(*names_of(user)) == [(user.id, "new", 1)] * 2
    assert live(user) == []
    iat = log_in(user)
    assert live(user) == [iat]
    account_store.replace_password(read(user), "newer", 0, keep_sessions=False)
    assert logins(*names_of(user)) == [(user.id, "newer", 2)] * 2


def test_a_new_password_can_keep_the_sessions():
    user = new_user()
    iats = [log_in(user), log_in(user)]
    account_store.replace_password(read(user), "new", 0, keep_sessions=True)
    assert logins(*names_of(user)) == [(user.id, "new", 1)] * 2
    assert live(user) == iats[::-1]


def test_a_newer_hash_replaces_that_of_one_name():
    user = new_user()
    user_store.replace_password_hash(login_of(user), "stronger")
    assert logins(*names_of(user)) == [(user.id, "stronger", 0), (user.id, "hash", 0)]


def test_a_newer_hash_of_an_earlier_password_is_not_stored():
    user, deleted = new_user(), new_user()
    earlier = [login_of(user), login_of(deleted)]
    change_the_password(user)
    account_store.delete_user(deleted, NOW)
    for login in earlier:
        user_store.replace_password_hash(login, "stronger")
    assert logins(*names_of(user)) == [(user.id, "other", 1)] * 2
    assert logins(*names_of(deleted)) == [None, None]


# ------------------------------------------------------ bans and ends


def test_a_ban_replaces_the_one_before():
    """A ban has a start, a reason and an end; a later one replaces all of them."""
    user = new_user()
    account_store.ban(user.id, NOW, "spam", NOW + 10, 0, tell_user=True)
    ban = {"banned_at": NOW, "ban_reason": "spam", "banned_until": NOW + 10, "ban_is_told": True}
    assert read(user) == user._replace(**ban)
    account_store.ban(user.id, NOW + 1, None, None, 0)
    assert read(user) == user._replace(banned_at=NOW + 1)
    account_store.ban(user.id, NOW + 2, "fraud", None, 0)
    assert read(user) == user._replace(banned_at=NOW + 2, ban_reason="fraud")


def test_a_lifted_ban_leaves_nothing():
    """A lifted ban leaves nothing, and its sessions count again."""
    user = new_user()
    iat = log_in(user)
    before = read(user)
    account_store.ban(user.id, NOW, "spam", NOW + 10, 0)
    for _ in range(2):
        account_store.lift_ban(user.id, 0, revoke_sessions=False)
        assert read(user) == before
    assert live(user) == [iat]


def test_a_lifted_ban_can_revoke_its_sessions():
    user = user_with_a_kept_session()
    before = read(user)
    account_store.ban(user.id, NOW, "spam", NOW + 10, 0)
    account_store.lift_ban(user.id, 0, revoke_sessions=True)
    assert read(user) == before._replace(revoked_except=None, revoked_reason="all")
    assert live(user) == []
    iat = log_in(user)
    assert live(user) == [iat]


def log_in_from(user, numbers):
    """Allocate an ID from an address for each number; return the row as the last login sees it."""
    login = login_of(user)
    for now in numbers:
        row = user_store.allocate_session_id(login, NOW + now, f"10.0.0.{now}")
    return row


def test_the_addresses_of_the_latest_logins_stay():
    user = new_user()
    row = log_in_from(user, range(16))
    user_store.forget_oldest_addresses(row)
    assert read(user) == row
    row = log_in_from(user, [16])
    assert len(row.login_addresses) == 17
    user_store.forget_oldest_addresses(row)
    latest = {f"10.0.0.{now}": NOW + now for now in range(9, 17)}
    assert read(user) == row._replace(login_addresses=latest)


def test_an_address_that_is_stored_meanwhile_is_not_forgotten():
    user = new_user()
    row = log_in_from(user, range(17))
    newer = log_in_from(user, [40])
    user_store.forget_oldest_addresses(row)
    assert read(user) == newer


def test_an_address_that_is_forgotten_meanwhile_is_not_stored_again():
    """By a new password, or with its user."""
    user = new_user()
    row = log_in_from(user, range(17))
    account_store.replace_password(read(user), "other", 0, keep_sessions=True)
    user_store.forget_oldest_addresses(row)
    assert read(user).login_addresses == {}
    account_store.delete_user(read(user), NOW)
    user_store.forget_oldest_addresses(row)
    assert user_and_sessions(user.id, ()) == (None, {})


def test_a_closed_account_has_no_session_and_no_login():
    """A closed account has no session and no login, whatever ban it had."""
    user = user_with_a_kept_session()
    account_store.ban(user.id, NOW, "spam", NOW + 10, 0)
    account_store.close_account(user.id, NOW, 0)
    assert live(user) == []
    for now in (NOW, NOW + 10, 10**12):
        with pytest.raises(Banned):
            user_store.allocate_session_id(login_of(user), now, ADDRESS)


@pytest.mark.parametrize("user", ["absent", "session_epoch#0"])
def test_a_row_that_is_no_user_is_not_changed_and_not_created(user):
    epoch = account_store.advance_session_epoch()
    changes = (
        lambda: account_store.ban(user, 1, None, None, 0),
        lambda: account_store.lift_ban(user, 0, revoke_sessions=False),
        lambda: account_store.lift_ban(user, 0, revoke_sessions=True),
        lambda: account_store.close_account(user, 1, 0),
    )
    for change in changes:
        with pytest.raises(UnknownUser):
            change()
    assert user_store.read_user(user) is None
    assert user_and_sessions("absent", ()) == (None, {})
    assert account_store.advance_session_epoch() == epoch + 1


def test_a_deleted_user_leaves_neither_row_nor_name():
    user, stranger = new_user(), new_user()
    account_store.delete_user(user, NOW)
    assert user_store.read_user(user.id) is None
    assert logins(*names_of(user)) == [None, None]
    assert read(stranger) == stranger
    account_store.create_user(user, "new")
    assert logins(*names_of(user)) == [(user.id, "new", 0)] * 2
