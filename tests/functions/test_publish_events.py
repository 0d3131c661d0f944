"""Publish events when sessions begin and end: real changes, by the streams they leave."""

import json
import zlib
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.streams import not_done
from sessions import event_bus, retries, session_issue, session_store, streams
from sessions.concurrent import run_concurrently
from sessions.dynamodb import SESSIONS, USERS
from sessions.streams import RESERVE_MILLISECONDS
from tests.support.bus import Bus
from tests.support.calls import call, invoke
from tests.support.contract import TEMPLATE
from tests.support.faults import FAULTS, inject
from tests.support.leaks import PASSWORD
from tests.support.people import begin_session, log_in, new_person
from tests.support.rows import add_sessions, stored_rows, tables
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

STREAMED = {"eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventVersion": "1.1"}
BY_TTL = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


@pytest.fixture
def bus(monkeypatch):
    bus = Bus()
    monkeypatch.setattr(event_bus, "eventbridge", bus)
    monkeypatch.setattr(retries, "_PAUSES", (0.0,) * 4)
    return bus


@pytest.fixture
def changes(clock):
    """The records of the test's changes, and of the changes by publish_events since."""
    follow = follow_streams()
    return lambda: follow(clock.now)


def publish(records, context=None):
    return invoke("publish_events", {"Records": records}, context)


def publish_in_steps(records, bus):
    """Publish with so little time that an invocation stops as soon as it may; yield what each told.

    The next invocation begins where Lambda would begin it.
    """
    short = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 0)
    for _ in range(10):
        known = len(bus.entries)
        records = not_done(records, publish(records, short))
        yield bus.events()[known:]
        if not records:
            return
    pytest.fail("it never ends")


