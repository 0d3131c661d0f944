"""Export users with the hashes of their passwords."""

import pytest

from tests.support.calls import invoke
from tests.support.people import new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def exported(**given):
    answer = invoke("export_users", given)
    items = answer["items"]
    while "next" in answer:
        answer = invoke("export_users", {**given, "after": answer["next"]})
        items += answer["items"]
    return {user["id"]: user for user in items}


@pytest.mark.parametrize("limit", [2, 100])
def test_what_it_shows_can_be_imported_again(clock, limit):
    person, banned, renamed = (new_person() for _ in range(3))
    invoke(
        "ban_user", {"id": banned.id, "reason": "spam", "until": clock.now + 9, "tell_user": True}
    )
    invoke("rename_user", {"id": renamed.id, "username": f"x{renamed.username}"})
    invoke(
        "import_users",
        {"users": [{"id": f"n{limit}", "username": f"n{limit}", "email": f"n{limit}@example.com"}]},
    )
    users = exported(limit=limit)
    (password_hash,) = {row["password_hash"]["S"] for row in stored_rows(person)["logins"]}
    assert users[person.id] == {
        **person._asdict(),
        "created_at": clock.now,
        **dict.fromkeys(("banned_at", "banned_until", "ban_reason", "ban_is_told")),
        "password_hash": password_hash,
    }
    ban = {"banned_at": clock.now, "banned_until": clock.now + 9, "ban_reason": "spam"}
    ban |= {"ban_is_told": True}
    assert ban.items() <= users[banned.id].items()
    assert users[renamed.id]["password_hash"] is not None
    assert users[f"n{limit}"]["password_hash"] is None
    for moved in (person, banned, renamed):
        before = stored_rows(moved._replace(username=users[moved.id]["username"]))
        invoke("delete_user", {"id": moved.id})
        assert invoke("import_users", {"users": [users[moved.id]]})["imported"] == 1
        after = stored_rows(moved._replace(username=users[moved.id]["username"]))
        assert [after[name] for name in ("user", "logins")] == [
            {**before["user"], "ended_epoch": {"N": "0"}},
            before["logins"],
        ]
