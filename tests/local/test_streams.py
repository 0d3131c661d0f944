"""Lambda's pollers: what passes a filter, what is tried again, and how they end."""

import json
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from local.functions import Function
from local.intrinsics import TemplateError
from local.streams import following, is_wanted, not_done, place_of
from tests.support.contract import TEMPLATE

FILTERS = {
    table: [
        json.loads(each["Pattern"])
        for mapping in TEMPLATE.resources_of("AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == f"{table}.StreamArn"
        for each in mapping["FilterCriteria"]["Filters"]
    ]
    for table in ("SessionsTable", "UsersTable")
}


def record(name="MODIFY", number="1", keys=None, old=None, new=None):
    images = {"OldImage": old, "NewImage": new}
    change = {"Keys": keys or {"id": {"S": "u"}}, "SequenceNumber": number}
    shown = {key: value for key, value in images.items() if value is not None}
    return {"eventName": name, "dynamodb": {**change, **shown}}


EVERYONE = {"id": {"S": "session_epoch#0"}}


@pytest.mark.parametrize(
    ("table", "change", "wanted"),
    [
        ("SessionsTable", record("INSERT"), True),
        ("SessionsTable", record(new={"revoked_reason": {"S": "bulk"}}), True),
        ("SessionsTable", record(new={"used_at": {"N": "5"}}), False),
        ("SessionsTable", record("REMOVE", old={"name": {"S": ""}}), True),
        ("SessionsTable", record("REMOVE", old={"revoked_reason": {"S": "bulk"}}), False),
        ("UsersTable", record(new={"revoked_reason": {"S": "all"}}), True),
        ("UsersTable", record(new={"banned_at": {"N": "5"}}), True),
        ("UsersTable", record(new={"last_iat": {"N": "5"}}), False),
        ("UsersTable", record("INSERT", new={"banned_at": {"N": "5"}}), False),
        ("UsersTable", record("INSERT", keys=EVERYONE), True),
        ("UsersTable", record("MODIFY", keys=EVERYONE), True),
        ("UsersTable", record("MODIFY", keys={"id": {"S": "session_epoch#1"}}), False),
    ],
)
def test_the_templates_filters_let_pass_what_is_to_be_published(table, change, wanted):
    assert is_wanted(change, FILTERS[table]) is wanted


def test_without_a_filter_every_record_passes():
    assert is_wanted(record(), [])


def test_a_filter_of_another_kind_is_an_error():
    with pytest.raises(TemplateError):
        is_wanted(record(), [{"eventName": [{"prefix": "M"}]}])


@pytest.mark.parametrize(("failed", "left"), [([], []), (["2"], ["2", "3"]), (["3", "1"], "123")])
def test_what_failed_is_tried_again_with_all_that_is_behind_it(failed, left):
    records = [record(number=number) for number in "123"]
    answer = {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    again = [each["dynamodb"]["SequenceNumber"] for each in not_done(records, answer)]
    assert again == list(left)


@contextmanager
def a_poller(tmp_path, pages, handler, log=print, **mapping):
    """A poller of a stream that has these pages of records."""
    left = list(pages)
    client = SimpleNamespace(
        describe_table=lambda **_: {"Table": {"LatestStreamArn": "arn"}},
        describe_stream=lambda **_: {"StreamDescription": {"Shards": [{"ShardId": "s"}]}},
        get_shard_iterator=lambda **_: {"ShardIterator": "i"},
        exceptions=SimpleNamespace(ExpiredIteratorException=KeyError),
        get_records=lambda **_: {
            "NextShardIterator": "i",
            "Records": left.pop(0) if left else [],
        },
    )
    mapping |= {"EventSourceArn": "T.StreamArn", "FunctionName": "F"}
    template = SimpleNamespace(resources_of=lambda _: {"M": mapping})
    function = Function("F", "arn:function:F", tmp_path, "app.handler", 3, 128, {}, ())
    with following(template, {"F": function}, {"F": handler}, lambda _: client, log):
        yield


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}])
def test_an_answer_that_reports_nothing_is_a_success(answer):
    assert not_done([record()], answer) == []


@pytest.mark.parametrize("failure", [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"id": "2"}])
def test_a_report_without_a_sequence_number_fails_the_whole_batch(failure):
    records = [record(number=number) for number in "123"]
    assert not_done(records, {"batchItemFailures": [{"itemIdentifier": "2"}, failure]}) == records


def test_a_parallelization_factor_keeps_the_order_of_each_item(tmp_path):
    """A batch that fails holds up only the items of its own queue."""
    items = [{"id": {"S": str(number)}} for number in range(8)]
    pages = [
        [record(number=f"{turn}{place}", keys=keys) for place, keys in enumerate(items)]
        for turn in "12"
    ]
    stuck = place_of(record(keys=items[0]), 4)
    others = {
        str(place) for place, keys in enumerate(items) if place_of(record(keys=keys), 4) != stuck
    }
    done, batches = threading.Event(), []

    def handler(event, _context):
        keys = event["Records"][0]["dynamodb"]["Keys"]
        if place_of({"dynamodb": {"Keys": keys}}, 4) == stuck:
            raise RuntimeError("never")
        batches.append([each["dynamodb"]["SequenceNumber"] for each in event["Records"]])
        if sum(map(len, batches)) == 2 * len(others):
            done.set()

    with a_poller(tmp_path, pages, handler, ParallelizationFactor=4):
        assert done.wait(20)
    for place in others:
        assert [number for batch in batches for number in batch if number[1] == place] == [
            f"1{place}",
            f"2{place}",
        ]
    assert len(batches) > 2


def test_a_poller_retries_what_failed(tmp_path):
    """It logs why, and ends with the block."""
    told, log = [], []
    done = threading.Event()
    pages = [[record("INSERT", number="1"), record("INSERT", number="2")]]

    def handler(event, _context):
        told.append([each["dynamodb"]["SequenceNumber"] for each in event["Records"]])
        if len(told) == 1:
            raise RuntimeError("not now")
        if len(told) == 2:
            return {"batchItemFailures": [{"itemIdentifier": "2"}]}
        done.set()
        return {"batchItemFailures": []}

    before = threading.active_count()
    with a_poller(tmp_path, pages, handler, log.append):
        assert done.wait(20)
    assert told == [["1", "2"], ["1", "2"], ["2"]]
    assert log == ["FunctionError: not now; it is tried again\n"]
    assert threading.active_count() == before