def number_of(record):
    return record["dynamodb"]["SequenceNumber"]


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
        "session_epoch": 0,
        "created_at": listed["iat"],
        "expires_at": listed["exp"],
        "name": listed["name"],
        "method": "password",
    }
    (entry,) = bus.entries
    assert (entry["Source"], entry["EventBusName"]) == ("sessions.sessions", "default")
    (line,) = logged()[known:]
    assert (line["operation"], line["level"]) == ("publish_events", "INFO")
    assert (line["message"], line["events"]) == ("EventsPublished", 1)
    assert line["published"] == [{"type": kind, **detail}]
    (metric,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (metric["operation"], metric["EventsPublished"]) == ("publish_events", [1.0])


def end_all(person):
    invoke("revoke_user_sessions", {"id": person.id, "all": True})


def end_each(person):
    ids = [session["iat"] for session in invoke("export_user", {"id": person.id})["sessions"]]
    invoke("revoke_user_sessions", {"id": person.id, "sessions": ids})


@pytest.mark.parametrize("end", [end_all, end_each])
@pytest.mark.parametrize("seconds", [0, 5, -5], ids=["at once", "later", "by a clock behind"])
def test_times_are_the_clocks_and_no_end_is_before_its_beginning(clock, bus, changes, end, seconds):
    """Though the IDs of several logins in a second run ahead, and two machines' clocks differ."""
    person, began = new_person(), clock.now
    for _ in range(3):
        log_in(person)
    publish(changes())
    assert [detail["session"] - began for _, detail in bus.events()] == [0, 1, 2]
    assert {detail["created_at"] for _, detail in bus.events()} == {began}
    clock.now += seconds
    end(person)
    publish(changes())
    times = [(detail["created_at"], detail["ended_at"]) for detail in bus.ends()]
    assert times == [(began, began + max(0, seconds))] * 3


def test_a_late_session_of_a_deleted_user_is_published_and_purged(clock, bus, changes):
    """Unless it has ended already: that is told once, and TTL deletes its row."""
    person = new_person()
    invoke("delete_user", {"id": person.id})
    late, evicted = clock.now, clock.now + 1
    for iat in (late, evicted):
        _, row = session_row(person, iat, clock.now + 60)
        tables().put_item(TableName=SESSIONS, Item=row)
    session_store.revoke_sessions(person.id, [evicted], "evicted", clock.now)
    publish(changes())
    ends = sorted((end["session"], end["reason"], end["ended_at"]) for end in bus.ends())
    assert ends == [(late, "account_deleted", clock.now), (evicted, "evicted", evicted)]
    assert sessions_of(person) == [0, evicted], "the tombstone, and the one that had ended"


def test_a_session_stored_after_that_goes_with_the_users_tombstone(clock, bus, changes):
    """The tombstone's own life and end are no session's."""
    person = new_person()
    log_in(person)
    invoke("delete_user", {"id": person.id})
    publish(changes())
    _, row = session_row(person, clock.now + 1, clock.now + 315_576_000)
    tables().put_item(TableName=SESSIONS, Item=row)
    publish(changes())
    assert sessions_of(person) == [0, clock.now + 1]
    clock.now += 86_400
    (tombstone,) = [row for row in stored_rows(person)["sessions"] if row["iat"]["N"] == "0"]
    assert int(tombstone["exp"]["N"]) == clock.now
    delete_by_ttl(person, 0)
    publish(changes())
    publish(changes())
    assert stored_rows(person)["sessions"] == []
    ends = [(end["session"], end["reason"]) for end in bus.ends()]
    assert ends == [(clock.now - 86_400 + late, "account_deleted") for late in (0, 1)]
    assert len(bus.events()) == 4


def delete_by_ttl(person, iat):
    key = {"user": {"S": person.id}, "iat": {"N": str(iat)}}
    tables().delete_item(TableName=SESSIONS, Key=key)


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


def test_a_login_that_replaces_a_session_publishes_both(clock, bus, changes):
    person = new_person()
    token = begin_session(person, method="support", by="Anna")
    body, headers = {"user": person.username, "pass": PASSWORD}, {"X-Replace-Session": "true"}
    assert call("create_session", token, body=body, headers=headers).status == 201
    publish(changes())
    begun, *others = bus.events()
    told = [(kind, it["session"], it.get("reason")) for kind, it in others]
    ended = ("SessionEnded", clock.now, "replaced")
    assert sorted(told) == [("SessionCreated", clock.now + 1, None), ended]
    # Who else began it is told of its beginning and of its end.
    for kind, it in (begun, *others):
        is_old = it["session"] == clock.now
        how = ("support", "Anna") if is_old else ("password", None)
        assert (it["method"], it.get("by")) == how, kind


def test_the_end_of_every_session_of_all_users_is_one_event(clock, bus, changes):
    person = new_person()
    for each in (person, new_person(), new_person()):
        log_in(each)
    publish(changes())
    for _ in range(2):  # the first creates the rows of the epoch, the second changes them
        bus.entries.clear()
        epoch = invoke("revoke_everyone", {"everyone": True})["session_epoch"]
        publish(changes())
        everyone = {"user": "*", "session_epoch": epoch, "reason": "everyone"}
        assert bus.events() == [("SessionEnded", {**everyone, "ended_at": clock.now})]
        log_in(person)
        publish(changes())
        assert bus.events()[1][1]["session_epoch"] == epoch, "it has not ended"


def test_a_login_over_the_limit_publishes_an_eviction(clock, bus, changes, monkeypatch):
    monkeypatch.setattr(session_issue, "MAX_SESSIONS_PER_USER", 3)
    person = new_person()
    for _ in range(4):
        log_in(person)
    publish(changes())
    (end,) = bus.ends()
    assert (end["reason"], end["session"]) == ("evicted", clock.now)


@pytest.mark.parametrize("late_seconds", [0, 1000])
@pytest.mark.parametrize("by", [BY_TTL, {}])
def test_a_row_deleted_after_its_time_is_published_as_expired(clock, bus, by, late_seconds):
    exp = clock.now - late_seconds
    publish([removal(new_person(), exp, clock.now, by)])
    (end,) = bus.ends()
    assert (end["session"], end["reason"]) == (5, "expired")
    assert end["ended_at"] == end["expires_at"] == exp
    assert "secret" not in json.dumps(bus.entries)


@pytest.mark.parametrize("by", [BY_TTL, {}])
def test_the_row_of_a_session_that_was_not_used_is_published_as_idle(clock, bus, by):
    record = removal(new_person(), clock.now, clock.now + 9, by)
    record["dynamodb"]["OldImage"] |= {"until": {"N": str(clock.now + 1000)}}
    publish([record])
    (end,) = bus.ends()
    assert (end["reason"], end["ended_at"]) == ("idle", clock.now)
    assert end["expires_at"] == clock.now + 1000


def test_that_a_session_was_used_reaches_no_function(clock, changes):
    person = new_person()
    token, session = log_in(person), clock.now
    changes()
    clock.now += 3600
    assert call("get_current_session", token).body["usedAt"] == clock.now
    assert changes() == []
    call("delete_session", token, session=session)
    (record,) = changes()
    assert record["dynamodb"]["OldImage"]["used_at"] == {"N": str(clock.now)}


def test_a_row_deleted_before_its_time_was_published_before(clock, bus):
    publish([removal(new_person(), clock.now + 1, clock.now, {})])
    assert bus.entries == []


def test_the_row_of_a_session_that_had_ended_publishes_nothing_more(clock, bus):
    record = removal(new_person(), clock.now, clock.now, BY_TTL)
    record["dynamodb"]["OldImage"]["revoked_reason"] = {"S": "deleted"}
    publish([record])
    assert bus.entries == []


def test_a_ban_publishes_its_end_and_a_lifted_one_that_they_are_revoked(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id, "until": clock.now + 50})
    publish(changes())
    (end,) = bus.ends()
    assert (end["reason"], end["banned_until"]) == ("banned", clock.now + 50)
    assert len(sessions_of(person)) == 1, "it counts again once the ban is lifted"
    bus.entries.clear()
    invoke("unban_user", {"id": person.id})
    publish(changes())
    assert bus.entries == []
    invoke("ban_user", {"id": person.id})
    invoke("unban_user", {"id": person.id, "revoke_sessions": True})
    publish(changes())
    assert [end["reason"] for end in bus.ends()] == ["banned", "all"]
    assert sessions_of(person) == []


