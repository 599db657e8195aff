"""Keys: different inputs never share one, equal inputs always do."""

from __future__ import annotations

import math
import os
import time
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.file_digests import FileDigests
from engine.node_types.authoring import Outputs, node
from engine.planning.keys import KeyingError, canonical

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["1", "1.0", "true", "null", "[]", "{}", ",", ":", '"', "\x00", "a\x00b", "$file"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal, with 1, 1.0 and true apart, and -0.0 apart from 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return bool(a == b)


@given(JSON, JSON)
def test_one_text_per_value(a, b):
    assert (canonical(a) == canonical(b)) == same(a, b)


LOOK_ALIKES = (1, 1.0, True, "1", "1.0", "true", 0, 0.0, -0.0, False, None, "", "null", "0", [], {}, "[]", [[]], [{}])
MANY = {f"n{place}": place for place in range(20)}


@pytest.mark.parametrize(
    "inside", [lambda x: x, lambda x: [x], lambda x: {"a": x}, lambda x: {"a": [x]}, lambda x: {**MANY, "a": x}]
)
def test_what_looks_alike_has_texts_of_its_own(inside):
    assert len({canonical(inside(value)) for value in LOOK_ALIKES}) == len(LOOK_ALIKES)


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=6))
def test_the_order_of_names_does_not_matter(values):
    assert canonical(values) == canonical(dict(reversed(values.items())))


class Own(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, object(), (1, 2), {1: 2}, {None: 1}, {True: 1}, {1}, b"x", Own("x"), [[(1,)]]]
)
def test_what_has_no_single_text_is_an_error(value):
    with pytest.raises(KeyingError):
        canonical({"value": value})


@node("Take")
def take(a: Any = None, b: Any = None, x: float = 0.0, items: list[Any] = [1]) -> Any:  # noqa: B006 - never changed
    return a


@node("Take2")
def take2(a: Any = None, b: Any = None, x: float = 0.0, items: list[Any] = [1]) -> Any:  # noqa: B006 - never changed
    return a


@node("Named")
def named(**slots: Any) -> Any:
    return slots


@node("Unkeyed", cache=False)
def unkeyed() -> int:
    return 1


@pytest.fixture
def lab(make_lab):
    return make_lab(take, take2, named, unkeyed)


def key_of(lab, nodes, wires=(), target="t"):
    plan = lab.plan(nodes, wires, [target])
    return plan.keys[plan.graph.by_id[target]]


def test_equal_nodes_have_equal_keys_whatever_they_are_called(lab):
    assert key_of(lab, {"t": ("Take", {"a": 1, "b": 2})}) == key_of(lab, {"t": ("Take", {"b": 2, "a": 1})})
    assert key_of(lab, {"t": ("Take", {"a": 1})}) == key_of(lab, {"u": ("Take", {"a": 1})}, target="u")


def test_what_makes_a_key_different(lab):
    base = key_of(lab, {"t": ("Take", {"a": 1})})
    assert base != key_of(lab, {"t": ("Take2", {"a": 1})})
    for other in (1.5, True, "1", None, [1], {"a": 1}):
        assert base != key_of(lab, {"t": ("Take", {"a": other})})
    assert base != key_of(lab, {"t": ("Take", {"b": 1})})
    assert base != key_of(lab, {"s": "Take", "t": "Take"}, ["s.value -> t.a"])


def test_writing_a_default_down_changes_nothing_but_a_look_alike_does(lab):
    plain = key_of(lab, {"t": "Take"})
    assert plain == key_of(lab, {"t": ("Take", {"x": 0.0, "a": None, "items": [1]})})
    assert plain == key_of(lab, {"t": ("Take", {"x": 0})})  # the node sees 0.0
    assert plain != key_of(lab, {"t": ("Take", {"x": -0.0})})
    assert plain != key_of(lab, {"t": ("Take", {"items": [True]})})
    assert plain == key_of(lab, {"t": ("Take", {"items": [1.0]})})  # JSON has one kind of number


def test_version_and_code_enter_the_key(make_lab):
    def lab_with(version: int, code: str):
        @node("Versioned", version=version)
        def versioned(a: int = 0) -> int:
            return a

        return make_lab(versioned, code=code)

    keys = {key_of(lab_with(version, code), {"t": "Versioned"}) for version in (1, 2) for code in ("", "a", "b")}
    assert len(keys) == 6
    assert key_of(lab_with(1, "a"), {"t": "Versioned"}) == key_of(lab_with(1, "a"), {"t": "Versioned"})


