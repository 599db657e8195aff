"""Lists are made, taken apart and never changed in place."""

import pytest

from kinograph import InvalidInput
from nodes.flow.lists import (
    get_item,
    join_lists,
    list_length,
    make_list,
    number_range,
    repeat,
    reverse_list,
    shuffle_list,
    slice_list,
    spread,
)


def test_make_and_join():
    assert make_list(1, "a", [2, 3]) == [1, "a", 2, 3]
    assert make_list() == []
    assert join_lists([1], [], [2, 3]) == [1, 2, 3]
    with pytest.raises(InvalidInput):
        join_lists(*[[0] * 60_000] * 2)


def test_items_by_number():
    assert get_item([5, 6, 7], 1) == 6
    assert get_item([5, 6, 7], -1) == 7
    for values, index in (([5], 1), ([5], -2), ([], 0)):
        with pytest.raises(InvalidInput) as caught:
            get_item(values, index)
        assert caught.value.socket == "index"
    assert slice_list(list(range(10)), 2, 3, 2) == [2, 4, 6]
    assert slice_list(list(range(10)), -2) == [8, 9]
    assert list_length([1, 2]) == 2


def test_ranges():
    assert number_range(10, 3, -5) == [10, 5, 0]
    assert number_range(0, 0) == []
    assert spread(0, 1, 5) == [0, 0.25, 0.5, 0.75, 1]
    assert spread(3, 9, 1) == [3]


def test_repeat_reverse_and_shuffle():
    values = [1, 2, 3]
    assert repeat("a", 3) == ["a", "a", "a"]
    assert repeat(values, 2) == [1, 2, 3, 1, 2, 3]
    assert reverse_list(values) == [3, 2, 1]
    assert sorted(shuffle_list(list(range(20)), 3)) == list(range(20))
    assert shuffle_list(list(range(20)), 3) == shuffle_list(list(range(20)), 3) != list(range(20))
    assert values == [1, 2, 3]
    with pytest.raises(InvalidInput):
        repeat(values, 100_000)
