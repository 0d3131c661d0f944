"""Growth of calls or bytes is reported, where there must be none."""

from benchmarks.growth import BYTES, Growth, grown
from benchmarks.service import Call, Observed


def growth(operation: str, size: int, calls: int, size_bytes: int = 100) -> Growth:
    call = Call("dynamodb", "Query", 0, 1, 0, 0, size_bytes, 0)
    return Growth(operation, size, [Observed({}, (call,) * calls, 0, 0, 0)])


def test_a_call_more_or_many_bytes_more_is_growth() -> None:
    assert grown([growth("get_session", 1, 1), growth("get_session", 10, 2)])
    larger = growth("get_session", 10, 1, 101 + BYTES)
    assert grown([growth("get_session", 1, 1), larger])
    assert not grown([growth("get_session", 1, 1), growth("get_session", 10, 1, 100 + BYTES)])


def test_a_list_may_grow_with_the_sessions_of_its_user_and_not_with_users() -> None:
    lists = [growth("list_sessions", 1, 1), growth("list_sessions", 10_000, 3)]
    assert not grown(lists)
    assert grown(lists, frozenset())


def test_a_login_may_grow_up_to_the_cap_and_not_beyond() -> None:
    sizes = [growth("create_session", 1, 8), growth("create_session", 1_000, 9)]
    assert not grown([*sizes, growth("create_session", 10_000, 9)])
    assert grown([*sizes, growth("create_session", 10_000, 10)])
