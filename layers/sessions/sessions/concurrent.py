"""Several calls at once. Only functions with round trips that can overlap import this.

botocore's clients may be used by several threads (Boto3 documentation, "Clients", "Multithreading
or multiprocessing with clients"); why threads, and what they cost, is in docs/decisions/0010.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar, overload

_One = TypeVar("_One")
_Two = TypeVar("_Two")
_Three = TypeVar("_Three")


@overload
def run_concurrently(one: Callable[[], _One], two: Callable[[], _Two], /) -> tuple[_One, _Two]: ...
@overload
def run_concurrently(
    one: Callable[[], _One], two: Callable[[], _Two], three: Callable[[], _Three], /
) -> tuple[_One, _Two, _Three]: ...
@overload
def run_concurrently(*calls: Callable[[], _One]) -> tuple[_One, ...]: ...
def run_concurrently(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """Make the calls at once, wait until each has ended, and return their results, in order.

    No call is left running, whatever fails: Lambda freezes the process once it has the answer, and
    such a call would end in the middle of another request, or never.

    The call that decides about the request should be the first: it is begun first, on the
    connection that is open already.

    Raises:
        BaseException: the exception of a call; of several, that of the first in order.
    """
    results: list[Any] = [None] * len(calls)
    failures: dict[int, BaseException] = {}

    def make(place: int) -> None:
        try:
            results[place] = calls[place]()
        except BaseException as error:  # noqa: BLE001 - it is raised below, on the caller's thread
            failures[place] = error

    threads = [Thread(target=make, args=(place,)) for place in range(len(calls) - 1)]
    for thread in threads:
        thread.start()
    if calls:
        make(len(calls) - 1)  # on the caller's own thread, which would only wait
    for thread in threads:
        thread.join()
    if failures:
        raise failures[min(failures)]
    return tuple(results)
