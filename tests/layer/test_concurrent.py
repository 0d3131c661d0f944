"""Calls that are made concurrently."""

import threading
import time

import pytest

from sessions.concurrent import run_concurrently

SECONDS = 10  # a test waits no longer


def test_concurrent_calls_overlap():
    """Calls are under way together, and their results are in the order of the calls."""
    together = threading.Barrier(3, timeout=SECONDS)

    def call(result):
        together.wait()
        return result

    results = run_concurrently(lambda: call("a"), lambda: call(2), lambda: call(None))
    assert results == ("a", 2, None)


def test_the_last_call_is_made_on_the_callers_own_thread():
    idents = run_concurrently(threading.get_ident, threading.get_ident)
    assert idents[1] == threading.get_ident() != idents[0]


def test_no_call_has_no_result():
    assert run_concurrently() == ()


class DistinctError(BaseException):
    """An exception that no handler catches."""


@pytest.mark.parametrize("raised", [ValueError, DistinctError])
@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {0, 2}, {1, 2}])
def test_of_several_exceptions_that_of_the_first_call_is_raised(failing, raised):
    # Each call waits for the one behind it, so that they end in the other order.
    ended = [threading.Event() for _ in range(4)]
    ended[3].set()

    def call(place):
        assert ended[place + 1].wait(SECONDS)
        ended[place].set()
        if place in failing:
            raise raised(place)

    with pytest.raises(raised) as caught:
        run_concurrently(*(lambda place=place: call(place) for place in range(3)))
    assert caught.value.args == (min(failing),)


@pytest.mark.parametrize("failing", [0, 1])
def test_no_call_is_left_running_after_an_exception(failing):
    has_failed, done = threading.Event(), []

    def fail():
        has_failed.set()
        raise DistinctError

    def go_on():
        assert has_failed.wait(SECONDS)
        time.sleep(0.05)  # a call that is not waited for would end too late
        done.append(True)

    before = threading.enumerate()
    calls = [go_on, go_on, go_on]
    calls[failing] = fail
    with pytest.raises(DistinctError):
        run_concurrently(*calls)
    assert done == [True, True]
    assert set(threading.enumerate()) <= set(before)
