"""List the users."""

from typing import Any

import pytest

from tests.support.calls import invoke
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")


def pages(**given: Any) -> list[list[dict[str, Any]]]:
    """Return every page of the table, which has users of other tests, too."""
    answer = invoke("list_users", given)
    found = [answer["items"]]
    while "next" in answer:
        answer = invoke("list_users", {**given, "after": answer["next"]})
        found.append(answer["items"])
    return found


def test_shows_who_a_user_is_and_nothing_of_logins_or_passwords(clock):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"login": person.username, "reason": "spam", "until": clock.now + 9})
    (page,) = pages()
    (found,) = [user for user in page if user["id"] == person.id]
    assert found == {
        **person._asdict(),
        "created_at": clock.now,
        "banned_at": clock.now,
        "ban_reason": "spam",
        "banned_until": clock.now + 9,
        "ban_is_told": None,
    }


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_every_user_is_on_one_page_and_nobody_who_is_gone(limit):
    people, gone = {new_person().id for _ in range(7)}, new_person().id
    invoke("delete_user", {"id": gone})
    invoke("revoke_everyone", {"everyone": True})  # rows of the epoch are in the table, too
    found = pages(limit=limit)
    ids = [user["id"] for page in found for user in page]
    assert max(map(len, found)) <= limit
    assert people <= set(ids)
    assert gone not in ids
    assert len(ids) == len(set(ids))
