"""What calls consume, by the rules of the DynamoDB Developer Guide and its own examples."""

import pytest

from benchmarks import units
from benchmarks.service import Call, round_trips

KB = 1024


@pytest.mark.parametrize(
    ("size", "consumed"), [(0, 1), (1, 1), (4 * KB, 1), (4 * KB + 1, 2), (10 * KB, 3)]
)
def test_a_consistent_read_is_rounded_up_to_4_kb(size: int, consumed: int) -> None:
    assert units.read_units([size]) == consumed
    assert units.read_units([size], is_consistent=False) == consumed / 2


def test_items_of_a_batch_are_rounded_up_one_by_one_and_those_of_a_query_together() -> None:
    # The guide's examples: 1.5 KB and 6.5 KB in a batch are 12 KB; 1,500 items of 64 bytes are 96.
    assert units.read_units([3 * KB // 2, 13 * KB // 2]) == 3
    assert units.query_units([64] * 1500) == 24
    assert units.query_units([]) == 1


def test_a_write_is_rounded_up_to_1_kb_of_the_larger_item_and_twice_that_in_a_transaction() -> None:
    assert units.write_units(0, 500) == 1
    assert units.write_units(2 * KB + 1, 10) == 3
    assert units.write_units(0, 3 * KB, is_transaction=True) == 6


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    assert units.item_bytes({"id": {"S": "é"}}) == 2 + 2
    assert units.item_bytes({"n": {"N": "1800000000"}}) == 1 + 2  # zeros at the end are no digits
    assert units.item_bytes({"n": {"N": "-12345"}}) == 1 + 5
    assert units.item_bytes({"b": {"B": bytes(32)}, "t": {"BOOL": True}}) == 33 + 2
    assert units.item_bytes({"m": {"M": {"at": {"N": "1"}}}}) == 1 + 3 + 1 + 2 + 2
    assert units.item_bytes({"s": {"SS": ["ab", "cde"]}}) == 1 + 5


def test_what_a_batch_does_not_find_is_paid_for_and_what_it_leaves_undone_is_not() -> None:
    keys = [{"id": {"S": number}} for number in "1234"]
    asked = {"RequestItems": {"Users": {"Keys": keys, "ConsistentRead": True}}}
    answer = {
        "Responses": {"Users": [{"id": {"S": "1"}, "name": {"S": "x" * 5000}}]},
        "UnprocessedKeys": {"Users": {"Keys": keys[3:]}},
    }
    assert units.consumed("BatchGetItem", asked, answer) == 2 + 2


def test_a_refused_write_is_paid_for_by_the_item_that_is_there() -> None:
    refused = {"Error": {"Code": "ConditionalCheckFailedException"}}
    assert units.consumed("UpdateItem", {}, refused) == 1
    there = refused | {"Item": {"id": {"S": "x" * 1500}}}
    assert units.consumed("UpdateItem", {}, there) == 2


def test_calls_under_way_at_once_are_one_round_trip() -> None:
    def trips(*times: tuple[float, float]) -> int:
        return round_trips(Call("dynamodb", "Query", *time, 0, 0, 0, 0) for time in times)

    assert trips() == 0
    assert trips((0, 1), (1, 2), (2, 3)) == 3
    assert trips((0, 1), (0.5, 2), (0.9, 3)) == 1
    assert trips((0, 9), (0, 1), (2, 3)) == 2
