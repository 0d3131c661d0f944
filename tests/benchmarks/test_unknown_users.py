"""The area by which benchmarks/unknown_users.py says whether times tell two kinds apart."""

import pytest

from benchmarks.unknown_users import area


@pytest.mark.parametrize(
    ("times", "others", "expected"),
    [
        ([1, 2, 3], [4, 5, 6], 1),
        ([4, 5, 6], [1, 2, 3], 1),
        ([1, 2, 3], [1, 2, 3], 0.5),
        ([2, 2], [2, 2, 2], 0.5),
        ([1, 4], [2, 3], 0.5),
        ([1, 3], [2, 4], 0.75),
        ([3], [1, 2, 3, 4], 0.625),
    ],
)
def test_it_is_how_often_one_of_a_kind_takes_longer(times, others, expected):
    assert area(times, others) == expected
