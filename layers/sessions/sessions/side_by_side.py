"""Several calls at once. Only functions that have round trips to make side by side import this.

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
def side_by_side(one: Callable[[], _One], two: Callable[[], _Two], /) -> tuple[_One, _Two]: ...
@overload
def side_by_side(
    one: Callable[[], _One], two: Callable[[], _Two], three: Callable[[], _Three], /
) -> tuple[_One, _Two, _Three]: ...
@overload
def side_by_side(*calls: Callable[[], object]) -> tuple[object, ...]: ...
def side_by_side(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """Make the calls at once, wait until each has ended, and return their results, in order.

    Nothing is left running, whatever fails: Lambda freezes the process once it has the answer, and
    what ran on would end in the middle of another request, or never.

    What decides about the request stands first: it is begun first, on the connection that is open.

    Raises:
        BaseException: what a call raised; of several, the one that stands first.
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
        make(len(calls) - 1)  # on the caller's own thread, which would but wait
    for thread in threads:
        thread.join()
    if failures:
        raise failures[min(failures)]
    return tuple(results)
