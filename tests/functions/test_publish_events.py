"""Publish events when sessions begin and end: real changes, by the streams they leave."""

import json
from typing import Any

import pytest

from functions.create_session import app
from sessions import aws, event_bus
from sessions.dynamodb import SESSIONS, USERS
from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, tables
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

STREAMED = {"eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventVersion": "1.1"}
BY_TTL = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


class Bus:
    """A bus that keeps the entries that are put on it, and refuses some where a test says so."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.calls = 0
        self.refuses = lambda _: False
        self.before = lambda: None

    def put_events(self, Entries):  # noqa: N803 - EventBridge's own name
        assert 0 < len(Entries) <= 10
        self.calls += 1
        self.before()
        refused = [self.refuses(number) for number in range(len(Entries))]
        self.entries += [entry for entry, no in zip(Entries, refused, strict=True) if not no]
        results = [
            {"ErrorCode": "ThrottlingException"} if no else {"EventId": "x"} for no in refused
        ]
        return {"FailedEntryCount": sum(refused), "Entries": results}

    def events(self):
        return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in self.entries]

    def ends(self):
        return [detail for kind, detail in self.events() if kind == "SessionEnded"]


@pytest.fixture
def bus(monkeypatch):
    bus = Bus()
    monkeypatch.setattr(event_bus, "eventbridge", bus)
    monkeypatch.setattr(aws, "_PAUSES", (0.0,) * 4)
    return bus


@pytest.fixture
def changes(clock):
    """The records of the test's changes, and of the changes by publish_events since."""
    follow = follow_streams()
    return lambda: follow(clock.now)


def publish(records):
    return invoke("publish_events", {"Records": records})


def sessions_of(person):
    """Return the IDs of the sessions that are stored, oldest first."""
    return sorted(int(row["iat"]["N"]) for row in stored_rows(person)["sessions"])


def session_row(person, iat, exp):
    key = {"user": {"S": person.id}, "iat": {"N": str(iat)}}
    rest = {"name": {"S": "A name"}, "jti_sha256": {"B": "c2VjcmV0LWhhc2g="}}
    return key, {**key, **rest, "exp": {"N": str(exp)}}


def removal(person, exp, at, by):
    """Return the record of the row of session 5 that was deleted."""
    key, row = session_row(person, 5, exp)
    change = {"ApproximateCreationDateTime": at, "Keys": key, "OldImage": row}
    change |= {"SequenceNumber": "7", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return {**STREAMED, "eventID": "r", "eventName": "REMOVE", "dynamodb": change, **by}


def test_a_login_publishes_that_a_session_was_created(clock, bus, changes, logged, capsys):
    """One log line and one metric say so."""
    person = new_person()
    token = log_in(person)
    listed = call("list_sessions", token, query=None).body["items"][0]
    records, known, _ = changes(), len(logged()), capsys.readouterr()
    assert publish(records) == {"batchItemFailures": []}
    ((kind, detail),) = bus.events()
    assert kind == "SessionCreated"
    assert detail == {
        "user": person.id,
        "session": listed["iat"],
        "created_at": listed["iat"],
        "expires_at": listed["exp"],
        "name": listed["name"],
    }
    (entry,) = bus.entries
    assert (entry["Source"], entry["EventBusName"]) == ("sessions.sessions", "default")
    (line,) = logged()[known:]
    assert (line["operation"], line["level"]) == ("publish_events", "INFO")
    assert (line["message"], line["events"]) == ("EventsPublished", 1)
    assert line["published"] == [{"type": kind, **detail}]
    (metric,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (metric["operation"], metric["EventsPublished"]) == ("publish_events", [1.0])


def test_a_late_session_of_a_deleted_user_is_published_and_purged(clock, bus, changes):
    person = new_person()
    invoke("delete_user", {"id": person.id})
    _, row = session_row(person, clock.now, clock.now + 60)
    tables().put_item(TableName=SESSIONS, Item=row)
    publish(changes())
    (end,) = bus.ends()
    assert (end["session"], end["reason"]) == (clock.now, "account_deleted")
    assert sessions_of(person) == []


def delete_one(person, token, iats):
    call("delete_session", token, session=iats[0])


def delete_several(person, token, iats):
    call("delete_sessions", token, body={"sessions": iats[:2]})


def delete_others(person, token, iats):
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})


