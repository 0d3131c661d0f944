"""Give a user another username or address."""

import pytest

from sessions.errors import UserTaken
from tests.support.calls import call, invoke
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def statuses(*names):
    """Return how a login by each name is answered."""
    credentials = [{"user": name, "pass": PASSWORD} for name in names]
    return [call("create_session", body=body).status for body in credentials]


def test_the_new_names_log_in_and_the_old_ones_do_not(clock):
    person = new_person()
    token = log_in(person)
    new = {"username": f"new-{person.username}", "email": f"new-{person.email}"}
    assert invoke("rename_user", {"login": person.email, **new}) == {"id": person.id, **new}
    assert statuses(*new.values(), person.username, person.email) == [201, 201, 404, 404]
    assert call("get_current_session", token).status == 200
    assert stored_rows(person)["logins"] == [None, None]


@pytest.mark.parametrize("name", ["username", "email"])
def test_one_name_alone_leaves_the_other(clock, name):
    person = new_person()
    names = {"username": person.username, "email": person.email}
    new = {name: f"new-{names[name]}"}
    assert invoke("rename_user", {"id": person.id, **new}) == {"id": person.id, **names, **new}
    assert statuses(*(names | new).values(), names[name]) == [201, 201, 404]


def test_another_case_of_the_same_name_is_stored_and_logs_in(clock):
    person = new_person()
    invoke("rename_user", {"id": person.id, "username": person.username.upper()})
    assert stored_rows(person)["user"]["username"] == {"S": person.username.upper()}
    assert statuses(person.username) == [201]


def test_a_taken_name_is_refused_and_changes_nothing(clock):
    person, other = new_person(), new_person()
    before = [stored_rows(person), stored_rows(other)]
    for new in (
        {"username": other.username.upper()},
        {"username": f"fresh-{person.username}", "email": other.email},
    ):
        with pytest.raises(UserTaken):
            invoke("rename_user", {"login": person.username, **new})
    assert [stored_rows(person), stored_rows(other)] == before