def test_a_ban_ends_no_session_that_began_after_it(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id})
    invoke("unban_user", {"id": person.id})
    log_in(person)
    publish(changes())
    assert [end["session"] for end in bus.ends()] == [clock.now]


# What revokes every session on the user's row: the reason that is published.
REVOCATIONS = {
    "revoke all": (operation("revoke_user_sessions", all=True), "all"),
    "set password": (operation("set_password", password=PASSWORD), "password_changed"),
    "unban": (operation("unban_user", revoke_sessions=True), "all"),
}
revocations = pytest.mark.parametrize("name", REVOCATIONS)


def delete_all(person, token, iats):
    call("delete_all_sessions", token, query=None)


@pytest.mark.parametrize("name", [*REVOCATIONS, "delete all"])
def test_a_session_that_was_kept_ends_with_a_later_revocation(clock, bus, changes, name):
    act, reason = (REVOCATIONS | {"delete all": (delete_all, "all")})[name]
    person = new_person()
    _, kept = log_in(person), log_in(person)
    delete_others(person, kept, None)
    publish(changes())
    bus.entries.clear()
    act(person, kept, None)
    publish(changes())
    assert [(end["session"], end["reason"]) for end in bus.ends()] == [(clock.now + 1, reason)]
    assert sessions_of(person) == []


@revocations
@pytest.mark.parametrize("is_late", [False, True])
def test_a_session_revoked_while_its_user_is_banned_is_told(clock, bus, changes, name, is_late):
    act, reason = REVOCATIONS[name]
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id, "until": clock.now + 50})
    records = [] if is_late else publish(changes())
    act(person, None, None)
    records = changes()
    publish(records)
    publish(records)
    assert [end["reason"] for end in bus.ends()] == ["banned", reason]
    assert ["banned_until" in end for end in bus.ends()] == [True, False]
    assert sessions_of(person) == []