def operation(name, **given):
    return lambda person, _token, _iats: invoke(name, {"id": person.id, **given})


# With three sessions, of which the last is in use: the reason that is published, and for how many
# of them, from the oldest on.
ENDS = {
    "delete one": (delete_one, "deleted", 1),
    "delete several": (delete_several, "bulk", 2),
    "delete all but the one in use": (delete_others, "all", 2),
    "revoke all": (operation("revoke_user_sessions", all=True), "all", 3),
    "set password": (operation("set_password", password="another one"), "password_changed", 3),
    "ban": (operation("ban_user"), "banned", 3),
    "delete the account": (operation("delete_user"), "account_deleted", 3),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_end_is_published_once_with_its_reason(clock, bus, changes, name):
    act, reason, ended = ENDS[name]
    person, stranger = new_person(), new_person()
    tokens = [log_in(person) for _ in range(3)]
    log_in(stranger)
    iats = sessions_of(person)
    publish(changes())
    began = {detail["session"]: detail for _, detail in bus.events() if detail["user"] == person.id}
    bus.entries.clear()
    clock.now += 60
    act(person, tokens[-1], iats)
    publish(changes())
    publish(changes())  # the changes that the first one made itself publish nothing
    ends = sorted(bus.ends(), key=lambda detail: detail["session"])
    assert ends == [{**began[iat], "reason": reason, "ended_at": clock.now} for iat in iats[:ended]]
    for secret in (*tokens, *(token.split(".")[1] for token in tokens), "jti", "sha256"):
        assert secret not in json.dumps(bus.entries)


def test_the_end_of_every_session_of_all_users_is_one_event(clock, bus, changes):
    for _ in range(3):
        log_in(new_person())
    publish(changes())
    for _ in range(2):  # the first creates the rows of the epoch, the second changes them
        bus.entries.clear()
        invoke("revoke_everyone", {"everyone": True})
        publish(changes())
        everyone = {"user": "*", "reason": "everyone", "ended_at": clock.now}
        assert bus.events() == [("SessionEnded", everyone)]


def test_a_login_over_the_limit_publishes_an_eviction(clock, bus, changes, monkeypatch):
    monkeypatch.setattr(app, "MAX_SESSIONS_PER_USER", 3)
    person = new_person()
    for _ in range(4):
        log_in(person)
    publish(changes())
    (end,) = bus.ends()
    assert (end["reason"], end["session"]) == ("evicted", clock.now)


@pytest.mark.parametrize("by", [BY_TTL, {}])
def test_a_row_deleted_after_its_time_is_published_as_expired(clock, bus, by):
    publish([removal(new_person(), clock.now - 1000, clock.now, by)])
    (end,) = bus.ends()
    assert (end["session"], end["reason"]) == (5, "expired")
    assert end["ended_at"] == end["expires_at"] == clock.now - 1000
    assert "secret" not in json.dumps(bus.entries)


def test_a_row_deleted_before_its_time_was_published_before(clock, bus):
    publish([removal(new_person(), clock.now + 1000, clock.now, {})])
    assert bus.entries == []


def test_a_ban_publishes_its_end_and_a_lifted_one_nothing(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id, "until": clock.now + 50})
    publish(changes())
    (end,) = bus.ends()
    assert (end["reason"], end["banned_until"]) == ("banned", clock.now + 50)
    assert len(sessions_of(person)) == 1, "it counts again once the ban is lifted"
    bus.entries.clear()
    invoke("unban_user", {"id": person.id, "revoke_sessions": True})
    publish(changes())
    assert bus.entries == []
    assert sessions_of(person) == []


