"""What a restore of Users and Logins to an earlier moment means (docs/decisions/0017).

moto restores a table as it is at the call, so the moment is when a test makes that call.
"""

from collections.abc import Callable
from typing import Any

import pytest

from local.create_resources import create_table
from sessions import dynamodb as layer
from sessions.session_epoch import EPOCH_SHARDS
from tests.support.calls import call, invoke
from tests.support.contract import BANNED, INVALID_PASSWORD, INVALID_USER, TEMPLATE
from tests.support.forgery import decode
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person, statuses
from tests.support.rows import tables

pytestmark = pytest.mark.usefixtures("aws")

EVERYONE = {"everyone": True}
ANOTHER = "another password"
SESSIONS = TEMPLATE.resources_of("AWS::DynamoDB::Table")["SessionsTable"]

Deploy = Callable[..., None]


@pytest.fixture
def restore(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Deploy]:
    """Restore Users and Logins to this moment; return the deployment that takes them over."""

    def restore() -> Deploy:
        restored = {}
        for table in ("USERS", "LOGINS"):
            source = getattr(layer, table)
            restored[table] = f"{request.node.name}-{source}"
            tables().restore_table_to_point_in_time(
                SourceTableName=source, TargetTableName=restored[table]
            )

        def deploy(*, keeping_sessions: bool = False) -> None:
            for table, name in restored.items():
                monkeypatch.setattr(layer, table, name)
            if not keeping_sessions:  # the template has another, empty one in its place
                fresh = f"{request.node.name}-{layer.SESSIONS}"
                create_table(tables(), fresh, SESSIONS)
                monkeypatch.setattr(layer, "SESSIONS", fresh)

        return deploy

    return restore


def login(person: Person, password: str = PASSWORD) -> tuple[int, Any]:
    answer = call("create_session", body={"user": person.username, "pass": password})
    return answer.status, answer.body


def set_epoch(shard: int, epoch: int) -> None:
    row = {"id": {"S": f"session_epoch#{shard}"}, "session_epoch": {"N": str(epoch)}}
    tables().put_item(TableName=layer.USERS, Item=row)


def test_no_token_from_before_counts_and_a_new_login_does(clock, restore):
    person = new_person()
    older = log_in(person)
    deploy = restore()
    newer = log_in(person)
    deploy()
    again = log_in(person)  # restored, the user's row allocates the same ID once more
    claims = [decode(token.split(".")[1]) for token in (newer, again)]
    assert claims[0]["iat"] == claims[1]["iat"]
    assert statuses(older, newer, again) == [401, 401, 200]
    assert call("list_sessions", again, query=None).body["count"] == 1
    assert call("delete_all_sessions", again, query=None).body["count"] == 1
    assert statuses(again, log_in(person)) == [401, 200]


def test_beside_the_table_sessions_as_it_is_revoked_sessions_would_count_again(clock, restore):
    """Which is why it is replaced; and the panic button alone would not end them all."""
    person = new_person()
    revoked = log_in(person)
    deploy = restore()
    call("delete_all_sessions", revoked, query=None)
    for _ in range(2):
        invoke("revoke_everyone", EVERYONE)
    newer = log_in(person)  # of an epoch that the restored rows have not reached
    assert statuses(revoked, newer) == [401, 200]
    deploy(keeping_sessions=True)
    assert statuses(revoked, newer) == [200, 200]
    invoke("revoke_everyone", EVERYONE)
    assert statuses(revoked, newer) == [401, 200]


def test_what_operators_did_since_is_undone_until_they_do_it_again(clock, restore):
    deleted, banned, pardoned, changed = (new_person() for _ in range(4))
    invoke("ban_user", {"id": pardoned.id})
    deploy = restore()

    def repeat() -> None:
        invoke("delete_user", {"id": deleted.id})
        invoke("ban_user", {"id": banned.id})
        invoke("unban_user", {"id": pardoned.id})
        invoke("set_password", {"id": changed.id, "password": ANOTHER})

    repeat()
    created = new_person()
    deploy()
    assert [login(person)[0] for person in (deleted, banned, pardoned, changed)] == [
        *(201, 201),
        *(403, 201),
    ]
    assert login(created) == (404, INVALID_USER)  # and their ID is gone with them
    repeat()
    assert login(deleted) == (404, INVALID_USER)
    assert login(banned) == (403, BANNED)
    assert login(pardoned)[0] == 201
    assert login(changed) == (401, INVALID_PASSWORD)
    assert login(changed, ANOTHER)[0] == 201


def test_half_a_transaction_lets_nobody_in_and_can_be_repaired(clock, restore):
    """A restored table may hold some of the changes of a transaction that was recent, not all.

    Source: DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works".
    """
    people = [new_person() for _ in range(12)]  # any two of them may read different shards
    invoke("revoke_everyone", EVERYONE)
    restore()()
    changed, *others = people
    user = {"TableName": layer.USERS, "Key": {"id": {"S": changed.id}}}
    tables().update_item(
        **user,
        UpdateExpression="SET password_version = :next",
        ExpressionAttributeValues={":next": {"N": "1"}},
    )
    for shard in range(0, EPOCH_SHARDS, 2):
        set_epoch(shard, 9)
    assert login(changed) == (401, INVALID_PASSWORD)
    assert 401 in statuses(*map(log_in, others))
    invoke("set_password", {"id": changed.id, "password": PASSWORD})
    invoke("revoke_everyone", EVERYONE)
    assert set(statuses(*map(log_in, people))) == {200}