@pytest.mark.parametrize("name", [*REVOCATIONS, "ban", "delete the account"])
@pytest.mark.parametrize("is_kept", [False, True])
def test_what_ended_with_everyones_is_not_told_again(clock, bus, changes, name, is_kept):
    """Also a session that another change of its user had kept."""
    person = new_person()
    _, token = log_in(person), log_in(person)
    if is_kept:
        delete_others(person, token, None)
    invoke("revoke_everyone", {"everyone": True})
    log_in(person)
    publish(changes())
    bus.entries.clear()
    act, reason, *_ = (REVOCATIONS | ENDS)[name]
    act(person, None, None)
    publish(changes())
    assert [(end["session"], end["reason"]) for end in bus.ends()] == [(clock.now + 2, reason)]


def test_the_deletion_of_a_user_leaves_what_had_ended_its_reason(clock, bus, changes):
    """Though the streams come after it; and the rows go."""
    person = new_person()
    for name in REVOCATIONS:
        log_in(person)
        REVOCATIONS[name][0](person, None, None)
        clock.now += 1
    log_in(person)
    invoke("delete_user", {"id": person.id})
    publish(changes())
    publish(changes())
    reasons = {end["session"]: end["reason"] for end in bus.ends()}
    assert [reasons[each] for each in sorted(reasons)] == [
        "all",
        "password_changed",
        "all",
        "account_deleted",
    ]
    assert len(bus.ends()) == 4
    assert sessions_of(person) == [0], "the tombstone"


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


def test_entries_of_several_records_are_put_together(clock, bus, changes):
    person = new_person()
    add_sessions(person, range(1, 24))
    assert publish(changes()) == {"batchItemFailures": []}
    assert (len(bus.entries), bus.calls) == (23, 3)


def test_no_more_puts_are_under_way_than_connections_are_kept(bus, monkeypatch):
    at_once = []

    def run(*puts):
        at_once.append(len(puts))
        run_concurrently(*puts)

    monkeypatch.setattr(event_bus, "run_concurrently", run)
    event_bus.publish([{"type": "SessionCreated", "user": "u", "session": n} for n in range(250)])
    assert (at_once, len(bus.entries)) == ([10, 10, 5], 250)


def test_only_the_entries_that_the_bus_refused_are_put_again(clock, bus, changes):
    person = new_person()
    for _ in range(13):
        log_in(person)
    publish(changes())
    bus.entries.clear()
    seen = set()

    def refuses_once(event):
        is_new = event["session"] not in seen
        seen.add(event["session"])
        return is_new and event["session"] % 2 == 0

    bus.refuses = refuses_once
    invoke("revoke_user_sessions", {"id": person.id, "all": True})
    publish(changes())
    ended = [end["session"] for end in bus.ends()]
    assert len(ended) == len(set(ended)) == 13


@pytest.mark.parametrize("place", [0, 7, 10, 22])
def test_exactly_the_first_record_that_the_bus_refused_is_reported(clock, bus, changes, place):
    """Those before it are not published again."""
    person = new_person()
    add_sessions(person, range(1, 24))
    records = changes()
    first, *_ = refused = sessions_of(person)[place::5]
    bus.refuses = lambda event: event["session"] in refused
    (failure,) = publish(records)["batchItemFailures"]
    assert failure == {"itemIdentifier": number_of(records[place])}
    bus.refuses = lambda _: False
    publish(not_done(records, {"batchItemFailures": [failure]}))
    told = Counter(detail["session"] for _, detail in bus.events())
    assert told.keys() == set(sessions_of(person))
    assert all(times == 1 for session, times in told.items() if session <= first)


def test_the_rows_of_what_the_bus_took_are_purged_and_no_others(clock, bus, changes):
    people = [new_person() for _ in range(4)]
    for person in people:
        log_in(person)
    publish(changes())
    for person in people:
        invoke("revoke_user_sessions", {"id": person.id, "all": True})
    records = changes()
    bus.refuses = lambda event: event["user"] in {people[1].id, people[3].id}
    (failure,) = publish(records)["batchItemFailures"]
    assert failure == {"itemIdentifier": number_of(records[1])}
    assert [len(sessions_of(person)) for person in people] == [0, 1, 1, 1]


