"""Give a user another username or address."""

import pytest

from sessions import account_store
from sessions.errors import ChangedMeanwhile, InvalidInput, UserTaken
from tests.support.calls import call, invoke
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def status(name, password=PASSWORD):
    return call("create_session", body={"user": name, "pass": password}).status


def test_the_new_names_log_in_and_the_old_ones_do_not(clock):
    person = new_person()
    token = log_in(person)
    new = {"username": f"new-{person.username}", "email": f"new-{person.email}"}
    assert invoke("rename_user", {"login": person.email, **new}) == {"id": person.id, **new}
    assert [status(name) for name in new.values()] == [201, 201]
    assert [status(person.username), status(person.email)] == [404, 404]
    assert call("get_current_session", token).status == 200
    assert stored_rows(person)["logins"] == [None, None]


@pytest.mark.parametrize("which", ["username", "email"])
def test_one_name_alone_leaves_the_other(clock, which):
    person = new_person()
    new = f"new-{getattr(person, which)}"
    invoke("rename_user", {"id": person.id, which: new})
    kept = person.email if which == "username" else person.username
    assert [status(new), status(kept), status(getattr(person, which))] == [201, 201, 404]


def test_another_case_of_the_same_name_is_stored_and_logs_in(clock):
    person = new_person()
    invoke("rename_user", {"id": person.id, "username": person.username.upper()})
    assert stored_rows(person)["user"]["username"] == {"S": person.username.upper()}
    assert status(person.username) == 201


def test_a_name_that_is_taken_is_refused_and_changes_nothing(clock):
    person, other = new_person(), new_person()
    before = [stored_rows(person), stored_rows(other)]
    for new in (
        {"username": other.username.upper()},
        {"username": f"fresh-{person.username}", "email": other.email},
    ):
        with pytest.raises(UserTaken):
            invoke("rename_user", {"login": person.username, **new})
    assert [stored_rows(person), stored_rows(other)] == before


@pytest.mark.parametrize(
    ("new", "named"),
    [
        ({}, "username or email, or both"),
        ({"username": "a@b"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "no address"}, "email"),
        ({"username": 5, "email": 5}, "username, email"),
    ],
)
def test_what_is_no_name_is_refused(clock, new, named):
    person = new_person()
    before = stored_rows(person)
    with pytest.raises(InvalidInput, match=f"^{named}$"):
        invoke("rename_user", {"login": person.username, **new})
    assert stored_rows(person) == before


def test_a_password_changed_meanwhile_is_not_lost(clock, monkeypatch):
    person = new_person()
    rename = account_store.rename_user

    def rename_after_a_change(user, username, email):
        invoke("set_password", {"login": person.username, "password": "another"})
        rename(user, username, email)

    monkeypatch.setattr(account_store, "rename_user", rename_after_a_change)
    with pytest.raises(ChangedMeanwhile):
        invoke("rename_user", {"login": person.username, "username": f"new-{person.username}"})
    assert status(person.username, "another") == 201
    assert status(person.username) == 401


def test_cut_short_after_any_call_each_name_logs_in_or_leads_to_nobody(clock, dynamodb, power_cut):
    call_number = 0
    while True:
        person = new_person()
        new = Person(person.id, f"new-{person.username}", f"new-{person.email}")
        event = {"login": person.email, "username": new.username, "email": new.email}
        finished = power_cut(call_number, lambda event=event: invoke("rename_user", event))
        old_names = {status(person.username), status(person.email)}
        new_names = {status(new.username), status(new.email)}
        assert (old_names, new_names) in (({201}, {404}), ({404}, {201})), call_number
        if finished:
            break
        call_number += 1
    assert call_number == 5
