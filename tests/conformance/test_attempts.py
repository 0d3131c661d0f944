"""What the store promises about attempts to log in."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions import dynamodb, login_throttle
from tests.support.users import LATER

MANY = 30


def new_key() -> str:
    return f"name#{secrets.token_hex(16)}#1"


def count(key: str, attempt: str, **limits: int) -> str | None:
    return login_throttle.add_attempt(key, limits, attempt, LATER)


def test_a_counter_takes_as_many_attempts_as_its_limit_and_names_itself_then():
    key = new_key()
    assert [count(key, str(n), some=3) for n in range(5)] == [None, None, None, "some", "some"]


def test_the_first_counter_that_is_full_refuses_for_all_and_none_counts():
    key = new_key()
    assert count(key, "a", one=2, all=2) is None
    assert count(key, "b", other=2, all=2) is None
    assert count(key, "c", one=2, all=2) == "all"
    assert count(key, "c", one=2) is None
    assert count(key, "d", one=2, all=2) == "one"


def test_an_attempt_counts_once_however_often_it_is_counted():
    key = new_key()
    assert [count(key, "same", some=2) for _ in range(4)] == [None] * 4
    assert count(key, "another", some=2) is None
    assert count(key, "same", some=2) is None
    assert count(key, "third", some=2) == "some"


def test_what_is_taken_back_makes_room_and_no_more_than_it_took():
    key = new_key()
    for attempt in ("a", "b"):
        count(key, attempt, some=2, all=9)
    for _ in range(3):
        login_throttle.remove_attempt(key, ("some", "all"), "a")
    assert [count(key, each, some=2, all=9) for each in ("c", "d")] == [None, "some"]


def test_what_was_never_counted_can_be_taken_back_and_leaves_no_row():
    key = new_key()
    login_throttle.remove_attempt(key, ("some",), "a")
    row = dynamodb.client.get_item(TableName=dynamodb.ATTEMPTS, Key={"key": {"S": key}})
    assert "Item" not in row


def test_rows_do_not_count_for_each_other():
    assert [count(new_key(), "a", some=1) for _ in range(3)] == [None] * 3


@pytest.mark.usefixtures("conditional_writes")
def test_of_many_attempts_at_once_just_as_many_as_the_limit_are_taken():
    key = new_key()
    with ThreadPoolExecutor(MANY) as threads:
        answers = list(threads.map(lambda n: count(key, str(n), some=5, all=99), range(MANY)))
    assert answers.count(None) == 5
    assert set(answers) == {None, "some"}