@pytest.fixture
def lives(clock, bus, changes):
    """The records of sessions that began, some of which ended; with the events of each."""
    people = [new_person() for _ in range(12)]
    for number, person in enumerate(people * 2):
        token = log_in(person)
        if number % 3:
            call("delete_session", token, session=call("get_current_session", token).body["iat"])
    records = changes()
    publish(records)
    events = {}
    for kind, detail in bus.events():
        events.setdefault((detail["user"], detail["session"]), []).append(kind)
    return records, events


def chance(name):
    """Return a number from 0 to 1 that only the name decides, whatever the order of threads."""
    return zlib.crc32(name.encode()) / 2**32


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(seed=st.integers(0, 10**9), share=st.floats(0, 0.9))
def test_whatever_the_bus_refuses_each_session_is_told_in_order(lives, bus, seed, share):
    """Each event at least once, and a session's end never before its beginning."""
    records, events = lives
    bus.entries.clear()
    tries = Counter()

    def refuses(event):
        name = json.dumps(event)
        tries[name] += 1
        return tries[name] < 50 and chance(f"{seed} {tries[name]} {name}") < share

    bus.refuses = refuses
    while records:
        records = not_done(records, publish(records))
    told = {}
    for kind, detail in bus.events():
        told.setdefault((detail["user"], detail["session"]), []).append(kind)
    assert {session: list(dict.fromkeys(kinds)) for session, kinds in told.items()} == events


def test_thousands_of_sessions_are_ended_in_steps(clock, bus, changes, logged):
    """Each is told once, and what an invocation leaves to the next is no failure."""
    person, other = new_person(), new_person()
    kept, _ = log_in(person), log_in(other)
    add_sessions(person, range(1, 251))
    publish(changes())
    bus.entries.clear()
    call("delete_all_sessions", kept, query={"allButSelf": ["true"]})
    invoke("revoke_user_sessions", {"id": other.id, "all": True})
    records, known = changes(), len(logged())
    steps = list(publish_in_steps(records, bus))
    assert [len(step) for step in steps] == [99, 99, 53]  # the kept one is read each time
    ended = Counter(end["session"] for end in bus.ends() if end["user"] == person.id)
    assert ended == Counter(range(1, 251))
    assert sessions_of(person) == [clock.now]
    assert call("get_current_session", kept).status == 200
    lines = [line for line in logged()[known:] if line["operation"] == "publish_events"]
    assert [(line["level"], line["message"]) for line in lines] == [("INFO", "EventsPublished")] * 3
    assert [line["records_left"] for line in lines] == [2, 2, 0]


def test_a_ban_is_told_to_thousands_of_sessions_by_one_invocation(clock, bus, changes, logged):
    """It purges nothing, so a next one would begin with the first session again.

    Its line names only as many of the events as a line can hold.
    """
    banned, other = new_person(), new_person()
    log_in(banned)
    log_in(other)
    add_sessions(banned, range(1, 251))
    publish(changes())
    bus.entries.clear()
    for person in (banned, other):
        invoke("ban_user", {"id": person.id})
    records, known = changes(), len(logged())
    steps = list(publish_in_steps(records, bus))
    assert [len(step) for step in steps] == [251, 1]
    assert len({(end["user"], end["session"]) for end in bus.ends()}) == 252
    lines = logged()[known:]
    assert [(line["events"], len(line["published"])) for line in lines] == [(251, 100), (1, 1)]


def test_an_invocation_without_time_leaves_records_to_the_next(clock, bus, changes):
    add_sessions(new_person(), range(1, 121))
    assert [len(step) for step in publish_in_steps(changes(), bus)] == [100, 20]


def test_half_of_the_functions_time_is_for_the_last_step():
    timeout = TEMPLATE.resources["PublishEventsFunction"]["Properties"]["Timeout"]
    assert timeout * 1000 == 2 * RESERVE_MILLISECONDS


