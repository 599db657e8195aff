"""Nodes that make lists and take them apart. Where a list meets an input for one item, the node runs once per
item."""

from __future__ import annotations

from typing import Annotated, Any

from kinograph import Field, InvalidInput, Widget, node
from nodes.values.primitives import SAFE_INTEGER

_MAX_ITEMS = 100_000


def _bounded(count: int, socket: str) -> None:
    if count > _MAX_ITEMS:
        raise InvalidInput(socket, f"the list would have {count:,} items", wanted=f"at most {_MAX_ITEMS:,}")


@node("MakeList", category="lists", keywords=("array", "collect", "several", "batch", "combine"))
def make_list(*items: Any) -> list[Any]:
    """Make a list out of single values.

    Args:
        items: the values; a list among them adds its items.

    Returns:
        values: the list.
    """
    return join_lists(*(item if isinstance(item, list) else [item] for item in items))


@node("JoinLists", category="lists", keywords=("append", "concatenate", "extend", "merge"))
def join_lists(*lists: list[Any]) -> list[Any]:
    """Put lists one behind the other.

    Args:
        lists: the lists; a single value counts as a list of one.

    Returns:
        values: all items.
    """
    joined: list[Any] = []
    for items in lists:
        joined += items
        _bounded(len(joined), "lists.0")
    return joined


@node("GetItem", category="lists", keywords=("index", "pick", "select", "element", "first", "last"))
def get_item(values: list[Any], index: Annotated[int, Field(ge=-_MAX_ITEMS, le=_MAX_ITEMS)] = 0) -> Any:
    """One item of a list.

    Args:
        values: the list.
        index: counted from 0; negative numbers count from the end (-1 is the last item).

    Returns:
        value: the item.
    """
    if not -len(values) <= index < len(values):
        wanted = f"{-len(values)} to {len(values) - 1}" if values else "a list that is not empty"
        raise InvalidInput("index", f"the list has {len(values)} items", wanted=wanted, example=0)
    return values[index]


@node("SliceList", category="lists", keywords=("part", "range", "first", "last", "skip", "take", "every"))
def slice_list(
    values: list[Any],
    start: Annotated[int, Field(ge=-_MAX_ITEMS, le=_MAX_ITEMS)] = 0,
    count: Annotated[int, Field(ge=0, le=_MAX_ITEMS)] = 0,
    stride: Annotated[int, Field(ge=1, le=_MAX_ITEMS)] = 1,
) -> list[Any]:
    """Some items of a list.

    Args:
        values: the list.
        start: the first one, counted from 0; negative numbers count from the end.
        count: how many at most; 0 for all that follow.
        stride: 2 takes every second item, and so on.

    Returns:
        values: the items; empty where there are none.
    """
    picked = values[start :: max(1, stride)]
    return picked[:count] if count else picked


@node("ListLength", category="lists", keywords=("count", "size", "number of items", "len"))
def list_length(values: list[Any]) -> int:
    """How many items a list has.

    Args:
        values: the list.

    Returns:
        value: the number of items.
    """
    return len(values)


@node("Range", category="lists", keywords=("count", "sequence", "numbers", "series", "steps", "sweep", "seeds"))
def number_range(
    start: Annotated[int, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER)] = 0,
    count: Annotated[int, Field(ge=0, le=_MAX_ITEMS)] = 4,
    step: Annotated[int, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER)] = 1,
) -> list[int]:
    """Whole numbers in equal steps, e.g. seeds for several variations.

    Args:
        start: the first number.
        count: how many.
        step: from one to the next; may be negative or 0.

    Returns:
        values: the numbers.
    """
    _bounded(count, "count")
    return [start + index * step for index in range(max(0, count))]


@node(
    "Spread",
    category="lists",
    keywords=("linspace", "sweep", "interpolate", "between", "steps", "grid search"),
)
def spread(
    low: float = 0.0,
    high: float = 1.0,
    count: Annotated[int, Field(ge=1, le=_MAX_ITEMS)] = 5,
) -> list[float]:
    """Numbers at equal distances between two others, both included.

    Args:
        low: the first number.
        high: the last number.
        count: how many; 1 gives the first only.

    Returns:
        values: the numbers.
    """
    _bounded(count, "count")
    last = max(1, count - 1)
    return [low + (high - low) * index / last for index in range(max(1, count))]


@node("Repeat", category="lists", keywords=("batch", "duplicate", "times", "copies", "fill"))
def repeat(value: Any, count: Annotated[int, Field(ge=0, le=_MAX_ITEMS)] = 2) -> list[Any]:
    """A list with the same value several times, e.g. to run what follows as a batch.

    Args:
        value: the value; a list is repeated as a whole, one after the other.
        count: how often.

    Returns:
        values: the list.
    """
    items = value if isinstance(value, list) else [value]
    _bounded(len(items) * count, "count")
    return items * max(0, count)


@node("ReverseList", category="lists", keywords=("backwards", "order", "flip"))
def reverse_list(values: list[Any]) -> list[Any]:
    """A list with its last item first.

    Args:
        values: the list.

    Returns:
        values: the items in reverse order.
    """
    return values[::-1]


@node("ShuffleList", category="lists", keywords=("random", "order", "mix", "sample"))
def shuffle_list(
    values: list[Any], seed: Annotated[int, Field(ge=0, le=SAFE_INTEGER), Widget(kind="seed")] = 0
) -> list[Any]:
    """A list in random order, always the same one for the same seed.

    Args:
        values: the list.
        seed: from 0 to 2^53 - 1.

    Returns:
        values: the items in another order.
    """
    import random

    shuffled = list(values)
    random.Random(seed).shuffle(shuffled)
    return shuffled
