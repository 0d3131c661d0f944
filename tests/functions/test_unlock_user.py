"""Let a user log in again at once after wrong passwords.

What that means for logins is in tests/functions/test_login_attempts.py.
"""

import pytest

from sessions.dynamodb import ATTEMPTS
from tests.support.calls import call, invoke
from tests.support.people import new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws")


def attempts():
    """Return the rows of attempts by their keys."""
    return {row["key"]["S"]: row for row in tables().scan(TableName=ATTEMPTS)["Items"]}


def test_forgets_the_attempts_with_both_names_and_no_others(clock):
    person, other = new_person(), new_person()
    call("create_session", body={"user": other.username, "pass": "wrong"})
    others, before = attempts(), stored_rows(person)
    for name in (person.username, person.email):
        call("create_session", body={"user": name, "pass": "wrong"})
    counted = attempts()
    of_the_user = counted.keys() - others.keys()
    assert len(of_the_user) == 2
    kept = {key: row for key, row in counted.items() if key not in of_the_user}
    assert kept != others, "the address has two attempts more"
    for _ in range(2):  # there is nothing left to forget
        assert invoke("unlock_user", {"login": person.email}) == {"id": person.id}
        assert attempts() == kept
    assert stored_rows(person) == before
