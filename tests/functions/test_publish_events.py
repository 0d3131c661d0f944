"""Telling the event bus when sessions begin and end: real changes, by the streams they leave."""

import json
from typing import Any

import pytest

from functions.create_session import app
from sessions import aws, session_events
from sessions.dynamodb import SESSIONS
from tests.support.calls import call, invoke
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows, tables
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

STREAMED = {"eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventVersion": "1.1"}
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class Bus:
    """A bus that keeps what is put on it, and refuses entries where the test says so."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.calls = 0
        self.refuses = lambda _: False
        self.seen = lambda: None

    def put_events(self, Entries):  # noqa: N803 - EventBridge's own name
        assert 0 < len(Entries) <= 10
        self.calls += 1
        self.seen()
        results = []
        for number, entry in enumerate(Entries):
            if self.refuses(number):
                results.append({"ErrorCode": "ThrottlingException"})
            else:
                self.entries.append(entry)
                results.append({"EventId": "some"})
        return {
            "FailedEntryCount": sum("ErrorCode" in each for each in results),
            "Entries": results,
        }

    def events(self):
        return [(each["DetailType"], json.loads(each["Detail"])) for each in self.entries]

    def ends(self):
        return [detail for kind, detail in self.events() if kind == "SessionEnded"]


@pytest.fixture
def bus(monkeypatch):
    bus = Bus()
    monkeypatch.setattr(session_events, "eventbridge", bus)
    monkeypatch.setattr(aws, "_PAUSES", (0.0,) * 4)
    return bus


@pytest.fixture
def changes(clock):
    """The records of what the test has changed, and of what the publishing changed since."""
    follow = follow_streams()
    return lambda: follow(clock.now)


def publish(records):
    return invoke("publish_events", {"Records": records})


def session_row(person, iat, exp):
    key = {"user": {"S": person.id}, "iat": {"N": str(iat)}}
    rest = {"name": {"S": "A name"}, "jti_sha256": {"B": "c2VjcmV0LWhhc2g="}}
    return key, {**key, **rest, "exp": {"N": str(exp)}}


def removal(person, iat, exp, at, **more):
    key, row = session_row(person, iat, exp)
    change = {
        "ApproximateCreationDateTime": at,
        "Keys": key,
        "OldImage": row,
        "SequenceNumber": "7",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {**STREAMED, "eventID": "r", "eventName": "REMOVE", "dynamodb": change, **more}


def test_a_log_in_tells_that_a_session_was_created(clock, bus, changes):
    person = new_person()
    token = log_in(person)
    assert publish(changes()) == {"batchItemFailures": []}
    ((kind, detail),) = bus.events()
    listed = call("list_sessions", token, query=None).body["items"][0]
    assert kind == "SessionCreated"
    assert detail == {
        "user": person.id,
        "session": listed["iat"],
        "created_at": listed["iat"],
        "expires_at": listed["exp"],
        "name": listed["name"],
    }
    assert {each["Source"] for each in bus.entries} == {"sessions.sessions"}
    assert {each["EventBusName"] for each in bus.entries} == {"default"}


def test_a_log_in_that_was_under_way_leaves_nothing_of_a_deleted_user(clock, bus, changes):
    person = new_person()
    invoke("delete_user", {"id": person.id})
    _, row = session_row(person, clock.now, clock.now + 60)
    tables().put_item(TableName=SESSIONS, Item=row)
    publish(changes())
    (end,) = bus.ends()
    assert (end["session"], end["reason"]) == (clock.now, "account_deleted")
    assert stored_rows(person)["sessions"] == []


def delete_one(person, token, iats):
    call("delete_session", token, session=iats[0])


def delete_several(person, token, iats):
    call("delete_sessions", token, body={"sessions": iats[:2]})


def delete_others(person, token, iats):
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})


def operation(name, **given):
    return lambda person, _token, _iats: invoke(name, {"id": person.id, **given})


# What somebody does with three sessions, the last of which is in use: the reason that is told,
# and of how many of them, from the oldest on.
ENDS = {
    "delete one": (delete_one, "deleted", 1),
    "delete several": (delete_several, "bulk", 2),
    "delete all but the one in use": (delete_others, "all", 2),
    "end all of a user": (operation("revoke_user_sessions", all=True), "all", 3),
    "change the password": (
        operation("set_password", password="another one"),
        "password_changed",
        3,
    ),
    "ban": (operation("ban_user"), "banned", 3),
    "delete the account": (operation("delete_user"), "account_deleted", 3),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_end_is_told_once_with_its_reason_and_nothing_secret(clock, bus, changes, name):
    act, reason, ended = ENDS[name]
    person, stranger = new_person(), new_person()
    tokens = [log_in(person) for _ in range(3)]
    log_in(stranger)
    iats = [row["iat"]["N"] for row in stored_rows(person)["sessions"]]
    iats = sorted(map(int, iats))
    publish(changes())
    began = {detail["session"]: detail for _, detail in bus.events() if detail["user"] == person.id}
    bus.entries.clear()
    clock.now += 60
    act(person, tokens[-1], iats)
    publish(changes())
    publish(changes())  # what the first changed itself has nothing to tell
    told = sorted(bus.ends(), key=lambda detail: detail["session"])
    assert told == [{**began[iat], "reason": reason, "ended_at": clock.now} for iat in iats[:ended]]
    for secret in (*tokens, *(token.split(".")[1] for token in tokens), "jti", "sha256"):
        assert secret not in json.dumps(bus.entries)


def test_everyones_end_is_one_event(clock, bus, changes):
    for _ in range(3):
        log_in(new_person())
    publish(changes())
    for _ in range(2):  # the first makes the rows, the second changes them
        bus.entries.clear()
        invoke("revoke_everyone", {"everyone": True})
        publish(changes())
        everyone = {"user": "*", "reason": "everyone", "ended_at": clock.now}
        assert bus.events() == [("SessionEnded", everyone)]


def test_a_log_in_over_the_limit_tells_whom_it_evicted(clock, bus, changes):
    person = new_person()
    for _ in range(app.MAX_SESSIONS_PER_USER + 1):
        log_in(person)
    publish(changes())
    (end,) = bus.ends()
    assert (end["reason"], end["session"]) == ("evicted", clock.now)


@pytest.mark.parametrize("by", [{"userIdentity": BY_TTL}, {}])
def test_a_row_that_goes_after_its_time_is_told_as_expired_at_that_time(clock, bus, by):
    person = new_person()
    publish([removal(person, 5, clock.now - 1000, clock.now, **by)])
    (end,) = bus.ends()
    assert (end["session"], end["reason"]) == (5, "expired")
    assert end["ended_at"] == end["expires_at"] == clock.now - 1000
    assert "secret" not in json.dumps(bus.entries)


def test_a_row_that_goes_before_its_time_was_told_before(clock, bus):
    publish([removal(new_person(), 5, clock.now + 1000, clock.now)])
    assert bus.entries == []


def test_a_lifted_ban_says_nothing_and_a_ban_with_an_end_says_when(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id, "until": clock.now + 50})
    publish(changes())
    assert [(end["reason"], end["banned_until"]) for end in bus.ends()] == [
        ("banned", clock.now + 50)
    ]
    assert len(stored_rows(person)["sessions"]) == 1  # which counts again once it is lifted
    bus.entries.clear()
    invoke("unban_user", {"id": person.id, "revoke_sessions": True})
    publish(changes())
    assert bus.entries == []
    assert stored_rows(person)["sessions"] == []


def test_revoked_rows_go_only_after_their_end_was_told_and_later_ones_stay(clock, bus, changes):
    person = new_person()
    log_in(person)
    publish(changes())
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    token = log_in(person)
    bus.refuses = lambda _: True
    records = changes()
    (failure,) = publish(records)["batchItemFailures"]
    assert failure["itemIdentifier"] == records[0]["dynamodb"]["SequenceNumber"]
    assert len(stored_rows(person)["sessions"]) == 2
    bus.refuses = lambda _: False
    counted = []
    bus.seen = lambda: counted.append(len(stored_rows(person)["sessions"]))
    assert publish(records) == {"batchItemFailures": []}
    assert counted[0] == 2
    assert [row["iat"]["N"] for row in stored_rows(person)["sessions"]] == [str(clock.now + 1)]
    assert call("get_current_session", token).status == 200


def test_log_ins_before_the_publishing_take_away_nothing_that_is_to_be_told(clock, bus, changes):
    person = new_person()
    for _ in range(26):  # more than a login leaves lying about
        log_in(person)
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    log_in(person)
    publish(changes())
    assert [end["reason"] for end in bus.ends()] == ["all"] * 26


def test_what_the_bus_did_not_take_is_put_again_and_nothing_twice(clock, bus, changes):
    person = new_person()
    for _ in range(13):
        log_in(person)
    publish(changes())
    bus.entries.clear()
    bus.calls = 0
    bus.refuses = lambda number: bus.calls == 1 and number % 2 == 0
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    publish(changes())
    told = [end["session"] for end in bus.ends()]
    assert len(told) == len(set(told)) == 13
    assert bus.calls == 3


def test_records_before_the_one_that_failed_are_not_told_again(clock, bus, changes):
    person = new_person()
    for _ in range(3):
        log_in(person)
    records = [each for each in changes() if "iat" in each["dynamodb"]["Keys"]]
    bus.refuses = lambda _: bus.calls > 1
    (failure,) = publish(records)["batchItemFailures"]
    assert failure == {"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}
    assert len(bus.entries) == 1


@pytest.mark.parametrize(
    "record",
    [
        {},
        None,
        {"dynamodb": {}},
        {"dynamodb": {"Keys": {"iat": {"N": "5"}}, "ApproximateCreationDateTime": "never"}},
        {
            "dynamodb": {
                "Keys": {"iat": {"N": "5"}},
                "ApproximateCreationDateTime": 5,
                "NewImage": {"user": {"S": "u"}},
            }
        },
    ],
)
def test_a_record_that_nobody_can_read_is_logged_and_holds_up_nothing(
    clock, bus, changes, logged, record
):
    log_in(new_person())
    assert publish([record, *changes()]) == {"batchItemFailures": []}
    assert len(bus.entries) == 1
    lines = [line for line in logged() if line.get("operation") == "publish_events"]
    assert [(line["message"], line["level"]) for line in lines] == [
        ("RecordUnreadable", "ERROR"),
        ("OperationFailed", "INFO"),
    ]


def test_told_again_it_says_the_same_again_and_clears_nothing_else(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id})
    records = changes()
    publish(records)
    once = bus.events()
    publish(records)
    assert bus.events() == once * 2


def test_one_line_says_what_was_told_and_one_metric_that_it_was(
    clock, bus, changes, logged, capsys
):
    person = new_person()
    log_in(person)
    records = changes()
    capsys.readouterr()
    publish(records)
    (line,) = (line for line in logged() if line.get("operation") == "publish_events")
    assert (line["message"], line["level"], line["events"]) == ("EventsPublished", "INFO", 1)
    assert line["told"][0]["user"] == person.id
    (metric,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert metric["EventsPublished"] == [1.0]
    assert metric["operation"] == "publish_events"


@pytest.mark.parametrize("what", ["last_iat", "names"])
def test_other_changes_of_a_user_say_nothing(clock, bus, changes, what):
    person = new_person()
    token = log_in(person)
    publish(changes())
    bus.entries.clear()
    if what == "names":
        invoke("rename_user", {"id": person.id, "username": f"{person.username}-2"})
    else:
        key = {"id": {"S": person.id}}
        values = {":later": {"N": str(clock.now + 5)}}
        tables().update_item(
            TableName="UsersTable",
            Key=key,
            UpdateExpression="SET last_iat = :later",
            ExpressionAttributeValues=values,
        )
    publish(changes())
    assert bus.entries == []
    assert call("get_current_session", token).status == 200