def test_a_node_without_caching_has_a_new_key_each_time(lab):
    assert key_of(lab, {"t": "Unkeyed"}) != key_of(lab, {"t": "Unkeyed"})


def test_the_output_that_is_wired_enters_the_key(make_lab):
    from typing import NamedTuple

    class Pair(NamedTuple):
        low: int
        high: int

    globals()["Pair"] = Pair

    @node("Two")
    def two() -> Pair:
        return Pair(1, 2)

    lab = make_lab(take, two)
    nodes = {"p": "Two", "t": "Take"}
    assert key_of(lab, nodes, ["p.low -> t.a"]) != key_of(lab, nodes, ["p.high -> t.a"])


def test_no_boundary_between_names_can_be_moved(make_lab):
    @node("Free")
    def free() -> Outputs[Any]:
        return Outputs()

    @node("Three")
    def three(a: Any = None, ab: Any = None, b: Any = None) -> None:
        pass

    lab = make_lab(three, free)
    inputs, outputs = ("a", "ab", "b"), ("", "x", "xa")  # x + ab reads like xa + b
    keys = [
        key_of(lab, {"f": "Free", "t": "Three"}, [f"f.{output} -> t.{name}" for name, output in wires if output])
        for wires in (tuple(zip(inputs, chosen, strict=True)) for chosen in product(outputs, repeat=len(inputs)))
    ]
    assert len(set(keys)) == len(keys) == 27


names = st.text(min_size=1, max_size=6) | st.sampled_from(["a", "a.b", "1", "0:", "1:a", "\x00", '"', "value"])


@given(st.lists(st.tuples(st.dictionaries(names, JSON, max_size=3), st.sampled_from(["", "a", "b"])), max_size=6))
def test_no_two_different_inputs_share_a_key(variants):
    from tests.engine.conftest import Lab

    lab = Lab(named, take)
    found: list[tuple[Any, str]] = []
    for values, wired in variants:
        given_values = {f"slots.{name}": value for name, value in values.items()}
        nodes = {"s": ("Take", {"a": "source"}), "t": ("Named", given_values)}
        wires = [f"s.value -> t.slots.{wired}"] if wired else []
        if wired:
            given_values.pop(f"slots.{wired}", None)
        key = key_of(lab, nodes, wires)
        for other, other_key in found:
            assert (key == other_key) == same([given_values, wired], other)
        found.append(([given_values, wired], key))


@pytest.fixture
def read(monkeypatch):
    """Files whose content was read for a digest."""
    import engine.file_digests

    found: list[str] = []
    original = engine.file_digests.file_digest
    monkeypatch.setattr(engine.file_digests, "file_digest", lambda path: (found.append(path.name), original(path))[1])
    return found


def test_digests_of_large_files_outlive_the_process(tmp_path, read):
    large, fresh, small = tmp_path / "large", tmp_path / "fresh", tmp_path / "small"
    for file, size in ((large, 2 << 20), (fresh, 2 << 20), (small, 10)):
        file.write_bytes(b"x" * size)
        os.utime(file, (1, 1))

    def digests():
        made = FileDigests()
        made.remember_in(tmp_path / "data" / "digests.json")
        return [made.of(file) for file in (large, fresh, small)]

    # the change of a time is a change too: nothing is kept that may change again without a sign
    first = digests()
    assert digests() == first and sorted(read) == ["fresh", "fresh", "large", "large", "small", "small"]
    read.clear()
    now = time.time() + 60
    with pytest.MonkeyPatch.context() as later:
        later.setattr("time.time", lambda: now)
        assert digests() == first and digests() == first
    assert sorted(read) == ["fresh", "large", "small", "small"]
    read.clear()
    fresh.write_bytes(b"y" * (2 << 20))
    assert digests()[1] != first[1] and "large" not in read
    (tmp_path / "data" / "digests.json").write_text("damaged")
    assert digests()[0] == first[0]


def test_files_enter_by_content_and_are_read_once(tmp_path, read):
    digests = FileDigests()
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("content")
    two.write_text("content")
    assert digests.of(one) == digests.of(two) == digests.of(one)
    assert len(read) == 2
    before = one.stat()
    one.write_text("CONTENT")  # the same length, and with its time put back
    os.utime(one, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests.of(one) != digests.of(two)


def test_a_folder_enters_by_names_and_contents(tmp_path):
    digests = FileDigests()
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "deep" / "b").write_text("2")
    first = digests.of(folder)
    (folder / "a").rename(folder / "c")
    second = digests.of(folder)
    (folder / "deep" / "b").write_text("3")
    assert len({first, second, digests.of(folder)}) == 3