def test_revoked_rows_are_purged_once_their_end_is_published(clock, bus, changes):
    """Not before, and sessions that began later stay."""
    person = new_person()
    log_in(person)
    publish(changes())
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    token = log_in(person)
    bus.refuses = lambda _: True
    records = changes()
    (failure,) = publish(records)["batchItemFailures"]
    assert failure["itemIdentifier"] == records[0]["dynamodb"]["SequenceNumber"]
    assert len(sessions_of(person)) == 2
    bus.refuses = lambda _: False
    counted = []
    bus.before = lambda: counted.append(len(sessions_of(person)))
    assert publish(records) == {"batchItemFailures": []}
    assert counted[0] == 2
    assert sessions_of(person) == [clock.now + 1]
    assert call("get_current_session", token).status == 200


def test_logins_purge_no_row_that_is_yet_to_be_published(clock, bus, changes):
    person = new_person()
    for _ in range(26):  # more rows than a login leaves
        log_in(person)
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    log_in(person)
    publish(changes())
    assert [end["reason"] for end in bus.ends()] == ["all"] * 26


def test_only_the_entries_that_the_bus_refused_are_put_again(clock, bus, changes):
    person = new_person()
    for _ in range(13):
        log_in(person)
    publish(changes())
    bus.entries.clear()
    bus.calls = 0
    bus.refuses = lambda number: bus.calls == 1 and number % 2 == 0
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    publish(changes())
    ended = [end["session"] for end in bus.ends()]
    assert len(ended) == len(set(ended)) == 13
    assert bus.calls == 3


def test_records_before_a_failed_one_are_not_published_again(clock, bus, changes):
    person = new_person()
    for _ in range(3):
        log_in(person)
    records = [each for each in changes() if "iat" in each["dynamodb"]["Keys"]]
    bus.refuses = lambda _: bus.calls > 1
    (failure,) = publish(records)["batchItemFailures"]
    assert failure == {"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}
    assert len(bus.entries) == 1


KEYS = {"Keys": {"iat": {"N": "5"}}}
UNREADABLE = [
    {},
    None,
    {"dynamodb": {}},
    {"dynamodb": {**KEYS, "ApproximateCreationDateTime": "never"}},
    {"dynamodb": {**KEYS, "ApproximateCreationDateTime": 5, "NewImage": {"user": {"S": "u"}}}},
]


@pytest.mark.parametrize("record", UNREADABLE)
def test_an_unreadable_record_is_logged_and_passed_over(clock, bus, changes, logged, record):
    log_in(new_person())
    records, known = [record, *changes()], len(logged())
    assert publish(records) == {"batchItemFailures": []}
    assert len(bus.entries) == 1
    assert [(line["message"], line["level"]) for line in logged()[known:]] == [
        ("RecordUnreadable", "ERROR"),
        ("OperationFailed", "INFO"),
    ]


def test_published_again_a_record_says_the_same(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id})
    records = changes()
    publish(records)
    once = bus.events()
    publish(records)
    assert bus.events() == once * 2


@pytest.mark.parametrize("attribute", ["last_iat", "username"])
def test_other_changes_of_a_user_publish_nothing(clock, bus, changes, attribute):
    person = new_person()
    token = log_in(person)
    publish(changes())
    bus.entries.clear()
    if attribute == "username":
        invoke("rename_user", {"id": person.id, "username": f"{person.username}-2"})
    else:
        tables().update_item(
            TableName=USERS,
            Key={"id": {"S": person.id}},
            UpdateExpression="SET last_iat = :later",
            ExpressionAttributeValues={":later": {"N": str(clock.now + 5)}},
        )
    publish(changes())
    assert bus.entries == []
    assert call("get_current_session", token).status == 200