def test_two_changes_of_a_user_may_purge_the_same_rows(clock, bus, changes):
    person = new_person()
    log_in(person)
    for _ in range(2):
        invoke("revoke_user_sessions", {"id": person.id, "all": True})
        log_in(person)
    assert publish(changes()) == {"batchItemFailures": []}
    assert Counter(end["session"] for end in bus.ends()) == Counter([clock.now, clock.now + 1])
    assert len(sessions_of(person)) == 1


def test_records_before_one_whose_rows_cannot_be_read_are_published(
    clock, bus, changes, dynamodb, logged
):
    """The log names the one that is not."""
    person, other = new_person(), new_person()
    log_in(person)
    log_in(other)
    for each in (person, other):
        invoke("revoke_user_sessions", {"id": each.id, "all": True})
    *users, began, _ = changes()
    inject(dynamodb, "Query", FAULTS["no rights"])
    known = len(logged())
    (failure,) = publish([began, *users])["batchItemFailures"]
    assert failure == {"itemIdentifier": number_of(users[0])}
    (line,) = [line for line in logged()[known:] if line["level"] == "ERROR"]
    assert (line["message"], line["record"]) == ("RecordPostponed", users[0]["eventID"])
    assert [kind for kind, _ in bus.events()] == ["SessionCreated"]
    assert len(sessions_of(person)) == 1


def test_a_row_that_is_no_session_holds_up_nobody_else(clock, bus, changes, logged):
    before, broken, behind = people = [new_person() for _ in range(3)]
    for person in people:
        log_in(person)
    publish(changes())
    bus.entries.clear()
    for person in people:
        invoke("revoke_user_sessions", {"id": person.id, "all": True})
    records, known = changes(), len(logged())
    tables().put_item(TableName=SESSIONS, Item={"user": {"S": broken.id}, "iat": {"N": "5"}})
    assert publish(records) == {"batchItemFailures": []}
    assert [end["user"] for end in bus.ends()] == [before.id, behind.id]
    (line,) = [line for line in logged()[known:] if line["level"] == "ERROR"]
    assert (line["message"], line["record"]) == ("RecordUnreadable", records[1]["eventID"])
    assert "TypeError" in line["exception"]


KEYS = {"Keys": {"iat": {"N": "5"}}}
UNREADABLE = [
    {},
    None,
    {"dynamodb": {}},
    {"dynamodb": {**KEYS, "ApproximateCreationDateTime": "never"}},
    {"dynamodb": {**KEYS, "ApproximateCreationDateTime": 5, "NewImage": {"user": {"S": "u"}}}},
    {
        "dynamodb": {
            "ApproximateCreationDateTime": 5,
            "Keys": {"id": {"S": "u"}},
            "OldImage": {"login_addresses": {"M": []}},
            "NewImage": {},
        }
    },
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


@pytest.mark.parametrize("place", ["reading", "publishing"])
def test_a_mistake_of_ours_passes_over_no_record(clock, bus, changes, monkeypatch, place):
    """The invocation fails, and Lambda comes again with all of its records."""
    log_in(new_person())
    records = changes()
    if place == "reading":
        monkeypatch.setattr(streams, "read_change", lambda _: 1 / 0)
    bus.before = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        publish(records)


def test_published_again_a_record_says_the_same(clock, bus, changes):
    person = new_person()
    log_in(person)
    invoke("ban_user", {"id": person.id})
    records = changes()
    publish(records)
    once = bus.events()
    publish(records)
    assert bus.events() == once * 2


@pytest.mark.parametrize("is_banned", [False, True])
@pytest.mark.parametrize("attribute", ["last_iat", "username"])
def test_other_changes_of_a_user_publish_nothing(clock, bus, changes, attribute, is_banned):
    person = new_person()
    token = log_in(person)
    if is_banned:
        invoke("ban_user", {"id": person.id})
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
    assert call("get_current_session", token).status == (403 if is_banned else 200)
