"""What the store promises about attempts to log in."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions import dynamodb, login_throttle
from tests.support.users import LATER

MANY = 30


def new_row() -> str:
    return f"name#{secrets.token_hex(16)}#1"


def add(row: str, attempt: str, **limits: int) -> str | None:
    return login_throttle.add_attempt(row, limits, attempt, LATER)


def test_a_counter_takes_attempts_up_to_its_limit():
    """A counter takes as many attempts as its limit, and then names itself."""
    row = new_row()
    assert [add(row, str(n), one=3) for n in range(5)] == [None, None, None, "one", "one"]


def test_a_full_counter_refuses_the_attempt():
    """A full counter refuses an attempt for all counters; the first full one is named."""
    row = new_row()
    assert add(row, "a", one=2, all=2) is None
    assert add(row, "b", other=2, all=2) is None
    assert add(row, "c", one=2, all=2) == "all"
    assert add(row, "c", one=2) is None
    assert add(row, "d", one=2, all=2) == "one"


def test_an_attempt_counts_once_however_often_it_is_added():
    row = new_row()
    assert [add(row, "same", one=2) for _ in range(4)] == [None] * 4
    assert add(row, "another", one=2) is None
    assert add(row, "same", one=2) is None
    assert add(row, "third", one=2) == "one"


def test_a_removed_attempt_makes_room_for_one():
    row = new_row()
    for attempt in ("a", "b"):
        add(row, attempt, one=2, all=9)
    for _ in range(3):
        login_throttle.remove_attempt(row, ("one", "all"), "a")
    assert [add(row, attempt, one=2, all=9) for attempt in ("c", "d")] == [None, "one"]


def test_the_removal_of_an_attempt_creates_no_row():
    row = new_row()
    login_throttle.remove_attempt(row, ("one",), "a")
    assert dynamodb.get_item(dynamodb.ATTEMPTS, {"key": {"S": row}}) is None


def test_rows_do_not_count_for_each_other():
    assert [add(new_row(), "a", one=1) for _ in range(3)] == [None] * 3


@pytest.mark.usefixtures("conditional_writes")
def test_concurrent_attempts_do_not_pass_the_limit():
    """Of many concurrent attempts, as many as the limit are taken."""
    row = new_row()
    with ThreadPoolExecutor(MANY) as threads:
        answers = list(threads.map(lambda n: add(row, str(n), one=5, all=99), range(MANY)))
    assert answers.count(None) == 5
    assert set(answers) == {None, "one"}
